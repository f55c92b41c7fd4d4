// What rebuilds say of a file's builds. Pure. Each rebuilder has one voice, whatever names and keys it has: its last word
// that it has not taken back. Of the vendor none counts, because nobody verifies their own work.

import { equalBytes } from '../../bytes.ts';
import type { FieldsOf } from '../../record/types.ts';
import type { CitedEntry } from './cited.ts';
import type { Parties } from './parties.ts';
import type { Saying } from './words.ts';

/** A rebuild as one entry states it. */
export interface RebuildVerdict {
  readonly index: number;
  readonly issuer: string;
  readonly result: FieldsOf<'rebuild'>['result'];
  /** True where the issuer is in the trust file, is not the vendor, and has said nothing later. */
  readonly counts: boolean;
  /** True where a retraction of its namespace takes it back: then it confirms nothing. */
  readonly takenBack: boolean;
}

export interface JudgedRebuild {
  readonly verdict: RebuildVerdict;
  /** Whose word it is; undefined for whom the trust file does not name. */
  readonly party: string | undefined;
}

/** The leaf hash of the entry that a rebuild or a retraction is about; undefined for other types. */
export function targetOf({ statement }: Pick<CitedEntry, 'statement'>): Uint8Array | undefined {
  const { record } = statement;
  if (record.type === 'rebuild') return record.fields.build;
  return record.type === 'retraction' ? record.fields.target : undefined;
}

/** The entries that are about this one. */
export function entriesAbout({ leafHash }: CitedEntry, about: readonly CitedEntry[]): readonly CitedEntry[] {
  return about.filter((other) => equalBytes(targetOf(other)!, leafHash));
}

/** The retractions that may take an entry back: only those of its namespace can (D23), whichever of its keys signs. */
export function retractionsOf(entry: CitedEntry, about: readonly CitedEntry[]): readonly CitedEntry[] {
  return entriesAbout(entry, about).filter(({ statement: { record } }) => {
    return record.type === 'retraction' && record.namespace === entry.statement.namespace;
  });
}

/** The rebuilds of a record, among all entries `about` it or about them, in the order of the log. */
export function rebuildsOf(
  entry: CitedEntry,
  about: readonly CitedEntry[],
  parties: Parties,
): readonly JudgedRebuild[] {
  const words = entriesAbout(entry, about)
    .toSorted((a, b) => a.index - b.index)
    .flatMap((rebuild) => {
      const { record } = rebuild.statement;
      if (record.type !== 'rebuild') return [];
      const party = partyOf(rebuild, parties);
      const retractions = retractionsOf(rebuild, about);
      // What a stranger signs, if only a log takes it, must not silence a rebuilder who dissents.
      const isWithdrawn = retractions.some((retraction) => partyOf(retraction, parties) === party);
      return [{ rebuild, result: record.fields.result, party, isWithdrawn, takenBack: retractions.length > 0 }];
    });
  return words.map(({ rebuild, result, party, isWithdrawn, takenBack }, i) => {
    const isLast = !words.slice(i + 1).some((later) => later.party === party && !later.isWithdrawn);
    const counts = party !== undefined && !isWithdrawn && isLast && !isOneParty(rebuild, entry, parties);
    return { verdict: { index: rebuild.index, issuer: rebuild.statement.iss, result, counts, takenBack }, party };
  });
}

/** The party of an entry whose signature was verified. */
export function partyOf({ statement, isTrusted }: CitedEntry, parties: Parties): string | undefined {
  return isTrusted ? parties(statement) : undefined;
}

function isOneParty(rebuild: CitedEntry, build: CitedEntry, parties: Parties): boolean {
  const [a, b] = [rebuild.statement, build.statement];
  if (a.iss === b.iss || a.namespace === b.namespace || equalBytes(a.kid, b.kid)) return true;
  return partyOf(rebuild, parties) === partyOf(build, parties);
}

export interface RebuildFacts {
  /** Of all builds of the file that count; undefined when there is none. */
  readonly rebuilds: readonly JudgedRebuild[] | undefined;
  /** Who signed those builds: none of them verifies a file that is their own. */
  readonly vendors: ReadonlySet<string | undefined>;
  readonly completeAsOf: string | undefined;
  readonly required: number;
}

/** What the rebuilds come to. */
export function rebuildSayings({ rebuilds, vendors, completeAsOf, required }: RebuildFacts): readonly Saying[] {
  if (rebuilds === undefined) return noBuild(completeAsOf, required);
  const voices = (results: readonly string[], matches: (rebuild: JudgedRebuild) => boolean): Voices => {
    const of = rebuilds.filter((rebuild) => results.includes(rebuild.verdict.result) && matches(rebuild));
    return new Map(of.map(({ verdict, party }) => [party ?? verdict.issuer, verdict.issuer]));
  };
  const agree = voices(['match', 'match-normalised'], ({ verdict, party }) => {
    return verdict.counts && !verdict.takenBack && !vendors.has(party);
  });
  const disagree = voices(['mismatch'], ({ verdict }) => verdict.counts);
  const silent = voices(['not-buildable', 'inconclusive'], ({ verdict }) => verdict.counts);
  const strangers = voices(['mismatch'], ({ verdict, party }) => party === undefined && !verdict.takenBack);
  const heard = new Set([...agree.keys(), ...disagree.keys(), ...silent.keys()]).size;
  const ofThem = `${agree.size} of ${heard}${agree.size === 0 ? '' : `: ${named(agree)}`}`;
  const says: Saying[] = [];
  if (agree.size < required) says.push({ code: 'too-few-rebuilds', detail: `${asked(required)}, ${ofThem}` });
  if (agree.size > 0) says.push({ code: 'rebuilt', detail: ofThem });
  if (silent.size > 0) says.push({ code: 'not-rebuildable', detail: named(silent) });
  if (strangers.size > 0) says.push({ code: 'stranger-dissent', detail: named(strangers) });
  if (disagree.size > 0) says.push({ code: 'dissent', detail: named(disagree) });
  else if (completeAsOf === undefined) says.push({ code: 'dissent-not-proven' });
  else says.push({ code: 'no-dissent', detail: `in ${completeAsOf}` });
  return says;
}

/** By party, a name of it. */
type Voices = ReadonlyMap<string, string>;

function named(voices: Voices): string {
  return [...voices.values()].toSorted().join(', ');
}

/** A log that is asked for a file may leave its build out, so that nobody asks for rebuilds of it. */
function noBuild(completeAsOf: string | undefined, required: number): readonly Saying[] {
  if (required === 0 || completeAsOf !== undefined) return [];
  return [{ code: 'too-few-rebuilds', detail: `${asked(required)}, and the log names no build of it` }];
}

function asked(required: number): string {
  return `${required} ${required === 1 ? 'is' : 'are'} asked for`;
}
