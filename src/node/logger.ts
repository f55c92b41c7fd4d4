// The operator's log: one JSON line an event, on standard error. Request ids, paths, codes and sizes; never keys, bodies
// or headers.

import { pino } from 'pino';
import type { Level, Logger } from 'pino';

import type { RequestEvent } from '../adapters/http/app.ts';
import type { LogEvent } from '../log/index.ts';

export type { Logger } from 'pino';

const STANDARD_ERROR = 2;

/** A logger at this level; `silent` writes nothing. Synchronous: the last line before a crash is the one that counts. */
export function createLogger(level: Level | 'silent'): Logger {
  const options = { level, base: {}, timestamp: () => `,"time":"${new Date().toISOString()}"` };
  return pino(options, pino.destination({ dest: STANDARD_ERROR, sync: true }));
}

/** How important each event is; what happens all the time is for debugging. */
const EVENT_LEVEL: Readonly<Record<LogEvent['kind'], Level>> = {
  committed: 'debug',
  answered: 'debug',
  published: 'debug',
  refused: 'debug',
  reopened: 'warn',
  'commit-failed': 'error',
  'publish-failed': 'error',
  'signing-refused': 'error',
  'reopen-failed': 'error',
};

/** Writes a log's events. */
export function logEvents(logger: Logger): (event: LogEvent) => void {
  return ({ kind, ...facts }) => logger[EVENT_LEVEL[kind]](facts, kind);
}

/** Writes one line a request: what failed on our side as an error with its stack, what was refused with its code. */
export function logRequests(logger: Logger): (event: RequestEvent) => void {
  return ({ error, durationMillis, ...request }) => {
    const facts = { ...request, millis: Math.round(durationMillis * 10) / 10 };
    if (error === undefined) logger[request.method === 'GET' ? 'debug' : 'info'](facts, 'request');
    else if (request.status === 500) logger.error({ ...facts, code: error.code, stack: error.stack }, error.message);
    else logger.info({ ...facts, code: error.code }, error.message);
  };
}
