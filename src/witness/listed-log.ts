// The logs that a witness knows: by origin and keys, from a list that may only grow while it runs. And from a note to a
// head that such a log has signed.

import { equalBytes, readUint, utf8 } from '../bytes.ts';
import { LimmatError, isLimmatError } from '../errors.ts';
import { MAX_COSIGNED_NAME_BYTES } from '../note/cosignature.ts';
import { SIGNATURE_TYPE, formatKeyId, parseVerifierKey } from '../note/key.ts';
import { MAX_SIGNATURES, parseNote } from '../note/note.ts';
import type { Note, NoteSignature } from '../note/note.ts';
import { openLogNote } from '../note/open.ts';
import type { CheckpointSigner, CheckpointVerifier } from '../note/signer.ts';
import type { SignedHead } from './head.ts';

/** A log as a witness needs it. Its checkpoints count when every one of the keys has signed them. */
export interface ListedLog {
  readonly origin: string;
  /** At least one: a limmat log has two, others mostly one. */
  readonly verifiers: readonly CheckpointVerifier[];
}

/**
 * Largest note that is cosigned and kept, in bytes, trimmed to its text and one line a key of the log: what monitors take
 * of each other (docs/gossip.md). A log that signs larger ones could hide its forks from them.
 */
export const MAX_HEAD_NOTE_BYTES: number = 64 * 1024;
/** Lines of one known key in a note: each is verified, and one is what a log writes. */
const MAX_LINES_PER_KEY = 4;

/** The origin that a note names, before anything of it is verified. */
export function originOf({ text }: Note): string {
  return text.slice(0, text.indexOf('\n'));
}

/**
 * The head of a note that the log has signed, with every one of its keys. LimmatError: `malformed` when it is no checkpoint
 * or is too large to be kept, `bad-note` when a line of a known key does not hold, `log-signature-missing` when one is not
 * there.
 */
export async function openSignedHead(note: Note, log: ListedLog): Promise<SignedHead> {
  const lines: NoteSignature[] = [];
  for (const verifier of log.verifiers) {
    const own = note.signatures.filter((line) => isBy(line, verifier));
    if (own.length > MAX_LINES_PER_KEY) {
      const key = `${verifier.name}+${formatKeyId(verifier.keyId)}`;
      throw new LimmatError('malformed', `the note has ${own.length} lines by ${key}, more than ${MAX_LINES_PER_KEY}`);
    }
    const latest = own.toSorted((a, b) => timeOf(b, verifier) - timeOf(a, verifier))[0];
    if (latest !== undefined) lines.push(latest);
  }
  const { checkpoint, timestampSeconds } = await openLogNote(note, log);
  // Lines of a note that was taken apart, under its own text: putting them together needs no second look.
  const trimmed = utf8(`${note.text}\n${lines.map(({ line }) => line).join('')}`);
  if (trimmed.length > MAX_HEAD_NOTE_BYTES) {
    throw new LimmatError(
      'malformed',
      `the checkpoint has ${trimmed.length} bytes with its log's lines, above the limit of ${MAX_HEAD_NOTE_BYTES}`,
    );
  }
  const { origin, size, rootHash } = checkpoint;
  return Object.freeze({ origin, size, rootHash, logSeconds: timestampSeconds, text: note.text, note: trimmed });
}

function isBy(line: NoteSignature, { name, keyId }: CheckpointVerifier): boolean {
  return line.name === name && line.keyId === keyId;
}

/** The time that a line states, 0 where its type carries none. */
function timeOf({ signature }: NoteSignature, { type }: CheckpointVerifier): number {
  return type === SIGNATURE_TYPE.ed25519 ? 0 : (readUint(signature, 0, 8) ?? 0);
}

/** The log's own time in a note that was verified when it was kept; 0 where none of its keys states one. */
export function logSecondsOf(note: Uint8Array, origin: string): number {
  // Ed25519 signatures of a log are 64 bytes; what is longer is its timestamped line.
  const lines = parseNote(note).signatures.filter(({ name, signature }) => name === origin && signature.length > 72);
  return Math.max(0, ...lines.map(({ signature }) => readUint(signature, 0, 8) ?? 0));
}

/** A log that a changed list would take away, or give other keys. */
export interface RefusedChange {
  readonly origin: string;
  readonly why: string;
}

/**
 * The logs of a running witness after its list changed: new ones join. Nobody who can write the list may make a running
 * witness forget a log, or take another key for one: such changes are told, and wait for a restart.
 */
export function growLogs(
  current: ReadonlyMap<string, ListedLog>,
  wanted: readonly ListedLog[],
): { readonly added: readonly ListedLog[]; readonly refused: readonly RefusedChange[] } {
  const added: ListedLog[] = [];
  const refused: RefusedChange[] = [];
  const listed = new Map(wanted.map((log) => [log.origin, log]));
  for (const [origin, { verifiers }] of current) {
    const now = listed.get(origin);
    if (now === undefined) refused.push({ origin, why: 'it is not in the list any more' });
    else if (keysText(now.verifiers) !== keysText(verifiers)) refused.push({ origin, why: 'its keys are others' });
  }
  for (const log of wanted) if (!current.has(log.origin)) added.push(log);
  return { added, refused };
}

function keysText(verifiers: readonly CheckpointVerifier[]): string {
  return verifiers
    .map(({ vkey }) => vkey)
    .toSorted()
    .join('\n');
}

/**
 * `bad-config` for a log that these keys cannot cosign for: one that has the witness's name or one of its keys, since the
 * signature of the one would be taken for the other's, one whose origin an ML-DSA-44 cosignature has no room for, and one
 * of so many keys that nobody could read its checkpoints with the witness's lines behind its own.
 */
export function assertListable({ origin, verifiers }: ListedLog, signers: readonly CheckpointSigner[]): void {
  const own = signers.map(({ vkey }) => parseVerifierKey(vkey).publicKey);
  // Each taken apart once: that a key is a point of its curve costs more than all the rest, and lists are long.
  const theirs = verifiers.map(({ vkey }) => parseVerifierKey(vkey).publicKey);
  const shared = theirs.some((key) => own.some((publicKey) => equalBytes(publicKey, key)));
  if (shared || signers.some(({ name }) => name === origin)) {
    const what = shared ? 'a key' : 'the name';
    throw new LimmatError('bad-config', `log ${origin} has ${what} of this witness: each needs its own`);
  }
  const room = MAX_SIGNATURES - signers.length;
  if (verifiers.length > room) {
    throw new LimmatError(
      'bad-config',
      `log ${origin} has ${verifiers.length} keys, and a checkpoint has room for ${room} lines beside this witness's`,
    );
  }
  const { length } = utf8(origin);
  if (length > MAX_COSIGNED_NAME_BYTES && signers.some(({ type }) => type === SIGNATURE_TYPE.mldsa44)) {
    throw new LimmatError(
      'bad-config',
      `the origin ${origin.slice(0, 40)}… has ${length} bytes, and an ML-DSA-44 cosignature has room for ${MAX_COSIGNED_NAME_BYTES}`,
    );
  }
}

/** True for what says that a note is not the log's, as openSignedHead throws it. */
export function isUnsigned(error: unknown): boolean {
  return isLimmatError(error, 'bad-note') || isLimmatError(error, 'log-signature-missing');
}
