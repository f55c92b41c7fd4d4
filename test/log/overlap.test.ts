// Batches that are prepared while the one before them is being written.

import { expect, it } from 'vitest';
import { memoryMedium, memoryStorage } from '../../src/adapters/memory.ts';
import { isLimmatError } from '../../src/errors.ts';
import type { LogStorage } from '../../src/storage.ts';
import { checkLog } from '../support/check-log.ts';
import { opaqueEntries, openTestLog, settle } from '../support/test-log.ts';

/** Commits that wait until they are let through, or fail. */
class Gate {
  readonly medium = memoryMedium();
  commits = 0;
  closed = false;
  /** Set: the next search by leaf hash fails. */
  failSearch = false;
  #waiting: { readonly go: () => void; readonly fail: () => void }[] = [];

  open(): LogStorage {
    const storage = memoryStorage({ medium: this.medium });
    const commit = storage.commit.bind(storage);
    storage.commit = async (growth) => {
      this.commits++;
      if (this.closed) {
        await new Promise<void>((go, reject) =>
          this.#waiting.push({ go, fail: () => reject(new Error('the disk went away')) }),
        );
      }
      return commit(growth);
    };
    const findLeaves = storage.findLeaves.bind(storage);
    storage.findLeaves = (leafHashes) => {
      if (!this.failSearch) return findLeaves(leafHashes);
      this.failSearch = false;
      return Promise.reject(new Error('a read failed'));
    };
    return storage;
  }

  async letThrough(): Promise<void> {
    this.#waiting.shift()!.go();
    await settle();
  }

  async fail(): Promise<void> {
    this.#waiting.shift()!.fail();
    await settle();
  }
}

/** A log with one batch of 2000 in its write, and two more appended meanwhile. */
async function threeBatches(): Promise<{
  gate: Gate;
  test: Awaited<ReturnType<typeof openTestLog>>;
  answers: Promise<readonly { ok: boolean }[]>[];
}> {
  const gate = new Gate();
  const test = await openTestLog({
    medium: gate.medium,
    openStorage: async () => gate.open(),
    limits: { commitEntries: 2000 },
  });
  gate.closed = true;
  const { log } = test;
  const first = log.append(opaqueEntries(0, 2000));
  await settle();
  // 1,500 new ones, and 500 that the write under way holds already.
  const second = log.append(opaqueEntries(1500, 3500));
  await settle();
  const third = log.append(opaqueEntries(3400, 3600));
  await settle();
  return { gate, test, answers: [first, second, third] };
}

/** The integers [start, end). */
function count(start: number, end: number): number[] {
  return Array.from({ length: end - start }, (_, i) => start + i);
}

function indexes(results: readonly { ok: boolean }[]): unknown[] {
  return results.map((result) => ('index' in result ? result.index : result));
}

function codes(results: readonly { ok: boolean }[]): Set<unknown> {
  return new Set(
    results.map((result) => ('error' in result && isLimmatError(result.error) ? result.error.code : 'ok')),
  );
}

it('get the places behind it, and find what it holds', async () => {
  const { gate, test, answers } = await threeBatches();
  expect(gate.commits).toBe(1);
  for (let i = 0; i < 3; i++) await gate.letThrough();
  const [first, second, third] = await Promise.all(answers);
  expect(indexes(first!)).toEqual(count(0, 2000));
  expect(indexes(second!)).toEqual(count(1500, 3500));
  expect(second!.map((result) => 'duplicate' in result && result.duplicate)).toEqual(
    count(0, 2000).map((i) => i < 500),
  );
  expect(indexes(third!)).toEqual(count(3400, 3600));
  await test.clock.advance(1000);
  await checkLog(test.log, opaqueEntries(0, 3600));
});

it('are not written when it fails, and are told so', async () => {
  const { gate, test, answers } = await threeBatches();
  await gate.fail();
  const [first, second, third] = await Promise.all(answers);
  expect(codes(first!)).toEqual(new Set(['outcome-unknown']));
  expect(codes(second!)).toEqual(new Set(['read-only']));
  expect(codes(third!)).toEqual(new Set(['read-only']));
  expect(gate.commits).toBe(1);
  gate.closed = false;
  await test.clock.advance(5000);
  expect(test.log.status()).toMatchObject({ state: 'ready', head: { size: 0 } });
  await test.log.append(opaqueEntries(0, 3600));
  await test.clock.advance(2000);
  await checkLog(test.log, opaqueEntries(0, 3600));
});

it('end with the log: close waits for all of them', async () => {
  const { gate, test, answers } = await threeBatches();
  const closed = test.log.close();
  for (let i = 0; i < 3; i++) await gate.letThrough();
  await closed;
  expect((await Promise.all(answers)).flat().every(({ ok }) => ok)).toBe(true);
  expect(gate.medium.head.size).toBe(3600);
});

it('of nothing but duplicates are answered without a write', async () => {
  const { log } = await openTestLog();
  await log.append(opaqueEntries(0, 3000));
  const { commits } = log.counters;
  expect((await log.append(opaqueEntries(0, 3000))).every((result) => result.ok && result.duplicate)).toBe(true);
  expect(log.counters.commits).toBe(commits);
  expect(await log.append(opaqueEntries(2999, 3001))).toMatchObject([{ index: 2999 }, { index: 3000 }]);
});

it.each(['lands', 'fails'] as const)(
  'may fail to be prepared while the write before them %s: the log comes back',
  async (end) => {
    const gate = new Gate();
    const { log, clock } = await openTestLog({
      medium: gate.medium,
      openStorage: async () => gate.open(),
      limits: { commitEntries: 2000 },
    });
    gate.closed = true;
    const first = log.append(opaqueEntries(0, 2000));
    await settle();
    gate.failSearch = true;
    const second = log.append(opaqueEntries(2000, 4000));
    await settle();
    expect(codes(await second)).toEqual(new Set(['read-only']));
    gate.closed = false;
    if (end === 'lands') await gate.letThrough();
    else await gate.fail();
    expect(codes(await first)).toEqual(new Set([end === 'lands' ? 'ok' : 'outcome-unknown']));
    await clock.advance(5000);
    expect(log.status()).toMatchObject({ state: 'ready', head: { size: end === 'lands' ? 2000 : 0 } });
    await log.append(opaqueEntries(0, 4000));
    await clock.advance(2000);
    await checkLog(log, opaqueEntries(0, 4000));
  },
);
