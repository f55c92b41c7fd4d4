import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nodeHasher } from '../../src/adapters/node-crypto/hasher.ts';
import { isLimmatError } from '../../src/errors.ts';
import { asHash } from '../../src/merkle/hash.ts';
import {
  consistencyPlan,
  inclusionPlan,
  rootFromInclusion,
  verifyConsistency,
  verifyInclusion,
} from '../../src/merkle/proof.ts';
import type { ProofPlan } from '../../src/merkle/proof.ts';
import { rfcTestTree } from '../support/rfc-tree.ts';
import { SparseTree } from '../support/sparse-tree.ts';
import { flipBit } from '../support/tile-source.ts';

const MAX = Number.MAX_SAFE_INTEGER;
const SIZES_TO = 260;
/** Every proof of small trees is tried with changed hashes, of large ones every so many; `npm run test:long` tries all. */
const FLIP_EVERY = process.env['LIMMAT_LONG'] === undefined ? 16 : 1;

interface Tree {
  root(begin: number, end: number): Uint8Array;
}

/** What a plan makes of the oracle's node hashes. */
function build(plan: ProofPlan, tree: Tree): Uint8Array[] {
  const hashes = plan.nodes.map(({ height, index }) =>
    asHash(tree.root(index * 2 ** height, (index + 1) * 2 ** height)),
  );
  return plan.build(hashes, nodeHasher);
}

function refused(run: () => void): boolean {
  try {
    run();
    return false;
  } catch (error) {
    if (isLimmatError(error, 'bad-proof')) return true;
    throw error;
  }
}

/** The proof with one bit changed in one hash, for each hash. */
function flips(proof: readonly Uint8Array[]): Uint8Array[][] {
  return proof.map((_, i) => proof.map((hash, j) => (i === j ? flipBit(hash, (7 * i) % 32) : hash)));
}

describe('an inclusion proof', () => {
  it(
    'is the RFC’s for every index at every size to 260, and no other proof of its length is taken',
    { timeout: 120_000 },
    () => {
      const tree = rfcTestTree(SIZES_TO);
      let cases = 0;
      for (let size = 1; size <= SIZES_TO; size++) {
        const rootHash = tree.root(0, size);
        for (let index = 0; index < size; index++) {
          const proof = build(inclusionPlan(index, size), tree);
          if (index % 7 === 0 || size < 70) expect(proof).toEqual(tree.path(index, 0, size));
          const claim = { leafHash: tree.leafHashes[index]!, index, size, rootHash, proof };
          verifyInclusion(claim, nodeHasher);
          if (size >= 70 && (index + size) % FLIP_EVERY !== 0) continue;
          for (const bad of flips(proof)) {
            if (!refused(() => verifyInclusion({ ...claim, proof: bad }, nodeHasher))) {
              throw new Error(`index ${index} in size ${size} was taken with a changed hash`);
            }
            cases++;
          }
        }
      }
      expect(cases).toBeGreaterThan(200_000 / FLIP_EVERY);
    },
  );

  it('is refused for another index, size, leaf, root or length', () => {
    const tree = rfcTestTree(20);
    for (let size = 1; size <= 20; size++) {
      for (let index = 0; index < size; index++) {
        const proof = tree.path(index, 0, size);
        const good = { leafHash: tree.leafHashes[index]!, index, size, rootHash: tree.root(0, size), proof };
        verifyInclusion(good);
        for (let other = 0; other < size; other++) {
          if (other !== index) expect(refused(() => verifyInclusion({ ...good, index: other }))).toBe(true);
        }
        expect(refused(() => verifyInclusion({ ...good, leafHash: flipBit(good.leafHash, 0) }))).toBe(true);
        expect(refused(() => verifyInclusion({ ...good, rootHash: flipBit(good.rootHash, 31) }))).toBe(true);
        expect(refused(() => verifyInclusion({ ...good, rootHash: good.rootHash.subarray(1) }))).toBe(true);
        expect(refused(() => verifyInclusion({ ...good, proof: [...proof, good.rootHash] }))).toBe(true);
        if (proof.length > 0) {
          expect(refused(() => verifyInclusion({ ...good, proof: proof.slice(1) }))).toBe(true);
          expect(refused(() => verifyInclusion({ ...good, proof: proof.slice(0, -1) }))).toBe(true);
          const short = [proof[0]!.subarray(0, 31), ...proof.slice(1)];
          expect(refused(() => verifyInclusion({ ...good, proof: short }))).toBe(true);
        }
      }
    }
  });

  it('is refused for numbers that no tree has', () => {
    const hash = new Uint8Array(32);
    for (const [index, size] of [
      [0, 0],
      [1, 1],
      [2, 1],
      [-1, 1],
      [0.5, 1],
      [0, 2 ** 53],
      [Number.NaN, 2],
      [0, Infinity],
    ]) {
      expect(refused(() => void rootFromInclusion(hash, index!, size!, []))).toBe(true);
    }
    expect(refused(() => void rootFromInclusion(new Uint8Array(31), 0, 1, []))).toBe(true);
    expect(() => inclusionPlan(3, 3)).toThrow('index 3 is not below size 3');
    expect(() => inclusionPlan(0, 2 ** 53)).toThrow(RangeError);
  });

  it('says both numbers when it is refused', () => {
    const hash = new Uint8Array(32);
    expect(() => rootFromInclusion(hash, 5, 3, [])).toThrow('index 5 is not below size 3');
    expect(() => rootFromInclusion(hash, 0, 1, [hash])).toThrow('has 1 hashes, not 0');
    expect(() => rootFromInclusion(hash, 0, 3, [hash])).toThrow('ends after 1 hashes');
  });
});

describe('a consistency proof', () => {
  it('is the RFC’s between all sizes to 260, and no other proof of its length is taken', { timeout: 120_000 }, () => {
    const tree = rfcTestTree(SIZES_TO);
    let cases = 0;
    for (let toSize = 1; toSize <= SIZES_TO; toSize++) {
      const toRoot = tree.root(0, toSize);
      for (let fromSize = 1; fromSize <= toSize; fromSize++) {
        const proof = build(consistencyPlan(fromSize, toSize), tree);
        if (fromSize % 7 === 0 || toSize < 70) expect(proof).toEqual(tree.proof(fromSize, toSize));
        const claim = { fromSize, fromRoot: tree.root(0, fromSize), toSize, toRoot, proof };
        verifyConsistency(claim, nodeHasher);
        if (toSize >= 70 && (fromSize + toSize) % FLIP_EVERY !== 0) continue;
        for (const bad of flips(proof)) {
          if (!refused(() => verifyConsistency({ ...claim, proof: bad }, nodeHasher))) {
            throw new Error(`size ${fromSize} to ${toSize} was taken with a changed hash`);
          }
          cases++;
        }
      }
    }
    expect(cases).toBeGreaterThan(200_000 / FLIP_EVERY);
  });

  it('is refused for other sizes, roots or lengths', () => {
    const tree = rfcTestTree(20);
    for (let toSize = 1; toSize <= 20; toSize++) {
      for (let fromSize = 1; fromSize <= toSize; fromSize++) {
        const proof = tree.proof(fromSize, toSize);
        const good = { fromSize, fromRoot: tree.root(0, fromSize), toSize, toRoot: tree.root(0, toSize), proof };
        verifyConsistency(good);
        expect(refused(() => verifyConsistency({ ...good, fromRoot: flipBit(good.fromRoot, 3) }))).toBe(true);
        expect(refused(() => verifyConsistency({ ...good, toRoot: flipBit(good.toRoot, 3) }))).toBe(true);
        expect(refused(() => verifyConsistency({ ...good, proof: [...proof, good.toRoot] }))).toBe(true);
        if (proof.length > 0) {
          expect(refused(() => verifyConsistency({ ...good, proof: proof.slice(0, -1) }))).toBe(true);
          expect(refused(() => verifyConsistency({ ...good, proof: [] }))).toBe(true);
          const short = [...proof.slice(0, -1), proof.at(-1)!.subarray(1)];
          expect(refused(() => verifyConsistency({ ...good, proof: short }))).toBe(true);
        }
      }
    }
  });

  it('shows nothing from size 0, backwards, or between numbers that no tree has', () => {
    const root = new Uint8Array(32);
    for (const [fromSize, toSize] of [
      [0, 0],
      [0, 1],
      [2, 1],
      [-1, 1],
      [1, 2 ** 53],
      [0.5, 1],
      [1, Number.NaN],
    ]) {
      const claim = { fromSize: fromSize!, fromRoot: root, toSize: toSize!, toRoot: root, proof: [] };
      expect(refused(() => verifyConsistency(claim))).toBe(true);
    }
    expect(consistencyPlan(0, 9).nodes).toEqual([]);
    expect(consistencyPlan(9, 9).nodes).toEqual([]);
    expect(() => consistencyPlan(2, 1)).toThrow('size 2 is above size 1');
  });
});

const around = (size: number): number[] => [size - 2, size - 1, size, size + 1, size + 2];

describe('proofs in trees too large to build', () => {
  const sizes = [2 ** 31, 2 ** 32, 2 ** 48, 2 ** 52].flatMap(around).concat([MAX - 1, MAX]);

  it('are the RFC’s around 2^31, 2^32 and up to 2^53', () => {
    for (const size of sizes) {
      for (const index of [0, 1, 2 ** 31 - 4, Math.floor(size / 3), 2 ** 30 + 7, size - 2, size - 1]) {
        const tree = new SparseTree([index, 0, size - 1]);
        const proof = build(inclusionPlan(index, size), tree);
        expect(proof).toEqual(tree.path(index, 0, size));
        expect(proof.length).toBeLessThanOrEqual(63);
        verifyInclusion({ leafHash: tree.leafHash(index), index, size, rootHash: tree.root(0, size), proof });
        const fromSize = index + 1;
        const consistency = build(consistencyPlan(fromSize, size), tree);
        expect(consistency).toEqual(tree.proof(fromSize, size));
        const roots = { fromRoot: tree.root(0, fromSize), toRoot: tree.root(0, size) };
        verifyConsistency({ fromSize, toSize: size, ...roots, proof: consistency });
        for (const bad of flips(consistency)) {
          expect(refused(() => verifyConsistency({ fromSize, toSize: size, ...roots, proof: bad }))).toBe(true);
        }
      }
    }
  });

  it('are the RFC’s for any index and sizes', () => {
    const anySize = fc.oneof(fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 1, max: MAX }));
    fc.assert(
      fc.property(anySize, anySize, (a, b) => {
        const [fromSize, toSize] = a < b ? [a, b] : [b, a];
        const index = fromSize - 1;
        const tree = new SparseTree([index, 0, toSize - 1]);
        expect(build(inclusionPlan(index, toSize), tree)).toEqual(tree.path(index, 0, toSize));
        expect(build(consistencyPlan(fromSize, toSize), tree)).toEqual(tree.proof(fromSize, toSize));
      }),
      { numRuns: 300 },
    );
  });
});

describe('a plan', () => {
  it('takes exactly its nodes’ hashes', () => {
    const hash = asHash(new Uint8Array(32));
    expect(() => inclusionPlan(0, 2).build([], nodeHasher)).toThrow('plan needs 1 hashes, not 0');
    expect(() => inclusionPlan(0, 2).build([hash, hash], nodeHasher)).toThrow(RangeError);
  });
});
