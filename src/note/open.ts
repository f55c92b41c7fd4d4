// From a note's bytes to a checkpoint that somebody vouches for. The only way from "parsed" to "verified".

import { LimmatError } from '../errors.ts';
import { parseCheckpoint } from './checkpoint.ts';
import type { Checkpoint } from './checkpoint.ts';
import { formatKeyId } from './key.ts';
import { parseNote } from './note.ts';
import type { Note } from './note.ts';
import type { CheckpointVerifier } from './signer.ts';
import { SIGNATURE_TYPE } from './signature-type.ts';

/** A key whose signature on the note holds. */
export interface VerifiedSignature {
  readonly verifier: CheckpointVerifier;
  /** The largest time that its lines state; 0 where the type carries none. */
  readonly timestampSeconds: number;
}

/** A checkpoint with at least one verified signature. */
export interface OpenedCheckpoint {
  readonly checkpoint: Checkpoint;
  readonly note: Note;
  /** One element a key, in the order of the verifiers that were given. */
  readonly verified: readonly VerifiedSignature[];
}

/**
 * Opens a checkpoint note with the keys that the caller knows. Lines of other keys are ignored, however many and in
 * whatever order. LimmatError: `malformed` when it is no checkpoint note, `bad-note` when a line that carries a known
 * key's name and id does not hold, `log-signature-missing` when there is no line of a known key at all.
 */
export async function openCheckpoint(
  noteBytes: Uint8Array | string,
  verifiers: readonly CheckpointVerifier[],
): Promise<OpenedCheckpoint> {
  return openParsed(parseNote(noteBytes), verifiers);
}

async function openParsed(note: Note, verifiers: readonly CheckpointVerifier[]): Promise<OpenedCheckpoint> {
  const checkpoint = parseCheckpoint(note.text);
  const verified: VerifiedSignature[] = [];
  for (const verifier of verifiers) {
    const { name, keyId } = verifier;
    let newest: number | undefined;
    // The same line once more says nothing more, and a hundred post-quantum ones would take a second.
    const held = new Set<string>();
    for (const signature of note.signatures) {
      if (signature.name !== name || signature.keyId !== keyId || held.has(signature.line)) continue;
      const timestampSeconds = await verifier.verify(note, signature);
      if (timestampSeconds === false) {
        throw new LimmatError('bad-note', `the signature of ${name}+${formatKeyId(keyId)} on the note does not hold`);
      }
      held.add(signature.line);
      newest = Math.max(newest ?? 0, timestampSeconds);
    }
    if (newest !== undefined) verified.push(Object.freeze({ verifier, timestampSeconds: newest }));
  }
  if (verified.length === 0) {
    throw new LimmatError(
      'log-signature-missing',
      `none of the note's ${note.signatures.length} signatures is by one of the ${verifiers.length} known keys`,
    );
  }
  return Object.freeze({ checkpoint, note, verified: Object.freeze(verified) });
}

/** A checkpoint that a log's own keys, all of them, have signed. */
export interface OpenedLogCheckpoint {
  readonly checkpoint: Checkpoint;
  readonly note: Note;
  /** When the log says that this was its largest tree: its ML-DSA-44 line's time, or 0 when none is among the keys. */
  readonly timestampSeconds: number;
}

/**
 * Opens a checkpoint of the log with that origin and requires the signature of every key given: for a limmat log its
 * Ed25519 and its ML-DSA-44 key. LimmatError as openCheckpoint; `log-signature-missing` when one key's line is not
 * there, `wrong-log` when the origin is another, `bad-note` when an ML-DSA-44 line of the log states no time.
 */
export async function openLogCheckpoint(
  noteBytes: Uint8Array | string,
  log: { readonly origin: string; readonly verifiers: readonly CheckpointVerifier[] },
): Promise<OpenedLogCheckpoint> {
  return openLogNote(parseNote(noteBytes), log);
}

/** As openLogCheckpoint, of a note that parseNote has made already. */
export async function openLogNote(
  note: Note,
  log: { readonly origin: string; readonly verifiers: readonly CheckpointVerifier[] },
): Promise<OpenedLogCheckpoint> {
  if (log.verifiers.length === 0) throw new RangeError('a log has at least one key');
  const { checkpoint, verified } = await openParsed(note, log.verifiers);
  if (checkpoint.origin !== log.origin) {
    throw new LimmatError('wrong-log', `the checkpoint is of log "${checkpoint.origin}", not of "${log.origin}"`);
  }
  const missing = log.verifiers.find((verifier) => !verified.some((one) => one.verifier === verifier));
  if (missing !== undefined) {
    throw new LimmatError(
      'log-signature-missing',
      `the note lacks the signature of the log's key ${missing.name}+${formatKeyId(missing.keyId)}`,
    );
  }
  const times = verified.filter(({ verifier }) => verifier.type === SIGNATURE_TYPE.mldsa44);
  for (const { verifier, timestampSeconds } of times) requireLogTime(verifier.name, timestampSeconds);
  return Object.freeze({
    checkpoint,
    note,
    timestampSeconds: Math.max(0, ...times.map((one) => one.timestampSeconds)),
  });
}

/**
 * `bad-note` when a log's own line states time 0, which is to say nothing about a time or about the largest tree
 * (tlog-cosignature): without it neither the age of a head nor a fork by a smaller, later tree could be told.
 */
export function requireLogTime(origin: string, timestampSeconds: number): void {
  if (timestampSeconds !== 0) return;
  throw new LimmatError(
    'bad-note',
    `the ML-DSA-44 signature of ${origin} states no time (0), and a limmat log always states its time`,
  );
}
