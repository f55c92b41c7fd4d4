// What lookups found, as JSON: every item says where its proof is.

import { toBase64 } from '../../bytes.ts';
import type { ChannelRecord } from '../../log/channel-heads.ts';
import type { FoundArtifact, FoundMention, FoundRecord, FoundRelocation, FoundWithFate } from '../../log/lookup.ts';
import { channelHeadPath, channelNames } from '../../record/channel.ts';
import { statementToJson } from '../../record/statement.ts';
import { formatTime } from '../../record/time.ts';
import type { Answer } from './answer.ts';
import { jsonAnswer } from './answer.ts';

/** A page of a list. */
export function listAnswer(
  size: number,
  items: readonly object[],
  next: number | string | undefined,
  more: Readonly<Record<string, string>> = {},
): Answer {
  return jsonAnswer({ ...more, size, items, next: next === undefined ? undefined : String(next) }, 'changing');
}

export function recordJson({ index: at, leafHash, statement }: FoundRecord) {
  const entry = `/api/v1/entries/${at}`;
  return {
    index: at,
    leafHash: toBase64(leafHash),
    type: statement.type,
    proof: `${entry}/proof`,
    time: `${entry}/time`,
    record: statementToJson(statement),
  };
}

export function rebuildJson(item: FoundMention) {
  return { ...recordJson(item), verdict: item.said, match: item.said === 'match' || item.said === 'match-normalised' };
}

export function rebuildWithFateJson(item: FoundMention & FoundWithFate) {
  return { ...rebuildJson(item), takenBack: item.takenBack.map(takenBackJson) };
}

export function takenBackJson(item: FoundMention) {
  return { ...recordJson(item), kind: item.said };
}

export function fateJson(item: FoundWithFate) {
  return { ...recordJson(item), takenBack: item.takenBack.map(takenBackJson) };
}

export function artifactJson(item: FoundArtifact) {
  return {
    ...recordJson(item),
    rebuilds: item.rebuilds.map(rebuildWithFateJson),
    more: item.moreRebuilds || undefined,
    takenBack: item.takenBack.map(takenBackJson),
    channel: item.channel && channelJson(item.channel.channel, item.channel.newest),
  };
}

function channelJson(channel: string, newest: ChannelRecord) {
  const [of, product, stream, named] = channelNames(channel)!;
  return {
    namespace: of,
    product,
    stream,
    channel: named,
    newest: { index: newest.index, leafHash: toBase64(newest.leafHash), sequence: newest.sequence },
    head: `/${channelHeadPath(channel)}`,
  };
}

export function relocationJson(item: FoundRelocation) {
  const { step, regions, category, state, statement } = item;
  const basis = statement.record.type === 'relocation' ? statement.record.fields.basis?.kind : undefined;
  return {
    ...recordJson(item),
    state,
    since: formatTime(step.atSeconds),
    sinceFrom: step.atFrom,
    basis,
    regions,
    /** True where the record names none, and these are those of the steps before it. */
    regionsTakenOver: regions !== undefined && step.regions === undefined,
    regionMatch: item.regionMatch,
    category,
    takenBack: item.takenBack.map(takenBackJson),
    supervisedBy: item.supervisions.map((one) => ({ ...fateJson(one), by: one.by })),
  };
}
