// The records about a file. What most ask for: a read of the store for the file's row, then at once the entries that it
// names and what was said of them.

import { equalBytes } from '../../bytes.ts';
import type { Hash } from '../../merkle/hash.ts';
import { channelPlace } from '../../record/channel.ts';
import { fileDigests } from '../../record/statement.ts';
import type { ChannelRecord } from '../channel-heads.ts';
import type { LookupChannels } from './channel-facts.ts';
import { digestList, placeOf } from './lists.ts';
import type { Page, PageRequest } from './queries.ts';
import { MAX_FATES, MAX_MENTIONS } from './reader.ts';
import type { FoundMention, FoundWithFate, LookupReader, MentionAt } from './reader.ts';

/** Rebuilds and retractions of all records of a page: with more of them it ends. The first record has all of its own. */
const MAX_MENTIONS_TOGETHER = 400;

/** A record about a file. A rebuild that was taken back neither confirms nor contradicts, so each has its own fate. */
export interface FoundArtifact extends FoundWithFate {
  readonly rebuilds: readonly (FoundMention & FoundWithFate)[];
  /** True where there are more of them. */
  readonly moreRebuilds: boolean;
  /** The record's channel and the newest record there. */
  readonly channel: { readonly channel: string; readonly newest: ChannelRecord } | undefined;
}

/** The records about the file with this SHA-256, oldest first, with what was said of each of them. */
export async function artifactOf(
  reader: LookupReader,
  channels: LookupChannels,
  sha256: Hash,
  { after, limit }: PageRequest,
): Promise<Page<FoundArtifact>> {
  const size = reader.source.size();
  const { items, next } = await reader.list(digestList(sha256), { size, after, limit });
  if (items.length === 0) return { size, items: [], next };
  const places = items.map(({ index, value }) => placeOf(index, value));
  const indexes = items.map(({ index }) => index);
  const [all, said] = await Promise.all([
    reader.recordsAt(places),
    // One more than is shown tells whether there are more.
    reader.mentionsAt(indexes, ['takenBack', 'rebuild'], size, MAX_MENTIONS + 1),
  ]);
  const count = withinOnePage(said);
  const shown = said.slice(0, count).map((of) => of.map((list) => list.slice(0, MAX_MENTIONS)));
  const mentions = await reader.read(shown);
  const found = all.slice(0, count);
  const about: FoundArtifact[] = [];
  for (const [i, one] of found.entries()) {
    // A row has half of a digest.
    if (!fileDigests(one.statement.record).some((digest) => equalBytes(digest, sha256))) continue;
    const place = channelPlace(one.statement.record, one.index);
    const newest = place && (await channels.newest(place.channel, size));
    const [takenBack, rebuilds] = mentions[i]!;
    const channel = place && newest && { channel: place.channel, newest };
    const withFate = rebuilds!.length === 0 ? [] : await reader.withFate(rebuilds!, size, MAX_FATES);
    const moreRebuilds = said[i]![1]!.length > MAX_MENTIONS;
    about.push({ ...one, takenBack: takenBack!, rebuilds: withFate, moreRebuilds, channel });
  }
  return { size, items: about, next: count < indexes.length ? indexes[count - 1] : next };
}

/** Of how many records, from the first on, the page has what was said of them. */
function withinOnePage(said: readonly (readonly (readonly MentionAt[])[])[]): number {
  let together = 0;
  const end = said.findIndex((of, i) => {
    for (const list of of) together += Math.min(list.length, MAX_MENTIONS);
    return i > 0 && together > MAX_MENTIONS_TOGETHER;
  });
  return end < 0 ? said.length : end;
}
