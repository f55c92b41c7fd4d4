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
import type { Parties } from './parties.ts';
import { partyOf, rebuildSayings, rebuildsOf, retractionsOf, targetOf } from './rebuilds.ts';
import type { JudgedRebuild, RebuildVerdict } from './rebuilds.ts';
import { CHECK_WORDS, inOrder, worstGrade } from './words.ts';
import type { CheckWord, Grade, Saying } from './words.ts';

/** What is known of a record's place in its channel: its standing, or that it must not be used, or why neither is known. */
export type ChannelWord =
  | { readonly standing: Standing; readonly detail: string }
  | { readonly refused: 'recalled' | 'below-minimum' | 'channel-rollback'; readonly detail: string }
  | { readonly unknown: string; readonly because?: HeadTrouble };

/**
 * Why a channel head that is required says nothing: 'withheld' where the log gave none that holds, or one past its time,
 * and 'unreachable' where nothing came.
 */
export type HeadTrouble = 'withheld' | 'unreachable';

/** All that a file is judged by. */
export interface FileFacts {
  readonly sha256: Uint8Array;
  /** Entries that are said to name the file. */
  readonly records: readonly CitedEntry[];
  /** Entries that are said to be about those, and retractions of the rebuilds among them. */
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
  /** Who is who in the trust file. */
  readonly parties: Parties;
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

/** A verdict that is one word, about the file with this SHA-256 in lowercase hexadecimal. */
export function plainVerdict(sha256: string, code: CheckWord, detail?: string): FileVerdict {
  return Object.freeze({ sha256, ...verdictOf([{ code, ...(detail !== undefined && { detail }) }], []) });
}

/** Judges a file by verified entries. An entry that is not about it, or not about its records, is `bad-citation`. */
export function judgeFile({ sha256, ...facts }: FileFacts, options: JudgeOptions): FileVerdict {
  return new Judgement(facts, options).of(toHex(sha256));
}

/** What comes of all files that the same records name: a build has many. */
export class Judgement {
  readonly #facts: Omit<FileFacts, 'sha256'>;
  /** Of each record, the digests in it, in lowercase hexadecimal. */
  readonly #names: readonly ReadonlySet<string>[];
  readonly #verdict: Omit<FileVerdict, 'sha256'>;

  constructor(facts: Omit<FileFacts, 'sha256'>, options: JudgeOptions) {
    this.#facts = facts;
    this.#names = facts.records.map(({ statement }) => new Set(fileDigests(statement.record).map(toHex)));
    this.#verdict = judge(facts, options);
  }

  /** The verdict about the file with this SHA-256, in lowercase hexadecimal. */
  of(sha256: string): FileVerdict {
    const wrong = this.#names.findIndex((names) => !names.has(sha256));
    if (wrong < 0) return Object.freeze({ sha256, ...this.#verdict });
    return plainVerdict(sha256, 'bad-citation', `entry ${this.#facts.records[wrong]!.index} does not name the file`);
  }
}

function judge(facts: Omit<FileFacts, 'sha256'>, options: JudgeOptions): Omit<FileVerdict, 'sha256'> {
  const { records, completeAsOf } = facts;
  const stray = strayCitation(facts);
  if (stray !== undefined) return verdictOf([{ code: 'bad-citation', detail: stray }], []);
  if (records.length === 0) {
    const how = completeAsOf === undefined ? 'as the log says, which proves no absence' : `in ${completeAsOf}`;
    return verdictOf([{ code: 'not-logged', detail: how }], []);
  }
  const judged = records.map((record) => judgeRecord(record, facts, options));
  const counting = judged.filter(({ verdict }) => verdict.counts);
  if (counting.length === 0) {
    const says = judged.map(({ verdict }) => notCounted(verdict));
    return verdictOf(says, judged);
  }
  const says: Saying[] = [{ code: 'logged' }, ...counting.flatMap((record) => record.says)];
  if (counting.every(({ isRetracted }) => isRetracted)) says.push({ code: 'retracted' });
  const builds = counting.filter(({ verdict }) => verdict.type === 'build');
  const rebuilds = rebuildSayings({
    rebuilds: builds.length === 0 ? undefined : builds.flatMap((build) => build.rebuilds),
    vendors: new Set(builds.map(({ entry }) => partyOf(entry, options.parties))),
    completeAsOf,
    required: options.requireRebuilds,
  });
  says.push(...rebuilds, ...recallSayings(judged, counting, completeAsOf));
  return verdictOf(says, judged);
}

interface JudgedRecord {
  readonly entry: CitedEntry;
  readonly verdict: RecordVerdict;
  readonly says: readonly Saying[];
  readonly isRetracted: boolean;
  readonly rebuilds: readonly JudgedRebuild[];
  /** Where it is known that nobody recalled it. */
  readonly notRecalled: string | undefined;
}

/** What the log named without reason, in words. */
function strayCitation({ records, about }: Omit<FileFacts, 'sha256'>): string | undefined {
  const lost = about.find((entry) => {
    if (isOf(entry, records)) return false;
    // What takes a rebuild back is about the rebuild.
    const rebuilds = about.filter((other) => other.statement.type === 'rebuild' && isOf(other, records));
    return entry.statement.type !== 'retraction' || !isOf(entry, rebuilds);
  });
  return lost === undefined ? undefined : `entry ${lost.index} is not about a record of the file`;
}

function isOf(entry: CitedEntry, others: readonly CitedEntry[]): boolean {
  const target = targetOf(entry);
  return target !== undefined && others.some(({ leafHash }) => equalBytes(leafHash, target));
}

function judgeRecord(entry: CitedEntry, facts: Omit<FileFacts, 'sha256'>, options: JudgeOptions): JudgedRecord {
  const { statement, index, leafHash } = entry;
  const takenBack = takenBackOf(entry, facts.about);
  const rebuilds = rebuildsOf(entry, facts.about, options.parties);
  const channel = facts.channels.get(index);
  const place = channelPlace(statement.record, index);
  const refusal = entry.isTrusted ? refusalOf(entry, options.expected) : 'unknown-issuer';
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
    rebuilds: rebuilds.map(({ verdict: rebuild }) => rebuild),
    takenBack,
  };
  const says = takenBack.flatMap(({ kind, description }): Saying[] => {
    if (kind === 'retract') return [];
    const code = kind === 'recall' ? 'recalled' : kind === 'supersede' ? 'superseded' : 'corrected';
    return [{ code, detail: description }];
  });
  if (place !== undefined) says.push(...channelSayings(channel, place.channel));
  const isKnown = channel !== undefined && 'standing' in channel && channel.standing !== 'ahead';
  return {
    entry,
    verdict,
    says,
    isRetracted: takenBack.some(({ kind }) => kind === 'retract'),
    rebuilds,
    notRecalled: isKnown ? `${place!.channel}, ${channel.detail}` : undefined,
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

function takenBackOf(entry: CitedEntry, about: readonly CitedEntry[]): readonly TakenBackVerdict[] {
  return retractionsOf(entry, about).flatMap(({ statement: { record, iss }, index }) => {
    if (record.type !== 'retraction') return [];
    return [{ index, issuer: iss, kind: record.fields.kind, description: describe(record) }];
  });
}

/** A product may have channels that nobody releases to any more, so each word says of which channel it is. */
function channelSayings(channel: ChannelWord | undefined, name: string): readonly Saying[] {
  if (channel === undefined) return [{ code: 'newest-not-proven', detail: name }];
  if ('unknown' in channel) {
    const detail = `${name}: ${channel.unknown}`;
    const says: Saying[] = [{ code: 'newest-not-proven', detail }];
    if (channel.because === 'withheld') says.push({ code: 'no-channel-head', detail });
    if (channel.because === 'unreachable') says.push({ code: 'channel-not-checked', detail });
    return says;
  }
  const detail = `${name}, ${channel.detail}`;
  return [{ code: 'refused' in channel ? channel.refused : channel.standing, detail }];
}

/**
 * What is known of recalls. A channel head knows of those of its own channel, and a file may have been released to others
 * that the log does not name; only an index knows all. What was recalled in a record that does not count is a finding
 * where the issuer or the namespace is one that counts, and else said to be a stranger's word.
 */
function recallSayings(
  judged: readonly JudgedRecord[],
  counting: readonly JudgedRecord[],
  completeAsOf: string | undefined,
): readonly Saying[] {
  const namespaces = new Set(counting.map(({ entry }) => entry.statement.namespace));
  const says: Saying[] = [];
  for (const { entry, verdict } of judged) {
    const recall = verdict.takenBack.find(({ kind }) => kind === 'recall');
    if (verdict.counts || recall === undefined) continue;
    const isOwn = entry.isTrusted || namespaces.has(entry.statement.namespace);
    const detail = `entry ${verdict.index} of ${verdict.issuer}: ${recall.description}`;
    says.push({ code: isOwn ? 'recalled' : 'stranger-recall', detail });
  }
  const codes = [...says, ...counting.flatMap((record) => record.says)].map(({ code }) => code);
  if (codes.includes('recalled') || codes.includes('below-minimum')) return says;
  if (completeAsOf !== undefined) {
    return says.length > 0 ? says : [{ code: 'not-recalled', detail: `in ${completeAsOf}` }];
  }
  const known = counting.flatMap(({ notRecalled }) => notRecalled ?? []);
  if (says.length > 0 || known.length < counting.length) return [...says, { code: 'recall-not-proven' }];
  return [{ code: 'not-recalled-in-channel', detail: known.join('; ') }];
}

function verdictOf(says: readonly Saying[], judged: readonly JudgedRecord[]): Omit<FileVerdict, 'sha256'> {
  const ordered = inOrder(says);
  return {
    verdict: ordered[0]!.code,
    grade: worstGrade(ordered.map(({ code }) => CHECK_WORDS[code].grade)),
    says: ordered,
    records: judged.map(({ verdict }) => verdict),
  };
}
