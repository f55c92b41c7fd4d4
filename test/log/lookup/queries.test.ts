// Lookups over random histories, against a model that looks through all records, at every page boundary and at trees of
// every kind of size below what was committed.

import { describe, expect, test } from 'vitest';
import { toHex } from '../../../src/bytes.ts';
import { LookupQueries } from '../../../src/log/lookup.ts';
import type { FoundRecord, FoundRelocation } from '../../../src/log/lookup.ts';
import { asHash } from '../../../src/merkle/hash.ts';
import { T0 } from '../../support/admission-world.ts';
import { between, chooseSeed, seededRandom } from '../../support/random.ts';
import { CATEGORIES, CHANNELS, DAY, digestOf, History, NAMESPACES, PLATFORMS, PRODUCTS, REGIONS } from './history.ts';

const seed = chooseSeed();

interface AnyPage<T, C> {
  readonly size: number;
  readonly items: readonly T[];
  readonly next: C | undefined;
}

/** All items, page by page; each page is of the published tree and within its limit. */
async function all<T extends FoundRecord, C = number>(
  history: History,
  limit: number,
  ask: (page: { after?: C; limit: number }) => Promise<AnyPage<T, C> | undefined>,
): Promise<T[]> {
  const items: T[] = [];
  let after: C | undefined;
  for (let pages = 0; pages < 1000; pages++) {
    const page = (await ask({ limit, ...(after === undefined ? {} : { after }) }))!;
    expect(page.size).toBe(history.publishedSize);
    expect(page.items.every(({ index }) => index < page.size)).toBe(true);
    expect(page.items.length).toBeLessThanOrEqual(limit);
    items.push(...page.items);
    if (page.next === undefined) return items;
    expect(page.items.length > 0, 'a page that is not the last has items').toBe(true);
    after = page.next;
  }
  throw new Error('there is no last page');
}

const mismatches = (count: number): 'mismatch'[] => Array.from({ length: count }, () => 'mismatch');
const some = <T>(values: readonly T[]): (T | undefined)[] => [undefined, ...values];
const indexes = (items: readonly FoundRecord[]): number[] => items.map(({ index }) => index);
const mentions = (items: readonly { index: number; said: string }[]): string[] =>
  items.map(({ index, said }) => `${index} ${said}`);

describe(`lookups over a random history (seed ${seed})`, async () => {
  const history = await History.of(seededRandom(seed), 240);
  const total = history.entries.length;
  const sizes = [0, 6, 60, 150, total - 1, total];
  const limits = [1, 3, 100];

  /** Asks at every size and with every page limit, of a log that has published that much. */
  async function each(check: (queries: LookupQueries, size: number, limit: number) => Promise<void>): Promise<void> {
    for (const size of sizes) {
      history.publishedSize = size;
      for (const limit of limits) await check(new LookupQueries(history.source), size, limit);
    }
  }

  test('the history has some of everything', () => {
    const types = new Set(history.entries.map(({ statement }) => statement.type));
    for (const type of ['build', 'avdb-release', 'rebuild', 'retraction', 'relocation', 'commitment', 'supervision']) {
      expect(types).toContain(type);
    }
    const model = history.naive(total);
    expect(model.notRebuilt().length).toBeGreaterThan(0);
    expect(model.notRebuilt().length).toBeLessThan(model.builds({}).length);
  });

  test('a file is found by its digest, with rebuilds, retractions and the newest of its channel', async () => {
    await each(async (queries, size, limit) => {
      const model = history.naive(size);
      for (let n = 0; n < 24; n++) {
        const found = await all(history, limit, (page) => queries.artifact(asHash(digestOf(n)), page));
        expect(indexes(found)).toEqual(model.artifact(digestOf(n)));
        for (const one of found) {
          expect(mentions(one.rebuilds)).toEqual(model.rebuilds(one.index));
          expect(mentions(one.takenBack)).toEqual(model.takenBack(one.index));
          expect(one.channel?.newest.index).toBe(model.newest(one.channel!.channel));
        }
      }
    });
  });

  test('builds are found by product, version, channel and platform, newest first', async () => {
    await each(async (queries, size, limit) => {
      const model = history.naive(size);
      for (const product of PRODUCTS) {
        for (const version of some(['1', '3'])) {
          for (const channel of some(CHANNELS)) {
            for (const platform of some(PLATFORMS)) {
              const filter = { namespace: 'acme', product, version, channel, platform };
              const found = await all(history, limit, (page) => queries.builds(filter, page));
              expect(indexes(found)).toEqual(model.builds(filter).toReversed());
            }
          }
        }
      }
    });
  });

  test('builds that nobody rebuilt come oldest first, as the published tree has it', async () => {
    await each(async (queries, size, limit) => {
      const model = history.naive(size);
      for (const [namespace, product] of [[], ['acme'], ['acme', 'av'], ['vigil', 'a/b']]) {
        const filter = { namespace, product };
        const found = await all(history, limit, (page) => queries.notRebuilt(filter, page));
        expect(indexes(found)).toEqual(model.notRebuilt(namespace, product));
      }
    });
  });

  test('releases of a stream come newest first', async () => {
    await each(async (queries, size, limit) => {
      for (const product of PRODUCTS) {
        for (const channel of CHANNELS) {
          const stream = { product, database: 'main', channel };
          const found = await all(history, limit, (page) => queries.releases('acme', stream, page));
          const naive = history.naive(size).releases('acme', product, 'main', channel);
          expect(indexes(found)).toEqual(naive.toReversed());
        }
      }
    });
  });

  test('rebuilds of a build, commitments and changes come oldest first', async () => {
    await each(async (queries, size, limit) => {
      const model = history.naive(size);
      for (const index of model.builds({}).slice(0, 20)) {
        const build = asHash(history.entries[index]!.leafHash);
        const found = await all(history, limit, (page) => queries.rebuilds(build, page));
        expect(mentions(found)).toEqual(model.rebuilds(index));
      }
      for (const namespace of [undefined, ...NAMESPACES]) {
        const promises = await all(history, limit, (page) => queries.commitments({ namespace }, page));
        expect(indexes(promises)).toEqual(model.commitments(namespace));
        for (const since of [0, 1, size - 1, size, size + 1]) {
          if (since < 0) continue;
          for (const product of namespace === undefined ? [undefined] : [undefined, ...PRODUCTS]) {
            const filter = { namespace, product };
            const found = await all(history, limit, (page) => queries.changes(since, filter, page));
            expect(indexes(found)).toEqual(model.changes(since, namespace, product));
          }
        }
      }
    });
    history.publishedSize = 10;
    const unpublished = history.entries.findLast(({ statement }) => statement.type === 'build')!;
    const queries = new LookupQueries(history.source);
    expect(await queries.rebuilds(asHash(unpublished.leafHash), { limit: 1 })).toBeUndefined();
  });

  test('what is in force as of a day is what no later step covers', async () => {
    await each(async (queries, size, limit) => {
      const model = history.naive(size);
      for (const asOfSeconds of [T0 - 1, T0 + 100, T0 + 3 * DAY, T0 + 9 * DAY]) {
        for (const region of [undefined, ...REGIONS]) {
          for (const category of [undefined, ...CATEGORIES.slice(0, 1)]) {
            const question = {
              asOfSeconds,
              region,
              category,
              activity: region === 'US' ? ('store' as const) : undefined,
            };
            const found = await all<FoundRelocation, string>(history, limit, (page) =>
              queries.relocations(question, page),
            );
            const naive = model.relocations(asOfSeconds, region, category, question.activity);
            expect(found.map(({ index, step }) => `${index} ${step.action}`).toSorted()).toEqual(naive);
            for (const { index, supervisions, takenBack } of found) {
              expect(supervisions.map((one) => `${one.index} ${one.by}`)).toEqual(model.supervisions(index));
              expect(mentions(takenBack)).toEqual(model.takenBack(index));
            }
          }
        }
      }
    });
  });

  test('channels, their newest record and what was recalled are those of the published tree', async () => {
    for (const size of sizes) {
      history.publishedSize = size;
      const queries = new LookupQueries(history.source);
      const model = history.naive(size);
      const channels: string[] = [];
      for (let after: string | undefined; ; after = channels.at(-1)) {
        const page = await queries.channels(after, 3);
        channels.push(...page);
        if (page.length < 3) break;
      }
      expect(channels.toSorted()).toEqual(model.channels());
      for (const channel of channels) {
        const newest = await queries.newest(channel, size);
        expect(newest?.index).toBe(model.newest(channel));
        expect(newest?.leafHash).toEqual(history.entries[newest!.index]!.leafHash);
        const recalled = await queries.recalled(channel, size);
        expect(recalled.map(({ leafHash }) => toHex(leafHash)).toSorted()).toEqual(model.recalled(channel));
      }
      expect(await queries.newest('acme/none/build:linux/stable', size)).toBeUndefined();
    }
  });
});

test('the newest record of a channel is right as the tree grows, and of an older tree too', async () => {
  const history = await History.of(seededRandom(seed), 600);
  const queries = new LookupQueries(history.source);
  const random = seededRandom(seed + 1);
  const channels = history.naive(Infinity).channels();
  for (let size = 0; size <= 600; size += between(random, 1, 40)) {
    history.publishedSize = size;
    for (const channel of channels) {
      const of = random() < 0.1 ? between(random, 0, size + 1) : size;
      expect((await queries.newest(channel, of))?.index, `${channel} of ${of}`).toBe(history.naive(of).newest(channel));
    }
  }
});

test('of a relocation with more steps than a question looks at the newest count, on pages that end within it', async () => {
  const history = await History.of(seededRandom(seed), 10);
  await history.addMilestones(['US', 'DE', 'FR'], 300);
  const queries = new LookupQueries(history.source);
  const asOfSeconds = T0 + 9 * DAY;
  const found = await all<FoundRelocation, string>(history, 2, (page) => queries.relocations({ asOfSeconds }, page));
  const named = found.map(({ index, step }) => `${index} ${step.action}`);
  expect(named.toSorted()).toEqual(history.naive(Infinity).relocations(asOfSeconds));
  expect(found.length).toBeGreaterThanOrEqual(3);
});

test('a build that many said something of was rebuilt or not as the published tree has it, however late it matched', async () => {
  const history = await History.of(seededRandom(seed), 10);
  const results = [...mismatches(120), 'match' as const, 'match' as const];
  const build = await history.addRebuilt(results);
  const queries = new LookupQueries(history.source);
  const found = async (): Promise<boolean> =>
    indexes((await queries.notRebuilt({}, { limit: 100 })).items).includes(build);
  expect(history.entries.length).toBe(build + 1 + results.length);
  expect(await found()).toBe(false);
  // Another match that is not published changes nothing: the first one took it off.
  history.publishedSize = history.entries.length - 1;
  expect(await found()).toBe(false);
  history.publishedSize = history.entries.length - 2;
  expect(await found()).toBe(true);
});

test('what is said of records of one file is bounded a page, and a record says when it has more rebuilds', async () => {
  const history = await History.of(seededRandom(seed), 10);
  const file = digestOf(25);
  const builds: number[] = [];
  for (const count of [100, 101, 150, 100, 100, 0, 3]) builds.push(await history.addRebuilt(mismatches(count), file));
  const queries = new LookupQueries(history.source);
  const first = await queries.artifact(asHash(file), { limit: 100 });
  expect([indexes(first.items), first.next]).toEqual([builds.slice(0, 4), builds[3]]);
  expect(first.items.map(({ rebuilds, moreRebuilds }) => [rebuilds.length, moreRebuilds])).toEqual([
    [100, false],
    [100, true],
    [100, true],
    [100, false],
  ]);
  expect(indexes(await all(history, 100, (page) => queries.artifact(asHash(file), page)))).toEqual(builds);
  const [named] = await queries.named([asHash(file)]);
  expect(named!.items.map(({ rebuilds, moreRebuilds }) => [rebuilds.length, moreRebuilds])).toEqual([
    [100, false],
    [100, true],
    [100, true],
    [100, false],
    [100, false],
    [0, false],
    [3, false],
  ]);
  const rest = await queries.rebuilds(asHash(history.entries[builds[1]!]!.leafHash), {
    limit: 100,
    after: builds[1]! + 100,
  });
  expect(rest!.items.map(({ index }) => index)).toEqual([builds[1]! + 101]);
});
