// What verified entries say about a file. Pure. What is missing is never taken for good: a negative is said only where the
// caller knows all that the log has (an index of its own), or a channel head says it.

import { equalBytes, toHex } from '../../bytes.ts';
import { isLimmatError } from '../../errors.ts';
import type { ErrorCode } from '../../errors.ts';
import { channelPlace } from '../../record/channel.ts';
import { fileDigests } from '../../record/statement.ts';
import { describe } from '../../record/types.ts';
import type { FieldsOf } from '../../record/types.ts';
import type { Standing } from '../channel-check.ts';
import type { Expected } from '../trust.ts';
import { checkExpected } from '../verify.ts';
import type { CitedEntry } from './cited.ts';
import { CHECK_WORDS, inOrder, worstGrade } from './words.ts';
import type { CheckWord, Grade, Saying } from './words.ts';

/** What is known of a record's place in its channel: its standing, or that it must not be used, or why neither is known. */
export type ChannelWord =
  | { readonly standing: Standing; readonly detail: string }
  | { readonly refused: 'recalled' | 'below-minimum' | 'channel-rollback'; readonly detail: string }
  | { readonly unknown: string };

/** All that a file is judged by. */
export interface FileFacts {
  readonly sha256: Uint8Array;
  /** Entries that are said to name the file. */
  readonly records: readonly CitedEntry[];
  /** Entries that are said to be about those. */
  readonly about: readonly CitedEntry[];
  /** By the index of a record in a channel. */
  readonly channels: ReadonlyMap<number, ChannelWord>;
  /** What the two lists are all of, in words, such as "1,234 entries of log.example/a"; undefined when there may be more. */
  readonly completeAsOf: string | undefined;
}

export interface JudgeOptions {
  readonly expected: Expected;
  /** Rebuilders that have to have got the same files, of a file that a build names. */
  readonly requireRebuilds: number;
}

/** A rebuild as one entry states it. */
export interface RebuildVerdict {
  readonly index: number;
  readonly issuer: string;
  readonly result: FieldsOf<'rebuild'>['result'];
  /** True where the issuer is in the trust file, is not the vendor, and has said nothing later. */
  readonly counts: boolean;
}

export interface TakenBackVerdict {
  readonly index: number;
  readonly issuer: string;
  readonly kind: FieldsOf<'retraction'>['kind'];
  readonly description: string;
}

/** A record that names the file. */
export interface RecordVerdict {
  readonly index: number;
  readonly leafHash: string;
  readonly type: string;
  readonly description: string;
  readonly issuer: string;
  readonly keyId: string;
  /** The trust file names who signed it, and it is about what is expected. */
  readonly counts: boolean;
  /** Why it does not count: a refusal of `limmat verify`. */
  readonly refusal?: ErrorCode;
  readonly channel?: string;
  readonly sequence?: number;
  readonly standing?: Standing;
  readonly rebuilds: readonly RebuildVerdict[];
  readonly takenBack: readonly TakenBackVerdict[];
}

/** What comes of a file. */
export interface FileVerdict {
  readonly sha256: string;
  /** The gravest word, `logged` where there is no finding. */
  readonly verdict: CheckWord;
  readonly grade: Grade;
  /** All of them, gravest first. */
  readonly says: readonly Saying[];
  readonly records: readonly RecordVerdict[];
}

/** A verdict that is one word. */
export function plainVerdict(sha256: Uint8Array, code: CheckWord, detail?: string): FileVerdict {
  return verdictOf(sha256, [{ code, ...(detail !== undefined && { detail }) }], []);
}

/** Judges a file by verified entries. An entry that is not about it, or not about its records, is `bad-citation`. */
export function judgeFile(facts: FileFacts, options: JudgeOptions): FileVerdict {
  const { sha256, records, completeAsOf } = facts;
  const stray = strayCitation(facts);
  if (stray !== undefined) return plainVerdict(sha256, 'bad-citation', stray);
  if (records.length === 0) {
    const how = completeAsOf === undefined ? 'as the log says, which proves no absence' : `in ${completeAsOf}`;
    return plainVerdict(sha256, 'not-logged', how);
  }
  const judged = records.map((record) => judgeRecord(record, facts, options.expected));
  const counting = judged.filter(({ verdict }) => verdict.counts);
  if (counting.length === 0) {
    const says = judged.map(({ verdict }) => notCounted(verdict));
    return verdictOf(sha256, says, judged);
  }
  const says: Saying[] = [{ code: 'logged' }, ...counting.flatMap((record) => record.says)];
  if (counting.every(({ isRetracted }) => isRetracted)) says.push({ code: 'retracted' });
  says.push(...rebuildSayings(counting, facts, options.requireRebuilds), ...recallSaying(counting, completeAsOf));
  return verdictOf(sha256, says, judged);
}

interface JudgedRecord {
  readonly entry: CitedEntry;
  readonly verdict: RecordVerdict;
  readonly says: readonly Saying[];
  readonly isRetracted: boolean;
  /** Where it is known that nobody recalled it. */
  readonly notRecalled: string | undefined;
}

/** What the log named without reason, in words. */
function strayCitation({ sha256, records, about }: FileFacts): string | undefined {
  const wrong = records.find(({ statement }) => {
    return !fileDigests(statement.record).some((digest) => equalBytes(digest, sha256));
  });
  if (wrong !== undefined) return `entry ${wrong.index} does not name the file`;
  const lost = about.find((entry) => {
    const target = targetOf(entry);
    return target === undefined || !records.some(({ leafHash }) => equalBytes(leafHash, target));
  });
  return lost === undefined ? undefined : `entry ${lost.index} is not about a record of the file`;
}

/** The leaf hash of the entry that a rebuild or a retraction is about; undefined for other types. */
export function targetOf({ statement }: Pick<CitedEntry, 'statement'>): Uint8Array | undefined {
  const { record } = statement;
  if (record.type === 'rebuild') return record.fields.build;
  return record.type === 'retraction' ? record.fields.target : undefined;
}

function judgeRecord(entry: CitedEntry, facts: FileFacts, expected: Expected): JudgedRecord {
  const { statement, index, leafHash } = entry;
  const about = facts.about.filter((other) => equalBytes(targetOf(other)!, leafHash));
  const takenBack = retractionsOf(entry, about);
  const channel = facts.channels.get(index);
  const place = channelPlace(statement.record, index);
  const refusal = entry.isTrusted ? refusalOf(entry, expected) : 'unknown-issuer';
  const verdict: RecordVerdict = {
    index,
    leafHash: toHex(leafHash),
    type: statement.type,
    description: describe(statement.record),
    issuer: statement.iss,
    keyId: toHex(statement.kid),
    counts: refusal === undefined,
    ...(refusal !== undefined && { refusal }),
    ...place,
    ...(channel !== undefined && 'standing' in channel && { standing: channel.standing }),
    rebuilds: rebuildsOf(entry, about),
    takenBack,
  };
  const says = takenBack.flatMap(({ kind, description }): Saying[] => {
    if (kind === 'retract') return [];
    const code = kind === 'recall' ? 'recalled' : kind === 'supersede' ? 'superseded' : 'corrected';
    return [{ code, detail: description }];
  });
  if (place !== undefined) says.push(...channelSayings(channel));
  const isKnown = channel !== undefined && 'standing' in channel && channel.standing !== 'ahead';
  return {
    entry,
    verdict,
    says,
    isRetracted: takenBack.some(({ kind }) => kind === 'retract'),
    notRecalled: isKnown ? channel.detail : undefined,
  };
}

function refusalOf({ statement }: CitedEntry, expected: Expected): ErrorCode | undefined {
  try {
    checkExpected(statement, expected);
    return undefined;
  } catch (error) {
    if (!isLimmatError(error)) throw error;
    return error.code;
  }
}

function notCounted({ refusal, issuer, index }: RecordVerdict): Saying {
  const code = refusal === 'unknown-issuer' ? 'unknown-issuer' : 'unexpected-record';
  const why = code === 'unknown-issuer' ? `signed as ${issuer}` : refusal!;
  return { code, detail: `entry ${index}: ${why}` };
}

/** Only the namespace of a record can take it back (D23), whichever of its keys signs. */
function retractionsOf(entry: CitedEntry, about: readonly CitedEntry[]): readonly TakenBackVerdict[] {
  return about.flatMap(({ statement, index }) => {
    const { record } = statement;
    if (record.type !== 'retraction' || record.namespace !== entry.statement.namespace) return [];
    return [{ index, issuer: statement.iss, kind: record.fields.kind, description: describe(record) }];
  });
}

/** Of each rebuilder only the last word counts, and of the vendor none: nobody verifies their own work. */
function rebuildsOf(entry: CitedEntry, about: readonly CitedEntry[]): readonly RebuildVerdict[] {
  const all = about.filter(({ statement }) => statement.type === 'rebuild').toSorted((a, b) => a.index - b.index);
  return all.flatMap((rebuild, i) => {
    const { statement, index, isTrusted } = rebuild;
    if (statement.record.type !== 'rebuild') return [];
    const issuer = statement.iss;
    const isLast = !all.slice(i + 1).some((later) => later.isTrusted && later.statement.iss === issuer);
    const counts = isTrusted && isLast && !isOneParty(rebuild, entry);
    return [{ index, issuer, result: statement.record.fields.result, counts }];
  });
}

function isOneParty(a: CitedEntry, b: CitedEntry): boolean {
  return a.statement.iss === b.statement.iss || equalBytes(a.statement.kid, b.statement.kid);
}

function channelSayings(channel: ChannelWord | undefined): readonly Saying[] {
  if (channel === undefined) return [{ code: 'newest-not-proven' }];
  if ('unknown' in channel) return [{ code: 'newest-not-proven', detail: channel.unknown }];
  if ('refused' in channel) return [{ code: channel.refused, detail: channel.detail }];
  return [{ code: channel.standing, detail: channel.detail }];
}

function rebuildSayings(
  counting: readonly JudgedRecord[],
  { completeAsOf }: FileFacts,
  required: number,
): readonly Saying[] {
  const builds = counting.filter(({ verdict }) => verdict.type === 'build');
  if (builds.length === 0) return [];
  const rebuilds = builds.flatMap(({ verdict }) => verdict.rebuilds);
  const said = (results: readonly string[], counts: boolean): readonly string[] => {
    const of = rebuilds.filter((rebuild) => rebuild.counts === counts && results.includes(rebuild.result));
    return [...new Set(of.map(({ issuer }) => issuer))].toSorted();
  };
  const agree = said(['match', 'match-normalised'], true);
  const disagree = said(['mismatch'], true);
  const silent = said(['not-buildable', 'inconclusive'], true);
  const strangers = said(['mismatch'], false);
  const heard = new Set([...agree, ...disagree, ...silent]).size;
  const ofThem = `${agree.length} of ${heard}${agree.length === 0 ? '' : `: ${agree.join(', ')}`}`;
  const says: Saying[] = [];
  if (agree.length < required)
    says.push({
      code: 'too-few-rebuilds',
      detail: `${required} ${required === 1 ? 'is' : 'are'} asked for, ${ofThem}`,
    });
  if (agree.length > 0) says.push({ code: 'rebuilt', detail: ofThem });
  if (silent.length > 0) says.push({ code: 'not-rebuildable', detail: silent.join(', ') });
  if (strangers.length > 0) says.push({ code: 'stranger-dissent', detail: strangers.join(', ') });
  if (disagree.length > 0) says.push({ code: 'dissent', detail: disagree.join(', ') });
  else if (completeAsOf === undefined) says.push({ code: 'dissent-not-proven' });
  else says.push({ code: 'no-dissent', detail: `in ${completeAsOf}` });
  return says;
}

/** One word for the file: it was recalled in none of its records, or that is not known of one. */
function recallSaying(counting: readonly JudgedRecord[], completeAsOf: string | undefined): readonly Saying[] {
  const codes = counting.flatMap(({ says }) => says.map(({ code }) => code));
  if (codes.includes('recalled') || codes.includes('below-minimum')) return [];
  if (completeAsOf !== undefined) return [{ code: 'not-recalled', detail: `in ${completeAsOf}` }];
  const known = counting.map(({ notRecalled }) => notRecalled);
  if (known.includes(undefined)) return [{ code: 'recall-not-proven' }];
  return [{ code: 'not-recalled', detail: known[0]! }];
}

function verdictOf(sha256: Uint8Array, says: readonly Saying[], judged: readonly JudgedRecord[]): FileVerdict {
  const ordered = inOrder(says);
  return Object.freeze({
    sha256: toHex(sha256),
    verdict: ordered[0]!.code,
    grade: worstGrade(ordered.map(({ code }) => CHECK_WORDS[code].grade)),
    says: ordered,
    records: judged.map(({ verdict }) => verdict),
  });
}
