// One tile in memory, with just enough inner nodes that any of its nodes takes few hashes, and a bounded cache of such
// tiles. Knows nothing of trees: what goes in was authenticated by the prover.

import { HASH_SIZE, asHash } from './hash.ts';
import type { Hash, Hasher } from './hash.ts';
import { POWERS_OF_TWO } from './range.ts';
import { TILE_HEIGHT, TILE_WIDTH } from './tile.ts';

/**
 * Heights whose nodes are kept. Every other one leaves at most one hash for any node and takes 1/3 of memory on top of
 * the tile, which matters for level 0, where the tiles are many. The few tiles above keep every node.
 */
const KEPT_SPARSE: readonly number[] = [0, 2, 4, 6];
const KEPT_ALL: readonly number[] = [0, 1, 2, 3, 4, 5, 6, 7];

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

  /** The root over `count` hashes at src[offset], in new memory. */
  root(src: Uint8Array, offset: number, count: number): Hash {
    // By way of the scratch: engines move a small array out of their heap when native code writes to it, at the price of
    // several hashes.
    this.rootInto(src, offset, count, this.#scratch, 0);
    return asHash(this.#scratch.slice(0, HASH_SIZE));
  }
}

/** The hashes of a tile of some width, nodes above them, and the root of a full tile. Immutable. */
export class TileNodes {
  readonly width: number;
  readonly #subtrees: SubtreeHasher;
  // All kept heights one after another, lowest first, then the root of a full tile: one buffer is one allocation.
  readonly #bytes: Uint8Array;
  readonly #kept: readonly number[];

  /** Copies the hashes (32 × width bytes, 1 ≤ width ≤ 256). */
  constructor(level: number, hashes: Uint8Array, subtrees: SubtreeHasher) {
    this.width = hashes.length / HASH_SIZE;
    this.#subtrees = subtrees;
    this.#kept = level === 0 ? KEPT_SPARSE : KEPT_ALL;
    const full = this.width === TILE_WIDTH;
    this.#bytes = new Uint8Array(this.#offset(TILE_HEIGHT) + (full ? HASH_SIZE : 0));
    this.#bytes.set(hashes);
    let below = 0;
    for (const height of full ? [...this.#kept, TILE_HEIGHT] : this.#kept) {
      if (height > 0) this.#fill(height, below);
      below = height;
    }
  }

  /** Computes the nodes of a height from the kept ones below it. */
  #fill(height: number, below: number): void {
    const count = POWERS_OF_TWO[height - below]!;
    const nodes = Math.floor(this.width / POWERS_OF_TWO[height]!);
    const from = this.#offset(below);
    const to = this.#offset(height);
    for (let i = 0; i < nodes; i++) {
      this.#subtrees.rootInto(this.#bytes, from + HASH_SIZE * i * count, count, this.#bytes, to + HASH_SIZE * i);
    }
  }

  /** Where the nodes of a kept height start; for TILE_HEIGHT the byte after the last of them. */
  #offset(height: number): number {
    let hashes = 0;
    for (const kept of this.#kept) if (kept < height) hashes += Math.floor(this.width / POWERS_OF_TWO[kept]!);
    return HASH_SIZE * hashes;
  }

  /** The tile's hashes: 32 × width bytes, a view. */
  get hashes(): Uint8Array {
    return this.#bytes.subarray(0, HASH_SIZE * this.width);
  }

  /** The root over a subtree of 2^height of the tile's hashes, 0 ≤ height ≤ 7, all of them inside width. A copy. */
  node(height: number, position: number): Hash {
    let kept = height;
    while (!this.#kept.includes(kept)) kept--;
    const count = POWERS_OF_TWO[height - kept]!;
    const offset = this.#offset(kept) + HASH_SIZE * position * count;
    if (count > 1) return this.#subtrees.root(this.#bytes, offset, count);
    return asHash(this.#bytes.slice(offset, offset + HASH_SIZE));
  }

  /** True when this tile is full and its root is this hash. */
  hasRoot(root: Hash): boolean {
    if (this.width !== TILE_WIDTH) return false;
    const own = this.#bytes.length - HASH_SIZE;
    for (let i = 0; i < HASH_SIZE; i++) if (this.#bytes[own + i] !== root[i]) return false;
    return true;
  }

  /** True when this full tile's root is hash number `position` of the tile above it. */
  isChild(parent: TileNodes, position: number): boolean {
    if (this.width !== TILE_WIDTH || position >= parent.width) return false;
    const own = this.#bytes.length - HASH_SIZE;
    const named = HASH_SIZE * position;
    for (let i = 0; i < HASH_SIZE; i++) if (this.#bytes[own + i] !== parent.#bytes[named + i]) return false;
    return true;
  }
}

/** What a full tile takes: its hashes, and about as much as two small objects and a map entry for holding it. */
function tileCost(kept: readonly number[]): number {
  let hashes = 1;
  for (const height of kept) hashes += TILE_WIDTH / 2 ** height;
  return HASH_SIZE * hashes + 256;
}

/** The share of the memory for the tiles above level 0; they need 1/140 as much as the level 0 tiles under them. */
const UPPER_SHARE = 1 / 32;

/** Authenticated full tiles, within a bound of bytes. */
export class TileCache {
  readonly #leaves: ClockCache<TileNodes>;
  readonly #upper: ClockCache<TileNodes>;

  constructor(cacheBytes: number) {
    this.#leaves = new ClockCache(Math.floor((cacheBytes * (1 - UPPER_SHARE)) / tileCost(KEPT_SPARSE)));
    this.#upper = new ClockCache(Math.floor((cacheBytes * UPPER_SHARE) / tileCost(KEPT_ALL)));
  }

  get(level: number, index: number): TileNodes | undefined {
    return level === 0 ? this.#leaves.get(index) : this.#upper.get(tileKey(level, index));
  }

  set(level: number, index: number, tile: TileNodes): void {
    if (level === 0) this.#leaves.set(index, tile);
    else this.#upper.set(tileKey(level, index), tile);
  }
}

/** One number for a tile: levels stay below 8 for sizes below 2^53. */
export function tileKey(level: number, index: number): number {
  return index * 8 + level;
}

/**
 * A map with a fixed number of places (at least one). What to drop is decided by the clock algorithm (a value used since
 * the hand last passed stays), because keeping a Map in order of use costs more than a lookup saves.
 */
class ClockCache<Value> {
  readonly #capacity: number;
  readonly #slotOf = new Map<number, number>();
  readonly #keys: number[] = [];
  readonly #values: Value[] = [];
  readonly #used: boolean[] = [];
  #hand = 0;

  constructor(capacity: number) {
    this.#capacity = Math.max(1, capacity);
  }

  get(key: number): Value | undefined {
    const slot = this.#slotOf.get(key);
    if (slot === undefined) return undefined;
    this.#used[slot] = true;
    return this.#values[slot];
  }

  set(key: number, value: Value): void {
    const slot = this.#slotOf.get(key) ?? this.#freeSlot();
    const old = this.#keys[slot];
    if (old !== undefined && old !== key) this.#slotOf.delete(old);
    this.#slotOf.set(key, slot);
    this.#keys[slot] = key;
    this.#values[slot] = value;
    this.#used[slot] = false;
  }

  #freeSlot(): number {
    if (this.#values.length < this.#capacity) return this.#values.length;
    while (this.#used[this.#hand] === true) {
      this.#used[this.#hand] = false;
      this.#hand = (this.#hand + 1) % this.#capacity;
    }
    const slot = this.#hand;
    this.#hand = (this.#hand + 1) % this.#capacity;
    return slot;
  }
}
