import { describe, expect, test } from 'vitest';

import { isLimmatError } from '../../src/errors.ts';
import { formatEntryBundle, portableHasher, TILE_WIDTH, tilesForSize, type TilePath } from '../../src/merkle/index.ts';
import { readBundles, TreeRehash } from '../../tools/support/rehash.ts';
import { rfcTestTree, testEntry } from '../support/rfc-tree.ts';

const LARGEST = 2 * TILE_WIDTH + 60;

const entriesOf = (start: number, end: number): Uint8Array[] =>
  Array.from({ length: end - start }, (_, i) => testEntry(start + i));

function rehash(size: number): TreeRehash {
  const tree = new TreeRehash(portableHasher);
  for (let start = 0; start < size; start += TILE_WIDTH)
    tree.push(entriesOf(start, Math.min(size, start + TILE_WIDTH)));
  return tree;
}

const read = async (paths: readonly TilePath[]): Promise<Uint8Array[]> =>
  paths.map(({ index, width }) => formatEntryBundle(entriesOf(index * TILE_WIDTH, index * TILE_WIDTH + width)));

const broken = async (paths: readonly TilePath[]): Promise<Uint8Array[]> => paths.map(() => Uint8Array.of(0, 9, 1));

describe('TreeRehash', () => {
  const reference = rfcTestTree(LARGEST);

  test('has the root of the RFC reference at every size, also of sizes inside the last bundle', () => {
    for (const size of [0, 1, 2, 3, 255, 256, 257, 300, 511, 512, 513, LARGEST]) {
      const tree = rehash(size);
      expect(tree.size).toBe(size);
      expect(Buffer.from(tree.rootHash())).toEqual(Buffer.from(reference.root(0, size)));
    }
    const tree = rehash(LARGEST);
    for (let size = 2 * TILE_WIDTH; size <= LARGEST; size++) {
      expect(Buffer.from(tree.rootHashAt(size))).toEqual(Buffer.from(reference.root(0, size)));
    }
    expect(() => tree.rootHashAt(2 * TILE_WIDTH - 1)).toThrow(RangeError);
    expect(() => tree.rootHashAt(LARGEST + 1)).toThrow(RangeError);
  });

  test('gives exactly the tiles of its size', () => {
    const tree = rehash(LARGEST);
    const given = [...tree.takeTiles(), ...tree.partialTiles()].map(({ path }) => path);
    expect(given).toHaveLength([...tilesForSize(LARGEST)].length);
    for (const path of tilesForSize(LARGEST)) expect(given).toContainEqual(path);
    expect(tree.takeTiles()).toEqual([]);
  });

  test('takes nothing after a partial bundle', () => {
    const tree = rehash(10);
    expect(() => tree.push(entriesOf(10, 11))).toThrow(RangeError);
  });
});

describe('readBundles', () => {
  test('gives every entry once and in order, from a size on', async () => {
    for (const fromSize of [0, 100, TILE_WIDTH, LARGEST]) {
      let next = Math.floor(fromSize / TILE_WIDTH) * TILE_WIDTH;
      for await (const batch of readBundles(read, LARGEST, fromSize)) {
        for (const { entries } of batch) for (const entry of entries) expect(entry).toEqual(testEntry(next++));
      }
      expect(next).toBe(fromSize === LARGEST ? 2 * TILE_WIDTH : LARGEST);
    }
  });

  test('a bundle that is not one is refused by its path', async () => {
    const steps = readBundles(broken, 5);
    await expect(steps.next()).rejects.toSatisfy((error) => isLimmatError(error, 'bad-tile'));
  });
});
