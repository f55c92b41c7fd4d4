import { randomBytes } from 'node:crypto';
import { appendFile, mkdtemp, readdir, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openLevelStorage } from '../../src/adapters/level.ts';
import type { LevelOptions, LevelStorage } from '../../src/adapters/level.ts';
import { utf8 } from '../../src/bytes.ts';
import { asHash } from '../../src/merkle/hash.ts';
import type { Growth } from '../../src/storage.ts';
import { GrowingTree } from '../contract/growing-tree.ts';
import { expectToHold, storageContract } from '../contract/storage.ts';

for (const flush of ['dsync', 'datasync'] as const) {
  storageContract(`level (${flush})`, {
    commitSteps: ['segment', 'commit'],
    makePlace: async () => {
      const place = await mkdtemp(join(tmpdir(), 'limmat-level-'));
      return {
        open: async (faults) => openLevelStorage(place, { flush, ...(faults === undefined ? {} : { faults }) }),
        remove: async () => rm(place, { recursive: true }),
      };
    },
  });
}

let dir: string;
let opened: LevelStorage[];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'limmat-level-'));
  opened = [];
});
afterEach(async () => {
  for (const storage of opened) await storage.close();
  await rm(dir, { recursive: true });
});

/** Opens a store that is closed when the test is over. */
async function open(options: LevelOptions = {}, name = 'log'): Promise<LevelStorage> {
  const storage = await openLevelStorage(join(dir, name), options);
  opened.push(storage);
  return storage;
}

/** A closed store with a tree of this size in the test's directory. */
async function storeOf(...counts: readonly number[]): Promise<GrowingTree> {
  const tree = new GrowingTree();
  const storage = await open();
  for (const count of counts) await storage.commit(tree.grow(count));
  await storage.close();
  return tree;
}

const segment = (index: number, name = 'log'): string => join(dir, name, 'entries', String(index).padStart(10, '0'));

describe('opening a level store', () => {
  test('no store is made where none may be', async () => {
    await expect(open({ create: false })).rejects.toMatchObject({ code: 'bad-config' });
    expect(await readdir(dir)).toEqual([]);
    const tree = await storeOf(3);
    await expectToHold(await open({ create: false }), tree);
  });

  test('a store that is open elsewhere says how to ask the running log', async () => {
    await open();
    await expect(open()).rejects.toThrow('ask the running log with --url, or stop it first');
  });

  test('what a crash left behind the committed end is cut off', async () => {
    const tree = await storeOf(300, 7);
    const { size } = await stat(segment(0));
    await appendFile(segment(0), randomBytes(5000));
    await writeFile(segment(1), randomBytes(100));
    const storage = await open();
    expect((await stat(segment(0))).size).toBe(size);
    expect(await readdir(join(dir, 'log', 'entries'))).toHaveLength(1);
    await storage.commit(tree.grow(20));
    await expectToHold(storage, tree);
  });

  test('a crash in the first commit leaves an empty store', async () => {
    await storeOf();
    await writeFile(segment(0), randomBytes(100));
    const storage = await open();
    const tree = new GrowingTree();
    await expectToHold(storage, tree);
    await storage.commit(tree.grow(2));
    await expectToHold(storage, tree);
  });

  test('committed bytes that are missing are found', async () => {
    await storeOf(300);
    await truncate(segment(0), 4000);
    await expect(open()).rejects.toMatchObject({ code: 'store-corrupt' });
    await rm(segment(0));
    await expect(open()).rejects.toMatchObject({ code: 'store-corrupt' });
  });

  test('a database that is older than the entries does not cost the entries', async () => {
    await storeOf(10);
    for (const index of [1, 2, 3]) await writeFile(segment(index), randomBytes(100));
    await expect(open()).rejects.toThrow('older copy');
    expect(await readdir(join(dir, 'log', 'entries'))).toHaveLength(4);
  });

  test('entries without a database are not taken for an empty store', async () => {
    await storeOf(10);
    await rm(join(dir, 'log', 'db'), { recursive: true });
    await expect(open()).rejects.toMatchObject({ code: 'store-corrupt' });
    expect((await stat(segment(0))).size).toBeGreaterThan(0);
  });

  test('what LevelDB cannot open is reported as damage or as refused by the file system', async () => {
    await storeOf(10);
    await writeFile(join(dir, 'log', 'db', 'CURRENT'), 'MANIFEST-999999\n');
    await expect(open()).rejects.toMatchObject({ code: expect.stringMatching(/^store-(corrupt|failed)$/) });
    await writeFile(join(dir, 'file'), '');
    await expect(open({}, 'file')).rejects.toMatchObject({ code: 'store-failed' });
  });
});

/** A growth of synthetic hashes and entries of one byte: for sizes that the test tree is too slow for. */
function bigGrowth(old: Growth | undefined, count: number): Growth {
  const oldHead = old?.head ?? { size: 0, rootHash: asHash(Buffer.from(EMPTY_ROOT, 'hex')) };
  const head = { size: oldHead.size + count, rootHash: asHash(new Uint8Array(randomBytes(32))) };
  const growth = { oldHead, head, leafHashes: new Uint8Array(randomBytes(32 * count)), writes: [] };
  const tiles = [];
  const bundles = [];
  for (let index = oldHead.size / 256; index * 256 < head.size; index++) {
    const at = (index * 256 - oldHead.size) * 32;
    tiles.push({ level: 0, index, oldWidth: 0, bytes: growth.leafHashes.slice(at, at + 8192) });
    bundles.push({ index, oldWidth: 0, width: 256, appended: oneByteEntries(index) });
  }
  return { ...growth, tiles, bundles };
}

const EMPTY_ROOT = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

function oneByteEntries(bundle: number): Uint8Array {
  const bytes = new Uint8Array(3 * 256);
  for (let i = 0; i < 256; i++) bytes.set([0, 1, bundle % 256], 3 * i);
  return bytes;
}

/** Looks some leaves of each growth up. */
async function expectLeaves(storage: LevelStorage, growths: readonly Growth[]): Promise<void> {
  for (const { oldHead, leafHashes } of growths) {
    const positions = [0, 1, 255, 256, leafHashes.length / 32 - 1];
    const hashes = positions.map((i) => leafHashes.subarray(32 * i, 32 * i + 32));
    expect(await storage.findLeaves(hashes)).toEqual(positions.map((i) => oldHead.size + i));
  }
}

describe('a large level store', () => {
  const COUNT = 17 * 256;

  async function growTo(storage: LevelStorage, size: number): Promise<Growth[]> {
    const growths: Growth[] = [];
    while ((growths.at(-1)?.head.size ?? 0) < size) {
      const growth = bigGrowth(growths.at(-1), COUNT);
      await storage.commit(growth);
      growths.push(growth);
      await expectLeaves(storage, [growths[0]!, growth]);
    }
    return growths;
  }

  test('goes on in a new segment file, and finds every leaf while the index trails', async () => {
    let storage = await open();
    const growths = await growTo(storage, 140_000);
    const { size } = growths.at(-1)!.head;
    const expectAll = async (): Promise<void> => {
      await expectLeaves(storage, growths);
      const bundles = [0, 255, 256, 257, 511, 512, size / 256 - 1];
      const read = await storage.read(bundles.map((index) => ({ kind: 'entries', index, width: 256 })));
      expect(read).toEqual(bundles.map(oneByteEntries));
    };
    await expectAll();
    expect(storage.stats()).toMatchObject({ size, segments: 3, commits: growths.length, entryBytes: 3 * size });
    await storage.close();
    storage = await open();
    await expectAll();
    // Closing wrote what was in memory.
    expect(storage.stats().indexedSize).toBe(size);
    await storage.close();

    // The index goes missing, is another log's, or is ahead of the tree: it is made again from the tiles.
    const index = join(dir, 'log', 'index');
    await rm(index, { recursive: true });
    storage = await open();
    await expectAll();
    await storage.close();
    for (const entries of [256, size + 256]) {
      const other = await open({}, `other-${entries}`);
      await other.commit(bigGrowth(undefined, entries));
      await other.close();
      await rm(index, { recursive: true });
      await rename(join(dir, `other-${entries}`, 'index'), index);
      storage = await open();
      await expectAll();
      const foreign = bigGrowth(undefined, 256);
      expect(await storage.findLeaves([foreign.leafHashes.subarray(0, 32)])).toEqual([undefined]);
      if (entries === 256) await storage.close();
    }
    const searched = expectAll();
    await storage.rebuildIndex();
    await searched;
    await expectAll();
    await storage.commit(bigGrowth(growths.at(-1), 256));
  });

  test('an index run that cannot be written stops the store, and is replayed', async () => {
    for (const moment of ['before', 'after'] as const) {
      const name = `log-${moment}`;
      let storage = await open({ faults: (step, at) => failIf(step === 'index' && at === moment) }, name);
      const growths: Growth[] = [];
      const grow = async (): Promise<void> => {
        for (;;) {
          const growth = bigGrowth(growths.at(-1), COUNT);
          await storage.commit(growth);
          growths.push(growth);
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      };
      await expect(grow()).rejects.toMatchObject({ code: 'outcome-unknown' });
      await storage.close();
      storage = await open({}, name);
      expect((await storage.load()).head).toEqual(growths.at(-1)!.head);
      await expectLeaves(storage, growths);
    }
  });
});

function failIf(condition: boolean): void {
  if (condition) throw new Error('the disk says no');
}

describe('a backup of a level store', () => {
  test('holds the head it gives while commits go on, and is a store of its own', async () => {
    const storage = await open();
    const tree = new GrowingTree();
    await storage.commit(tree.grow(700, [{ key: 'state', value: utf8('1') }]));
    await storage.publish(utf8('note'), []);
    const backups = [storage.backup(join(dir, 'copy-0'))];
    for (let round = 1; round < 5; round++) {
      await storage.commit(tree.grow(100));
      backups.push(storage.backup(join(dir, `copy-${round}`)));
    }
    const heads = await Promise.all(backups);
    expect(heads.map(({ size }) => size)).toEqual([700, 800, 900, 1000, 1100]);
    for (const [round, head] of heads.entries()) {
      const copied = new GrowingTree();
      copied.grow(head.size);
      const copy = await open({ create: false }, `copy-${round}`);
      await expectToHold(copy, copied);
      expect((await copy.load()).published).toEqual(utf8('note'));
      expect(await copy.get(['state'])).toEqual([utf8('1')]);
      await copy.commit(copied.grow(30));
      await expectToHold(copy, copied);
    }
    await expectToHold(storage, tree);
  });

  test('copies every segment file, and an empty store too', async () => {
    const storage = await open();
    expect((await storage.backup(join(dir, 'empty'))).size).toBe(0);
    await expectToHold(await open({ create: false }, 'empty'), new GrowingTree());
    const growth = bigGrowth(undefined, 66_048);
    await storage.commit(growth);
    await storage.backup(join(dir, 'copy'));
    const copy = await open({ create: false }, 'copy');
    const read = await copy.read([0, 255, 256, 257].map((index) => ({ kind: 'entries', index, width: 256 })));
    expect(read).toEqual([0, 255, 256, 257].map(oneByteEntries));
    expect(await copy.findLeaves([growth.leafHashes.subarray(-32)])).toEqual([66_047]);
  });

  test('is refused where something is already, and says so when it cannot be finished', async () => {
    const storage = await open();
    await writeFile(join(dir, 'log', 'note.txt'), 'mine');
    await expect(storage.backup(join(dir, 'log'))).rejects.toMatchObject({ code: 'bad-parameter' });
    await writeFile(join(dir, 'file'), '');
    await expect(storage.backup(join(dir, 'file', 'copy'))).rejects.toMatchObject({ code: 'store-failed' });
    await storage.commit(new GrowingTree().grow(1));
  });
});
