// An entry of a log with its inclusion proof, for evidence.

import { equalBytes } from '../../bytes.ts';
import { LimmatError } from '../../errors.ts';
import type { Hasher } from '../../merkle/hash.ts';
import { TILE_WIDTH, formatTilePath, parseEntryBundle } from '../../merkle/tile.ts';
import type { EntryBundlePath } from '../../merkle/tile.ts';
import type { TreeHead } from '../../merkle/tree-head.ts';
import type { IncludedEntry } from '../evidence/make.ts';
import type { LogSource } from '../source.ts';

/** The entry at an index below the head's size. Rejects with what the log's ways fail with, `bad-tile` among them. */
export function includedEntry(
  source: LogSource,
  head: TreeHead,
  index: number,
  hasher: Hasher,
): Promise<IncludedEntry> {
  const tile = Math.floor(index / TILE_WIDTH);
  const path: EntryBundlePath = {
    kind: 'entries',
    index: tile,
    width: Math.min(TILE_WIDTH, head.size - tile * TILE_WIDTH),
  };
  return source.attempt(async ({ reader, prover }) => {
    const [bundle] = await reader.read([path]);
    const leaf = parseEntryBundle(bundle!, path.width)[index % TILE_WIDTH]!;
    if (!equalBytes(hasher.leafHash(leaf), await prover.leafHash(head, index))) {
      const name = formatTilePath(path);
      throw new LimmatError('bad-tile', `${name} is not what the head of size ${head.size} commits to`, {
        details: { path: name },
      });
    }
    return { index, leaf: leaf.slice(), inclusion: await prover.inclusionProof(head, index) };
  });
}
