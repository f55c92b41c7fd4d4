// Entry bundles against the tree: the entries that somebody served are the log's, or they are refused.

import { HASH_SIZE } from './hash.ts';
import type { Prover } from './prover.ts';
import type { TreeHead } from './tree-head.ts';

/**
 * The leaf hashes (32 bytes an entry, in order) of the entries of entry bundle `index`, after they were found to be
 * the tree's. `entries` are the bundle's first ones: 1 to 256, all below head.size (else RangeError). `bad-tile` when
 * they are not in the tree. A full bundle needs no level 0 tile: its own leaf hashes are that tile, and it is kept.
 */
export async function authenticateBundle(
  prover: Prover,
  head: TreeHead,
  index: number,
  entries: readonly Uint8Array[],
): Promise<Uint8Array> {
  const leafHashes = new Uint8Array(HASH_SIZE * entries.length);
  for (const [i, entry] of entries.entries()) prover.hasher.leafHashInto(entry, leafHashes, HASH_SIZE * i);
  await prover.checkTile(head, { kind: 'tile', level: 0, index, width: entries.length }, leafHashes);
  return leafHashes;
}
