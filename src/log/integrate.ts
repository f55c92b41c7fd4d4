// Integration: edge + entries → growth and the next edge. Pure and synchronous: the same entries give the same bytes
// under every adapter (RFC 9162 §2.1, C2SP tlog-tiles). It fails only with "bad math".

import { HASH_SIZE } from '../merkle/hash.ts';
import { TILE_HEIGHT, TILE_WIDTH } from '../merkle/tile.ts';
import type { BundleWrite, Growth, StateWrite, TileWrite } from '../storage.ts';
import type { Edge, EdgeTile } from './edge.ts';
import type { SequencedEntry } from './entry.ts';

const LENGTH_PREFIX = 2;

/** A tile that is being filled. */
interface OpenTile {
  index: number;
  oldWidth: number;
  width: number;
  bytes: Uint8Array;
}

/** What appending these entries (one or more, in index order from edge.head.size on) changes, and the edge after it. */
export function integrate(
  edge: Edge,
  entries: readonly SequencedEntry[],
  writes: readonly StateWrite[],
): { readonly growth: Growth; readonly edge: Edge } {
  if (entries[0]?.index !== edge.head.size) {
    throw new Error(`bad math in integrate: entry ${entries[0]?.index} does not follow size ${edge.head.size}`);
  }
  const range = edge.range.clone();
  const tiles = new TileFiller(edge.tiles);
  const leafHashes = new Uint8Array(entries.length * HASH_SIZE);
  for (const [i, { entry }] of entries.entries()) {
    leafHashes.set(entry.leafHash, i * HASH_SIZE);
    tiles.push(0, entry.leafHash);
    range.append(entry.leafHash, (height, _index, hash) => {
      // A node that completes a tile is a leaf of the level above (tlog-tiles: level L holds subtrees of height 8 L).
      if (height % TILE_HEIGHT === 0) tiles.push(height / TILE_HEIGHT, hash);
    });
  }
  const head = { size: range.size, rootHash: range.rootHash() };
  const growth: Growth = {
    oldHead: edge.head,
    head,
    leafHashes,
    tiles: tiles.writes(),
    bundles: bundleWrites(edge.head.size, entries),
    writes,
  };
  return { growth, edge: { head, range, tiles: tiles.open() } };
}

/** Collects hashes into tiles, level by level. */
class TileFiller {
  readonly #open: OpenTile[];
  readonly #done: TileWrite[] = [];

  constructor(tiles: readonly EdgeTile[]) {
    this.#open = tiles.map(({ index, width, bytes }) => {
      const copy = new Uint8Array(TILE_WIDTH * HASH_SIZE);
      copy.set(bytes.subarray(0, width * HASH_SIZE));
      return { index, oldWidth: width, width, bytes: copy };
    });
  }

  push(level: number, hash: Uint8Array): void {
    let tile = this.#open[level];
    if (tile === undefined) {
      tile = { index: 0, oldWidth: 0, width: 0, bytes: new Uint8Array(TILE_WIDTH * HASH_SIZE) };
      this.#open[level] = tile;
    }
    tile.bytes.set(hash, tile.width * HASH_SIZE);
    tile.width++;
    if (tile.width < TILE_WIDTH) return;
    this.#done.push({ level, index: tile.index, oldWidth: tile.oldWidth, bytes: tile.bytes });
    this.#open[level] = {
      index: tile.index + 1,
      oldWidth: 0,
      width: 0,
      bytes: new Uint8Array(TILE_WIDTH * HASH_SIZE),
    };
  }

  /** Every tile that changed; the caller must not push any more. */
  writes(): TileWrite[] {
    for (const [level, { index, oldWidth, width, bytes }] of this.#open.entries()) {
      if (width > oldWidth) {
        this.#done.push({ level, index, oldWidth, bytes: bytes.subarray(0, width * HASH_SIZE) });
      }
    }
    return this.#done;
  }

  open(): EdgeTile[] {
    return this.#open.map(({ index, width, bytes }) => ({ index, width, bytes }));
  }
}

/** The entries in bundle form, cut at bundle boundaries; one allocation for all of them. */
function bundleWrites(oldSize: number, entries: readonly SequencedEntry[]): BundleWrite[] {
  let length = 0;
  for (const { entry } of entries) length += LENGTH_PREFIX + entry.bytes.length;
  const packed = new Uint8Array(length);
  const bundles: BundleWrite[] = [];
  let start = 0;
  let offset = 0;
  let oldWidth = oldSize % TILE_WIDTH;
  for (const [i, { entry, index }] of entries.entries()) {
    // A length is at most 65,535 (tlog-tiles), so 16-bit arithmetic is in place here.
    packed[offset] = entry.bytes.length >> 8;
    packed[offset + 1] = entry.bytes.length & 0xff;
    packed.set(entry.bytes, offset + LENGTH_PREFIX);
    offset += LENGTH_PREFIX + entry.bytes.length;
    const width = (index % TILE_WIDTH) + 1;
    if (width === TILE_WIDTH || i === entries.length - 1) {
      bundles.push({
        index: Math.floor(index / TILE_WIDTH),
        oldWidth,
        width,
        appended: packed.subarray(start, offset),
      });
      start = offset;
      oldWidth = 0;
    }
  }
  return bundles;
}
