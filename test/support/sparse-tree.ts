// The oracle for trees too large to build: all leaves have one hash, except for the few that are named. A subtree's root
// then depends only on its size and on the named leaves in it, so the RFC's recursion stays short up to 2^53 entries.

import { rfcNodeHash } from './rfc-tree.ts';

const COMMON = new Uint8Array(32).fill(0xc0);

function splitPoint(size: number): number {
  let k = 1;
  while (k * 2 < size) k *= 2;
  return k;
}

/** A tree of any size whose leaf hashes are equal except for the named ones. */
export class SparseTree {
  readonly #named: ReadonlyMap<number, Uint8Array>;
  readonly #plain = new Map<number, Uint8Array>();

  /** Each of these indexes gets a leaf hash of its own. */
  constructor(indexes: readonly number[]) {
    this.#named = new Map(indexes.map((index, i) => [index, new Uint8Array(32).fill(i + 1)]));
  }

  leafHash(index: number): Uint8Array {
    return this.#named.get(index) ?? COMMON;
  }

  /** MTH over entries [begin, end), begin < end. */
  root(begin: number, end: number): Uint8Array {
    const size = end - begin;
    const plain = [...this.#named.keys()].every((index) => index < begin || index >= end);
    if (size === 1) return this.leafHash(begin);
    const known = plain ? this.#plain.get(size) : undefined;
    if (known !== undefined) return known;
    const middle = begin + splitPoint(size);
    const root = rfcNodeHash(this.root(begin, middle), this.root(middle, end));
    if (plain) this.#plain.set(size, root);
    return root;
  }

  /** The inclusion proof of entry `index` in the tree [begin, end), for index counted from 0. */
  path(index: number, begin: number, end: number): Uint8Array[] {
    if (end - begin === 1) return [];
    const middle = begin + splitPoint(end - begin);
    if (index < middle) return [...this.path(index, begin, middle), this.root(middle, end)];
    return [...this.path(index, middle, end), this.root(begin, middle)];
  }

  /** The consistency proof from a size to a size, 0 < fromSize ≤ toSize. */
  proof(fromSize: number, toSize: number): Uint8Array[] {
    const subproof = (begin: number, end: number, isOldTree: boolean): Uint8Array[] => {
      if (fromSize === end) return isOldTree ? [] : [this.root(begin, end)];
      const middle = begin + splitPoint(end - begin);
      if (fromSize <= middle) return [...subproof(begin, middle, isOldTree), this.root(middle, end)];
      return [...subproof(middle, end, false), this.root(begin, middle)];
    };
    return subproof(0, toSize, true);
  }
}
