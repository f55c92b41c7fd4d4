// The roots of earlier trees of the log, for records that name one: from the store up to what it holds, and beyond from the
// leaves that are on their way into it.

import { HASH_SIZE, asHash } from '../merkle/hash.ts';
import type { Hash } from '../merkle/hash.ts';
import type { CompactRange } from '../merkle/range.ts';
import type { TreeHead } from '../merkle/tree-head.ts';
import type { Growth } from '../storage.ts';
import type { Edge } from './edge.ts';
import type { SequencedEntry } from './entry.ts';

/** A tree in flight is remembered at every so manyth leaf: a batch may name all its sizes, and a root takes no more hashes. */
const REMEMBERED_EVERY = 64;

export interface RootSources {
  /** The edge of the tree that the store holds. */
  readonly stored: Edge;
  /** The batch that is being written behind it. */
  readonly before: Growth | undefined;
  readonly rootHashAt: (head: TreeHead, size: number) => Promise<Uint8Array>;
}

/** Reads the roots at these sizes that the store has; the function that it gives knows them and all later ones. */
export function rootsOf({ stored, before, rootHashAt }: RootSources) {
  const { head } = stored;
  // A write may have ended just now: then the edge has its leaves already.
  const leaves = new LeavesInFlight(stored.range, before?.oldHead.size === head.size ? before.leafHashes : undefined);
  return async (sizes: readonly number[]): Promise<(size: number, placed: readonly SequencedEntry[]) => Uint8Array> => {
    const known = new Map<number, Uint8Array>([[head.size, head.rootHash]]);
    for (const size of sizes) {
      if (size < head.size && !known.has(size)) known.set(size, await rootHashAt(head, size));
    }
    return (size, placed) => {
      let root = known.get(size);
      if (root === undefined) {
        root = leaves.rootAt(size, placed);
        known.set(size, root);
      }
      return root;
    };
  };
}

/** The leaves behind the stored tree: those that are being written, then those of the batch that is being placed. */
class LeavesInFlight {
  readonly #written: Uint8Array;
  /** The tree with 0, 64, 128, … of the leaves. */
  readonly #ranges: CompactRange[];

  constructor(stored: CompactRange, written: Uint8Array = new Uint8Array(0)) {
    this.#written = written;
    this.#ranges = [stored];
  }

  /** The root at a size from the stored one up to that with everything placed so far. */
  rootAt(size: number, placed: readonly SequencedEntry[]): Hash {
    const count = size - this.#ranges[0]!.size;
    const step = Math.floor(count / REMEMBERED_EVERY);
    while (this.#ranges.length <= step) {
      const from = this.#ranges.length - 1;
      this.#ranges.push(this.#extend(from, REMEMBERED_EVERY, placed));
    }
    return this.#extend(step, count % REMEMBERED_EVERY, placed).rootHash();
  }

  #extend(step: number, leaves: number, placed: readonly SequencedEntry[]): CompactRange {
    const range = this.#ranges[step]!.clone();
    const first = step * REMEMBERED_EVERY;
    for (let i = first; i < first + leaves; i++) range.append(this.#leaf(i, placed));
    return range;
  }

  #leaf(i: number, placed: readonly SequencedEntry[]): Hash {
    const at = i * HASH_SIZE;
    if (at < this.#written.length) return asHash(this.#written.subarray(at, at + HASH_SIZE));
    return placed[(at - this.#written.length) / HASH_SIZE]!.entry.leafHash;
  }
}
