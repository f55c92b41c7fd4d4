// Compact ranges: a tree of any size as the few root hashes of its perfect subtrees, which is all that appending needs.
// Node numbering and the split into perfect subtrees follow from RFC 9162 §2.1. Nothing here uses 32-bit operators,
// because sizes go up to 2^53.

import { assertSize } from '../bytes.ts';
import { emptyRootHash } from './hash.ts';
import type { Hash, Hasher } from './hash.ts';

/** The perfect subtree over entries [index × 2^height, (index + 1) × 2^height). Height 0 is a leaf. */
export interface NodeId {
  readonly height: number;
  readonly index: number;
}

/** Is called for each node of height ≥ 1 that becomes complete, lower ones first. */
export type NodeVisitor = (height: number, index: number, hash: Hash) => void;

/** 2^0 to 2^53: engines take longer over a power of a variable than over the rest of finding a node. */
export const POWERS_OF_TWO: readonly number[] = Object.freeze(Array.from({ length: 54 }, (_, n) => 2 ** n));

/**
 * The perfect subtrees that cover entries [begin, end), left to right, as few as possible. [0, size) gives the
 * subtrees whose roots a compact range of that size holds. RangeError unless 0 ≤ begin ≤ end < 2^53.
 */
export function rangeNodes(begin: number, end: number): NodeId[] {
  assertSize('begin', begin);
  assertSize('end', end);
  if (begin > end) throw new RangeError(`begin ${begin} is above end ${end}`);
  const nodes: NodeId[] = [];
  let index = begin;
  let limit = end;
  let height = 0;
  const right: NodeId[] = [];
  // Both ends climb; what sticks out at one height is a subtree of its own. `index` and `limit` count nodes of `height`.
  while (index < limit) {
    if (index % 2 === 1) {
      nodes.push({ height, index });
      index++;
    }
    if (limit % 2 === 1 && index < limit) {
      limit--;
      right.push({ height, index: limit });
    }
    index = Math.floor(index / 2);
    limit = Math.floor(limit / 2);
    height++;
  }
  for (let i = right.length - 1; i >= 0; i--) nodes.push(right[i]!);
  return nodes;
}

/** The root hash over adjacent perfect subtrees that end at the right edge (left to right, at least one). */
export function foldRight(hashes: readonly Hash[], hasher: Hasher): Hash {
  let root = hashes.at(-1);
  if (root === undefined) throw new RangeError('no hash to fold');
  for (let i = hashes.length - 2; i >= 0; i--) root = hasher.nodeHash(hashes[i]!, root);
  return root;
}

/** How many perfect subtrees a tree of this size consists of: the ones in its binary form. */
function subtreeCount(size: number): number {
  let count = 0;
  for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) count += rest % 2;
  return count;
}

/** A growing tree, kept as the roots of its perfect subtrees. */
export class CompactRange {
  readonly #hasher: Hasher;
  readonly #hashes: Hash[];
  #size: number;

  private constructor(size: number, hashes: Hash[], hasher: Hasher) {
    this.#size = size;
    this.#hashes = hashes;
    this.#hasher = hasher;
  }

  /** The tree without entries. */
  static empty(hasher: Hasher): CompactRange {
    return new CompactRange(0, [], hasher);
  }

  /**
   * The tree of `size` entries whose perfect subtrees (`rangeNodes(0, size)`) have these root hashes. RangeError when
   * their number does not fit the size; whether they are the right ones shows only in `rootHash`.
   */
  static fromHashes(size: number, hashes: readonly Hash[], hasher: Hasher): CompactRange {
    assertSize('size', size);
    const expected = subtreeCount(size);
    if (hashes.length !== expected) {
      throw new RangeError(`size ${size} has ${expected} perfect subtrees, not ${hashes.length}`);
    }
    return new CompactRange(size, [...hashes], hasher);
  }

  /** Entries in the tree. */
  get size(): number {
    return this.#size;
  }

  /** The roots of the perfect subtrees, left to right. */
  get hashes(): readonly Hash[] {
    return [...this.#hashes];
  }

  /** Adds the next leaf hash. The range keeps it: it must not change afterwards. RangeError at 2^53 − 1 entries. */
  append(leafHash: Hash, visit?: NodeVisitor): void {
    if (this.#size >= Number.MAX_SAFE_INTEGER) throw new RangeError(`size ${this.#size} cannot grow`);
    const hashes = this.#hashes;
    let hash = leafHash;
    let height = 0;
    // A one in the old size's binary form is a subtree that the new one completes, exactly as in a carry.
    let index = this.#size;
    while (index % 2 === 1) {
      hash = this.#hasher.nodeHash(hashes.pop()!, hash);
      index = (index - 1) / 2;
      height++;
      if (visit !== undefined) visit(height, index, hash);
    }
    hashes.push(hash);
    this.#size++;
  }

  /** The root hash of the tree as it is now. */
  rootHash(): Hash {
    return this.#size === 0 ? emptyRootHash(this.#hasher) : foldRight(this.#hashes, this.#hasher);
  }

  /** A second range that grows on its own. */
  clone(): CompactRange {
    return new CompactRange(this.#size, [...this.#hashes], this.#hasher);
  }
}
