import { afterEach, beforeEach, expect, test } from 'vitest';

import { boundedFetch } from '../../src/client/bounded-fetch.ts';
import type { Fetch } from '../../src/client/bounded-fetch.ts';

const BOUNDS = { maxBytes: 100, timeoutMillis: 1_000, signal: undefined };
const unhandled: unknown[] = [];
const onUnhandled = (error: unknown): void => void unhandled.push(error);
beforeEach(() => void process.on('unhandledRejection', onUnhandled));
afterEach(() => {
  process.off('unhandledRejection', onUnhandled);
  unhandled.length = 0;
});

const throwing: Fetch = () => {
  throw new TypeError('not this address');
};
const rejecting: Fetch = () => Promise.reject(new TypeError('not this address'));
const deaf: Fetch = () => new Promise(() => undefined);

/** Long enough for the runtime to notice a rejection that nobody handles. */
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

test('a fetch that throws at once, instead of rejecting, fails like one that rejects and leaves nothing behind', async () => {
  for (const send of [throwing, rejecting]) {
    await expect(boundedFetch(send, 'https://log.example/x', {}, BOUNDS)).rejects.toMatchObject({
      code: 'network',
      message: 'cannot read https://log.example/x: not this address',
    });
    await settled();
    expect(unhandled).toEqual([]);
  }
});

test('a fetch that heeds no signal is left when the time is over, and leaves nothing behind', async () => {
  await expect(boundedFetch(deaf, 'https://log.example/x', {}, { ...BOUNDS, timeoutMillis: 10 })).rejects.toMatchObject(
    { code: 'network', message: 'https://log.example/x took longer than 10 ms' },
  );
  await settled();
  expect(unhandled).toEqual([]);
});
