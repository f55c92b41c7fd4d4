// One look at a log's checkpoint (M01): what was shown, verified, or what is the matter with it; and how old it is (M06).

import { equalBytes } from '../bytes.ts';
import { trimNote } from '../client/state.ts';
import type { LogHead } from '../client/state.ts';
import { LimmatError, isLimmatError } from '../errors.ts';
import { parseNote } from '../note/note.ts';
import { openLogCheckpoint } from '../note/open.ts';
import type { PlainTrouble } from './checks.ts';
import { MAX_HEAD_BYTES } from './gossip/limits.ts';
import type { MonitorLimits } from './limits.ts';
import { isReadError, troubleOf } from './source.ts';
import type { LogSource } from './source.ts';
import type { WatchedLog } from './watched-log.ts';
import { cosignaturesOn } from './witnesses/cosigned.ts';
import type { Cosignature } from './witnesses/cosigned.ts';

/** A head that a log showed; all of its keys signed it. */
export interface SeenHead {
  readonly head: LogHead;
  /** The note with the lines of the log's keys, retired ones included, and of known witnesses. */
  readonly note: Uint8Array;
  /** The lines of known witnesses that hold. */
  readonly cosignatures: readonly Cosignature[];
  /** The latest time in the log's own line or a known witness's; 0 when none of them states one. */
  readonly signedSeconds: number;
  /** What was served. */
  readonly bytes: Uint8Array;
}

export type Look =
  | { readonly seen: SeenHead }
  | { readonly trouble: PlainTrouble; readonly error: LimmatError; readonly bytes: Uint8Array | undefined };

/** Looks at the log's checkpoint. With the last one that was seen, the same bytes are not verified again. */
export async function lookAt(log: WatchedLog, source: LogSource, last: SeenHead | undefined): Promise<Look> {
  let bytes: Uint8Array | undefined;
  try {
    const seen = await source.attempt(async ({ reader }) => {
      bytes = await reader.checkpoint();
      return last !== undefined && equalBytes(bytes, last.bytes) ? last : openHead(log, bytes);
    });
    return { seen };
  } catch (error) {
    if (!isReadError(error)) throw error;
    let trouble = troubleOf(error, 'checkpoint');
    if (trouble === 'unknown-key' && bytes !== undefined && hasKnownLine(log, bytes)) trouble = 'signature-missing';
    return { trouble, error, bytes };
  }
}

async function openHead(log: WatchedLog, bytes: Uint8Array): Promise<SeenHead> {
  const { checkpoint, note, timestampSeconds } = await openLogCheckpoint(bytes, log);
  const { origin, size, rootHash } = checkpoint;
  const { verifiers, retired = [], witnesses = [] } = log;
  const ownNote = trimNote(note, [...verifiers, ...retired]);
  if (ownNote.length > MAX_HEAD_BYTES) {
    // Extension lines are the only thing that can make it so long, and no peer would take it.
    throw new LimmatError(
      'bad-response',
      `the checkpoint of ${origin} has ${ownNote.length} bytes of its own, above the ${MAX_HEAD_BYTES} that peers and evidence take`,
    );
  }
  const cosignatures = await cosignaturesOn(note, witnesses);
  return {
    head: { origin, size, rootHash, timestampSeconds, note: ownNote },
    note: trimNote(note, [...verifiers, ...retired, ...witnesses]),
    cosignatures,
    signedSeconds: Math.max(timestampSeconds, ...cosignatures.map((line) => line.timestampSeconds)),
    bytes,
  };
}

function hasKnownLine({ verifiers }: WatchedLog, bytes: Uint8Array): boolean {
  try {
    return parseNote(bytes).signatures.some((line) =>
      verifiers.some(({ name, keyId }) => name === line.name && keyId === line.keyId),
    );
  } catch (error) {
    if (!isLimmatError(error)) throw error;
    return false;
  }
}

/** Something about the times of what a log shows. */
export interface TimeTrouble {
  readonly trouble: 'stale' | 'freeze' | 'ahead';
  readonly summary: string;
  readonly seconds: number;
}

/**
 * How old a shown head is, by the times that were signed with it. Where nobody signed one, a log is as old as it has
 * shown less than it showed before (behindSinceSeconds); else nothing can be said.
 */
export function timeTroubles(
  { head, signedSeconds }: SeenHead,
  behindSinceSeconds: number | undefined,
  limits: MonitorLimits,
  nowSeconds: number,
): readonly TimeTrouble[] {
  const { origin, size, timestampSeconds } = head;
  const troubles: TimeTrouble[] = [];
  const aheadSeconds = timestampSeconds - nowSeconds;
  if (aheadSeconds > limits.clockSkewSeconds) {
    const summary = `${origin} signed its head of size ${size} at ${timestampSeconds}, ${aheadSeconds} s ahead of this clock (${nowSeconds})`;
    troubles.push({ trouble: 'ahead', summary, seconds: aheadSeconds });
  }
  const since = signedSeconds === 0 ? behindSinceSeconds : signedSeconds;
  if (since === undefined) return troubles;
  const age = nowSeconds - since;
  if (age <= limits.maxAgeSeconds) return troubles;
  const isFreeze = age > limits.maxAgeSeconds + limits.graceSeconds;
  const what = signedSeconds === 0 ? 'has shown an old head, of size' : 'shows a head signed long ago, of size';
  const summary = `${origin} ${what} ${size}: ${age} s, at most ${limits.maxAgeSeconds} s are expected`;
  troubles.push({ trouble: isFreeze ? 'freeze' : 'stale', summary, seconds: age });
  return troubles;
}
