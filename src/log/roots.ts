// The roots of earlier trees of the log, for records that name one: from the store up to what it holds, and beyond from the
// leaves that are on their way into it.

import { HASH_SIZE, asHash } from '../merkle/hash.ts';
import type { Hash } from '../merkle/hash.ts';
import type { TreeHead } from '../merkle/tree-head.ts';
import type { Edge } from './edge.ts';
import type { SequencedEntry } from './entry.ts';

export interface RootSources {
  /** The edge of the tree that the store holds. */
  readonly stored: Edge;
  /** The leaf hashes of the batch that is being written behind it. */
  readonly before: Uint8Array | undefined;
  readonly rootHashAt: (head: TreeHead, size: number) => Promise<Uint8Array>;
}

/** Reads the roots at these sizes that the store has; the function that it gives knows them and all later ones. */
export function rootsOf({ stored, before = new Uint8Array(0), rootHashAt }: RootSources) {
  return async (sizes: readonly number[]): Promise<(size: number, placed: readonly SequencedEntry[]) => Uint8Array> => {
    const known = new Map<number, Uint8Array>([[stored.head.size, stored.head.rootHash]]);
    for (const size of sizes) {
      if (size < stored.head.size && !known.has(size)) known.set(size, await rootHashAt(stored.head, size));
    }
    return (size, placed) => {
      let root = known.get(size);
      if (root === undefined) {
        root = rootBeyond(stored, size, before, placed);
        known.set(size, root);
      }
      return root;
    };
  };
}

function rootBeyond(stored: Edge, size: number, before: Uint8Array, placed: readonly SequencedEntry[]): Hash {
  const range = stored.range.clone();
  for (let i = 0; range.size < size; i++) {
    const at = i * HASH_SIZE;
    const isWritten = at < before.length;
    const own = placed[i - before.length / HASH_SIZE];
    range.append(isWritten ? asHash(before.subarray(at, at + HASH_SIZE)) : own!.entry.leafHash);
  }
  return range.rootHash();
}
