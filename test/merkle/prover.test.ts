import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { nodeHasher } from '../../src/adapters/node-crypto/hasher.ts';
import { isLimmatError } from '../../src/errors.ts';
import { asHash } from '../../src/merkle/hash.ts';
import { authenticateBundle } from '../../src/merkle/bundle.ts';
import { verifyConsistency, verifyInclusion } from '../../src/merkle/proof.ts';
import { Prover } from '../../src/merkle/prover.ts';
import { formatTilePath, rightEdge, tileWidthAt } from '../../src/merkle/tile.ts';
import { RfcTree, rfcTestTree, testEntry } from '../support/rfc-tree.ts';
import { SparseTree } from '../support/sparse-tree.ts';
import { TileSource, errorOf, flipBit } from '../support/tile-source.ts';

/** Two full levels and the beginning of the third. */
const LARGE = 70_000;
let tree: RfcTree;
beforeAll(() => {
  tree = rfcTestTree(LARGE);
  tree.root(0, LARGE);
});

function setup(size: number, cacheBytes?: number): { source: TileSource; prover: Prover } {
  const source = new TileSource(tree, size);
  const prover = new Prover({
    read: source.read,
    hasher: nodeHasher,
    ...(cacheBytes === undefined ? {} : { cacheBytes }),
  });
  return { source, prover };
}

const SHAPES = [1, 2, 3, 17, 255, 256, 257, 511, 512, 513, 768, 1000, 65_535, 65_536, 65_537, 65_793, LARGE];
const indexesOf = (size: number): number[] =>
  [
    ...new Set([0, 1, 254, 255, 256, 257, 511, Math.floor(size / 2), size - 257, size - 256, size - 2, size - 1]),
  ].filter((index) => index >= 0 && index < size);

describe('the prover', () => {
  it('proves every index of every shape of tree as the RFC does, with one read when nothing is at hand', async () => {
    for (const size of SHAPES) {
      for (const index of indexesOf(size)) {
        const { source, prover } = setup(size);
        expect(await prover.inclusionProof(source.head(), index)).toEqual(tree.path(index, 0, size));
        expect(source.calls.length).toBe(1);
        expect(new Set(source.calls[0]).size).toBe(source.calls[0]!.length);
        expect(await prover.leafHash(source.head(), index)).toEqual(tree.leafHashes[index]);
        expect(source.calls.length).toBe(1);
      }
    }
  });

  it('proves consistency between all pairs of shapes, and knows the root at each', async () => {
    const { source, prover } = setup(LARGE);
    const head = source.head();
    for (const toSize of SHAPES) {
      expect(await prover.rootHashAt(head, toSize)).toEqual(tree.root(0, toSize));
      for (const fromSize of SHAPES.filter((size) => size <= toSize)) {
        const proof = await prover.consistencyProof(head, fromSize, toSize);
        expect(proof).toEqual(tree.proof(fromSize, toSize));
        const roots = { fromRoot: tree.root(0, fromSize), toRoot: tree.root(0, toSize) };
        verifyConsistency({ fromSize, toSize, ...roots, proof });
      }
      expect(await prover.consistencyProof(head, 0, toSize)).toEqual([]);
    }
  });

  it('proves in older trees from the tiles of the head', async () => {
    const { source, prover } = setup(LARGE);
    for (const size of SHAPES) {
      for (const index of indexesOf(size)) {
        expect(await prover.inclusionProof(source.head(), index, size)).toEqual(tree.path(index, 0, size));
      }
    }
    const partial = source.calls.flat().filter((path) => path.includes('.p/'));
    expect(new Set(partial)).toEqual(new Set(rightEdge(LARGE).map(formatTilePath)));
  });

  it('proves again what it proved before, from the part that the entries of a tile share, in any order of heads', async () => {
    const forked = new RfcTree(tree.leafHashes.with(999, tree.leafHashes[5000]!).slice(0, 1000));
    const [mine, other, shorter] = [
      new TileSource(tree, 1000),
      new TileSource(forked, 1000),
      new TileSource(tree, 600),
    ];
    let source = mine;
    const prover = new Prover({ read: (paths) => source.read(paths), hasher: nodeHasher });
    for (let round = 0; round < 2; round++) {
      for (const [now, oracle] of [
        [mine, tree],
        [other, forked],
        [shorter, tree],
      ] as const) {
        source = now;
        const head = now.head();
        for (let index = 0; index < head.size; index++) {
          expect(await prover.inclusionProof(head, index)).toEqual(oracle.path(index, 0, head.size));
        }
        expect(await errorOf(() => prover.inclusionProof(head, head.size))).toBeInstanceOf(RangeError);
        expect(await errorOf(() => prover.inclusionProof(head, 0.5))).toBeInstanceOf(RangeError);
      }
    }
  });

  it('gives out proofs that are the caller’s: changing one changes no later one', async () => {
    const { source, prover } = setup(1000);
    for (let round = 0; round < 3; round++) {
      const proof = await prover.inclusionProof(source.head(), 7);
      expect(proof).toEqual(tree.path(7, 0, 1000));
      for (const hash of proof) hash.fill(0);
    }
  });

  it('serves all sizes to 520 from one cache', async () => {
    const source = new TileSource(tree, 520);
    const prover = new Prover({ read: source.read, hasher: nodeHasher });
    for (let size = 1; size <= 520; size++) {
      const head = source.head(size);
      const index = (size * 7919) % size;
      expect(await prover.inclusionProof(head, index)).toEqual(tree.path(index, 0, size));
      expect(await prover.inclusionProof(head, size - 1)).toEqual(tree.path(size - 1, 0, size));
      const from = Math.ceil(size / 3);
      expect(await prover.consistencyProof(head, from)).toEqual(tree.proof(from, size));
    }
    // A full tile is read once; only the edges are read for each head.
    for (const path of ['tile/0/000', 'tile/0/001']) {
      expect(source.calls.flat().filter((read) => read === path).length).toBe(1);
    }
  });

  it('stays right when the cache is far too small, and when many ask at once', async () => {
    for (const cacheBytes of [0, 10_000, 40_000]) {
      const { source, prover } = setup(LARGE, cacheBytes);
      const head = source.head();
      const indexes = Array.from({ length: 300 }, (_, i) => (i * 7919) % LARGE);
      const proofs = await Promise.all(indexes.map((index) => prover.inclusionProof(head, index)));
      for (const [i, proof] of proofs.entries()) expect(proof).toEqual(tree.path(indexes[i]!, 0, LARGE));
      expect(source.calls.flat().length).toBeLessThan(4 * 300 + 300 * 3);
    }
  });

  it('refuses a changed byte in any tile it reads, in every shape of tree, and does not keep that tile', async () => {
    let cases = 0;
    for (const size of SHAPES) {
      for (const index of indexesOf(size)) {
        const { source, prover } = setup(size);
        const head = source.head();
        await prover.inclusionProof(head, index);
        for (const path of source.calls[0]!) {
          for (const part of [0, 0.5, 1]) {
            const lied = setup(size);
            lied.source.forge = (read, bytes) =>
              read === path ? flipBit(bytes, Math.floor(part * (bytes.length - 1))) : bytes;
            const error = await errorOf(() => lied.prover.inclusionProof(head, index));
            expect(isLimmatError(error, 'bad-tile')).toBe(true);
            lied.source.forge = (_path, bytes) => bytes;
            expect(await lied.prover.inclusionProof(head, index)).toEqual(tree.path(index, 0, size));
            cases++;
          }
        }
      }
    }
    expect(cases).toBeGreaterThan(500);
  });

  it('refuses a tile of the wrong length, or none', async () => {
    const { source, prover } = setup(1000);
    for (const length of [0, 31, 32, 8160, 8191, 8193, 8224]) {
      source.forge = (path, bytes) => (path === 'tile/0/001' ? new Uint8Array(length) : bytes);
      expect(isLimmatError(await errorOf(() => prover.inclusionProof(source.head(), 300)), 'bad-tile')).toBe(true);
    }
    const silent = new Prover({ read: () => Promise.resolve([]) });
    expect(isLimmatError(await errorOf(() => silent.leafHash(source.head(), 0)), 'bad-tile')).toBe(true);
  });

  it('passes on why the reader failed, and tries again the next time', async () => {
    const { source, prover } = setup(1000);
    const failure = new Error('the line is down');
    source.forge = () => {
      throw failure;
    };
    expect(await errorOf(() => prover.leafHash(source.head(), 3))).toBe(failure);
    source.forge = (_path, bytes) => bytes;
    expect(await prover.leafHash(source.head(), 3)).toEqual(tree.leafHashes[3]);
  });

  it('refuses a head that is not the tree’s, of whatever size', async () => {
    for (const size of [0, 1, 256, 1000, 65_536]) {
      const { source, prover } = setup(size);
      const head = { size, rootHash: asHash(flipBit(source.head().rootHash, 0)) };
      const error = await errorOf(() => (size === 0 ? prover.nodes(head, []) : prover.leafHash(head, 0)));
      expect(isLimmatError(error, 'bad-tile')).toBe(true);
    }
  });

  it('never takes a kept tile for a fork that does not contain it', async () => {
    const forked = new RfcTree(tree.leafHashes.with(100, tree.leafHashes[101]!).slice(0, 1000));
    const mine = new TileSource(tree, 1000);
    const other = new TileSource(forked, 1000);
    let source = mine;
    const prover = new Prover({ read: (paths) => source.read(paths), hasher: nodeHasher });
    for (let round = 0; round < 3; round++) {
      for (const [now, oracle] of [
        [mine, tree],
        [other, forked],
      ] as const) {
        source = now;
        for (const index of [0, 100, 300, 999]) {
          expect(await prover.inclusionProof(now.head(), index)).toEqual(oracle.path(index, 0, 1000));
        }
        expect(await prover.leafHash(now.head(), 100)).toEqual(oracle.leafHashes[100]);
      }
    }
    // What both trees contain was read once, although neither head was ever said to extend the other.
    expect([...mine.calls, ...other.calls].flat().filter((path) => path === 'tile/0/001').length).toBe(1);
    // The other tree's tile under the first tree's head is refused.
    source = other;
    const error = await errorOf(() => new Prover({ read: source.read }).leafHash(mine.head(), 100));
    expect(isLimmatError(error, 'bad-tile')).toBe(true);
  });

  it('refuses what is not in the head’s tree as a caller’s mistake', async () => {
    const { source, prover } = setup(300);
    const head = source.head();
    for (const run of [
      () => prover.leafHash(head, 300),
      () => prover.leafHash(head, -1),
      () => prover.leafHash(head, 0.5),
      () => prover.nodes(head, [{ height: 8, index: 1 }]),
      () => prover.nodes(head, [{ height: 2000, index: 0 }]),
      () => prover.inclusionProof(head, 300),
      () => prover.inclusionProof(head, 0, 301),
      () => prover.consistencyProof(head, 1, 301),
      () => prover.consistencyProof(head, 0, 301),
      () => prover.consistencyProof(head, 301, 301),
      () => prover.consistencyProof(head, 5, 4),
      () => prover.rootHashAt(head, 301),
      () => prover.checkTile(head, { kind: 'tile', level: 0, index: 1, width: 45 }, new Uint8Array(45 * 32)),
      () => prover.checkTile(head, { kind: 'tile', level: 0, index: 2, width: 1 }, new Uint8Array(32)),
      () => prover.checkTile(head, { kind: 'tile', level: 0, index: 0, width: 0 }, new Uint8Array(0)),
    ]) {
      expect(await errorOf(run)).toBeInstanceOf(RangeError);
    }
    expect(source.calls).toEqual([]);
  });

  it('proves in trees of up to 2^53 − 1 entries', async () => {
    const size = fc.oneof(
      fc.constantFrom(
        2 ** 31 - 1,
        2 ** 31,
        2 ** 31 + 1,
        2 ** 32 - 1,
        2 ** 32,
        2 ** 32 + 255,
        2 ** 48,
        Number.MAX_SAFE_INTEGER,
      ),
      fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    );
    await fc.assert(
      fc.asyncProperty(size, fc.double({ min: 0, max: 1, noNaN: true }), async (toSize, part) => {
        const index = Math.min(toSize - 1, Math.floor(part * toSize));
        const sparse = new SparseTree([index, toSize - 1]);
        const source = new TileSource(sparse, toSize);
        const prover = new Prover({ read: source.read, hasher: nodeHasher });
        const proof = await prover.inclusionProof(source.head(), index);
        expect(proof).toEqual(sparse.path(index, 0, toSize));
        const leafHash = sparse.leafHash(index);
        verifyInclusion({ leafHash, index, size: toSize, rootHash: source.head().rootHash, proof });
        expect(await prover.consistencyProof(source.head(), index + 1)).toEqual(sparse.proof(index + 1, toSize));
      }),
      { numRuns: 40 },
    );
  });
});

describe('a tile or bundle that is already at hand', () => {
  it('is checked with the tiles above it only, and kept when it is full', async () => {
    const { source, prover } = setup(LARGE);
    const head = source.head();
    const path = { kind: 'tile', level: 0, index: 5, width: 256 } as const;
    const bytes = source.tile(path);
    await prover.checkTile(head, path, bytes);
    expect(source.calls.flat()).not.toContain('tile/0/005');
    expect(await prover.inclusionProof(head, 5 * 256 + 3)).toEqual(tree.path(5 * 256 + 3, 0, LARGE));
    expect(source.calls.flat()).not.toContain('tile/0/005');
    for (const at of [0, 4000, 8191]) {
      const error = await errorOf(() => prover.checkTile(head, path, flipBit(bytes, at)));
      expect(isLimmatError(error, 'bad-tile')).toBe(true);
    }
    expect(isLimmatError(await errorOf(() => prover.checkTile(head, path, bytes.subarray(32))), 'bad-tile')).toBe(true);
  });

  it('is checked at every level and width', async () => {
    const { source, prover } = setup(LARGE);
    const head = source.head();
    for (const [level, index] of [
      [0, 0],
      [0, 272],
      [0, 273],
      [1, 0],
      [1, 1],
      [2, 0],
    ] as const) {
      const full = tileWidthAt(level, index, LARGE);
      for (const width of [1, Math.ceil(full / 2), full]) {
        const path = { kind: 'tile', level, index, width } as const;
        const bytes = source.tile(path);
        await prover.checkTile(head, path, bytes);
        const error = await errorOf(() => prover.checkTile(head, path, flipBit(bytes, bytes.length - 1)));
        expect(isLimmatError(error, 'bad-tile')).toBe(true);
      }
    }
  });

  it('gives the entries’ leaf hashes, and refuses any changed, missing or swapped entry', async () => {
    const { source, prover } = setup(1000);
    const head = source.head();
    for (const [bundle, width] of [
      [0, 256],
      [2, 256],
      [3, 232],
      [3, 7],
      [1, 1],
    ] as const) {
      const entries = Array.from({ length: width }, (_, i) => testEntry(bundle * 256 + i));
      const leafHashes = await authenticateBundle(prover, head, bundle, entries);
      for (let i = 0; i < width; i++) {
        expect(leafHashes.subarray(32 * i, 32 * i + 32)).toEqual(tree.leafHashes[bundle * 256 + i]);
      }
      const wrong = [
        entries.with(0, testEntry(5000)),
        entries.with(width - 1, testEntry(5000)),
        entries.with(width - 1, entries[width - 1]!.subarray(1)),
        ...(width > 1 ? [entries.with(0, entries[1]!).with(1, entries[0]!), entries.slice(1)] : []),
      ];
      for (const bad of wrong) {
        expect(isLimmatError(await errorOf(() => authenticateBundle(prover, head, bundle, bad)), 'bad-tile')).toBe(
          true,
        );
      }
    }
    expect(
      await errorOf(() =>
        authenticateBundle(
          prover,
          head,
          3,
          Array.from({ length: 233 }, () => testEntry(0)),
        ),
      ),
    ).toBeInstanceOf(RangeError);
  });
});
