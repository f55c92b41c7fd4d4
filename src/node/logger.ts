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
  'witness-failed': 'warn',
  'witness-alarm': 'error',
  stopped: 'error',
  'stop-failed': 'error',
};

/** A failure that goes on is said again after this long. */
const REPEAT_MILLIS = 60_000;
/** Failures are told apart by their reasons, and a reason may hold a number that never comes again. */
const MAX_KNOWN_FAILURES = 64;

/** What these events make of the log; the others change nothing. */
const STATE_AFTER: Partial<Record<LogEvent['kind'], string>> = {
  'commit-failed': 'read-only',
  reopened: 'ready',
  stopped: 'stopped',
};

/**
 * Writes a log's events: each change of state, and a failure that repeats at most once a minute, then with how often it
 * was left out. A full disk must not be filled further by what is said about it.
 */
export function logEvents(
  logger: Pick<Logger, Level>,
  nowMillis: () => number = () => performance.now(),
): (event: LogEvent) => void {
  const failures = new Map<string, { readonly saidAtMillis: number; leftOut: number }>();
  return ({ kind, ...facts }) => {
    const level = EVENT_LEVEL[kind];
    const state = STATE_AFTER[kind];
    if (state !== undefined) {
      logger[level]({ state, ...facts }, kind);
      return;
    }
    if (level === 'debug' || !('reason' in facts)) {
      logger[level](facts, kind);
      return;
    }
    const name = `${kind} ${'witness' in facts ? facts.witness : ''} ${facts.reason}`;
    const known = failures.get(name);
    if (known !== undefined && nowMillis() - known.saidAtMillis < REPEAT_MILLIS) {
      known.leftOut++;
      return;
    }
    if (failures.size >= MAX_KNOWN_FAILURES) failures.clear();
    failures.set(name, { saidAtMillis: nowMillis(), leftOut: 0 });
    const leftOut = known?.leftOut ?? 0;
    logger[level](leftOut === 0 ? facts : { ...facts, leftOut }, kind);
  };
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
