// What a mirror does with an add-checkpoint request (C2SP tlog-mirror): a witness's checks, and then the checkpoint is the
// pending one. Nothing is cosigned here: the mirror's word comes with the entries.

import { equalBytes } from '../bytes.ts';
import { compareHeads, trimNote } from '../client/state.ts';
import type { LogHead } from '../client/state.ts';
import { LimmatError, isLimmatError } from '../errors.ts';
import { verifyConsistency } from '../merkle/proof.ts';
import { parseAddCheckpoint } from '../note/add-checkpoint.ts';
import { parseCheckpoint } from '../note/checkpoint.ts';
import { parseNote } from '../note/note.ts';
import type { Mirror } from './mirror.ts';
import type { MirroredLog } from './mirrored-log.ts';
import { copyOf } from './upload.ts';

/** `conflict`: the old size is not the pending checkpoint's, which is `size`. */
export type AddCheckpointOutcome = { readonly kind: 'pending' } | { readonly kind: 'conflict'; readonly size: number };

/**
 * Takes a request. Errors: `malformed` (400), `unknown-log` (404), `bad-signature` (403), `bad-proof` (422), `fork` for a
 * log that has contradicted itself, now or before (403), and the store's.
 */
export async function addCheckpoint(mirror: Mirror, body: Uint8Array): Promise<AddCheckpointOutcome> {
  const { oldSize, proof, checkpoint } = parseAddCheckpoint(body);
  const { origin, size } = parseCheckpoint(parseNote(checkpoint).text);
  const log = await copyOf(mirror, origin);
  const { newest } = log;
  const isNext = oldSize === (newest?.size ?? 0);
  let head: LogHead;
  try {
    head = await openPushed(log, checkpoint);
    if (oldSize > size)
      throw new LimmatError('malformed', `old size ${oldSize} is above the checkpoint's size ${size}`);
    // Whatever the answer is: a log that contradicts itself is not followed on.
    await stopOnContradiction(log, head);
  } catch (error) {
    // In the text the sizes come before anything about roots: whoever names another size is told that, and no more.
    if (isNext || !isLimmatError(error, 'bad-proof')) throw error;
    return { kind: 'conflict', size: newest?.size ?? 0 };
  }
  if (!isNext) return { kind: 'conflict', size: newest?.size ?? 0 };
  if (newest === undefined || oldSize === 0) {
    if (proof.length > 0)
      throw new LimmatError('bad-proof', `from size 0 on there is no proof, not ${proof.length} hashes`);
  } else {
    verifyConsistency(
      { fromSize: oldSize, fromRoot: newest.rootHash, toSize: size, toRoot: head.rootHash, proof },
      mirror.hasher,
    );
  }
  // Another note of the same tree counts when the log signed it later; otherwise a stranger could take lines away.
  if (newest?.size === size && head.timestampSeconds <= newest.timestampSeconds) return { kind: 'pending' };
  if (await log.admit(head, oldSize)) return { kind: 'pending' };
  return { kind: 'conflict', size: log.newest?.size ?? 0 };
}

/** The head of a note that a stranger sent; its note has the log's lines alone, so that nobody puts words beside them. */
async function openPushed(log: MirroredLog, note: Uint8Array): Promise<LogHead> {
  try {
    const head = await log.openNote(note);
    return { ...head, note: trimNote(parseNote(note), log.verifiers) };
  } catch (error) {
    if (!isLimmatError(error, 'log-signature-missing') && !isLimmatError(error, 'bad-note')) throw error;
    throw new LimmatError('bad-signature', error.message, { cause: error });
  }
}

/**
 * Stops following a log that signed another tree of a size that it signed before, that went back, or whose tree of that
 * size is not the beginning of what is here: all of that is under heads that it signed.
 */
async function stopOnContradiction(log: MirroredLog, head: LogHead): Promise<void> {
  const known = [log.pendingAt(head.size), log.newest].filter((one) => one !== undefined);
  try {
    for (const one of known) compareHeads(one, head);
    if (head.size > log.nextEntry || equalBytes(await log.rootHashAt(head.size), head.rootHash)) return;
    throw new LimmatError(
      'fork',
      `${head.origin} signed a tree of size ${head.size} that is not the beginning of its tree of size ${log.newest?.size ?? 0}`,
      { details: { origin: head.origin, size: head.size } },
    );
  } catch (error) {
    if (!isLimmatError(error, 'fork')) throw error;
    await log.stop(error.message, head);
    throw new LimmatError('bad-proof', error.message, { details: error.details, cause: error });
  }
}
