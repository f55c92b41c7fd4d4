// From a note that somebody sent to a head of a log: the checks in the order of what they cost, because whoever sends is
// nobody in particular. What passes was signed by the log, so it incriminates nobody but the log.

import { equalBytes, readUint, utf8 } from '../../bytes.ts';
import type { LogHead } from '../../client/state.ts';
import { LimmatError, isLimmatError } from '../../errors.ts';
import { emptyRootHash } from '../../merkle/hash.ts';
import { parseCheckpoint } from '../../note/checkpoint.ts';
import { SIGNATURE_TYPE, formatKeyId } from '../../note/key.ts';
import { formatNote, parseNote } from '../../note/note.ts';
import type { Note, NoteSignature } from '../../note/note.ts';
import { openLogCheckpoint } from '../../note/open.ts';
import { evidenceNote } from '../evidence/trim.ts';
import type { HeadBook } from '../heads.ts';
import type { LogIdentity } from '../watched-log.ts';
import { MAX_HEAD_BYTES } from './limits.ts';

/** The origin that a note names, before anything of it is verified. `malformed` for what is too long or no note. */
export function originOf(note: string): string {
  checkLength(note);
  const { text } = parseNote(note);
  return text.slice(0, text.indexOf('\n'));
}

/** A head that somebody sent. */
export interface ReceivedHead {
  readonly head: LogHead;
  /** The note with the lines of known witnesses too, which are not verified; absent where it has none. */
  readonly cosigned?: Uint8Array;
  /** True when the book holds this tree as of this time: then nothing was verified, and nothing is to be done. */
  readonly isKnown: boolean;
}

/**
 * The head of a note, verified unless the book has it already. The head's note has one line for each of the log's keys,
 * the latest, whatever else stood in it.
 *
 * LimmatError `malformed` (too long, no checkpoint, no root that an empty tree has), `wrong-log` (another origin),
 * `unknown-key` (no line by one of the log's keys), `bad-signature` (such a line does not hold).
 */
export async function openHead(
  note: string,
  log: LogIdentity,
  book: Pick<HeadBook, 'knows' | 'record'>,
): Promise<ReceivedHead> {
  checkLength(note);
  const parsed = parseNote(note);
  const { origin, size, rootHash } = parseCheckpoint(parsed.text);
  if (origin !== log.origin) throw new LimmatError('wrong-log', `the note is of another log than ${log.origin}`);
  if (size === 0 && !equalBytes(rootHash, emptyRootHash())) {
    throw new LimmatError('malformed', 'the note says size 0 and has another root than the empty tree');
  }
  checkKeys(parsed, log);
  // One line a key: a note may hold a hundred, and each would have to be verified.
  const trimmed = evidenceNote(utf8(note), log, 'latest');
  const timestampSeconds = statedTime(trimmed, log);
  const head = Object.freeze({ origin, size, rootHash, timestampSeconds, note: utf8(trimmed) });
  const cosigned = cosignedNote(parsed, trimmed, log);
  // A tree that is known needs no look at what the witnesses say of it, unless it is not the own one's beginning.
  const isNews = cosigned !== undefined && book.record(size, rootHash)?.state !== 'consistent';
  if (book.knows(size, rootHash, timestampSeconds) && !isNews) return { head, isKnown: true };
  const opened = await verified(trimmed, log);
  if (opened.timestampSeconds !== timestampSeconds) throw new Error('bad math in openHead');
  return { head, isKnown: false, ...(cosigned !== undefined && { cosigned }) };
}

/** The lines of the log's keys and, behind them, those of known witnesses, one each; undefined where there is none of these. */
function cosignedNote(
  parsed: Note,
  trimmed: string,
  { verifiers, witnesses = [] }: LogIdentity,
): Uint8Array | undefined {
  const cosigners = witnesses.filter(({ name, keyId }) =>
    parsed.signatures.some((line) => line.name === name && line.keyId === keyId),
  );
  const own = parseNote(trimmed);
  // Of an ML-DSA-44 key alone the extension lines were dropped, which a witness's line may cover.
  if (cosigners.length === 0 || own.text !== parsed.text) return undefined;
  const lines = cosigners.flatMap(({ name, keyId }) =>
    parsed.signatures.filter((line) => line.name === name && line.keyId === keyId).slice(0, 1),
  );
  const isOwn = (line: NoteSignature): boolean =>
    verifiers.some(({ name, keyId }) => name === line.name && keyId === line.keyId);
  const note = utf8(formatNote(parsed.text, [...own.signatures.filter(isOwn), ...lines]));
  return note.length <= MAX_HEAD_BYTES ? note : undefined;
}

function checkLength(note: string): void {
  // Characters first, as bytes are never fewer.
  const bytes = note.length > MAX_HEAD_BYTES ? note.length : utf8(note).length;
  if (bytes <= MAX_HEAD_BYTES) return;
  throw new LimmatError('malformed', `the note has ${bytes} bytes or more, above the limit of ${MAX_HEAD_BYTES}`);
}

function checkKeys({ signatures }: Note, { origin, verifiers }: LogIdentity): void {
  const missing = verifiers.find(
    ({ name, keyId }) => !signatures.some((line) => line.name === name && line.keyId === keyId),
  );
  if (missing === undefined) return;
  const key = `${missing.name}+${formatKeyId(missing.keyId)}`;
  throw new LimmatError('unknown-key', `the note has no line by the key ${key} of ${origin}`);
}

/** The time that the log's own ML-DSA-44 line states, unverified; 0 where there is none. */
function statedTime(note: string, { verifiers }: LogIdentity): number {
  let latest = 0;
  for (const { name, keyId, signature } of parseNote(note).signatures) {
    const verifier = verifiers.find((one) => one.name === name && one.keyId === keyId);
    if (verifier?.type !== SIGNATURE_TYPE.mldsa44 || signature.length < 8) continue;
    latest = Math.max(latest, readUint(signature, 0, 8) ?? 0);
  }
  return latest;
}

async function verified(note: string, log: LogIdentity): Promise<{ readonly timestampSeconds: number }> {
  // The shorter keys first: an Ed25519 signature is checked in a third of the time.
  const verifiers = log.verifiers.toSorted((a, b) => a.type - b.type);
  try {
    return await openLogCheckpoint(note, { origin: log.origin, verifiers });
  } catch (error) {
    if (!isLimmatError(error)) throw error;
    throw new LimmatError('bad-signature', error.message, { cause: error });
  }
}
