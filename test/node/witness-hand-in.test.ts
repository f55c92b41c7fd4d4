import { expect, test } from 'vitest';
import { utf8 } from '../../src/bytes.ts';
import { asHash } from '../../src/merkle/hash.ts';
import { SuspicionPost } from '../../src/node/witness/hand-in.ts';
import type { Suspicion } from '../../src/witness/index.ts';

const suspicion = (size: number): Suspicion => ({
  kind: 'same-size',
  origin: 'log.example/a',
  size,
  rootHash: asHash(new Uint8Array(32).fill(size)),
  atSeconds: 1_790_000_000,
  note: utf8(`refused ${size}`),
  against: utf8(`cosigned ${size}`),
});

test('what a monitor does not take keeps nothing else back, and is tried again', async () => {
  const stop = new AbortController();
  const taken: number[] = [];
  const failed: string[] = [];
  let pauses = 0;
  const post = new SuspicionPost({
    monitors: ['http://monitor.example/'],
    fetch: async (_, init) => {
      const text = await new Response(init?.body ?? null).text();
      // It refuses everything about size 1 until the third attempt.
      const isRefused = text.endsWith(' 1') && failed.length < 2;
      return new Response(null, { status: isRefused ? 500 : 204 });
    },
    sleep: async () => void pauses++,
    signal: stop.signal,
    onDone: (_, outcome, { size }) => {
      expect(outcome).toBe('taken');
      taken.push(size);
    },
    onFailed: (_, { code }) => failed.push(code),
  });
  for (const size of [1, 2, 3]) post.send(suspicion(size));
  await post.idle();
  expect(taken).toEqual([2, 3, 1]);
  expect([failed.length, pauses]).toEqual([2, 2]);
});
