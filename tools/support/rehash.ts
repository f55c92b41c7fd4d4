// A whole log hashed again from its entries alone: reading its bundles in order, a few ahead, and computing every tile
// and the root from them. What a log stored or served is then compared with what was computed.

import { LimmatError, isLimmatError } from '../../src/errors.ts';
import {
  asHash,
  bundlesForSize,
  CompactRange,
  emptyRootHash,
  foldRight,
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

/**
 * Bundles of one step, and steps that are on their way while one is worked on: enough to keep a loopback link busy. All
 * together 6 MiB of 1 KiB entries, at most 384 MiB of the largest.
 */
const BUNDLES_AT_ONCE = 8;
const STEPS_AHEAD = 2;

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
  const steps: { readonly paths: readonly EntryBundlePath[]; readonly bytes: Promise<readonly Uint8Array[]> }[] = [];
  const fetchAhead = (): void => {
    while (steps.length <= STEPS_AHEAD) {
      const next: EntryBundlePath[] = [];
      while (next.length < BUNDLES_AT_ONCE) {
        const path = paths.next();
        if (path.done === true) break;
        next.push(path.value);
      }
      if (next.length === 0) return;
      const bytes = read(next);
      // Whoever takes the step sees its failure; nobody does when an earlier one ends the loop.
      bytes.catch(() => undefined);
      steps.push({ paths: next, bytes });
    }
  };
  for (fetchAhead(); steps.length > 0; fetchAhead()) {
    const step = steps.shift()!;
    const bytes = await step.bytes;
    yield step.paths.map((path, i) => parse(path, bytes[i]!));
  }
}

/** The root over 256 leaf hashes, or over 256 roots of full tiles: eight levels of pairs. */
function fullTileRoot(hashes: Uint8Array, hasher: Hasher): Hash {
  // Half of the level below is enough, since a level is read before it is overwritten (Hasher.foldPairs).
  const level = new Uint8Array(hashes.length / 2);
  hasher.foldPairs(hashes, 0, TILE_WIDTH / 2, level, 0);
  for (let count = TILE_WIDTH / 4; count >= 1; count /= 2) hasher.foldPairs(level, 0, count, level, 0);
  return asHash(level.slice(0, HASH_SIZE));
}

/** The perfect subtrees over these leaf hashes (32 bytes each, at most 256 of them), left to right. */
function subtreesOver(leafHashes: Uint8Array, hasher: Hasher): readonly Hash[] {
  const range = CompactRange.empty(hasher);
  for (let at = 0; at < leafHashes.length; at += HASH_SIZE) range.append(asHash(leafHashes.slice(at, at + HASH_SIZE)));
  return range.hashes;
}

/** Grows a tree bundle by bundle and hands out its tiles. Only the last bundle may be a partial one. */
export class TreeRehash {
  readonly #hasher: Hasher;
  /** Over the roots of the full bundles. */
  readonly #bundles: CompactRange;
  /** By level, from 1 on: the tile that is being filled. */
  readonly #open: { index: number; width: number; bytes: Uint8Array }[] = [];
  #done: ComputedTile[] = [];
  /** The full bundles' subtrees before the last bundle, and that bundle's leaf hashes. */
  #before: { readonly size: number; readonly hashes: readonly Hash[] } = { size: 0, hashes: [] };
  #last: Uint8Array = new Uint8Array(0);

  constructor(hasher: Hasher) {
    this.#hasher = hasher;
    this.#bundles = CompactRange.empty(hasher);
  }

  /** Entries so far. */
  get size(): number {
    return this.#before.size + this.#last.length / HASH_SIZE;
  }

  /** Appends the entries of the next bundle; their leaf hashes, 32 bytes each. */
  push(entries: readonly Uint8Array[]): Uint8Array {
    if (this.size % TILE_WIDTH !== 0) throw new RangeError(`a bundle follows a partial one at size ${this.size}`);
    const leafHashes = new Uint8Array(entries.length * HASH_SIZE);
    for (let i = 0; i < entries.length; i++) this.#hasher.leafHashInto(entries[i]!, leafHashes, i * HASH_SIZE);
    this.#before = { size: this.size, hashes: this.#bundles.hashes };
    this.#last = leafHashes;
    if (entries.length === TILE_WIDTH) {
      const index = this.#before.size / TILE_WIDTH;
      this.#done.push({ path: { kind: 'tile', level: 0, index, width: TILE_WIDTH }, bytes: leafHashes });
      const root = fullTileRoot(leafHashes, this.#hasher);
      this.#fill(1, root);
      this.#bundles.append(root, (height, _index, hash) => {
        if (height % TILE_HEIGHT === 0) this.#fill(1 + height / TILE_HEIGHT, hash);
      });
    }
    return leafHashes;
  }

  /** The root at a size that the last bundle reached or passed: from the size before it to the size after it. */
  rootHashAt(size: number): Hash {
    const { size: sizeBefore, hashes } = this.#before;
    if (size < sizeBefore || size > this.size) {
      throw new RangeError(`size ${size} is not from ${sizeBefore} to ${this.size}`);
    }
    if (size === 0) return emptyRootHash(this.#hasher);
    const leafHashes = this.#last.subarray(0, (size - sizeBefore) * HASH_SIZE);
    return foldRight([...hashes, ...subtreesOver(leafHashes, this.#hasher)], this.#hasher);
  }

  /** The root of everything so far. */
  rootHash(): Hash {
    return this.rootHashAt(this.size);
  }

  /** The full tiles since the last call. */
  takeTiles(): readonly ComputedTile[] {
    const tiles = this.#done;
    this.#done = [];
    return tiles;
  }

  /** The partial tiles of the tree as it is now. */
  partialTiles(): readonly ComputedTile[] {
    const tiles: ComputedTile[] = [];
    const width = this.#last.length / HASH_SIZE;
    if (width % TILE_WIDTH !== 0) {
      const index = this.#before.size / TILE_WIDTH;
      tiles.push({ path: { kind: 'tile', level: 0, index, width }, bytes: this.#last });
    }
    for (const [level, tile] of this.#open.entries()) {
      if (tile === undefined || tile.width === 0) continue;
      const path: HashTilePath = { kind: 'tile', level, index: tile.index, width: tile.width };
      tiles.push({ path, bytes: tile.bytes.slice(0, tile.width * HASH_SIZE) });
    }
    return tiles;
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
