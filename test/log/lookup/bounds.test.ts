// What one question costs where there is much of something, what an answer says when it leaves some of it out, and what it
// says when the store is damaged.

import { expect, test } from 'vitest';
import { toHex } from '../../../src/bytes.ts';
import { LookupQueries } from '../../../src/log/lookup.ts';
import type { LookupSource } from '../../../src/log/lookup.ts';
import { ABOUT, rowKey } from '../../../src/log/lookup/rows.ts';
import { asHash } from '../../../src/merkle/hash.ts';
import type { StateKey } from '../../../src/storage.ts';
import { chooseSeed, seededRandom } from '../../support/random.ts';
import { digestOf, History } from './history.ts';

const seed = chooseSeed();

/** The history's source, with what `watch` makes of its store. */
function watched(
  history: History,
  watch: (storage: ReturnType<LookupSource['storage']>) => Partial<ReturnType<LookupSource['storage']>>,
): LookupSource {
  const { source } = history;
  return {
    ...source,
    size: () => history.publishedSize,
    storage: () => ({ ...source.storage(), ...watch(source.storage()) }),
  };
}

const damaged = (bytes: Uint8Array | undefined): Uint8Array | undefined => bytes?.map((byte) => byte ^ 1);

/** A bundle whose entries are damaged, and not their lengths. */
function damagedBundle(bundle: Uint8Array | undefined): Uint8Array | undefined {
  if (bundle === undefined) return undefined;
  const bytes = bundle.slice();
  for (let at = 0; at + 2 < bytes.length; at += 2 + bytes[at]! * 256 + bytes[at + 1]!) bytes[at + 2]! ^= 1;
  return bytes;
}

test(`what is not published and took builds off the list is read once, not for each question (seed ${seed})`, async () => {
  const history = await History.of(seededRandom(seed), 10);
  const builds: number[] = [];
  for (let i = 0; i < 40; i++) builds.push(await history.addRebuilt(['match']));
  history.publishedSize = builds[10]!;
  let read = 0;
  const source = watched(history, (storage) => ({
    async scan(range) {
      const rows = await storage.scan(range);
      if (range.prefix.startsWith(rowKey(ABOUT.taken))) read += rows.length;
      return rows;
    },
  }));
  const queries = new LookupQueries(source);
  const ask = async (): Promise<readonly number[]> => {
    const before = new LookupQueries(history.source);
    const [{ items }, fresh] = await Promise.all([
      queries.notRebuilt({}, { limit: 100 }),
      before.notRebuilt({}, { limit: 100 }),
    ]);
    const indexes = items.map(({ index }) => index);
    expect(indexes).toEqual(history.naive(history.publishedSize).notRebuilt());
    expect(fresh.items.map(({ index }) => index)).toEqual(indexes);
    return indexes;
  };
  await Promise.all([ask(), ask()]);
  expect(read).toBe(30);
  for (const published of [builds[10]! + 1, builds[20]! + 1, builds[39]! + 1]) {
    history.publishedSize = published;
    expect((await ask()).at(-1)).toBe(published - 1);
  }
  expect(read).toBe(30);
  const late = await history.addRebuilt(['match']);
  history.publishedSize = late + 1;
  expect(await ask()).toContain(late);
  expect(read).toBe(31);
});

test('a record cannot be taken back so often that an answer leaves some of it out', async () => {
  const history = await History.of(seededRandom(seed), 10);
  const file = digestOf(25);
  const build = await history.addRebuilt([], file);
  expect(await history.takeBack(build, ['recall'])).toBe(1);
  expect(await history.takeBack(build, ['retract', 'recall', 'supersede', 'correct'])).toBe(0);
  const other = await history.addRebuilt([]);
  expect(await history.takeBack(other, ['supersede', 'correct', 'retract', 'recall', 'retract', 'recall'])).toBe(3);
  const [artifact] = (await new LookupQueries(history.source).artifact(asHash(file), { limit: 1 })).items;
  expect(artifact!.takenBack.map(({ said }) => said)).toEqual(['recall']);
});

test('what is said of many files is not gathered beyond what one answer names', async () => {
  const history = await History.of(seededRandom(seed), 10);
  const files = Array.from({ length: 256 }, (_, i) => new Uint8Array(32).map((_at, k) => (k === 0 ? i : 77)));
  for (const file of files) await history.addRebuilt(['mismatch'], file);
  const mentions = new Set<StateKey>();
  let most = 0;
  const source = watched(history, (storage) => ({
    get(keys) {
      const asked = keys.filter((key) => key.startsWith(rowKey(ABOUT.mention)));
      most = Math.max(most, asked.length);
      for (const key of asked) mentions.add(key);
      return storage.get(keys);
    },
  }));
  const pages = await new LookupQueries(source).named(files.map((file) => asHash(file)));
  expect(pages.map(({ items }) => items[0]?.rebuilds.length)).toEqual(files.map(() => 1));
  // Rebuilds and retractions of 64 records and, as one file may have, 20 more.
  expect(most).toBeLessThanOrEqual(2 * 84);
  expect(mentions.size).toBe(3 * files.length);
});

test('an entry that is damaged in the store is the fault of the store, not of who asks', async () => {
  const history = await History.of(seededRandom(seed), 10);
  const file = digestOf(25);
  const build = await history.addRebuilt(['mismatch'], file);
  const queries = new LookupQueries(
    watched(history, (storage) => ({
      async readEntries(places) {
        return (await storage.readEntries(places)).map(damaged);
      },
      async read(paths) {
        return (await storage.read(paths)).map(damagedBundle);
      },
    })),
  );
  const refused = { code: 'store-corrupt', message: expect.stringContaining(`entry ${build}`) as unknown };
  await expect(queries.artifact(asHash(file), { limit: 10 }), toHex(file)).rejects.toMatchObject(refused);
  await expect(queries.changes(build, {}, { limit: 1 })).rejects.toMatchObject(refused);
});
