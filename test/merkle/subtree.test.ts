import { describe, expect, it } from 'vitest';
import { nodeHasher } from '../../src/adapters/node-crypto/hasher.ts';
import { isLimmatError } from '../../src/errors.ts';
import { asHash } from '../../src/merkle/hash.ts';
import { consistencyPlan, inclusionPlan } from '../../src/merkle/proof.ts';
import type { ProofPlan } from '../../src/merkle/proof.ts';
import { isSubtree, subtreePlan, verifySubtree } from '../../src/merkle/subtree.ts';
import type { SubtreeClaim } from '../../src/merkle/subtree.ts';
import type { RfcTree } from '../support/rfc-tree.ts';
import { rfcTestTree } from '../support/rfc-tree.ts';
import { flipBit } from '../support/tile-source.ts';

const SIZES_TO = 70;

/** SUBTREE_PROOF(start, end, D_n) as draft-ietf-plants-merkle-tree-certs-03 §4.4.1 defines it, slowly. */
function slowProof(tree: RfcTree, start: number, end: number, size: number): Uint8Array[] {
  return slowSubproof(tree, start, end, 0, size, true);
}

/** SUBTREE_SUBPROOF(start, end, D[offset:offset + n], known): start and end count from offset. */
function slowSubproof(
  tree: RfcTree,
  start: number,
  end: number,
  offset: number,
  n: number,
  known: boolean,
): Uint8Array[] {
  if (start === 0 && end === n) return known ? [] : [tree.root(offset, offset + n)];
  let k = 1;
  while (k * 2 < n) k *= 2;
  if (end <= k) {
    return [...slowSubproof(tree, start, end, offset, k, known), tree.root(offset + k, offset + n)];
  }
  if (k <= start) {
    return [...slowSubproof(tree, start - k, end - k, offset + k, n - k, known), tree.root(offset, offset + k)];
  }
  return [...slowSubproof(tree, 0, end - k, offset + k, n - k, false), tree.root(offset, offset + k)];
}

/** What a plan makes of the oracle's node hashes. */
function build(plan: ProofPlan, tree: RfcTree): Uint8Array[] {
  const hashes = plan.nodes.map(({ height, index }) =>
    asHash(tree.root(index * 2 ** height, (index + 1) * 2 ** height)),
  );
  return plan.build(hashes, nodeHasher);
}

function holds(claim: SubtreeClaim): boolean {
  try {
    verifySubtree(claim, nodeHasher);
    return true;
  } catch (error) {
    if (isLimmatError(error, 'bad-proof')) return false;
    throw error;
  }
}

function* subtreesOf(size: number): Generator<readonly [number, number]> {
  for (let start = 0; start < size; start++) {
    for (let end = start + 1; end <= size; end++) if (isSubtree(start, end)) yield [start, end];
  }
}

describe('subtrees', () => {
  it('start at a multiple of the power of two that holds their entries', () => {
    // The draft's own examples: [4, 8) and [8, 13) are subtrees, [1, 3) is none.
    for (const [start, end] of [
      [0, 1],
      [0, 7],
      [4, 8],
      [8, 13],
      [3, 4],
      [256, 511],
      [512, 513],
    ] as const) {
      expect(isSubtree(start, end)).toBe(true);
    }
    for (const [start, end] of [
      [1, 3],
      [4, 9],
      [0, 0],
      [5, 4],
      [-1, 1],
      [2, 5],
      [0.5, 1],
    ] as const) {
      expect(isSubtree(start, end)).toBe(false);
    }
    expect(isSubtree(2 ** 52, Number.MAX_SAFE_INTEGER)).toBe(true);
    expect(isSubtree(2 ** 51, Number.MAX_SAFE_INTEGER)).toBe(false);
  });

  it(`have the draft's proof in every tree to ${SIZES_TO} entries, and it verifies`, () => {
    const tree = rfcTestTree(SIZES_TO);
    for (let size = 1; size <= SIZES_TO; size++) {
      for (const [start, end] of subtreesOf(size)) {
        const proof = build(subtreePlan(start, end, size), tree);
        expect(proof).toEqual(slowProof(tree, start, end, size));
        const claim = { start, end, size, proof, subtreeHash: tree.root(start, end), rootHash: tree.root(0, size) };
        expect(holds(claim)).toBe(true);
      }
    }
  });

  it('are not proven by a proof with anything changed', () => {
    const tree = rfcTestTree(SIZES_TO);
    for (let size = 1; size <= SIZES_TO; size += 3) {
      for (const [start, end] of subtreesOf(size)) {
        const proof = build(subtreePlan(start, end, size), tree);
        const claim = { start, end, size, proof, subtreeHash: tree.root(start, end), rootHash: tree.root(0, size) };
        for (const i of proof.keys()) {
          expect(holds({ ...claim, proof: proof.with(i, flipBit(proof[i]!, i)) })).toBe(false);
          expect(holds({ ...claim, proof: proof.toSpliced(i, 1) })).toBe(false);
        }
        expect(holds({ ...claim, proof: [...proof, tree.root(0, 1)] })).toBe(false);
        expect(holds({ ...claim, subtreeHash: flipBit(claim.subtreeHash, 1) })).toBe(false);
        expect(holds({ ...claim, rootHash: flipBit(claim.rootHash, 1) })).toBe(false);
        if (end < size) expect(holds({ ...claim, size: end })).toBe(false);
        expect(holds({ ...claim, start: start + 1 })).toBe(false);
      }
    }
  });

  it('with one entry are proven by its inclusion proof, and from 0 on by the consistency proof', () => {
    const tree = rfcTestTree(SIZES_TO);
    for (let size = 1; size <= SIZES_TO; size++) {
      for (let index = 0; index < size; index++) {
        expect(build(subtreePlan(index, index + 1, size), tree)).toEqual(build(inclusionPlan(index, size), tree));
        expect(build(subtreePlan(0, index + 1, size), tree)).toEqual(build(consistencyPlan(index + 1, size), tree));
      }
    }
  });

  it('need few nodes in the largest trees', () => {
    const size = Number.MAX_SAFE_INTEGER;
    for (const [start, end] of [
      [0, 1],
      [2 ** 52, size],
      [2 ** 40, 2 ** 40 + 256],
      [size - 1, size],
    ] as const) {
      expect(subtreePlan(start, end, size).nodes.length).toBeLessThan(2 * 54);
    }
  });

  it('refuse what is none, and numbers that are none', () => {
    expect(() => subtreePlan(1, 3, 8)).toThrow(RangeError);
    expect(() => subtreePlan(0, 9, 8)).toThrow(RangeError);
    const tree = rfcTestTree(8);
    const claim = {
      start: 4,
      end: 8,
      size: 8,
      proof: [tree.root(0, 4)],
      subtreeHash: tree.root(4, 8),
      rootHash: tree.root(0, 8),
    };
    expect(holds(claim)).toBe(true);
    expect(holds({ ...claim, end: 9 })).toBe(false);
    expect(holds({ ...claim, size: Number.NaN })).toBe(false);
    expect(holds({ ...claim, start: -4 })).toBe(false);
    expect(holds({ ...claim, subtreeHash: new Uint8Array(31) })).toBe(false);
    expect(holds({ ...claim, proof: [new Uint8Array(33)] })).toBe(false);
  });
});
