// A mirror of all leaf hashes of a log: the hashes of each tile level as one long array, so that a tile of any width is
// one slice of it. In scope: the tree's arithmetic. Out of scope: where the arrays lie, and whether the hashes are true.

import { LimmatError } from '../errors.ts';
import { HASH_SIZE } from '../merkle/hash.ts';
import type { Hasher } from '../merkle/hash.ts';
import { TILE_WIDTH, formatTilePath, levelWidth } from '../merkle/tile.ts';
import type { TilePath } from '../merkle/tile.ts';
import type { LeafMirror } from './ports.ts';

/** One array of 32-byte hashes a tile level, from level 0 on. Only ever called by one mirror, one call at a time but for reads. */
export interface HashLevels {
  /** Hashes that a level holds; 0 for one that was never written. */
  count(level: number): number;
  /** `count` hashes from `start` on; all of them are there. */
  read(level: number, start: number, count: number): Promise<Uint8Array>;
  /** Adds hashes at the level's end. Takes the bytes over. */
  append(level: number, hashes: Uint8Array): Promise<void>;
  /** Keeps the first `count` hashes, at most those that are there. */
  truncate(level: number, count: number): Promise<void>;
  /** Makes all levels durable. */
  flush(): Promise<void>;
}

/** Hashes of level 0 that are read at once when the levels above have to be made again: 2 MiB. */
const REBUILD_HASHES = 256 * TILE_WIDTH;

/**
 * The mirror over these arrays. What a crash left behind is mended: hashes above level 0 that were not written yet are
 * computed again, those that are too many are dropped.
 */
export async function openLeafMirror(levels: HashLevels, hasher: Hasher): Promise<LeafMirror> {
  const mirror = new LevelsMirror(levels, hasher);
  await mirror.mend();
  return mirror;
}

class LevelsMirror implements LeafMirror {
  readonly #levels: HashLevels;
  readonly #hasher: Hasher;
  /** By level: the hashes of the tile that is not full yet, in the first bytes of 8 KiB. */
  #open: Uint8Array[] = [];
  #size: number;
  /** True after a change that failed half way: the levels may hold more than #size accounts for. */
  #torn = false;
  /** The last of the calls that change something, which go one after another. */
  #changes: Promise<void> = Promise.resolve();

  constructor(levels: HashLevels, hasher: Hasher) {
    this.#levels = levels;
    this.#hasher = hasher;
    this.#size = levels.count(0);
  }

  get size(): number {
    return this.#size;
  }

  async append(leafHashes: Uint8Array): Promise<void> {
    if (leafHashes.length % HASH_SIZE !== 0) throw new RangeError(`${leafHashes.length} bytes are not whole hashes`);
    const hashes = leafHashes.slice();
    await this.#inTurn(async () => {
      await this.#levels.append(0, hashes);
      await this.#grow(hashes);
    });
  }

  truncate(newSize: number): Promise<void> {
    return this.#inTurn(async () => {
      if (!Number.isSafeInteger(newSize) || newSize < 0 || newSize > this.#size) {
        throw new RangeError(`size ${newSize} is not from 0 to ${this.#size}`);
      }
      await this.#cut(newSize);
    });
  }

  flush(): Promise<void> {
    return this.#inTurn(() => this.#levels.flush());
  }

  readonly read = async (paths: readonly TilePath[]): Promise<readonly Uint8Array[]> =>
    Promise.all(paths.map((path) => this.#read(path)));

  /** Makes the levels above 0 what level 0 says they are, by count; then the open tiles are at hand. */
  async mend(): Promise<void> {
    const total = this.#size;
    let sound = total;
    for (let level = 1; levelWidth(level, total) > 0; level++) {
      sound = Math.min(sound, (this.#levels.count(level) + 1) * TILE_WIDTH ** level - 1);
    }
    this.#size = sound === total ? total : sound - (sound % TILE_WIDTH);
    for (let level = topLevel(this.#levels); level >= 1; level--) await this.#cutLevel(level, this.#size);
    await this.#readOpen();
    while (this.#size < total) {
      const count = Math.min(REBUILD_HASHES, total - this.#size);
      await this.#grow(await this.#levels.read(0, this.#size, count));
    }
  }

  async #read(path: TilePath): Promise<Uint8Array> {
    const end = path.index * TILE_WIDTH + path.width;
    if (path.kind !== 'tile' || end > levelWidth(path.level, this.#size)) {
      throw new LimmatError('not-found', `${formatTilePath(path)} is not in the mirror of ${this.#size} entries`);
    }
    return this.#levels.read(path.level, end - path.width, path.width);
  }

  async #cut(size: number): Promise<void> {
    this.#size = size;
    // The top first: a crash then never leaves more of an upper level than the leaves below account for.
    for (let level = topLevel(this.#levels); level >= 0; level--) await this.#cutLevel(level, size);
    await this.#readOpen();
  }

  async #cutLevel(level: number, size: number): Promise<void> {
    const count = levelWidth(level, size);
    if (this.#levels.count(level) > count) await this.#levels.truncate(level, count);
  }

  /** Takes in leaf hashes that level 0 holds already: computes and writes what lies above. */
  async #grow(leafHashes: Uint8Array): Promise<void> {
    let hashes = leafHashes;
    for (let level = 0; hashes.length > 0; level++) {
      hashes = this.#fill(level, hashes, levelWidth(level, this.#size) % TILE_WIDTH);
      if (hashes.length > 0) await this.#levels.append(level + 1, hashes);
    }
    this.#size += leafHashes.length / HASH_SIZE;
  }

  /** Puts hashes behind the `width` that a level's open tile has; the roots of the tiles that they complete. */
  #fill(level: number, hashes: Uint8Array, width: number): Uint8Array {
    const open = (this.#open[level] ??= new Uint8Array(TILE_WIDTH * HASH_SIZE));
    const tiles = Math.floor((width + hashes.length / HASH_SIZE) / TILE_WIDTH);
    const roots = new Uint8Array(tiles * HASH_SIZE);
    let from = 0;
    let at = width * HASH_SIZE;
    for (let tile = 0; tile < tiles; tile++) {
      const taken = open.length - at;
      open.set(hashes.subarray(from, from + taken), at);
      this.#foldTile(open, roots, tile * HASH_SIZE);
      from += taken;
      at = 0;
    }
    open.set(hashes.subarray(from), at);
    return roots;
  }

  /** Writes the root over a full tile, whose memory serves as scratch. */
  #foldTile(tile: Uint8Array, out: Uint8Array, offset: number): void {
    for (let pairs = TILE_WIDTH / 2; pairs > 1; pairs /= 2) this.#hasher.foldPairs(tile, 0, pairs, tile, 0);
    this.#hasher.foldPairs(tile, 0, 1, out, offset);
  }

  async #readOpen(): Promise<void> {
    this.#open = [];
    for (let level = 0; levelWidth(level, this.#size) > 0; level++) {
      const end = levelWidth(level, this.#size);
      const width = end % TILE_WIDTH;
      const tile = new Uint8Array(TILE_WIDTH * HASH_SIZE);
      if (width > 0) tile.set(await this.#levels.read(level, end - width, width));
      this.#open[level] = tile;
    }
  }

  #inTurn(change: () => Promise<void>): Promise<void> {
    const turn = this.#changes.then(async () => {
      if (this.#torn) await this.#cut(this.#size);
      this.#torn = true;
      await change();
      this.#torn = false;
    });
    this.#changes = turn.catch(() => undefined);
    return turn;
  }
}

function topLevel(levels: HashLevels): number {
  let level = 0;
  while (levels.count(level + 1) > 0) level++;
  return level;
}
