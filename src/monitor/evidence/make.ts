// Makes evidence out of what a monitor has verified. Every function verifies what it made before it returns it, so what
// comes out convinces anyone who has the log's keys, and RangeError says that the parts do not contradict each other.

import { compareBytes, equalBytes, toBase64 } from '../../bytes.ts';
import type { LogHead } from '../../client/state.ts';
import { isLimmatError } from '../../errors.ts';
import type { Hash } from '../../merkle/hash.ts';
import { parseCheckpoint } from '../../note/checkpoint.ts';
import { parseNote } from '../../note/note.ts';
import type { CheckpointVerifier } from '../../note/signer.ts';
import { parseTlogProof } from '../../note/tlog-proof.ts';
import type { TlogProof } from '../../note/tlog-proof.ts';
import type { LogIdentity } from '../watched-log.ts';
import type { Claim, ClaimEntry, Evidence, EvidenceKind } from './evidence.ts';
import { timeWindowSeconds } from './kinds/time.ts';
import { evidenceNote, saysWentBack, vkeysOf } from './trim.ts';
import type { Keep } from './trim.ts';
import { verifyEvidence } from './verify.ts';

/** What makes evidence needs of a head: who verified it is not asked, because evidence is verified again. */
export type SignedHead = Pick<LogHead, 'size' | 'rootHash' | 'note'>;

/** What the larger of two trees says about the smaller one's size. */
export interface PrefixProof {
  /** The root of the larger tree's first entries, as many as the smaller tree has. */
  readonly prefixRoot: Hash;
  /** The consistency proof from there to the larger tree; at most 63 hashes. */
  readonly consistency: readonly Hash[];
}

/** An entry, and the proof that it is in the tree of the head that comes with it. */
export interface IncludedEntry {
  readonly index: number;
  readonly leaf: Uint8Array;
  /** From the leaf's sibling up; at most 63 hashes. */
  readonly inclusion: readonly Hash[];
}

/** Two heads of one size, at least 1, with two roots. */
export function forkSameSize(log: LogIdentity, a: SignedHead, b: SignedHead): Promise<Evidence> {
  const ordered = compareBytes(a.rootHash, b.rootHash) < 0 ? [a, b] : [b, a];
  return make('fork-same-size', log, () => claimOf(log, notesOf(log, ordered)));
}

/** Two heads, and what the larger tree has in the place of the smaller one. */
export function forkPrefix(
  log: LogIdentity,
  smaller: SignedHead,
  larger: SignedHead,
  prefixRoot: Hash,
  consistency: readonly Hash[],
): Promise<Evidence> {
  return make('fork-prefix', log, () =>
    claimOf(log, notesOf(log, [smaller, larger]), {
      prefixRoot: toBase64(prefixRoot),
      consistency: Object.freeze(consistency.map(toBase64)),
    }),
  );
}

/** Two heads of two sizes, both dated by one key of the log, the smaller one later. */
export function rollback(log: LogIdentity, a: SignedHead, b: SignedHead): Promise<Evidence> {
  const [larger, smaller] = a.size > b.size ? [a, b] : [b, a];
  return make('rollback', log, () => claimOf(log, notesOf(log, [larger, smaller], ['earliest', 'latest'])));
}

/**
 * Two proof files (C2SP tlog-proof, with the entry as extra data) that have two entries at one index. RangeError too
 * when one of them carries no entry or is no proof file.
 */
export function proofContradicted(log: LogIdentity, proofFileA: Uint8Array, proofFileB: Uint8Array): Promise<Evidence> {
  return make('proof-contradicted', log, () => {
    const proofs = [parseTlogProof(proofFileA), parseTlogProof(proofFileB)].toSorted(compareProofs);
    const notes = proofs.map(({ checkpoint }) => evidenceNote(checkpoint, log, 'latest'));
    const entries = proofs.map(({ extra, index, proof }, i) => {
      if (extra === undefined) throw new RangeError('a proof file does not carry its entry');
      return claimEntry({ index, leaf: extra, inclusion: proof }, i);
    });
    return claimOf(log, notes, { entries: Object.freeze(entries) });
  });
}

/** A dated head, and an entry of its tree from after that date; the log has to have promised a window. */
export function futureEntry(log: LogIdentity, head: SignedHead, entry: IncludedEntry): Promise<Evidence> {
  return make('future', log, () => claimOf(log, notesOf(log, [head], ['earliest']), timedEntry(log, entry, 0)));
}

/**
 * A dated head without the entry, a head with it, the entry's proof under the second; the entry says it is from before
 * the first. The log has to have promised a window.
 */
export function backdatedEntry(
  log: LogIdentity,
  before: SignedHead,
  head: SignedHead,
  entry: IncludedEntry,
): Promise<Evidence> {
  return make('backdated', log, () => claimOf(log, notesOf(log, [before, head]), timedEntry(log, entry, 1)));
}

/**
 * The signed note of a channel head, and an entry of the tree that it names, with the proof under its root: one of its
 * channel with a higher sequence, another entry than it names at its index, or the very one where that is not in the
 * channel at the sequence that it says. The log's channel keys have to be known.
 */
export function falseChannelHead(log: LogIdentity, note: Uint8Array, entry: IncludedEntry): Promise<Evidence> {
  const byChannelKey: LogIdentity = { ...log, verifiers: log.channelVerifiers ?? [] };
  return make('false-channel-head', log, () =>
    claimOf(byChannelKey, [evidenceNote(note, byChannelKey, 'latest')], {
      entries: Object.freeze([claimEntry(entry, 0)]),
    }),
  );
}

/**
 * Two checkpoints of one log that this witness cosigned, each at a time that it states: of one size with two roots, or of two
 * sizes with what the larger tree has at the smaller size. It accuses the witness.
 */
export function witnessConflict(
  log: LogIdentity,
  witness: CheckpointVerifier,
  a: SignedHead,
  b: SignedHead,
  prefix?: PrefixProof,
): Promise<Evidence> {
  const order = a.size - b.size || compareBytes(a.rootHash, b.rootHash);
  const cosigned: LogIdentity = { origin: log.origin, verifiers: [witness] };
  return make('witness-conflict', { ...log, witnesses: [witness] }, () =>
    claimOf(cosigned, notesOf(cosigned, order < 0 ? [a, b] : [b, a]), {
      ...(prefix !== undefined && {
        prefixRoot: toBase64(prefix.prefixRoot),
        consistency: Object.freeze(prefix.consistency.map(toBase64)),
      }),
    }),
  );
}

/**
 * Evidence that two verified heads of one log contradict each other, or undefined when they do not, as far as can be
 * told: two sizes can only be compared with `prove`, which answers for the larger head what its tree has at the
 * smaller size. What `prove` rejects with is thrown, unless the signed times convict the log without it.
 */
export async function contradiction<H extends SignedHead>(
  log: LogIdentity,
  a: H,
  b: H,
  prove?: (fromSize: number, toHead: H) => Promise<PrefixProof>,
): Promise<Evidence | undefined> {
  if (a.size === b.size) {
    return a.size === 0 || equalBytes(a.rootHash, b.rootHash) ? undefined : forkSameSize(log, a, b);
  }
  const [smaller, larger] = a.size < b.size ? [a, b] : [b, a];
  const wentBack = saysWentBack(log, larger.note, smaller.note);
  if (prove !== undefined && smaller.size > 0) {
    try {
      const { prefixRoot, consistency } = await prove(smaller.size, larger);
      if (!equalBytes(prefixRoot, smaller.rootHash)) {
        return await forkPrefix(log, smaller, larger, prefixRoot, consistency);
      }
    } catch (error) {
      if (!wentBack) throw error;
    }
  }
  return wentBack ? rollback(log, larger, smaller) : undefined;
}

/** The seconds by which an entry's time has to be off to convict this log; undefined where it promised nothing. */
export function windowSecondsOf({ iatWindowSeconds }: LogIdentity): number | undefined {
  return iatWindowSeconds === undefined ? undefined : timeWindowSeconds(iatWindowSeconds);
}

/** A claim with these notes, and the keys of their lines. */
export function claimOf(
  log: LogIdentity,
  notes: readonly string[],
  rest: Omit<Claim, 'keys' | 'checkpoints'> = {},
): Claim {
  return Object.freeze({ keys: Object.freeze(vkeysOf(notes, log)), checkpoints: Object.freeze(notes), ...rest });
}

function notesOf(log: LogIdentity, heads: readonly SignedHead[], keep: readonly Keep[] = []): readonly string[] {
  return heads.map(({ note }, i) => evidenceNote(note, log, keep[i] ?? 'latest'));
}

function timedEntry(
  log: LogIdentity,
  entry: IncludedEntry,
  checkpoint: number,
): Pick<Claim, 'entries' | 'windowSeconds'> {
  const windowSeconds = windowSecondsOf(log);
  if (windowSeconds === undefined) throw new RangeError(`${log.origin} promised nothing about its entries' times`);
  return { entries: Object.freeze([claimEntry(entry, checkpoint)]), windowSeconds };
}

/** The entry as it stands in a claim, in the tree of that checkpoint. */
export function claimEntry({ index, leaf, inclusion }: IncludedEntry, checkpoint: number): ClaimEntry {
  return Object.freeze({
    index,
    leaf: toBase64(leaf),
    inclusion: Object.freeze(inclusion.map(toBase64)),
    checkpoint,
  });
}

/** By size and then by root, as the checkpoints of proof-contradicted are ordered. */
function compareProofs(a: TlogProof, b: TlogProof): number {
  const [first, second] = [a, b].map(({ checkpoint }) => parseCheckpoint(parseNote(checkpoint).text));
  return first!.size - second!.size || compareBytes(first!.rootHash, second!.rootHash);
}

/** What is refused of evidence that is being made is a mistake of whoever makes it. */
export async function make(kind: EvidenceKind, log: LogIdentity, claim: () => Claim): Promise<Evidence> {
  try {
    return await verifyEvidence({ kind, origin: log.origin, claim: claim() }, [log]);
  } catch (error) {
    if (!isLimmatError(error)) throw error;
    throw new RangeError(`these parts are no evidence: ${error.message}`, { cause: error });
  }
}
