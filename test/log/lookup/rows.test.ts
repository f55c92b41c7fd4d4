// The rows themselves: what is in them follows from the entries, however these came in batches; lists and feeds go on
// where a row ends; and rows of another version are not taken for these.

import { describe, expect, test } from 'vitest';
import { memoryMedium, memoryStorage } from '../../../src/adapters/memory.ts';
import { toHex } from '../../../src/bytes.ts';
import { LookupBatch, LookupQueries, TAIL_KEY, VERSION_KEY } from '../../../src/log/lookup.ts';
import { scanFeed } from '../../../src/log/lookup/feeds.ts';
import { listPage, MAX_IN_ROW } from '../../../src/log/lookup/lists.ts';
import { blockText, indexText, lastBlock, lastIndex } from '../../../src/log/lookup/rows.ts';
import { reindex } from '../../../src/log/reindex.ts';
import { asHash, portableHasher } from '../../../src/merkle/hash.ts';
import { KEY_SPACE } from '../../../src/storage.ts';
import type { StateKey } from '../../../src/storage.ts';
import { LookupRows } from '../../support/lookup-rows.ts';
import { between, chooseSeed, seededRandom } from '../../support/random.ts';
import { openRecordsLog } from '../../support/records-log.ts';
import { digestOf, History } from './history.ts';

const seed = chooseSeed();

function asText(rows: ReadonlyMap<StateKey, Uint8Array>): string[] {
  return [...rows].map(([key, value]) => `${toHex(Buffer.from(key, 'latin1'))} ${toHex(value)}`).toSorted();
}

describe(`rows of a random history (seed ${seed})`, async () => {
  const random = seededRandom(seed);
  const history = await History.of(random, 600);
  const facts = history.world.state;
  const entries = history.entries.map(({ statement }) => ({ statement, facts }));

  test('are the same in batches of any sizes, one read behind the other or not', () => {
    const alone = new LookupRows();
    for (const { statement } of entries) alone.next(statement, facts);
    const expected = asText(alone.rows);
    for (const most of [1, 2, 7, 255, 256, 257, 600]) {
      const rows = new LookupRows();
      let before: LookupBatch | undefined;
      let pending: ReturnType<LookupRows['batch']>['writes'] = [];
      for (let start = 0; start < entries.length;) {
        const end = Math.min(entries.length, start + between(random, 1, most + 1));
        // The batch before is still being written: its rows are not in the store.
        const { batch, writes } = rows.batch(entries.slice(start, end), before);
        rows.apply(pending);
        pending = writes;
        before = batch;
        start = end;
      }
      rows.apply(pending);
      expect(asText(rows.rows)).toEqual(expected);
    }
  });

  test('take at most 250 bytes an entry, and a batch writes each row once', () => {
    const rows = new LookupRows();
    let written = 0;
    for (let start = 0; start < entries.length; start += 200) {
      const { writes } = rows.batch(entries.slice(start, start + 200));
      expect(new Set(writes.map(({ key }) => key)).size).toBe(writes.length);
      written += writes.length;
      rows.apply(writes);
    }
    let bytes = 0;
    for (const [key, value] of rows.rows) {
      expect(key.length).toBeLessThanOrEqual(73);
      bytes += key.length + value.length;
    }
    expect(bytes / entries.length).toBeLessThan(250);
    // Before rows were shared by entries an entry wrote five to eight of them.
    expect(written / entries.length).toBeLessThan(3.5);
  });
});

test('a key holds any index and block of its width', () => {
  for (const index of [0, 1, 255, 256, 65_535, 65_536, 2 ** 24 - 1, 2 ** 24, 2 ** 32, 2 ** 40 + 257, 2 ** 48 - 1]) {
    expect(indexText(index)).toHaveLength(6);
    expect(lastIndex(`l${indexText(index)}`)).toBe(index);
    expect(lastBlock(`l${blockText(Math.floor(index / 256))}`)).toBe(Math.floor(index / 256));
  }
});

const item = (index: number): string => indexText(index) + String.fromCharCode(index % 256);

test('a list goes on behind its row, page by page, up to any size', async () => {
  const list = { key: 'll', more: 'lL', itemBytes: 7 };
  const total = 3 * MAX_IN_ROW;
  const indexes = Array.from({ length: total }, (_, i) => 10 * i + 3);
  const row = Buffer.from(indexes.slice(0, MAX_IN_ROW).map(item).join(''), 'latin1');
  const storage = memoryStorage();
  await storage.rewriteState(
    indexes
      .slice(MAX_IN_ROW)
      .map((index) => ({ key: list.more + indexText(index), value: Uint8Array.of(index % 256) })),
  );
  for (const size of [0, 1, 4, 10 * MAX_IN_ROW - 7, 10 * MAX_IN_ROW + 4, 10 * total]) {
    for (const limit of [1, 5, MAX_IN_ROW - 1, MAX_IN_ROW, MAX_IN_ROW + 1, 100]) {
      const found: number[] = [];
      for (let after: number | undefined; ;) {
        const { items, next } = await listPage(storage, list, row, { size, after, limit });
        expect(items.length).toBeLessThanOrEqual(limit);
        for (const { index, value } of items) expect([...value]).toEqual([index % 256]);
        found.push(...items.map(({ index }) => index));
        if (next === undefined) break;
        expect(items.length).toBe(limit);
        after = next;
      }
      expect(found).toEqual(indexes.filter((index) => index < size));
    }
  }
});

test('a feed is read from any index on, in both directions, across blocks that have none', async () => {
  const random = seededRandom(seed);
  const storage = memoryStorage();
  const blocks = [0, 1, 2, 5, 300, 301, 2 ** 30];
  const indexes = blocks.flatMap((block) =>
    Array.from({ length: 256 }, (_, i) => block * 256 + i).filter(() => random() < 0.1),
  );
  await storage.rewriteState(
    blocks.flatMap((block) => {
      const value = indexes.filter((index) => Math.floor(index / 256) === block).flatMap((index) => [index % 256, 7]);
      return value.length === 0 ? [] : [{ key: `lf${blockText(block)}`, value: Uint8Array.from(value) }];
    }),
  );
  const feed = { prefix: 'lf', itemBytes: 2 };
  for (const size of [0, 1, 300, 76_900, 2 ** 38 + 100, 2 ** 40]) {
    for (const newestFirst of [false, true]) {
      for (const limit of [1, 7, 1000]) {
        const found: number[] = [];
        for (let after: number | undefined; ;) {
          const { items, next } = await scanFeed(storage, { ...feed, size, after, newestFirst, limit });
          found.push(...items.map(({ index }) => index));
          if (next === undefined) break;
          after = next;
        }
        const below = indexes.filter((index) => index < size);
        expect(found).toEqual(newestFirst ? below.toReversed() : below);
      }
    }
  }
});

test('a file that many records name is found with all of them, and what was said of one entry often', async () => {
  const history = await History.of(seededRandom(seed), 700);
  const model = history.naive(Infinity);
  const often = [...Array(16).keys()].toSorted((a, b) => {
    return model.artifact(digestOf(b)).length - model.artifact(digestOf(a)).length;
  })[0]!;
  const named = model.artifact(digestOf(often));
  expect(named.length).toBeGreaterThan(MAX_IN_ROW);
  const queries = new LookupQueries(history.source);
  const { items } = await queries.artifact(asHash(digestOf(often)), { limit: 1000 });
  expect(items.map(({ index }) => index)).toEqual(named);
  for (const { index, rebuilds, takenBack } of items) {
    expect(rebuilds.map((one) => `${one.index} ${one.said}`)).toEqual(model.rebuilds(index));
    expect(takenBack.map((one) => `${one.index} ${one.said}`)).toEqual(model.takenBack(index));
    for (const rebuild of rebuilds) {
      expect(rebuild.takenBack.map((one) => `${one.index} ${one.said}`)).toEqual(model.takenBack(rebuild.index));
    }
  }
});

test('a log does not open over rows of fewer entries than it has', async () => {
  const medium = memoryMedium();
  const { log, guard, clock } = await openRecordsLog({ medium });
  await log.close();
  const tail = medium.state.get(TAIL_KEY)!;
  for (const old of [undefined, tail.subarray(1), Uint8Array.from(tail, (byte, i) => (i === 5 ? byte - 1 : byte))]) {
    if (old === undefined) medium.state.delete(TAIL_KEY);
    else medium.state.set(TAIL_KEY, old);
    await expect(openRecordsLog({ medium, guard, clock })).rejects.toMatchObject({
      code: 'store-corrupt',
      message: expect.stringMatching(/entries, and the store has \d+: .*limmat reindex$/) as unknown,
    });
  }
  medium.state.set(TAIL_KEY, tail);
  const again = await openRecordsLog({ medium, guard, clock });
  await again.log.close();
});

test('a log does not open over the rows of another version, and does after a reindex', async () => {
  const medium = memoryMedium();
  const { log, guard, clock } = await openRecordsLog({ medium });
  await log.close();
  for (const old of [undefined, Uint8Array.of(1)]) {
    if (old === undefined) medium.state.delete(VERSION_KEY);
    else medium.state.set(VERSION_KEY, old);
    await expect(openRecordsLog({ medium, guard, clock })).rejects.toMatchObject({
      code: 'store-corrupt',
      message: expect.stringContaining('limmat reindex') as unknown,
    });
  }
  const storage = memoryStorage({ medium });
  await reindex(storage, { hasher: portableHasher });
  expect((await storage.scan({ prefix: KEY_SPACE.lookup, limit: 1000 })).length).toBeGreaterThan(1);
  await storage.close();
  const again = await openRecordsLog({ medium, guard, clock });
  await again.log.close();
});
