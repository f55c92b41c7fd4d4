// The storage contract (src/storage.ts): one set of tests that every adapter passes, on a fresh store and again after
// reopening it, and with every write failing once before and once after it took effect.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { byteText, textBytes, utf8 } from '../../src/bytes.ts';
import { emptyRootHash } from '../../src/merkle/hash.ts';
import type { TilePath } from '../../src/merkle/tile.ts';
import { KEY_SPACE } from '../../src/storage.ts';
import type { EntryPlace, LogStorage, RewritableStorage, StateKey, StateWrite } from '../../src/storage.ts';
import { GrowingTree } from './growing-tree.ts';

export type Faults = (step: string, moment: 'before' | 'after') => void;

/** A place that keeps what a store holds while no store is open on it. */
export interface StoragePlace {
  open(faults?: Faults): Promise<RewritableStorage>;
  remove(): Promise<void>;
}

export interface AdapterUnderTest {
  readonly makePlace: () => Promise<StoragePlace>;
  /** The write steps of a commit, in order; the last one is the one that makes it count. */
  readonly commitSteps: readonly string[];
}

/** Growths that start and end inside, at and across the ends of tiles and bundles. */
const GROWTHS = [1, 1, 2, 251, 1, 1, 255, 256, 3, 600, 37];

function stateKey(text: string): StateKey {
  return KEY_SPACE.statement + text;
}

function bytesKey(...bytes: readonly number[]): StateKey {
  return byteText(Uint8Array.from(bytes));
}

function put(text: string, value: string): StateWrite {
  return { key: stateKey(text), value: utf8(value) };
}

/** Every path that is worth asking at this size: each tile and bundle at some widths, the last of each at all of them. */
function pathsAround(size: number): TilePath[] {
  const paths: TilePath[] = [];
  for (let index = 0; index <= Math.floor(size / 256) + 1; index++) {
    const isLast = index >= Math.floor(Math.max(0, size - 1) / 256);
    const widths = isLast ? Array.from({ length: 256 }, (_, i) => i + 1) : [1, 2, 128, 255, 256];
    for (const width of widths) paths.push({ kind: 'entries', index, width }, { kind: 'tile', level: 0, index, width });
  }
  for (let width = 1; width <= 8; width++) paths.push({ kind: 'tile', level: 1, index: 0, width });
  paths.push({ kind: 'tile', level: 1, index: 1, width: 1 }, { kind: 'tile', level: 2, index: 0, width: 1 });
  paths.push({ kind: 'tile', level: 63, index: 0, width: 1 });
  return paths;
}

/** Compares everything that the port shows of a tree with what it must be. */
export async function expectToHold(storage: LogStorage, tree: GrowingTree): Promise<void> {
  expect((await storage.load()).head).toEqual(tree.head());
  const paths = pathsAround(tree.size);
  const resources = await storage.read(paths);
  for (const [i, path] of paths.entries()) {
    expect(resources[i], `${JSON.stringify(path)} at size ${tree.size}`).toEqual(tree.resource(path));
  }
  const indexes = Array.from({ length: tree.size }, (_, i) => i);
  expect(await storage.findLeaves(indexes.map((index) => tree.leafHash(index)))).toEqual(indexes);
  const next = new GrowingTree('not in the tree');
  next.grow(3);
  const strangers = [0, 1, 2].map((index) => next.leafHash(index));
  expect(await storage.findLeaves(strangers)).toEqual([undefined, undefined, undefined]);
  expect(await storage.findLeaves([])).toEqual([]);
}

export function storageContract(name: string, adapter: AdapterUnderTest): void {
  describe(`${name} as a log's store`, () => {
    let place: StoragePlace;
    let open: LogStorage[];

    /** Opens the store, and lets go of it when the test is over. */
    async function openStore(faults?: Faults): Promise<RewritableStorage> {
      const storage = await place.open(faults);
      open.push(storage);
      return storage;
    }

    beforeEach(async () => {
      place = await adapter.makePlace();
      open = [];
    });
    afterEach(async () => {
      for (const storage of open) await storage.close();
      await place.remove();
    });

    test('a new store holds the empty tree and nothing published', async () => {
      const storage = await openStore();
      expect(await storage.load()).toEqual({ head: { size: 0, rootHash: emptyRootHash() }, published: undefined });
      await expectToHold(storage, new GrowingTree());
    });

    test('each growth is there in full when its commit resolves', async () => {
      const storage = await openStore();
      const tree = new GrowingTree();
      for (const count of GROWTHS) {
        await storage.commit(tree.grow(count));
        await expectToHold(storage, tree);
      }
    });

    test('each growth is there after reopening, and the next one goes on from it', async () => {
      const tree = new GrowingTree();
      for (const count of GROWTHS) {
        const storage = await openStore();
        await expectToHold(storage, tree);
        await storage.commit(tree.grow(count));
        await storage.close();
      }
      await expectToHold(await openStore(), tree);
    });

    test('a growth from another head changes nothing and the store goes on', async () => {
      const storage = await openStore();
      const tree = new GrowingTree();
      await storage.commit(tree.grow(300));
      const other = new GrowingTree('other');
      other.grow(300);
      await expect(storage.commit(other.grow(5))).rejects.toMatchObject({ code: 'store-failed' });
      const ahead = new GrowingTree();
      ahead.grow(301);
      await expect(storage.commit(ahead.grow(5))).rejects.toMatchObject({ code: 'store-failed' });
      const behind = new GrowingTree();
      await expect(storage.commit(behind.grow(5))).rejects.toMatchObject({ code: 'store-failed' });
      await expectToHold(storage, tree);
      await storage.commit(tree.grow(5));
      await expectToHold(storage, tree);
    });

    test('state writes are set, replaced and deleted with their growth, and survive reopening', async () => {
      let storage = await openStore();
      const tree = new GrowingTree();
      await storage.commit(tree.grow(1, [put('a', '1'), put('b', '2'), put('c', '')]));
      await storage.commit(tree.grow(1, [put('a', '3'), { key: stateKey('b'), value: null }]));
      const expectState = async (): Promise<void> => {
        const keys = [stateKey('c'), stateKey('b'), stateKey('a'), stateKey('none')];
        const values = [utf8(''), undefined, utf8('3'), undefined];
        expect(await storage.get(keys)).toEqual(values);
        expect(await storage.get([])).toEqual([]);
      };
      await expectState();
      await storage.close();
      storage = await openStore();
      await expectState();
    });

    test('a rewrite sets, replaces and deletes state alone, before and after growths, and survives reopening', async () => {
      let storage = await openStore();
      const tree = new GrowingTree();
      await storage.rewriteState([put('a', '1'), put('b', '2')]);
      await storage.commit(tree.grow(3, [put('b', '3'), put('c', '4')]));
      await storage.publish(utf8('note'), []);
      await storage.rewriteState([put('c', '5'), { key: stateKey('a'), value: null }, put('d', '')]);
      await storage.rewriteState([]);
      const expectState = async (): Promise<void> => {
        const keys = ['a', 'b', 'c', 'd'].map(stateKey);
        expect(await storage.get(keys)).toEqual([undefined, utf8('3'), utf8('5'), utf8('')]);
        const rows = await storage.scan({ prefix: stateKey(''), limit: 9 });
        expect(rows.map(({ value }) => value)).toEqual([utf8('3'), utf8('5'), utf8('')]);
        expect((await storage.load()).published).toEqual(utf8('note'));
        await expectToHold(storage, tree);
      };
      await expectState();
      await storage.close();
      storage = await openStore();
      await expectState();
      await storage.commit(tree.grow(1));
      await expectToHold(storage, tree);
    });

    test('a scan gives the pairs of a prefix in key order, from either end, after or before a key', async () => {
      const storage = await openStore();
      const tails = [[], [0], [0, 0], [1], [0x7f, 5], [0xff], [0xff, 0], [0xff, 0xff]];
      const spaces = [0x60, 0x61, 0x62, 0xff];
      const keys = spaces.flatMap((space) => tails.map((tail) => bytesKey(space, ...tail)));
      const shuffled = keys.toSorted(
        (a, b) => ((a.length * 7 + a.codePointAt(0)! * 3) % 11) - ((b.length * 7 + b.codePointAt(0)! * 3) % 11),
      );
      await storage.commit(
        new GrowingTree().grow(
          1,
          shuffled.map((key) => ({ key, value: textBytes(key) })),
        ),
      );
      const scanned = async (range: Parameters<LogStorage['scan']>[0]): Promise<string[]> => {
        const pairs = await storage.scan(range);
        for (const { key, value } of pairs) expect(value).toEqual(textBytes(key));
        return pairs.map(({ key }) => textBytes(key).join(' '));
      };
      const all = tails.map((tail) => [0x61, ...tail].join(' '));
      const prefix = bytesKey(0x61);
      const limit = 100;
      expect(await scanned({ prefix, limit })).toEqual(all);
      expect(await scanned({ prefix, limit, reverse: true })).toEqual(all.toReversed());
      expect(await scanned({ prefix, limit: 3 })).toEqual(all.slice(0, 3));
      expect(await scanned({ prefix, limit: 3, reverse: true })).toEqual(all.toReversed().slice(0, 3));
      expect(await scanned({ prefix, limit: 0 })).toEqual([]);
      expect(await scanned({ prefix, limit, after: bytesKey(0x61, 0, 0) })).toEqual(all.slice(3));
      expect(await scanned({ prefix, limit, after: bytesKey(0x61, 0, 7) })).toEqual(all.slice(3));
      expect(await scanned({ prefix, limit, after: bytesKey(0x61, 1), reverse: true })).toEqual(
        all.slice(0, 3).toReversed(),
      );
      expect(await scanned({ prefix, limit, after: bytesKey(0x10) })).toEqual(all);
      expect(await scanned({ prefix, limit, after: bytesKey(0x90) })).toEqual([]);
      expect(await scanned({ prefix, limit, after: bytesKey(0x90), reverse: true })).toEqual(all.toReversed());
      expect(await scanned({ prefix, limit, after: bytesKey(0x10), reverse: true })).toEqual([]);
      expect(await scanned({ prefix: bytesKey(0x61, 0xff), limit })).toEqual(all.slice(5));
      expect(await scanned({ prefix: bytesKey(0x61, 0xff, 0xff), limit })).toEqual(all.slice(7));
      expect(await scanned({ prefix: bytesKey(0xff), limit })).toHaveLength(tails.length);
      expect(await scanned({ prefix: bytesKey(0x63), limit })).toEqual([]);
    });

    test('the published note is the last one, with the state writes that came with it', async () => {
      let storage = await openStore();
      await storage.commit(new GrowingTree().grow(3));
      const note = utf8('first');
      await storage.publish(note, [put('x', '1')]);
      note.fill(0);
      await storage.publish(utf8('second'), [put('y', '2'), { key: stateKey('x'), value: null }]);
      expect((await storage.load()).published).toEqual(utf8('second'));
      await storage.close();
      storage = await openStore();
      expect((await storage.load()).published).toEqual(utf8('second'));
      expect(await storage.get([stateKey('x'), stateKey('y')])).toEqual([undefined, utf8('2')]);
    });

    test('an entry is read from where its bytes are, and from nowhere else', async () => {
      let storage = await openStore();
      const tree = new GrowingTree();
      await storage.commit(tree.grow(300));
      await storage.commit(tree.grow(300));
      const places: EntryPlace[] = [];
      const entries: Uint8Array[] = [];
      for (const bundle of [0, 1, 2]) {
        const bytes = tree.resource({ kind: 'entries', index: bundle, width: bundle === 2 ? 88 : 256 })!;
        for (let offset = 0, i = 0; offset < bytes.length; i++) {
          const length = bytes[offset]! * 256 + bytes[offset + 1]!;
          places.push({ index: bundle * 256 + i, offset, length });
          entries.push(bytes.slice(offset + 2, offset + 2 + length));
          offset += 2 + length;
        }
      }
      expect(places).toHaveLength(600);
      for (let round = 0; round < 2; round++) {
        for (const bytes of await storage.readEntries(places)) bytes!.fill(0);
        expect(await storage.readEntries(places)).toEqual(entries);
        expect(await storage.readEntries([places[599]!, places[3]!])).toEqual([entries[599], entries[3]]);
        expect(await storage.readEntries([])).toEqual([]);
        const [first, last] = [places[0]!, places[599]!];
        const nowhere = [
          { ...first, length: first.length + 1 },
          { ...first, offset: 1 },
          { ...last, offset: last.offset + 1 },
          { ...last, index: 600, offset: last.offset + 2 + last.length, length: 1 },
          { ...last, index: 600 },
          { index: 2 ** 40, offset: 0, length: 1 },
        ];
        expect(await storage.readEntries(nowhere)).toEqual(nowhere.map(() => undefined));
        await storage.close();
        await expect(storage.readEntries([first])).rejects.toMatchObject({ code: 'store-failed' });
        storage = await openStore();
      }
    });

    test('what it returns can be changed without changing the store', async () => {
      const storage = await openStore();
      const tree = new GrowingTree();
      await storage.commit(tree.grow(260, [put('a', '1')]));
      await storage.publish(utf8('note'), []);
      for (let round = 0; round < 2; round++) {
        (await storage.load()).published!.fill(0);
        const paths: TilePath[] = [0, 1].map((index) => ({ kind: 'entries', index, width: 4 }));
        for (const bytes of await storage.read([...paths, { kind: 'tile', level: 0, index: 0, width: 256 }])) {
          bytes!.fill(0);
        }
        for (const bytes of await storage.get([stateKey('a')])) bytes!.fill(0);
        for (const { value } of await storage.scan({ prefix: stateKey(''), limit: 9 })) value.fill(0);
      }
      expect((await storage.load()).published).toEqual(utf8('note'));
      expect(await storage.get([stateKey('a')])).toEqual([utf8('1')]);
      await expectToHold(storage, tree);
    });

    test('reads beside commits and publishes see all of a write or nothing of it', async () => {
      const storage = await openStore();
      const tree = new GrowingTree();
      await storage.commit(tree.grow(10, [put('size', '10')]));
      const progress = { writing: true, reads: 0 };
      const writes = (async () => {
        for (let round = 0; round < 40; round++) {
          const growth = tree.grow(1 + (round % 7), [put('size', String(tree.size + 1 + (round % 7)))]);
          await Promise.all([
            storage.commit(growth),
            storage.publish(utf8(String(round)), [put('note', String(round))]),
          ]);
        }
        progress.writing = false;
      })();
      while (progress.writing) {
        const { size } = tree;
        const leafHashes = Array.from({ length: size }, (_, i) => tree.leafHash(i));
        const [[stored], leaves] = await Promise.all([storage.get([stateKey('size')]), storage.findLeaves(leafHashes)]);
        const shown = Number(new TextDecoder().decode(stored));
        const known = leaves.filter((value) => value !== undefined).length;
        // Growths that were made after the keys were listed are not among the leaves.
        expect(known).toBe(Math.min(shown, size));
        const [last, beyond] = await storage.read([
          { kind: 'tile', level: 0, index: 0, width: Math.min(256, shown) },
          { kind: 'entries', index: 2, width: 1 },
        ]);
        expect(last).toEqual(tree.resource({ kind: 'tile', level: 0, index: 0, width: Math.min(256, shown) }));
        expect(beyond).toBeUndefined();
        progress.reads++;
      }
      await writes;
      expect(progress.reads).toBeGreaterThan(0);
      await expectToHold(storage, tree);
    });

    test('only one store is open at a time', async () => {
      const storage = await openStore();
      await expect(place.open()).rejects.toMatchObject({ code: 'store-locked' });
      await storage.close();
      await openStore();
    });

    test('closing waits for the commit under way; after it every call fails, and closing again does not', async () => {
      const storage = await openStore();
      const tree = new GrowingTree();
      const commit = storage.commit(tree.grow(100));
      await storage.close();
      await commit;
      await expectAllToFail(storage, tree);
      await expect(storage.read([])).rejects.toMatchObject({ code: 'store-failed' });
      await storage.close();
      await expectToHold(await openStore(), tree);
    });

    const failures = [...adapter.commitSteps, 'publish', 'rewrite'].flatMap((step) => [
      [step, 'before'] as const,
      [step, 'after'] as const,
    ]);
    test.each(failures)(
      'a %s that fails %s it took effect is unknown until reopened, then whole or absent',
      async (step, moment) => {
        let armed = false;
        const storage = await openStore((at, when) => {
          if (armed && at === step && when === moment) throw new Error('the disk says no');
        });
        const tree = new GrowingTree();
        await storage.commit(tree.grow(300, [put('a', 'old')]));
        await storage.publish(utf8('old'), []);
        armed = true;
        const writes = [put('a', 'new')];
        const write =
          step === 'publish'
            ? storage.publish(utf8('new'), writes)
            : step === 'rewrite'
              ? storage.rewriteState(writes)
              : storage.commit(tree.grow(300, writes));
        await expect(write).rejects.toMatchObject({ code: 'outcome-unknown' });
        armed = false;
        await expectAllToFail(storage, tree);
        // Resources go on being read, and show what was confirmed.
        const tail: TilePath = { kind: 'entries', index: 1, width: 44 };
        expect(await storage.read([tail, { ...tail, width: 45 }])).toEqual([tree.resource(tail), undefined]);
        await storage.close();

        const reopened = await openStore();
        const tookEffect = moment === 'after' && ['publish', 'rewrite', adapter.commitSteps.at(-1)].includes(step);
        if (!tookEffect) tree.shrink(300);
        await expectToHold(reopened, tree);
        expect(await reopened.get([stateKey('a')])).toEqual([utf8(tookEffect ? 'new' : 'old')]);
        expect((await reopened.load()).published).toEqual(utf8(tookEffect && step === 'publish' ? 'new' : 'old'));
        await reopened.commit(tree.grow(300));
        await expectToHold(reopened, tree);
      },
    );
  });
}

async function expectAllToFail(storage: RewritableStorage, tree: GrowingTree): Promise<void> {
  const after = new GrowingTree();
  if (tree.size > 0) after.grow(tree.size);
  const calls = [
    storage.load(),
    storage.commit(after.grow(1)),
    storage.publish(utf8('note'), []),
    storage.rewriteState([put('a', 'new')]),
    storage.get([stateKey('a')]),
    storage.findLeaves([tree.leafHash(0)]),
    storage.scan({ prefix: stateKey(''), limit: 1 }),
  ];
  for (const call of await Promise.allSettled(calls)) {
    expect(call).toMatchObject({ status: 'rejected', reason: { code: 'store-failed' } });
  }
}
