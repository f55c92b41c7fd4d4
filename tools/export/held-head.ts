// The checkpoint that an export left in its directory is a head that the log signed, and others may have seen it there:
// it gives way to one that extends it, and to nothing else.

import { join } from 'node:path';

import { nodeHasher } from '../../src/adapters/node-crypto.ts';
import { equalBytes, toHex } from '../../src/bytes.ts';
import { compareHeads, type LogHead } from '../../src/client/state.ts';
import { isLimmatError, LimmatError } from '../../src/errors.ts';
import { Prover } from '../../src/merkle/index.ts';
import { openLogCheckpoint, parseCheckpoint, parseNote } from '../../src/note/index.ts';
import type { LogKeys } from '../support/log-keys.ts';
import { filesSource, type LogSource } from '../support/log-source.ts';

/** The head in a note of the log, with the log's signatures verified. */
export async function openHead(note: Uint8Array, keys: LogKeys): Promise<LogHead> {
  const { checkpoint, timestampSeconds } = await openLogCheckpoint(note, keys);
  const { origin, size, rootHash } = checkpoint;
  return { origin, size, rootHash, timestampSeconds, note };
}

/**
 * Checks that the source's head extends the one in the directory, if there is one; writes nothing. `usage` when the
 * directory is another log's, `not-published` when it has more entries than the source; `fork` and `not-consistent` when
 * no honest log can have signed both heads; else what is wrong with the directory's checkpoint or the source's tiles.
 */
export async function checkHeldHead(directory: string, source: LogSource, keys: LogKeys, head: LogHead): Promise<void> {
  const held = await heldHead(directory, keys);
  if (held === undefined) return;
  const evidence = `keep ${join(directory, 'checkpoint')} and the checkpoint of ${source.name}; nothing was written`;
  let order: ReturnType<typeof compareHeads>;
  try {
    order = compareHeads(held, head);
  } catch (error) {
    if (!isLimmatError(error, 'fork')) throw error;
    throw new LimmatError('fork', `${error.message}; ${evidence}`, { details: error.details, cause: error });
  }
  if (order === 'older') {
    throw new LimmatError(
      'not-published',
      `${directory} has ${held.size} entries of ${head.origin}, ${source.name} has published ${head.size}; nothing was written`,
      { details: { heldSize: held.size, size: head.size } },
    );
  }
  if (order === 'same') return;
  const prover = new Prover({ read: (paths) => source.read(paths), hasher: nodeHasher });
  const rootHash = await prover.rootHashAt(head, held.size);
  if (equalBytes(rootHash, held.rootHash)) return;
  const [heldRoot, root] = [toHex(held.rootHash), toHex(rootHash)];
  throw new LimmatError(
    'not-consistent',
    `${head.origin} signed root ${heldRoot} for its first ${held.size} entries, and a tree of ${head.size} in which ` +
      `they have root ${root}; ${evidence}`,
    { details: { origin: head.origin, heldSize: held.size, size: head.size, heldRoot, root } },
  );
}

async function heldHead(directory: string, keys: LogKeys): Promise<LogHead | undefined> {
  let note: Uint8Array;
  try {
    note = await filesSource(directory).checkpoint();
  } catch (error) {
    if (isLimmatError(error, 'not-found')) return undefined;
    throw error;
  }
  try {
    const { origin } = parseCheckpoint(parseNote(note).text);
    if (origin !== keys.origin) {
      throw new LimmatError('usage', `holds ${origin}: give another directory for ${keys.origin}`);
    }
    return await openHead(note, keys);
  } catch (error) {
    if (!isLimmatError(error)) throw error;
    throw new LimmatError(error.code, `${join(directory, 'checkpoint')}: ${error.message}; nothing was written`, {
      cause: error,
    });
  }
}
