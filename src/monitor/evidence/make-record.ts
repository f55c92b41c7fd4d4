// Makes evidence about records: an entry that the log's rules refuse, and two statements that cannot both be true. As in
// make.ts, what comes out was verified, and RangeError says that the parts do not show it.
//
// All inclusion proofs lead to the one head. `deciding` has entry 0, the genesis, and whatever the argument rests on, in
// any order. Against a log, what it does not have is taken in the log's favour; two statements stand against who signed them
// whatever was said in between (docs/evidence-file.md, "Records").

import type { LogIdentity } from '../watched-log.ts';
import type { Evidence, EvidenceKind } from './evidence.ts';
import { formatEvidence } from './file.ts';
import { MAX_DECIDING_ENTRIES } from './records/claim.ts';
import { claimEntry, claimOf, make } from './make.ts';
import type { IncludedEntry, SignedHead } from './make.ts';
import { evidenceNote } from './trim.ts';

/** `head` is of the tree that all the entries are in; each accused entry is of it, and each that decides. */
type MakeAgainst<Accused> = (
  log: LogIdentity,
  head: SignedHead,
  accused: Accused,
  deciding: readonly IncludedEntry[],
) => Promise<Evidence>;

const ofOne =
  (kind: EvidenceKind): MakeAgainst<IncludedEntry> =>
  (log, head, accused, deciding) =>
    makeRecords(kind, log, head, [accused], deciding);

const ofTwo =
  (kind: EvidenceKind): MakeAgainst<readonly [IncludedEntry, IncludedEntry]> =>
  (log, head, accused, deciding) =>
    makeRecords(kind, log, head, accused, deciding);

/** An entry that the rules refuse after those that decide, but for the order of releases; convicts the log. */
export const inadmissibleEntry = ofOne('inadmissible-entry');

/** A release that does not follow those of its stream (D08, D10, D12, D13); convicts the log. */
export const streamBreak = ofOne('stream-break');

/** Two statements of one issuer about one build, source, release or relocation; convicts the issuer. */
export const recordConflict = ofTwo('record-conflict');

/** A relocation that is complete, and a later record that places the same elsewhere; convicts the issuer. */
export const locationBreach = ofTwo('location-breach');

/** A build and a rebuild of it, or two rebuilds of one build, that exclude each other; convicts one of the issuers. */
export const verdictConflict = ofTwo('verdict-conflict');

async function makeRecords(
  kind: EvidenceKind,
  log: LogIdentity,
  head: SignedHead,
  accused: readonly IncludedEntry[],
  deciding: readonly IncludedEntry[],
): Promise<Evidence> {
  const evidence = await make(kind, log, () => {
    const isAccused = ({ index }: IncludedEntry): boolean => accused.some((entry) => entry.index === index);
    // Each entry once: more than one reason may ask for the same.
    const once = new Map(deciding.filter((entry) => !isAccused(entry)).map((entry) => [entry.index, entry]));
    if (once.size > MAX_DECIDING_ENTRIES) {
      throw new RangeError(`${once.size} entries decide, and a file has room for ${MAX_DECIDING_ENTRIES}`);
    }
    const entries = [...inOrder([...once.values()]), ...inOrder(accused)].map((entry) => claimEntry(entry, 0));
    return claimOf(log, [evidenceNote(head.note, log, 'latest')], { entries: Object.freeze(entries) });
  });
  // RangeError when it is larger than a file may be.
  formatEvidence(evidence);
  return evidence;
}

function inOrder(entries: readonly IncludedEntry[]): readonly IncludedEntry[] {
  return entries.toSorted((a, b) => a.index - b.index);
}
