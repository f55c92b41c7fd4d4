// Makes a proof file out of a log's public resources alone: checkpoint, tiles, entry bundle. Any tlog-tiles log will do,
// an export on a static web server too. What comes out is consistent in itself; whether to believe it, verify.ts says.

import { LimmatError } from '../errors.ts';
import { authenticateBundle } from '../merkle/bundle.ts';
import { asHash } from '../merkle/hash.ts';
import type { Hash, Hasher } from '../merkle/hash.ts';
import { Prover } from '../merkle/prover.ts';
import { TILE_WIDTH, parseEntryBundle } from '../merkle/tile.ts';
import { parseCheckpoint } from '../note/checkpoint.ts';
import type { Checkpoint } from '../note/checkpoint.ts';
import { parseNote } from '../note/note.ts';
import { formatTlogProof } from '../note/tlog-proof.ts';
import type { LogReader } from './http-reader.ts';

/** An entry with the proof that it is under the log's newest checkpoint, whose signatures nobody has verified yet. */
export interface ProvenEntry {
  /** A C2SP tlog-proof with the entry as its extra data. */
  readonly proofFile: Uint8Array;
  readonly index: number;
  readonly entry: Uint8Array;
  readonly leafHash: Hash;
  readonly checkpoint: Checkpoint;
}

/**
 * The proof file of entry `index` under the reader's newest checkpoint. Throws `not-published` when the checkpoint does
 * not reach it, `bad-tile` when tiles, entry and checkpoint do not fit together, and what the reader throws.
 */
export async function proveEntry(
  reader: Pick<LogReader, 'checkpoint' | 'read'>,
  index: number,
  options: { readonly hasher?: Hasher } = {},
): Promise<ProvenEntry> {
  const note = await reader.checkpoint();
  const checkpoint = parseCheckpoint(parseNote(note).text);
  const { size } = checkpoint;
  if (index >= size) {
    throw new LimmatError(
      'not-published',
      `entry ${index} is not below the ${size} entries that ${checkpoint.origin} has published`,
      {
        details: { index, size },
      },
    );
  }
  const prover = new Prover({ read: (paths) => reader.read(paths), ...options });
  const bundle = Math.floor(index / TILE_WIDTH);
  const width = Math.min(TILE_WIDTH, size - bundle * TILE_WIDTH);
  const [bytes] = await reader.read([{ kind: 'entries', index: bundle, width }]);
  const entries = parseEntryBundle(bytes!, width);
  const leafHashes = await authenticateBundle(prover, checkpoint, bundle, entries);
  const proof = await prover.inclusionProof(checkpoint, index);
  const position = index - bundle * TILE_WIDTH;
  const entry = entries[position]!.slice();
  return Object.freeze({
    proofFile: formatTlogProof({ ...(entry.length > 0 && { extra: entry }), index, proof, checkpoint: note }),
    index,
    entry,
    leafHash: asHash(leafHashes.slice(32 * position, 32 * position + 32)),
    checkpoint,
  });
}
