// The rows of the main database: one byte says what kind, then what LevelDB should keep in order.
//
//   0x00 name             meta: "format" → 1, "head" → size and root hash, "published" → checkpoint note
//   0x01 level index      hash tile → its hashes from the first one on, partial or full
//   0x02 index            entry bundle → where its bytes start and end in the segment file
//   0x03 state key        state value
//
// Numbers are big-endian, so that neighbours in the tree are neighbours on the disk.

import { compareBytes, concat, readUint, uintBytes, utf8 } from '../../bytes.ts';
import { asHash } from '../../merkle/hash.ts';
import type { TreeHead } from '../../merkle/tree-head.ts';
import type { ScanRange } from '../../storage.ts';

/** The layout that this code reads and writes. */
export const FORMAT = 1;

const META = 0x00;
const TILE = 0x01;
const BUNDLE = 0x02;
const STATE = 0x03;
const AFTER_STATE = 0x04;

function metaKey(name: string): Uint8Array {
  return concat(Uint8Array.of(META), utf8(name));
}

export const FORMAT_KEY: Uint8Array = metaKey('format');
export const HEAD_KEY: Uint8Array = metaKey('head');
export const PUBLISHED_KEY: Uint8Array = metaKey('published');

export function tileKey(level: number, index: number): Uint8Array {
  return concat(Uint8Array.of(TILE, level), uintBytes(index, 7));
}

export function bundleKey(index: number): Uint8Array {
  return concat(Uint8Array.of(BUNDLE), uintBytes(index, 7));
}

export function stateRowKey(key: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(STATE), key);
}

/** The state key of a row of the main database. */
export function stateKeyOf(rowKey: Uint8Array): Uint8Array {
  return rowKey.slice(1);
}

/** A row range for LevelDB that holds exactly the state keys of a scan. */
export function stateRange(range: ScanRange): { gte?: Uint8Array; gt?: Uint8Array; lt: Uint8Array } {
  const first = stateRowKey(range.prefix);
  const end = successor(first);
  if (range.after === undefined) return { gte: first, lt: end };
  const after = stateRowKey(range.after);
  if (range.reverse === true) return { gte: first, lt: lower(after, end) ? after : end };
  return lower(after, first) ? { gte: first, lt: end } : { gt: after, lt: end };
}

/** The first key after every key that starts with this one. */
function successor(prefix: Uint8Array): Uint8Array {
  const end = prefix.slice();
  for (let i = end.length - 1; i > 0; i--) {
    if (end[i]! < 0xff) {
      end[i] = end[i]! + 1;
      return end.slice(0, i + 1);
    }
  }
  return Uint8Array.of(AFTER_STATE);
}

function lower(a: Uint8Array, b: Uint8Array): boolean {
  return compareBytes(a, b) < 0;
}

export function formatHead(head: TreeHead): Uint8Array {
  return concat(uintBytes(head.size, 8), head.rootHash);
}

/** The head in a row, or undefined when the row is not one. */
export function parseHead(bytes: Uint8Array): TreeHead | undefined {
  if (bytes.length !== 40) return undefined;
  const size = readUint(bytes, 0, 8);
  return size === undefined ? undefined : { size, rootHash: asHash(bytes.slice(8)) };
}

/** The bytes [start, end) of a bundle's segment file. */
export interface BundleLocation {
  readonly start: number;
  readonly end: number;
}

export function formatLocation(location: BundleLocation): Uint8Array {
  return concat(uintBytes(location.start, 7), uintBytes(location.end, 7));
}

/** The location in a row, or undefined when the row is not one. */
export function parseLocation(bytes: Uint8Array): BundleLocation | undefined {
  if (bytes.length !== 14) return undefined;
  const start = readUint(bytes, 0, 7);
  const end = readUint(bytes, 7, 7);
  return start === undefined || end === undefined || end < start ? undefined : { start, end };
}
