// One tile in memory, with just enough inner nodes that any of its nodes takes few hashes, and a bounded cache of such
// tiles. Knows nothing of trees: what goes in was authenticated by the prover.

import { HASH_SIZE, asHash } from './hash.ts';
import type { Hash, Hasher } from './hash.ts';
import { TILE_HEIGHT, TILE_WIDTH } from './tile.ts';

/**
 * The height of the inner nodes that are kept. Halfway up, a node takes at most 7 hashes from the nearest kept ones,
 * for 1/16 of memory on top of the tile; keeping all would double it and halve what the cache can hold.
 */
const KEPT_HEIGHT = 4;
const KEPT_SPAN = 2 ** KEPT_HEIGHT;

/** Computes subtree roots with one hasher; its scratch memory is reused by every call. */
export class SubtreeHasher {
  readonly #hasher: Hasher;
  readonly #scratch = new Uint8Array((TILE_WIDTH / 2) * HASH_SIZE);

  constructor(hasher: Hasher) {
    this.#hasher = hasher;
  }

  /** Writes the root over `count` hashes (a power of two ≥ 2, at most 256) at src[offset] to out[outOffset]. */
  rootInto(src: Uint8Array, offset: number, count: number, out: Uint8Array, outOffset: number): void {
    let from = src;
    let fromOffset = offset;
    let pairs = count / 2;
    for (; pairs > 1; pairs /= 2) {
      this.#hasher.foldPairs(from, fromOffset, pairs, this.#scratch, 0);
      from = this.#scratch;
      fromOffset = 0;
    }
    this.#hasher.foldPairs(from, fromOffset, 1, out, outOffset);
  }
}

/** The hashes of a tile of some width, and its nodes of height 4; of a full tile also the root. Immutable. */
export class TileNodes {
  readonly width: number;
  readonly #subtrees: SubtreeHasher;
  // The tile's hashes, then the kept inner nodes, then the root of a full tile: one buffer is one allocation.
  readonly #bytes: Uint8Array;

  /** Copies the hashes (32 × width bytes, 1 ≤ width ≤ 256). */
  constructor(hashes: Uint8Array, subtrees: SubtreeHasher) {
    this.width = hashes.length / HASH_SIZE;
    this.#subtrees = subtrees;
    const kept = Math.floor(this.width / KEPT_SPAN);
    const full = this.width === TILE_WIDTH;
    this.#bytes = new Uint8Array(HASH_SIZE * (this.width + kept + (full ? 1 : 0)));
    this.#bytes.set(hashes);
    for (let i = 0; i < kept; i++) {
      subtrees.rootInto(hashes, i * KEPT_SPAN * HASH_SIZE, KEPT_SPAN, this.#bytes, this.#offset(KEPT_HEIGHT, i));
    }
    if (full) {
      subtrees.rootInto(this.#bytes, this.#offset(KEPT_HEIGHT, 0), kept, this.#bytes, this.#offset(TILE_HEIGHT, 0));
    }
  }

  #offset(keptHeight: number, position: number): number {
    let hashes = position;
    if (keptHeight > 0) hashes += this.width;
    if (keptHeight > KEPT_HEIGHT) hashes += KEPT_SPAN;
    return HASH_SIZE * hashes;
  }

  /** The tile's hashes: 32 × width bytes, a view. */
  get hashes(): Uint8Array {
    return this.#bytes.subarray(0, HASH_SIZE * this.width);
  }

  /** The root over a subtree of 2^height of the tile's hashes, 0 ≤ height ≤ 7, all of them inside width. A copy. */
  node(height: number, position: number): Hash {
    if (height === 0 || height === KEPT_HEIGHT) {
      const offset = this.#offset(height, position);
      return asHash(this.#bytes.slice(offset, offset + HASH_SIZE));
    }
    const keptHeight = height < KEPT_HEIGHT ? 0 : KEPT_HEIGHT;
    const count = 2 ** (height - keptHeight);
    const out = new Uint8Array(HASH_SIZE);
    this.#subtrees.rootInto(this.#bytes, this.#offset(keptHeight, position * count), count, out, 0);
    return asHash(out);
  }

  /** True when this full tile's root is hash number `position` of the tile above it. */
  isChild(parent: TileNodes, position: number): boolean {
    if (this.width !== TILE_WIDTH || position >= parent.width) return false;
    const own = this.#offset(TILE_HEIGHT, 0);
    const named = parent.#offset(0, position);
    for (let i = 0; i < HASH_SIZE; i++) if (this.#bytes[own + i] !== parent.#bytes[named + i]) return false;
    return true;
  }
}

/** What a full tile takes: its buffer, and about as much as two small objects and a map entry for holding it. */
const TILE_COST = HASH_SIZE * (TILE_WIDTH + KEPT_SPAN + 1) + 256;

/**
 * Full tiles by number, within a bound of bytes. Which to drop is decided by the clock algorithm (a tile used since
 * the hand last passed stays), because keeping a Map in order of use costs more than the proof itself.
 */
export class TileCache {
  readonly #capacity: number;
  readonly #slotOf = new Map<number, number>();
  readonly #keys: number[] = [];
  readonly #tiles: TileNodes[] = [];
  readonly #used: boolean[] = [];
  #hand = 0;

  /** Room for cacheBytes, but always for one tile. */
  constructor(cacheBytes: number) {
    this.#capacity = Math.max(1, Math.floor(cacheBytes / TILE_COST));
  }

  get(key: number): TileNodes | undefined {
    const slot = this.#slotOf.get(key);
    if (slot === undefined) return undefined;
    this.#used[slot] = true;
    return this.#tiles[slot];
  }

  /** Keeps the tile, in place of the one with the same key or of one that was not used lately. */
  set(key: number, tile: TileNodes): void {
    const slot = this.#slotOf.get(key) ?? this.#freeSlot();
    const old = this.#keys[slot];
    if (old !== undefined && old !== key) this.#slotOf.delete(old);
    this.#slotOf.set(key, slot);
    this.#keys[slot] = key;
    this.#tiles[slot] = tile;
    this.#used[slot] = false;
  }

  #freeSlot(): number {
    if (this.#tiles.length < this.#capacity) return this.#tiles.length;
    while (this.#used[this.#hand] === true) {
      this.#used[this.#hand] = false;
      this.#hand = (this.#hand + 1) % this.#capacity;
    }
    const slot = this.#hand;
    this.#hand = (this.#hand + 1) % this.#capacity;
    return slot;
  }
}
