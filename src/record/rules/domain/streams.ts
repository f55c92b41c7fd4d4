// Streams of database releases, beyond their chain: times and versions that go on (D09), silence (D11) and an end without
// a word (D27), large removals (D12), content that comes back (D13), the same for all channels (D14).

import { equalBytes, toHex } from '../../../bytes.ts';
import type { Hasher } from '../../../merkle/hash.ts';
import { streamKey as admissionStreamKey, type StateKey } from '../../admission/keys.ts';
import { streamValue } from '../../admission/values.ts';
import { streamOf, type AvdbReleaseFields } from '../../avdb-release.ts';
import type { Statement } from '../../statement.ts';
import { subjectStep } from '../../text.ts';
import { formatTime } from '../../time.ts';
import type { DomainCase, DueCase } from './case.ts';
import { contentKey, endedKey, namedKey, sequenceKey } from './keys.ts';
import { DOMAIN_RULES } from './table.ts';

const DAY = 86_400;
/** So many times its cadence a stream may be silent. */
const SILENT_CADENCES = 3;

/** The newest release of a stream, and whether somebody waits for the next one (by D11, by D27). */
type StreamRow = readonly [
  index: number,
  leafHash: Uint8Array,
  sequence: number,
  content: Uint8Array,
  iat: number,
  producedAt: number | null,
  versionText: string | null,
  isAwaited: boolean,
  isEndAwaited: boolean,
];
type ContentRow = readonly [sequence: number, index: number];
type SequenceRow = readonly [
  index: number,
  channel: string,
  content: Uint8Array,
  iat: number,
  isForAll: boolean,
  versionText: string | null,
];

export function releaseKeys({ namespace }: Statement, f: AvdbReleaseFields, hasher: Hasher): StateKey[] {
  const stream = streamOf(namespace, f);
  return [
    namedKey('stream', hasher, stream),
    contentKey(hasher, stream, f.contentDigest.sha256),
    sequenceKey(hasher, namespace, lineOf(f), f.sequence),
  ];
}

/** The channels of one line have the same releases. */
function lineOf({ product, database }: AvdbReleaseFields): string {
  return `${subjectStep(product)}/${subjectStep(database)}`;
}

export function judgeRelease(c: DomainCase, f: AvdbReleaseFields): void {
  const { hasher, namespace, index, leafHash, statement } = c;
  const stream = streamOf(namespace, f);
  const key = namedKey('stream', hasher, stream);
  const before = c.row<StreamRow>(key);
  if (before !== undefined) judgeOrder(c, f, before);
  judgeRemovals(c, f, stream);
  judgeReturn(c, f, stream, before);
  judgeChannels(c, f);
  const { cadenceSeconds } = c.parameters;
  if (before?.[7] !== true) {
    c.remind('D11', statement.iat + SILENT_CADENCES * cadenceSeconds, stream, [stream, null]);
  }
  if (before?.[8] !== true) c.remind('D27', statement.iat + DAY * DOMAIN_RULES.D27.default, stream, stream);
  if (f.validUntil !== undefined) {
    c.remind('D11', f.validUntil, `${stream} ${f.sequence}`, [stream, f.sequence]);
  }
  const content = f.contentDigest.sha256;
  const { producedAt = null, versionText = null } = f;
  c.write(key, [index, leafHash, f.sequence, content, statement.iat, producedAt, versionText, true, true]);
}

/** D09: against the release right before. */
function judgeOrder(c: DomainCase, f: AvdbReleaseFields, before: StreamRow): void {
  const [index, , sequence, , , producedAt, versionText] = before;
  if (f.producedAt !== undefined && producedAt !== null && f.producedAt < producedAt) {
    const [now, then] = [f.producedAt, producedAt].map((time) => formatTime(time));
    const sentence = `release ${f.sequence} was produced on ${now}, before release ${sequence} on ${then} (entry ${index})`;
    c.find('D09', { producedAt: now!, before: then!, other: index }, sentence);
  }
  if (f.versionText === undefined || versionText === null || f.rollback !== undefined) return;
  if (compareVersions(f.versionText, versionText) >= 0) return;
  const sentence = `release ${f.sequence} has version ${f.versionText}, which is before ${versionText} of release ${sequence} (entry ${index})`;
  c.find('D09', { version: f.versionText, before: versionText, other: index }, sentence);
}

const VERSION = /^v?\d+(?:\.\d+){0,7}$/;

/** By number where both are numbers with dots between; of other versions nobody knows the order: 0. */
function compareVersions(a: string, b: string): number {
  if (!VERSION.test(a) || !VERSION.test(b)) return 0;
  const [left, right] = [a, b].map((text) => text.replace('v', '').split('.').map(Number));
  for (let i = 0; i < Math.max(left!.length, right!.length); i++) {
    const difference = (left![i] ?? 0) - (right![i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** D12: where nothing is said of removals, what the total lost is the least of them. */
function judgeRemovals(c: DomainCase, { counts, sequence }: AvdbReleaseFields, stream: string): void {
  const value = c.facts.get(admissionStreamKey(stream, c.hasher));
  if (value === undefined) return;
  const { total } = streamValue.parse(value);
  const removed = counts.removed ?? Math.max(0, total - counts.total);
  const { removalPercent } = c.parameters;
  if (removed <= (total * removalPercent) / 100) return;
  const sentence = `release ${sequence} of ${stream} removes ${removed} of ${total}, more than ${removalPercent} %`;
  c.find('D12', { removed, total, percent: removalPercent }, sentence);
}

/** D13: the same content as the release right before is no return. */
function judgeReturn(c: DomainCase, f: AvdbReleaseFields, stream: string, before: StreamRow | undefined): void {
  const content = f.contentDigest.sha256;
  const key = contentKey(c.hasher, stream, content);
  const earlier = c.row<ContentRow>(key);
  c.write(key, [f.sequence, c.index]);
  if (earlier === undefined || f.rollback !== undefined) return;
  if (before !== undefined && equalBytes(before[3], content)) return;
  const [sequence, index] = earlier;
  const sentence = `release ${f.sequence} of ${stream} has the content of release ${sequence} again (entry ${index}) and does not say so`;
  c.find('D13', { content: toHex(content), toSequence: sequence, other: index }, sentence);
}

/** D14: what another channel had under the same number, and when. */
function judgeChannels(c: DomainCase, f: AvdbReleaseFields): void {
  const key = sequenceKey(c.hasher, c.namespace, lineOf(f), f.sequence);
  const first = c.row<SequenceRow>(key);
  const content = f.contentDigest.sha256;
  const isForAll = f.audience?.kind !== 'segment';
  const { iat } = c.statement;
  if (first === undefined) {
    c.write(key, [c.index, f.channel, content, iat, isForAll, f.versionText ?? null]);
    return;
  }
  const [index, channel, known, since, wasForAll, versionText] = first;
  if (channel === f.channel || !isForAll || !wasForAll) return;
  const { skewSeconds, areChannelsTogether } = c.parameters;
  // Many vendors count each channel by itself: then the same number says nothing.
  if (!areChannelsTogether && (versionText === null || versionText !== f.versionText)) return;
  const what = `release ${f.sequence} of ${f.product} ${f.database}`;
  const values = { channel: f.channel, other: channel, first: index };
  if (!equalBytes(known, content)) {
    c.find('D14', values, `${what} has other content in channel ${f.channel} than in ${channel} (entry ${index})`);
    return;
  }
  const apart = Math.abs(iat - since);
  if (apart <= skewSeconds) return;
  const sentence = `${what} came to channel ${f.channel} ${apart} s apart from ${channel} (entry ${index}), more than ${skewSeconds}`;
  c.find('D14', { ...values, seconds: apart, limit: skewSeconds }, sentence);
}

/** D11: a stream should have had a release by now. */
export async function judgeSilence(c: DueCase): Promise<void> {
  const [stream, sequence] = c.values<readonly [string, number | null]>();
  const key = namedKey('stream', c.hasher, stream);
  const newest = (await c.row<StreamRow>(key))!;
  const hasEnded = (await c.row(endedKey(newest[1]))) !== undefined;
  if (sequence !== null) {
    if (newest[2] > sequence || hasEnded) return;
    const until = formatTime(c.due.atSeconds);
    c.find({ stream, sequence, until }, `release ${sequence} of ${stream} was valid until ${until}, and none followed`);
    return;
  }
  const { cadenceSeconds } = await c.parameters();
  const atSeconds = newest[4] + SILENT_CADENCES * cadenceSeconds;
  if (c.nowSeconds <= atSeconds && !hasEnded) {
    c.schedule({ ...c.due, atSeconds, index: newest[0] });
    return;
  }
  // The next release waits for the one after it again.
  c.write(key, [...newest.slice(0, 7), false, newest[8]]);
  if (hasEnded) return;
  const values = { stream, since: formatTime(newest[4]), cadenceSeconds };
  const sentence = `${stream} has had no release since ${values.since}, for more than ${SILENT_CADENCES} times ${cadenceSeconds} s`;
  c.find(values, sentence, newest[0]);
}

/** D27: a stream has ended, and nobody said so. */
export async function judgeEnd(c: DueCase): Promise<void> {
  const stream = c.values<string>();
  const key = namedKey('stream', c.hasher, stream);
  const newest = (await c.row<StreamRow>(key))!;
  const hasEnded = (await c.row(endedKey(newest[1]))) !== undefined;
  const days = DOMAIN_RULES.D27.default;
  const { cadenceSeconds } = await c.parameters();
  const atSeconds = newest[4] + Math.max(DAY * days, SILENT_CADENCES * cadenceSeconds);
  if (c.nowSeconds <= atSeconds && !hasEnded) {
    c.schedule({ ...c.due, atSeconds, index: newest[0] });
    return;
  }
  c.write(key, [...newest.slice(0, 8), false]);
  if (hasEnded) return;
  const since = formatTime(newest[4]);
  const sentence = `${stream} has had no release since ${since}, and nobody said that it ends`;
  c.find({ stream, since, days }, sentence, newest[0]);
}
