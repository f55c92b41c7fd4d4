// Which records are in which channel, for channel heads and for who asks whether there is a newer one.

import { toHex } from '../../bytes.ts';
import { readUint } from '../../bytes.ts';
import { channelNames, channelPlace, channelType } from '../../record/channel.ts';
import type { ChannelFacts, ChannelRecord } from '../channel-heads.ts';
import { ITEM_BYTES, itemAt, scanFeed, SEQUENCE_BYTES } from './feeds.ts';
import type { LookupReader } from './reader.ts';
import {
  ABOUT,
  BLOCK_BYTES,
  BLOCK_ENTRIES,
  blockOf,
  blockText,
  channelPart,
  lastBlock,
  lastIndex,
  productPart,
  rowKey,
} from './rows.ts';
import { scanRows } from './scan.ts';
import { parseRecall } from './writes.ts';

/** Channels whose newest record is remembered until the next tree is published. */
const MAX_NEWEST = 4096;
/** Recalls whose channel is looked up at once. */
const RECALLS_AT_ONCE = 256;
/** Behind every block. */
const LAST = '\xff'.repeat(BLOCK_BYTES);

export class LookupChannels implements ChannelFacts {
  readonly #reader: LookupReader;
  readonly #newest = new Map<string, Promise<ChannelRecord | undefined>>();
  #newestSize = 0;

  constructor(reader: LookupReader) {
    this.#reader = reader;
  }

  async channels(after: string | undefined, limit: number): Promise<readonly string[]> {
    const { source } = this.#reader;
    const prefix = rowKey(ABOUT.channel);
    const size = source.size();
    const channels: string[] = [];
    let from = after === undefined ? undefined : this.#feed(after) + LAST;
    while (channels.length < limit) {
      const range = { prefix, limit: 1, ...(from === undefined ? {} : { after: from }) };
      const [row] = await source.storage().scan(range);
      if (row === undefined) break;
      from = row.key.slice(0, -BLOCK_BYTES) + LAST;
      const index = lastBlock(row.key) * BLOCK_ENTRIES + row.value[0]!;
      // Its first entry is not published: it is none yet.
      if (index >= size) continue;
      const [found] = await this.#reader.records([index]);
      const place = channelPlace(found!.statement.record, index);
      if (place !== undefined) channels.push(place.channel);
    }
    return channels;
  }

  async newest(channel: string, size: number): Promise<ChannelRecord | undefined> {
    if (size !== this.#newestSize) {
      this.#newest.clear();
      this.#newestSize = size;
    }
    let newest = this.#newest.get(channel);
    if (newest === undefined) {
      newest = this.#findNewest(channel, size);
      if (this.#newest.size >= MAX_NEWEST) this.#newest.clear();
      this.#newest.set(channel, newest);
      newest.catch(() => this.#newest.delete(channel));
    }
    return newest;
  }

  async recalled(channel: string, size: number): Promise<readonly Pick<ChannelRecord, 'leafHash' | 'sequence'>[]> {
    const [namespace, product] = channelNames(channel) ?? [];
    if (namespace === undefined || product === undefined) return [];
    const { source } = this.#reader;
    const targets = new Map<string, { readonly index: number; readonly leafHash: Uint8Array }>();
    const prefix = rowKey(ABOUT.recall, productPart(namespace, product, source.hasher));
    for await (const { key, value } of scanRows(source.storage(), prefix)) {
      if (lastIndex(key) >= size) continue;
      const recall = parseRecall(value);
      targets.set(toHex(recall.leafHash), recall);
    }
    const all = [...targets.values()];
    const recalled: { leafHash: Uint8Array; sequence: number }[] = [];
    for (let i = 0; i < all.length; i += RECALLS_AT_ONCE) {
      recalled.push(...(await this.#inChannel(channel, all.slice(i, i + RECALLS_AT_ONCE))));
    }
    return recalled;
  }

  /** Those of the entries that are in the channel, with their sequence there: its own rows say so. */
  async #inChannel(
    channel: string,
    entries: readonly { readonly index: number; readonly leafHash: Uint8Array }[],
  ): Promise<{ leafHash: Uint8Array; sequence: number }[]> {
    const feed = this.#feed(channel);
    const blocks = [...new Set(entries.map(({ index }) => blockOf(index)))];
    const values = await this.#reader.get(blocks.map((block) => feed + blockText(block)));
    const rows = new Map(blocks.map((block, i) => [block, values[i]]));
    const itemBytes = itemBytesOf(channel);
    return entries.flatMap(({ index, leafHash }) => {
      const item = itemAt(rows.get(blockOf(index)), itemBytes, index);
      if (item === undefined) return [];
      return [{ leafHash, sequence: isOfReleases(channel) ? readUint(item, 0, SEQUENCE_BYTES)! : index }];
    });
  }

  /** Sequences rise along a channel (D08), so the last entry has the highest. */
  async #findNewest(channel: string, size: number): Promise<ChannelRecord | undefined> {
    const { items } = await scanFeed(this.#reader.source.storage(), {
      prefix: this.#feed(channel),
      itemBytes: itemBytesOf(channel),
      size,
      after: undefined,
      newestFirst: true,
      limit: 1,
    });
    const [found] = await this.#reader.records(items.map(({ index }) => index));
    const place = found && channelPlace(found.statement.record, found.index);
    if (place?.channel !== channel) return undefined;
    return { index: found!.index, leafHash: found!.leafHash, sequence: place.sequence };
  }

  #feed(channel: string): string {
    return rowKey(ABOUT.channel, channelPart(channel, this.#reader.source.hasher));
  }
}

function isOfReleases(channel: string): boolean {
  return channelType(channel) === 'avdb-release';
}

function itemBytesOf(channel: string): number {
  return isOfReleases(channel) ? ITEM_BYTES.channelRelease : ITEM_BYTES.channelBuild;
}
