// Tiles and entry bundles: where a tree's hashes and entries lie, and what their resources are called
// (https://c2sp.org/tlog-tiles). Tile (level, index) holds the roots of 256 neighbouring perfect subtrees of height
// 8 × level; an entry bundle holds the entries of a level 0 tile.

import { assertSize } from '../bytes.ts';
import { LimmatError } from '../errors.ts';
import { POWERS_OF_TWO } from './range.ts';
import type { NodeId } from './range.ts';

/** Hashes in a full tile, entries in a full entry bundle. */
export const TILE_WIDTH = 256;

/** Tree levels that one tile spans: 2^8 = 256. */
export const TILE_HEIGHT = 8;

/** The largest level that tlog-tiles allows in a path. Trees below 2^53 entries have tiles on levels 0 to 6. */
export const MAX_TILE_LEVEL = 63;

/** The largest entry that an entry bundle's two length bytes can express. */
export const MAX_ENTRY_SIZE = 65_535;

/** The first `width` hashes (1 to 256) of a tile. */
export interface HashTilePath {
  readonly kind: 'tile';
  readonly level: number;
  readonly index: number;
  readonly width: number;
}

/** The first `width` entries (1 to 256) of an entry bundle. */
export interface EntryBundlePath {
  readonly kind: 'entries';
  readonly index: number;
  readonly width: number;
}

export type TilePath = HashTilePath | EntryBundlePath;

/** `1234067` → `x001/x234/067`. */
function formatIndex(index: number): string {
  let text = (index % 1000).toString().padStart(3, '0');
  for (let rest = Math.floor(index / 1000); rest > 0; rest = Math.floor(rest / 1000)) {
    text = `x${(rest % 1000).toString().padStart(3, '0')}/${text}`;
  }
  return text;
}

/**
 * The resource's path without a leading slash: `tile/0/x001/234`, `tile/1/000.p/17`, `tile/entries/x001/234.p/5`.
 * RangeError unless 0 ≤ level ≤ 63, 0 ≤ index < 2^53 and 1 ≤ width ≤ 256.
 */
export function formatTilePath(path: TilePath): string {
  const level = path.kind === 'tile' ? path.level : 0;
  assertSize('level', level);
  assertSize('index', path.index);
  if (level > MAX_TILE_LEVEL) throw new RangeError(`level ${level} is above ${MAX_TILE_LEVEL}`);
  if (!Number.isInteger(path.width) || path.width < 1 || path.width > TILE_WIDTH) {
    throw new RangeError(`width ${path.width} is not an integer from 1 to ${TILE_WIDTH}`);
  }
  const suffix = path.width === TILE_WIDTH ? '' : `.p/${path.width}`;
  return `tile/${path.kind === 'tile' ? level : 'entries'}/${formatIndex(path.index)}${suffix}`;
}

// A level of two digits, an index below 2^53 (six elements) and a width of three digits; all longer text is refused
// before anything is computed from it.
const PATH = /^tile\/(entries|[0-9]{1,2})\/((?:x[0-9]{3}\/){0,5}[0-9]{3})(?:\.p\/([0-9]{1,3}))?$/;

/** The path that this text is the canonical spelling of, or undefined. Both ways are exact: format(parse(text)) = text. */
export function parseTilePath(text: string): TilePath | undefined {
  const match = PATH.exec(text);
  if (match === null) return undefined;
  const index = Number(match[2]!.replaceAll(/[x/]/g, ''));
  const width = match[3] === undefined ? TILE_WIDTH : Number(match[3]);
  const level = match[1] === 'entries' ? 0 : Number(match[1]);
  if (!Number.isSafeInteger(index) || width < 1 || width > TILE_WIDTH || level > MAX_TILE_LEVEL) return undefined;
  const path: TilePath =
    match[1] === 'entries' ? { kind: 'entries', index, width } : { kind: 'tile', level, index, width };
  return formatTilePath(path) === text ? path : undefined;
}

/** Hashes on a tile level of a tree: the complete subtrees of height 8 × level, floor(size / 256^level). */
export function levelWidth(level: number, size: number): number {
  // A power of two divides a number below 2^53 without rounding before the floor.
  return Math.floor(size / (POWERS_OF_TWO[TILE_HEIGHT * level] ?? Infinity));
}

/** How many hashes tile (level, index) has in a tree of this size: 0 (it is not there) to 256. */
export function tileWidthAt(level: number, index: number, size: number): number {
  assertSize('level', level);
  assertSize('index', index);
  assertSize('size', size);
  return Math.max(0, Math.min(TILE_WIDTH, levelWidth(level, size) - index * TILE_WIDTH));
}

/** Where a node lies: in tile (level, tileIndex), as the root over the tile's hashes [position × 2^height, + 2^height). */
export interface NodeLocation {
  readonly level: number;
  readonly tileIndex: number;
  /** Height inside the tile, 0 to 7. */
  readonly height: number;
  /** Which of the nodes of that height in the tile. */
  readonly position: number;
}

/** The tile that a node is computed from. */
export function nodeLocation(node: NodeId): NodeLocation {
  const level = Math.floor(node.height / TILE_HEIGHT);
  const height = node.height % TILE_HEIGHT;
  const nodesInTile = TILE_WIDTH / POWERS_OF_TWO[height]!;
  // Dividing by a power of two is exact; a remainder of numbers that may be above 2^31 is many times slower.
  const tileIndex = Math.floor(node.index / nodesInTile);
  return { level, tileIndex, height, position: node.index - tileIndex * nodesInTile };
}

/**
 * The tiles from which a tree's perfect subtrees, and so its root hash, can be computed: the partial tile of every level
 * that has one, lowest level first. A level whose last tile is full needs none, because the level above holds its root.
 */
export function rightEdge(size: number): HashTilePath[] {
  assertSize('size', size);
  const paths: HashTilePath[] = [];
  for (let level = 0, count = size; count > 0; level++, count = Math.floor(count / TILE_WIDTH)) {
    const width = count % TILE_WIDTH;
    if (width > 0) paths.push({ kind: 'tile', level, index: (count - width) / TILE_WIDTH, width });
  }
  return paths;
}

/** The hash tiles of a tree of `size` that one of `fromSize` does not have or has narrower, level by level. */
export function* tilesForSize(size: number, fromSize = 0): Generator<HashTilePath> {
  assertSize('size', size);
  assertSize('fromSize', fromSize);
  for (let level = 0; levelWidth(level, size) > 0; level++) {
    const count = levelWidth(level, size);
    const had = levelWidth(level, fromSize);
    if (had >= count) continue;
    for (let index = Math.floor(had / TILE_WIDTH); index * TILE_WIDTH < count; index++) {
      yield { kind: 'tile', level, index, width: Math.min(TILE_WIDTH, count - index * TILE_WIDTH) };
    }
  }
}

/** The entry bundles of a tree of `size` that one of `fromSize` does not have or has shorter, in order. */
export function* bundlesForSize(size: number, fromSize = 0): Generator<EntryBundlePath> {
  assertSize('size', size);
  assertSize('fromSize', fromSize);
  if (fromSize >= size) return;
  for (let index = Math.floor(fromSize / TILE_WIDTH); index * TILE_WIDTH < size; index++) {
    yield { kind: 'entries', index, width: Math.min(TILE_WIDTH, size - index * TILE_WIDTH) };
  }
}

/** The bundle form of these entries: for each its length in two big-endian bytes, then its bytes. RangeError for one too long. */
export function formatEntryBundle(entries: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const entry of entries) {
    if (entry.length > MAX_ENTRY_SIZE)
      throw new RangeError(`entry of ${entry.length} bytes is above ${MAX_ENTRY_SIZE}`);
    length += 2 + entry.length;
  }
  const out = new Uint8Array(length);
  let offset = 0;
  for (const entry of entries) {
    out[offset] = Math.floor(entry.length / 256);
    out[offset + 1] = entry.length % 256;
    out.set(entry, offset + 2);
    offset += 2 + entry.length;
  }
  return out;
}

/** The `width` entries of a bundle, as views into it; `malformed` unless there are exactly so many and nothing is left over. */
export function parseEntryBundle(bytes: Uint8Array, width: number): Uint8Array[] {
  const entries: Uint8Array[] = [];
  let offset = 0;
  while (entries.length < width) {
    if (offset + 2 > bytes.length) {
      throw new LimmatError('malformed', `entry bundle ends after ${entries.length} entries of ${width}`);
    }
    const end = offset + 2 + bytes[offset]! * 256 + bytes[offset + 1]!;
    if (end > bytes.length) {
      throw new LimmatError(
        'malformed',
        `entry ${entries.length} of the bundle ends at byte ${end} of ${bytes.length}`,
      );
    }
    entries.push(bytes.subarray(offset + 2, end));
    offset = end;
  }
  if (offset !== bytes.length) {
    throw new LimmatError('malformed', `entry bundle has ${bytes.length - offset} bytes after its ${width} entries`);
  }
  return entries;
}
