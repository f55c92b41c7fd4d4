// Lists: one row for all that is known of one thing, so that a single read finds it. The first items stand in the row, in
// the order of the log; a row that is full says that there may be more, each in a row of its own. So what is written to
// add one stays small, however long a list becomes.

import { readUint } from '../../bytes.ts';
import type { EntryPlace, StateKey } from '../../storage.ts';
import { ABOUT, digestPart, INDEX_BYTES, mentionPart, MENTIONS, rowKey } from './rows.ts';
import type { Mention, MentionKind } from './rows.ts';
import { scanByIndex } from './scan.ts';
import type { Scanner } from './scan.ts';

/** Items that stand in the row itself: some 180 bytes, which the log reads and writes again with each new one. */
export const MAX_IN_ROW = 16;

/** A list: the key of its row, and the beginning of the keys of what is behind it. */
export interface ListKeys {
  readonly key: StateKey;
  readonly more: StateKey;
  /** Bytes of an item, its index included. */
  readonly itemBytes: number;
}

/** A bundle has less than 2^24 bytes: 256 entries of at most 65,535 and their lengths. */
const OFFSET_BYTES = 3;
const LENGTH_BYTES = 2;
export const PLACE_BYTES: number = INDEX_BYTES + OFFSET_BYTES + LENGTH_BYTES;
export const MENTION_BYTES: number = INDEX_BYTES + 1;

/** The records about a file. */
export function digestList(sha256: Uint8Array): ListKeys {
  const part = digestPart(sha256);
  return { key: rowKey(ABOUT.digest, part), more: rowKey(ABOUT.moreDigest, part), itemBytes: PLACE_BYTES };
}

/** What entries of a kind say of an entry. */
export function mentionList(index: number, kind: MentionKind): ListKeys {
  const part = mentionPart(index, kind);
  return { key: rowKey(ABOUT.mention, part), more: rowKey(ABOUT.moreMention, part), itemBytes: MENTION_BYTES };
}

/** Writes a number as big-endian bytes. */
export function putUint(bytes: Uint8Array, at: number, value: number, length: number): void {
  let rest = value;
  for (let i = at + length - 1; i >= at; i--) {
    bytes[i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
}

/** Writes an item's value behind its index: of a row's item at its place, of a row of its own at 0. */
export function putPlace(bytes: Uint8Array, at: number, offset: number, length: number): void {
  putUint(bytes, at, offset, OFFSET_BYTES);
  putUint(bytes, at + OFFSET_BYTES, length, LENGTH_BYTES);
}

export function placeOf(index: number, value: Uint8Array): EntryPlace {
  return { index, offset: readUint(value, 0, OFFSET_BYTES)!, length: readUint(value, OFFSET_BYTES, LENGTH_BYTES)! };
}

export function mentionByte(mention: Mention): number {
  return MENTIONS.indexOf(mention);
}

export function parseMention(value: Uint8Array): Mention {
  return MENTIONS[value[0]!]!;
}

/** An item of a list or a feed: the entry's index, and what stands behind it. */
export interface Item {
  readonly index: number;
  readonly value: Uint8Array;
}

/** A part of a list, and the index after which to go on; undefined where there is nothing more. */
export interface ItemPage {
  readonly items: readonly Item[];
  readonly next: number | undefined;
}

/** The items of entries below `size` that a list's row holds, after an index. */
export function itemsIn(row: Uint8Array | undefined, { itemBytes }: ListKeys, size: number, after = -1): Item[] {
  if (row === undefined) return [];
  const items: Item[] = [];
  for (let at = 0; at + itemBytes <= row.length; at += itemBytes) {
    const index = readUint(row, at, INDEX_BYTES)!;
    if (index > after && index < size) items.push({ index, value: row.subarray(at + INDEX_BYTES, at + itemBytes) });
  }
  return items;
}

/** True when a list may have more than its row holds. */
export function isFull(row: Uint8Array | undefined, { itemBytes }: ListKeys): boolean {
  return row !== undefined && row.length >= MAX_IN_ROW * itemBytes;
}

/** A page of a list, whose row was read already: items of entries below `size`, oldest first. */
export async function listPage(
  storage: Scanner,
  list: ListKeys,
  row: Uint8Array | undefined,
  { size, after, limit }: { readonly size: number; readonly after: number | undefined; readonly limit: number },
): Promise<ItemPage> {
  const items = itemsIn(row, list, size, after);
  if (items.length > limit) return { items: items.slice(0, limit), next: items[limit - 1]!.index };
  if (!isFull(row, list)) return { items, next: undefined };
  const left = limit - items.length;
  // Of a full page only whether there is more.
  const scan = { prefix: list.more, size, after, newestFirst: false, limit: Math.max(1, left) };
  const { rows, next } = await scanByIndex(storage, scan);
  if (left === 0) return { items, next: rows.length === 0 ? undefined : items.at(-1)!.index };
  return { items: [...items, ...rows.map(({ index, value }) => ({ index, value }))], next };
}
