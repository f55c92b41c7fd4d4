// The note of a head as it goes into evidence: its text and one line of each of the log's keys, so that nothing that a
// stranger added travels along, and so that a head means one time.

import { readUint } from '../../bytes.ts';
import { formatCheckpoint, parseCheckpoint } from '../../note/checkpoint.ts';
import { SIGNATURE_TYPE } from '../../note/key.ts';
import { formatNote, parseNote } from '../../note/note.ts';
import type { NoteSignature } from '../../note/note.ts';
import { signatureTypeOf } from '../../note/signature-type.ts';
import type { CheckpointVerifier } from '../../note/signer.ts';
import type { LogIdentity } from '../watched-log.ts';

/** Which line to keep of a key that signed the same head at several times. */
export type Keep = 'earliest' | 'latest';

/** A line of one of the log's keys. */
interface KeyLine {
  readonly verifier: CheckpointVerifier;
  readonly line: NoteSignature;
  /** The time that it states, Unix seconds; 0 where it states none. */
  readonly timestampSeconds: number;
}

/**
 * The note for evidence. Extension lines stay only where a signature covers them: an ML-DSA-44 line holds without them.
 * LimmatError `malformed` when it is no checkpoint note; RangeError when none of its lines is by a key of the log.
 */
export function evidenceNote(note: Uint8Array, log: LogIdentity, keep: Keep): string {
  const { text, signatures } = parseNote(note);
  const lines = linesOf(signatures, log, keep);
  if (lines.length === 0) throw new RangeError(`the note has no line by a key of ${log.origin}`);
  const covered = lines.some(({ verifier }) => verifier.type !== SIGNATURE_TYPE.mldsa44);
  const signed = covered ? text : formatCheckpoint({ ...parseCheckpoint(text), extensions: [] });
  return formatNote(
    signed,
    lines.map(({ line }) => line),
  );
}

/** The vkeys of the lines in these notes, sorted, each once. */
export function vkeysOf(notes: readonly string[], log: LogIdentity): readonly string[] {
  const vkeys = notes.flatMap((note) =>
    linesOf(parseNote(note).signatures, log, 'latest').map(({ verifier }) => verifier.vkey),
  );
  return [...new Set(vkeys)].toSorted();
}

/**
 * True when the times in the notes' lines, which nobody verifies here, say that the smaller tree was the largest after
 * the larger one was, by one key: then a rollback can be shown.
 */
export function saysWentBack(log: LogIdentity, largerNote: Uint8Array, smallerNote: Uint8Array): boolean {
  const later = linesOf(parseNote(smallerNote).signatures, log, 'latest');
  return linesOf(parseNote(largerNote).signatures, log, 'earliest').some(
    ({ verifier, timestampSeconds }) =>
      timestampSeconds !== 0 &&
      later.some((other) => other.verifier === verifier && other.timestampSeconds > timestampSeconds),
  );
}

/** One line a key, in the order of the note. A line that states no time only where the key has no other. */
function linesOf(signatures: readonly NoteSignature[], log: LogIdentity, keep: Keep): readonly KeyLine[] {
  const kept = new Map<CheckpointVerifier, KeyLine>();
  for (const line of signatures) {
    const verifier = log.verifiers.find(({ name, keyId }) => name === line.name && keyId === line.keyId);
    if (verifier === undefined) continue;
    const timestampSeconds = statedTime(verifier, line);
    const known = kept.get(verifier)?.timestampSeconds;
    if (known === undefined || isBetter(timestampSeconds, known, keep)) {
      kept.set(verifier, { verifier, line, timestampSeconds });
    }
  }
  return [...kept.values()];
}

function isBetter(seconds: number, known: number, keep: Keep): boolean {
  if (seconds === 0 || known === 0) return known === 0 && seconds !== 0;
  return keep === 'latest' ? seconds > known : seconds < known;
}

/** The first eight bytes of a line of a timestamped type (tlog-cosignature, "Format"); 0 for what is none. */
function statedTime({ type }: CheckpointVerifier, { signature }: NoteSignature): number {
  if (!signatureTypeOf(type)!.timestamped || signature.length < 8) return 0;
  return readUint(signature, 0, 8) ?? 0;
}
