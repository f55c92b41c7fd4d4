import { expect, test } from 'vitest';

import { logEvents } from '../../src/node/logger.ts';

test('a failure that repeats is said once a minute, and every change of state at once', () => {
  const lines: unknown[][] = [];
  const say =
    (level: string) =>
    (...args: unknown[]): void =>
      void lines.push([level, ...args]);
  let now = 0;
  const log = logEvents(
    {
      fatal: say('fatal'),
      error: say('error'),
      warn: say('warn'),
      info: say('info'),
      debug: say('debug'),
      trace: say('trace'),
    },
    () => now,
  );
  const reason = 'no call after a write has failed';
  log({ kind: 'commit-failed', reason: 'ENOSPC' });
  for (; now < 60_500; now += 500) log({ kind: 'publish-failed', reason });
  log({ kind: 'publish-failed', reason: 'another' });
  log({ kind: 'reopened', size: 3 });
  log({ kind: 'commit-failed', reason: 'ENOSPC' });
  expect(lines).toEqual([
    ['error', { state: 'read-only', reason: 'ENOSPC' }, 'commit-failed'],
    ['error', { reason }, 'publish-failed'],
    ['error', { reason, leftOut: 119 }, 'publish-failed'],
    ['error', { reason: 'another' }, 'publish-failed'],
    ['warn', { state: 'ready', size: 3 }, 'reopened'],
    ['error', { state: 'read-only', reason: 'ENOSPC' }, 'commit-failed'],
  ]);
});
