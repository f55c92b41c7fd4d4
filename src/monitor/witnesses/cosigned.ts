// The cosignatures on a note that hold, of the witnesses that are known.

import type { Note } from '../../note/note.ts';
import type { CheckpointVerifier } from '../../note/signer.ts';

/** A witness's line that holds. */
export interface Cosignature {
  readonly witness: CheckpointVerifier;
  /** As of when; above 0: a line without a time does not say that the tree was compared with others. */
  readonly timestampSeconds: number;
}

/** Lines of one witness that are looked at: a note has room for a hundred. */
const MAX_LINES_EACH = 2;

/** One element a witness that cosigned, its latest. A line that does not hold says nothing about anybody: anyone may add one. */
export async function cosignaturesOn(
  note: Note,
  witnesses: readonly CheckpointVerifier[],
): Promise<readonly Cosignature[]> {
  const found: Cosignature[] = [];
  for (const witness of witnesses) {
    const lines = note.signatures.filter(({ name, keyId }) => name === witness.name && keyId === witness.keyId);
    let latest = 0;
    for (const line of lines.slice(0, MAX_LINES_EACH)) {
      const seconds = await witness.verify(note, line);
      if (seconds !== false) latest = Math.max(latest, seconds);
    }
    if (latest !== 0) found.push({ witness, timestampSeconds: latest });
  }
  return found;
}
