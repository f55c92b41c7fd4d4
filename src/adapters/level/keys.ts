// The rows of the main database: one byte says what kind, then what LevelDB should keep in order.
//
//   0x00 name             meta: "format" → CBOR number, "head" → CBOR [size, root hash], "published" → checkpoint note
//   0x01 level index      hash tile → its hashes from the first one on, partial or full
//   0x02 index            entry bundle → where its bytes start and end in the segment file
//   0x03 state key        state value
//
// Numbers in keys are big-endian, so that neighbours in the tree are neighbours on the disk. The rows in CBOR are read by a
// general codec, so what it returns is checked, and only bytes that encode to themselves again are a row.

import { Encoder } from 'cbor-x/index-no-eval';
import { byteText, compareBytes, concat, prefixedBytes, readUint, uintBytes, utf8 } from '../../bytes.ts';
import { HASH_SIZE, asHash } from '../../merkle/hash.ts';
import type { TreeHead } from '../../merkle/tree-head.ts';
import type { ScanRange, StateKey } from '../../storage.ts';

/** The layout that this code reads and writes. Another one is refused when the store is opened. */
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

const STATE_PREFIX = Uint8Array.of(STATE);

/** The rows of these keys, in order. */
export function stateRowKeys(stateKeys: readonly StateKey[]): Uint8Array[] {
  return prefixedBytes(STATE_PREFIX, stateKeys);
}

export function stateRowKey(key: StateKey): Uint8Array {
  return stateRowKeys([key])[0]!;
}

/** The state key of a row of the main database. */
export function stateKeyOf(rowKey: Uint8Array): StateKey {
  return byteText(rowKey.subarray(1));
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

/** Both ways of the rows in CBOR: no records or tags of its own, so that any CBOR reader reads them. */
const codec = new Encoder({ useRecords: false, mapsAsObjects: false, variableMapSize: true, tagUint8Array: false });

/** An array head, eight bytes of number and their head, the hash and its head: no row in CBOR is longer. */
const MAX_CBOR_ROW = 1 + 9 + 2 + HASH_SIZE;

/** From here on the codec writes numbers as floats, but bigints as integers. */
const FIRST_BIGINT = 2 ** 32;

function encodeRow(value: unknown): Uint8Array {
  // The codec returns a view of its own buffer, and a Buffer at that.
  return new Uint8Array(codec.encode(value));
}

/** The value in a row, unchecked; undefined when the bytes are no CBOR. */
function decodeRow(bytes: Uint8Array): unknown {
  if (bytes.length > MAX_CBOR_ROW) return undefined;
  try {
    // A copy: the codec leaves notes on what it reads.
    const value: unknown = codec.decode(bytes.slice());
    return value;
  } catch {
    return undefined;
  }
}

function integerOf(value: unknown): number | undefined {
  const number = typeof value === 'bigint' ? Number(value) : value;
  return typeof number === 'number' && Number.isSafeInteger(number) && number >= 0 ? number : undefined;
}

export function formatFormat(format: number): Uint8Array {
  return encodeRow(format);
}

/** The layout that a row names, or undefined when the row is not one. */
export function parseFormat(bytes: Uint8Array): number | undefined {
  const format = integerOf(decodeRow(bytes));
  return format !== undefined && compareBytes(formatFormat(format), bytes) === 0 ? format : undefined;
}

/** The size below 2^53 and the root hash: `82 03 58 20 …` for size 3. */
export function formatHead(head: TreeHead): Uint8Array {
  const { size, rootHash } = head;
  return encodeRow([size < FIRST_BIGINT ? size : BigInt(size), rootHash]);
}

/** The head in a row, or undefined when the row is not one. */
export function parseHead(bytes: Uint8Array): TreeHead | undefined {
  const row = decodeRow(bytes);
  if (!Array.isArray(row) || row.length !== 2) return undefined;
  const [first, second]: unknown[] = row;
  const size = integerOf(first);
  if (size === undefined || !(second instanceof Uint8Array) || second.length !== HASH_SIZE) return undefined;
  const head = { size, rootHash: asHash(new Uint8Array(second)) };
  return compareBytes(formatHead(head), bytes) === 0 ? head : undefined;
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
