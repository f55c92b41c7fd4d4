// Which records are in which channel, for channel heads and for who asks whether there is a newer one.

import { readUint, toHex } from '../../bytes.ts';
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

/** Channels whose newest record is remembered, some 400 bytes each; at the limit all are let go. */
const MAX_NEWEST = 4096;
/** Blocks of new entries in which a newer record is looked for before the whole feed is asked. */
const MAX_NEW_BLOCKS = 8;
/** Recalls whose channel is looked up at once. */
const RECALLS_AT_ONCE = 256;
/** Behind every block. */
const LAST = '\xff'.repeat(BLOCK_BYTES);

/** The newest record of a channel in the tree of that size. */
interface KnownNewest {
  readonly size: number;
  readonly record: Promise<ChannelRecord | undefined>;
}

export class LookupChannels implements ChannelFacts {
  readonly #reader: LookupReader;
  readonly #newest = new Map<string, KnownNewest>();

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
    const known = this.#newest.get(channel);
    if (known?.size === size) return known.record;
    const found: KnownNewest = { size, record: this.#newestAfter(channel, size, known) };
    if (this.#newest.size >= MAX_NEWEST) this.#newest.clear();
    this.#newest.set(channel, found);
    found.record.catch(() => {
      if (this.#newest.get(channel) === found) this.#newest.delete(channel);
    });
    return found.record;
  }

  /** A tree is published every second, and in most channels nothing has come since the one before. */
  async #newestAfter(
    channel: string,
    size: number,
    known: KnownNewest | undefined,
  ): Promise<ChannelRecord | undefined> {
    const record = known !== undefined && known.size < size ? await known.record.catch(() => undefined) : undefined;
    const isStill = record !== undefined && (await this.#hasNothing(channel, known!.size, size));
    return isStill ? record : this.#findNewest(channel, size);
  }

  /** True when the entries [from, to) are few and none of them is in the channel. */
  async #hasNothing(channel: string, from: number, to: number): Promise<boolean> {
    const first = blockOf(from);
    const count = blockOf(to - 1) - first + 1;
    if (count > MAX_NEW_BLOCKS) return false;
    const feed = this.#feed(channel);
    const rows = await this.#reader.get(Array.from({ length: count }, (_, i) => feed + blockText(first + i)));
    const itemBytes = itemBytesOf(channel);
    return rows.every((row, i) => {
      if (row === undefined) return true;
      const start = (first + i) * BLOCK_ENTRIES;
      for (let at = 0; at < row.length; at += itemBytes) {
        if (start + row[at]! >= from && start + row[at]! < to) return false;
      }
      return true;
    });
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
