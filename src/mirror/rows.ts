// What a mirror remembers of a log beside its tree, as rows of the log's store (storage.ts). A mirror's store has no
// archive and no lookups; the letters are apart from a log's all the same, so that one is never taken for the other.

import { byteText, readUintText, uintText } from '../bytes.ts';
import type { Hash } from '../merkle/hash.ts';
import type { LogStorage, StateKey } from '../storage.ts';

/** 'P', size (8 bytes) → the note of a checkpoint that was pending: found to extend the one before it. */
const PENDING = 'P';
/** 'Q', size, first 16 bytes of the root → a signed note that contradicts what is mirrored, verbatim. */
const CONTRADICTION = 'Q';
/** 'S' → why the mirror has stopped following the log, as text. */
const STOPPED: StateKey = 'S';

/** Contradicting notes that are kept; one convicts the log, and the log can make as many as it likes. */
export const MAX_CONTRADICTIONS = 16;

export function pendingKey(size: number): StateKey {
  return PENDING + uintText(size, 8);
}

export function contradictionKey(size: number, rootHash: Hash): StateKey {
  return CONTRADICTION + uintText(size, 8) + byteText(rootHash.subarray(0, 16));
}

export const STOPPED_KEY: StateKey = STOPPED;

/** The pending checkpoints' sizes and notes, the smallest first. */
export async function readPending(
  storage: LogStorage,
): Promise<readonly { readonly size: number; readonly note: Uint8Array }[]> {
  const rows = await storage.scan({ prefix: PENDING, limit: 1_000 });
  return rows.map(({ key, value }) => ({ size: readUintText(key, 1, 8) ?? 0, note: value }));
}

/** The notes that contradict what is mirrored. */
export async function readContradictions(storage: LogStorage): Promise<readonly Uint8Array[]> {
  const rows = await storage.scan({ prefix: CONTRADICTION, limit: MAX_CONTRADICTIONS });
  return rows.map(({ value }) => value);
}
