// Inclusion and consistency proofs (RFC 9162 §2.1.3 and §2.1.4; RFC 6962 calls the first one an audit path). A plan
// says which nodes a proof is made of, without any hash at hand; verifying recomputes the root and compares once.

import { assertSize, equalBytes } from '../bytes.ts';
import { LimmatError } from '../errors.ts';
import { isHash, portableHasher } from './hash.ts';
import type { Hash, Hasher } from './hash.ts';
import { foldRight, rangeNodes } from './range.ts';
import type { NodeId } from './range.ts';

/** What to fetch for a proof, and how to make it from what was fetched. */
export interface ProofPlan {
  /** The nodes to fetch. Each is complete in the tree of the plan's size. */
  readonly nodes: readonly NodeId[];
  /** The proof, from the hashes of `nodes` in the same order; RangeError for another number of hashes. */
  build(hashes: readonly Hash[], hasher: Hasher): Hash[];
}

/** A subtree whose root hash is one element of a proof, as entries [begin, end). */
export type Span = readonly [begin: number, end: number];

/** A proof whose elements are the root hashes of these subtrees. Only the right-most can need more than one node. */
export function planOf(spans: readonly Span[]): ProofPlan {
  const nodes: NodeId[] = [];
  const counts: number[] = [];
  for (const [begin, end] of spans) {
    const parts = rangeNodes(begin, end);
    counts.push(parts.length);
    nodes.push(...parts);
  }
  return {
    nodes,
    build(hashes, hasher) {
      if (hashes.length !== nodes.length)
        throw new RangeError(`plan needs ${nodes.length} hashes, not ${hashes.length}`);
      const proof: Hash[] = [];
      let next = 0;
      for (const count of counts) {
        proof.push(count === 1 ? hashes[next]! : foldRight(hashes.slice(next, next + count), hasher));
        next += count;
      }
      return proof;
    },
  };
}

/** The largest power of two below `size`, for size ≥ 2: where RFC 9162 §2.1.1 splits a tree. */
export function splitPoint(size: number): number {
  let split = 1;
  while (split * 2 < size) split *= 2;
  return split;
}

/** The plan of the proof that entry `index` is in the tree of `size`; RangeError unless 0 ≤ index < size < 2^53. */
export function inclusionPlan(index: number, size: number): ProofPlan {
  assertSize('index', index);
  assertSize('size', size);
  if (index >= size) throw new RangeError(`index ${index} is not below size ${size}`);
  const spans: Span[] = [];
  let begin = 0;
  let end = size;
  // From the root down; a proof is written from the leaf up.
  for (let split = size > 1 ? splitPoint(size) : 0; end - begin > 1;) {
    while (split >= end - begin) split /= 2;
    const middle = begin + split;
    if (index < middle) {
      spans.push([middle, end]);
      end = middle;
    } else {
      spans.push([begin, middle]);
      begin = middle;
    }
  }
  return planOf(spans.toReversed());
}

/**
 * The plan of the proof that the tree of `toSize` extends the tree of `fromSize`; RangeError unless
 * 0 ≤ fromSize ≤ toSize < 2^53. The proof is empty when the sizes are equal, and from size 0, which proves nothing.
 */
export function consistencyPlan(fromSize: number, toSize: number): ProofPlan {
  assertSize('fromSize', fromSize);
  assertSize('toSize', toSize);
  if (fromSize > toSize) throw new RangeError(`size ${fromSize} is above size ${toSize}`);
  if (fromSize === 0 || fromSize === toSize) return planOf([]);
  const spans: Span[] = [];
  let begin = 0;
  let end = toSize;
  for (let split = splitPoint(toSize); end !== fromSize;) {
    while (split >= end - begin) split /= 2;
    const middle = begin + split;
    if (fromSize <= middle) {
      spans.push([middle, end]);
      end = middle;
    } else {
      spans.push([begin, middle]);
      begin = middle;
    }
  }
  // [begin, fromSize) is a subtree of both trees. It needs no mention where it is the whole old tree: the verifier knows it.
  if (begin > 0) spans.push([begin, end]);
  return planOf(spans.toReversed());
}

export function refuse(message: string): LimmatError {
  return new LimmatError('bad-proof', message);
}

export function checkNumber(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) throw refuse(`${name} ${value} is not an integer in [0, 2^53)`);
}

export function checkedHash(name: string, bytes: Uint8Array, number?: number): Hash {
  if (isHash(bytes)) return bytes;
  throw refuse(`${name}${number === undefined ? '' : ` ${number}`} has ${bytes.length} bytes, not 32`);
}

/**
 * The root hash that an inclusion proof leads to (RFC 9162 §2.1.3.2 without the comparison). `bad-proof` unless
 * index < size, the proof has exactly as many hashes as that takes, and all are 32 bytes.
 */
export function rootFromInclusion(
  leafHash: Uint8Array,
  index: number,
  size: number,
  proof: readonly Uint8Array[],
  hasher: Hasher = portableHasher,
): Hash {
  checkNumber('index', index);
  checkNumber('size', size);
  if (index >= size) throw refuse(`index ${index} is not below size ${size}`);
  let root = checkedHash('leaf hash', leafHash);
  // RFC 9162 calls these fn and sn: the node on the path and the last node of its height.
  let node = index;
  let last = size - 1;
  for (let i = 0; i < proof.length; i++) {
    const element = proof[i]!;
    if (last === 0)
      throw refuse(`inclusion proof of index ${index} in size ${size} has ${proof.length} hashes, not ${i}`);
    const sibling = checkedHash('proof hash', element, i);
    if (node % 2 === 1 || node === last) {
      root = hasher.nodeHash(sibling, root);
      // The last node may have no sibling for some heights; it moves up unchanged.
      while (node % 2 === 0 && node > 0) {
        node /= 2;
        last = Math.floor(last / 2);
      }
    } else {
      root = hasher.nodeHash(root, sibling);
    }
    node = Math.floor(node / 2);
    last = Math.floor(last / 2);
  }
  if (last !== 0) throw refuse(`inclusion proof of index ${index} in size ${size} ends after ${proof.length} hashes`);
  return root;
}

/** What is claimed: the entry with this leaf hash is number `index` of the tree with this size and root hash. */
export interface InclusionClaim {
  readonly leafHash: Uint8Array;
  readonly index: number;
  readonly size: number;
  readonly rootHash: Uint8Array;
  readonly proof: readonly Uint8Array[];
}

/** Returns if the proof shows the claim, else throws `bad-proof` (RFC 9162 §2.1.3.2). */
export function verifyInclusion(claim: InclusionClaim, hasher: Hasher = portableHasher): void {
  const root = rootFromInclusion(claim.leafHash, claim.index, claim.size, claim.proof, hasher);
  if (!equalBytes(root, claim.rootHash)) {
    throw refuse(`inclusion proof of index ${claim.index} does not lead to the root of size ${claim.size}`);
  }
}

/** What is claimed: the tree of toSize with toRoot starts with the tree of fromSize with fromRoot. */
export interface ConsistencyClaim {
  readonly fromSize: number;
  readonly fromRoot: Uint8Array;
  readonly toSize: number;
  readonly toRoot: Uint8Array;
  readonly proof: readonly Uint8Array[];
}

/**
 * Returns if the proof shows the claim, else throws `bad-proof` (RFC 9162 §2.1.4.2). Equal sizes need equal roots and
 * an empty proof. From size 0 nothing can be shown, so that is refused: whoever knows no tree yet has nothing to check.
 */
export function verifyConsistency(claim: ConsistencyClaim, hasher: Hasher = portableHasher): void {
  const { fromSize, toSize, proof } = claim;
  checkNumber('fromSize', fromSize);
  checkNumber('toSize', toSize);
  const { fromRoot, toRoot } = claim;
  if (fromSize > toSize) throw refuse(`size ${fromSize} is above size ${toSize}`);
  if (fromSize === 0) throw refuse(`a consistency proof from size 0 to size ${toSize} shows nothing`);
  if (fromSize === toSize) {
    if (proof.length > 0) throw refuse(`equal sizes take an empty consistency proof, not ${proof.length} hashes`);
    if (!equalBytes(fromRoot, toRoot)) throw refuse(`two different roots of the same size ${fromSize}`);
    return;
  }
  const name = `consistency proof from size ${fromSize} to size ${toSize}`;
  // RFC 9162 calls these fn and sn: the last node of the old tree and of the new one, at the height reached.
  let node = fromSize - 1;
  let last = toSize - 1;
  while (node % 2 === 1) {
    node = (node - 1) / 2;
    last = Math.floor(last / 2);
  }
  // The climb got to the top: the old tree is one perfect subtree, so its own root starts the proof.
  const path = node === 0 ? [fromRoot, ...proof] : proof;
  const start = path[0];
  if (start === undefined) throw refuse(`${name} is empty`);
  let oldRoot = checkedHash(node === 0 ? 'old root' : 'proof hash 0', start);
  let newRoot = oldRoot;
  for (let i = 1; i < path.length; i++) {
    if (last === 0) throw refuse(`${name} has too many hashes: ${proof.length}`);
    const sibling = checkedHash(`proof hash ${proof.length - path.length + i}`, path[i]!);
    if (node % 2 === 1 || node === last) {
      oldRoot = hasher.nodeHash(sibling, oldRoot);
      newRoot = hasher.nodeHash(sibling, newRoot);
      while (node % 2 === 0 && node > 0) {
        node /= 2;
        last = Math.floor(last / 2);
      }
    } else {
      newRoot = hasher.nodeHash(newRoot, sibling);
    }
    node = Math.floor(node / 2);
    last = Math.floor(last / 2);
  }
  if (last !== 0) throw refuse(`${name} ends after ${proof.length} hashes`);
  if (!equalBytes(oldRoot, fromRoot)) throw refuse(`${name} does not lead to the old root`);
  if (!equalBytes(newRoot, toRoot)) throw refuse(`${name} does not lead to the new root`);
}
