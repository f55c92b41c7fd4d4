// A whole log hashed again from its entries alone: reading its bundles in order, a few ahead, and computing every tile
// and the root from them. What a log stored or served is then compared with what was computed.

import { LimmatError, isLimmatError } from '../../src/errors.ts';
import {
  bundlesForSize,
  CompactRange,
  formatTilePath,
  HASH_SIZE,
  parseEntryBundle,
  TILE_HEIGHT,
  TILE_WIDTH,
  type EntryBundlePath,
  type Hash,
  type Hasher,
  type HashTilePath,
  type TilePath,
} from '../../src/merkle/index.ts';

/** Reads resources, as LogSource does. */
export type ReadPaths = (paths: readonly TilePath[]) => Promise<readonly Uint8Array[]>;

/** An entry bundle that was read, and its entries as views into it. */
export interface ReadBundle {
  readonly path: EntryBundlePath;
  readonly bytes: Uint8Array;
  readonly entries: readonly Uint8Array[];
}

/** A hash tile that was computed. */
export interface ComputedTile {
  readonly path: HashTilePath;
  readonly bytes: Uint8Array;
}

/** Bundles of one step: 4 MiB of 1 KiB entries, at most 256 MiB of the largest. */
const BUNDLES_AT_ONCE = 16;

function parse(path: EntryBundlePath, bytes: Uint8Array): ReadBundle {
  try {
    return { path, bytes, entries: parseEntryBundle(bytes, path.width) };
  } catch (error) {
    if (!isLimmatError(error)) throw error;
    throw new LimmatError('bad-tile', `${formatTilePath(path)}: ${error.message}`, { cause: error });
  }
}

/** The bundles of the tree of `size` that one of `fromSize` lacks, in order, some at a time; the next ones are on their way. */
export async function* readBundles(read: ReadPaths, size: number, fromSize = 0): AsyncGenerator<readonly ReadBundle[]> {
  const paths = bundlesForSize(size, fromSize);
  const fetchNext = (): { paths: EntryBundlePath[]; bytes: Promise<readonly Uint8Array[]> } | undefined => {
    const next: EntryBundlePath[] = [];
    for (let path = paths.next(); path.done !== true; path = paths.next()) {
      next.push(path.value);
      if (next.length === BUNDLES_AT_ONCE) break;
    }
    if (next.length === 0) return undefined;
    const bytes = read(next);
    // Whoever takes the step sees its failure; nobody does when an earlier one ends the loop.
    bytes.catch(() => undefined);
    return { paths: next, bytes };
  };
  let current = fetchNext();
  while (current !== undefined) {
    const bytes = await current.bytes;
    const next = fetchNext();
    yield current.paths.map((path, i) => parse(path, bytes[i]!));
    current = next;
  }
}

/** Grows a tree leaf by leaf and hands out its tiles. */
export class TreeRehash {
  readonly #hasher: Hasher;
  readonly #range: CompactRange;
  readonly #open: { index: number; width: number; bytes: Uint8Array }[] = [];
  #done: ComputedTile[] = [];

  constructor(hasher: Hasher) {
    this.#hasher = hasher;
    this.#range = CompactRange.empty(hasher);
  }

  get size(): number {
    return this.#range.size;
  }

  rootHash(): Hash {
    return this.#range.rootHash();
  }

  /** Appends an entry; its leaf hash. */
  push(entry: Uint8Array): Hash {
    const leafHash = this.#hasher.leafHash(entry);
    this.#fill(0, leafHash);
    this.#range.append(leafHash, (height, _index, hash) => {
      if (height % TILE_HEIGHT === 0) this.#fill(height / TILE_HEIGHT, hash);
    });
    return leafHash;
  }

  /** The full tiles since the last call. */
  takeTiles(): readonly ComputedTile[] {
    const tiles = this.#done;
    this.#done = [];
    return tiles;
  }

  /** The partial tiles of the tree as it is now. */
  partialTiles(): readonly ComputedTile[] {
    return this.#open.flatMap(({ index, width, bytes }, level) =>
      width === 0 ? [] : [{ path: { kind: 'tile', level, index, width }, bytes: bytes.slice(0, width * HASH_SIZE) }],
    );
  }

  #fill(level: number, hash: Uint8Array): void {
    const tile = (this.#open[level] ??= { index: 0, width: 0, bytes: new Uint8Array(TILE_WIDTH * HASH_SIZE) });
    tile.bytes.set(hash, tile.width * HASH_SIZE);
    tile.width += 1;
    if (tile.width < TILE_WIDTH) return;
    this.#done.push({ path: { kind: 'tile', level, index: tile.index, width: TILE_WIDTH }, bytes: tile.bytes });
    this.#open[level] = { index: tile.index + 1, width: 0, bytes: new Uint8Array(TILE_WIDTH * HASH_SIZE) };
  }
}
