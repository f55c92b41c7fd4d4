// Feeds: what belongs to a name, in the order of the log, a row for each block of 256 entries that has some of it. Which
// block an entry is in follows from its index, so the rows are the same however the entries came: one by one or in
// batches. An item is the index modulo 256 and what else stands there, always as many bytes in one feed.

import type { StateKey } from '../../storage.ts';
import { BLOCK_ENTRIES, blockOf, blockText, lastBlock, TAG_BYTES } from './rows.ts';
import type { Item, ItemPage } from './lists.ts';
import { MAX_ROWS } from './scan.ts';
import type { Scanner } from './scan.ts';

/** Bytes of an item of each feed, its place in the block included. */
export const ITEM_BYTES = Object.freeze({
  /** Nothing more. */
  plain: 1,
  /** A product's builds: tags of version, channel, platform. */
  build: 1 + 3 * TAG_BYTES,
  /** A channel's builds: tag of the version. */
  channelBuild: 1 + TAG_BYTES,
  /** A channel's releases: sequence. */
  channelRelease: 1 + 7,
  /** Tags of namespace and product. */
  unrebuilt: 1 + 2 * TAG_BYTES,
});
export const SEQUENCE_BYTES = 7;

export interface FeedScan {
  /** Of keys that end with a block right behind it. */
  readonly prefix: StateKey;
  readonly itemBytes: number;
  /** Items of entries below this only. */
  readonly size: number;
  /** Go on after this index; newest first: before it. */
  readonly after: number | undefined;
  readonly newestFirst: boolean;
  readonly limit: number;
  /** Which items count, by what stands behind their place. */
  readonly test?: (value: Uint8Array) => boolean;
}

/** Rows that are read before any item was found; then as many again as were looked at, up to the most. */
const FIRST_ROWS = 2;
const MOST_ROWS = 64;

/** The items of a feed. Its row for a block is the only one that may go on: whoever reads sees all of a commit or nothing. */
export async function scanFeed(storage: Scanner, scan: FeedScan): Promise<ItemPage> {
  const { prefix, itemBytes, size, newestFirst, limit, test } = scan;
  // The entries [first, end) are asked for.
  const first = newestFirst || scan.after === undefined ? 0 : scan.after + 1;
  const end = newestFirst ? Math.min(scan.after ?? size, size) : size;
  if (first >= end) return { items: [], next: undefined };
  const items: Item[] = [];
  let after = fromBlock(prefix, newestFirst ? blockOf(end - 1) : blockOf(first), newestFirst);
  let take = FIRST_ROWS;
  for (let looked = 0; ;) {
    const page = await storage.scan({
      prefix,
      limit: take,
      reverse: newestFirst,
      ...(after !== undefined && { after }),
    });
    for (const { key, value } of page) {
      const blockStart = lastBlock(key) * BLOCK_ENTRIES;
      if (blockStart >= end) return { items, next: undefined };
      const count = Math.floor(value.length / itemBytes);
      for (let i = 0; i < count; i++) {
        const at = (newestFirst ? count - 1 - i : i) * itemBytes;
        const index = blockStart + value[at]!;
        if (index < first || index >= end) continue;
        const item = value.subarray(at + 1, at + itemBytes);
        if (test !== undefined && !test(item)) continue;
        // One more than is asked for tells whether there is a next page.
        if (items.length === limit) return { items, next: items.at(-1)!.index };
        items.push({ index, value: item });
      }
      looked += 1 + count;
      if (looked >= MAX_ROWS) return { items, next: newestFirst ? blockStart : blockStart + BLOCK_ENTRIES - 1 };
    }
    if (page.length < take) return { items, next: undefined };
    after = page.at(-1)!.key;
    take = Math.min(take * 2, MOST_ROWS);
  }
}

/** The key after which a scan comes to this block first. */
function fromBlock(prefix: StateKey, block: number, newestFirst: boolean): StateKey | undefined {
  if (newestFirst) return prefix + blockText(block + 1);
  return block === 0 ? undefined : prefix + blockText(block - 1);
}

/** What a feed's row says of an entry of its block; undefined where it is not in it. */
export function itemAt(row: Uint8Array | undefined, itemBytes: number, index: number): Uint8Array | undefined {
  if (row === undefined) return undefined;
  for (let at = 0; at + itemBytes <= row.length; at += itemBytes) {
    if (row[at] === index % BLOCK_ENTRIES) return row.subarray(at + 1, at + itemBytes);
  }
  return undefined;
}
