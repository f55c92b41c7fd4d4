// When a spool is sent again, how long it is tried, and which answers of a log are not believed. The clock is the test's.

import { join } from 'node:path';

import { expect, test } from 'vitest';

import { utf8 } from '../../src/bytes.ts';
import { LimmatError } from '../../src/errors.ts';
import { formatTlogProof } from '../../src/note/tlog-proof.ts';
import type { Added } from '../../tools/support/log-api.ts';
import { sendSpool } from '../../tools/support/spool-sender.ts';
import type { Stopped } from '../../tools/support/spool-sender.ts';
import { openSpool } from '../../tools/support/spool.ts';
import { ServedLog, numberedEntries } from '../support/served-log.ts';
import { workbench } from './workbench.ts';

const dir = workbench();
const ENTRIES = numberedEntries(3);
const log = new ServedLog(ENTRIES);
let count = 0;

interface Sent {
  readonly stopped: Stopped | undefined;
  readonly states: readonly string[];
  /** Entries that reached the log, as the answers came. */
  readonly heard: readonly string[];
  readonly pauses: readonly number[];
}

/** Sends the three entries; `trouble` says what the n-th request meets, `lie` changes what the log answers for a proof. */
async function send(
  trouble: (request: number) => LimmatError | undefined,
  lie: (added: Added) => Added = (added) => added,
  retryMillis = 60_000,
): Promise<Sent> {
  const spool = await openSpool(join(dir, `spool-${++count}`), 0);
  const heard: string[] = [];
  const pauses: number[] = [];
  let nowMillis = 0;
  let requests = 0;
  try {
    for (const entry of ENTRIES) await spool.put(entry);
    const stopped = await sendSpool(spool, {
      wait: 'published',
      retryMillis,
      origin: () => Promise.resolve(log.origin),
      add: async (entry, wait) => {
        const error = trouble(++requests);
        if (error !== undefined) throw error;
        const index = ENTRIES.findIndex((one) => one.toString() === entry.toString());
        heard.push(`${wait} ${index}`);
        if (wait === 'sequenced') return { index, proof: undefined };
        const proof = log.inclusionProof(index);
        return lie({ index, proof: formatTlogProof({ index, proof, checkpoint: await log.note(1_800_000_000) }) });
      },
      nowMillis: () => nowMillis,
      sleep: (millis) => Promise.resolve((nowMillis += millis)),
      random: () => 0,
      onPause: (_error, millis) => pauses.push(millis),
    });
    return { stopped, states: spool.entries.map(({ state }) => state), heard, pauses };
  } finally {
    await spool.close();
  }
}

const away = (retryAfterSeconds?: number): LimmatError =>
  new LimmatError('network', 'gone', retryAfterSeconds === undefined ? {} : { retryAfterSeconds });
const ALL = ['sequenced', 'published'].flatMap((wait) => [0, 1, 2].map((index) => `${wait} ${index}`));

test('all entries go first, in order, then the proofs come', async () => {
  const { stopped, states, heard, pauses } = await send(() => undefined);
  expect([stopped, states, heard, pauses]).toEqual([undefined, ['proven', 'proven', 'proven'], ALL, []]);
});

test('pauses grow while nothing gets through, begin anew after what did, and heed what the log asks for', async () => {
  const { heard, pauses } = await send((n) => (n <= 4 || n === 6 ? away() : n === 7 ? away(9) : undefined));
  expect(heard).toEqual(ALL);
  expect(pauses).toEqual([250, 500, 1000, 2000, 250, 9000]);
});

test('sending ends once the log has been away for the time that is given, and says with what', async () => {
  const { stopped, states, pauses } = await send((n) => (n > 1 ? away() : undefined), undefined, 10_000);
  expect(states).toEqual(['sequenced', 'waiting', 'waiting']);
  expect(stopped).toMatchObject({ error: { code: 'network' }, refused: undefined });
  expect(pauses.reduce((sum, pause) => sum + pause, 0)).toBeLessThanOrEqual(10_000);
  expect(pauses.length).toBeGreaterThan(3);
});

test.each([
  [new LimmatError('bad-response', 'a code of tomorrow', { details: { status: 409 } }), true],
  [new LimmatError('not-permitted', 'no', { details: { status: 403 } }), true],
  [new LimmatError('bad-response', 'too many', { details: { status: 429 } }), false],
  [new LimmatError('queue-full', 'full', { details: { status: 503 } }), false],
  [new LimmatError('bad-response', 'status 404 of something else'), false],
])('%s: is it a refusal? %s', async (error, isRefusal) => {
  const { stopped, states, pauses } = await send((n) => (n >= 2 ? error : undefined), undefined, 5_000);
  expect(states).toEqual(['sequenced', 'waiting', 'waiting']);
  expect(stopped!.refused?.number).toBe(isRefusal ? 2 : undefined);
  expect(pauses.length > 0).toBe(!isRefusal);
});

test('a proof of another index, entry or log is not kept', async () => {
  const other = new ServedLog(ENTRIES, 'log.example/other');
  const foreign = await other.note(1_800_000_000);
  const lies: [(added: Added) => Added, string][] = [
    [(added) => ({ ...added, index: added.index + 1 }), 'had index 0 when it was sent, and has 1 now'],
    [
      () => ({ index: 0, proof: formatTlogProof({ index: 0, proof: other.inclusionProof(0), checkpoint: foreign }) }),
      'is of the log log.example/other',
    ],
  ];
  for (const [lie, message] of lies) {
    const { stopped, states } = await send(() => undefined, lie);
    expect(stopped).toMatchObject({ error: { code: 'bad-proof', message: expect.stringContaining(message) } });
    expect(stopped!.refused).toBeUndefined();
    expect(states).toEqual(['sequenced', 'sequenced', 'sequenced']);
  }
  const checkpoint = await log.note(1_800_000_000);
  const wrong = formatTlogProof({ index: 0, proof: log.inclusionProof(1), checkpoint });
  const { stopped } = await send(
    () => undefined,
    () => ({ index: 0, proof: wrong }),
  );
  expect(stopped!.error.message).toBe('the proof that the log gave does not fit entry 1');
});

test('an entry that is published later is waited for', async () => {
  let left = 2;
  const { stopped, pauses } = await send(
    () => undefined,
    (added) => (left-- > 0 ? { ...added, proof: undefined } : added),
  );
  expect([stopped, pauses]).toEqual([undefined, [250, 500]]);
});

test('what is no entry is not taken in', async () => {
  const spool = await openSpool(join(dir, 'sizes'), 0);
  for (const size of [0, 65_536])
    await expect(spool.put(new Uint8Array(size))).rejects.toThrow(`and this one ${size} bytes`);
  expect((await spool.put(new Uint8Array(65_535))).number).toBe(1);
  expect((await spool.put(utf8('x'))).number).toBe(2);
  await spool.close();
});
