// A run: consecutive leaf hashes in memory, findable by hash, until they are in the leaf index's database.

import { HASH_SIZE } from '../../merkle/hash.ts';

/** Leaf hashes in a run: one batch of the index database, and one flush. */
export const RUN_SIZE = 16_384;

/** Slots of the hash table: twice the hashes, so that a search looks at about two. */
const SLOTS = 2 * RUN_SIZE;

/**
 * Where a search starts depends on a secret of this process: whoever submits entries can choose their leaf hashes to
 * some degree, and must not be able to make them all meet in one slot.
 */
const [SECRET_XOR, SECRET_FACTOR] = secrets();

function secrets(): readonly [number, number] {
  const random = crypto.getRandomValues(new Uint32Array(2));
  return [random[0]!, random[1]! - (random[1]! % 2) + 1];
}

export class LeafRun {
  /** Index of the entry that the run's first hash belongs to. */
  readonly start: number;
  readonly #hashes = new Uint8Array(RUN_SIZE * HASH_SIZE);
  readonly #view = new DataView(this.#hashes.buffer);
  /** 1 + the position of a hash, 0 for a free slot. */
  readonly #slots = new Int32Array(SLOTS);
  #length = 0;

  constructor(start: number) {
    this.start = start;
  }

  /** Hashes in it, at most RUN_SIZE. */
  get length(): number {
    return this.#length;
  }

  /** The size of the tree whose last entry is the run's last one. */
  get end(): number {
    return this.start + this.#length;
  }

  /** Takes hashes from the front of these while there is room, and gives how many it took. */
  add(hashes: Uint8Array): number {
    const count = Math.min(RUN_SIZE - this.#length, hashes.length / HASH_SIZE);
    this.#hashes.set(hashes.subarray(0, count * HASH_SIZE), this.#length * HASH_SIZE);
    for (let i = 0; i < count; i++) {
      let slot = this.#firstSlot(this.#hashes, this.#length * HASH_SIZE);
      while (this.#slots[slot] !== 0) slot = (slot + 1) % SLOTS;
      this.#slots[slot] = ++this.#length;
    }
    return count;
  }

  /** The index of the entry with this leaf hash, or undefined when none of the run's has it. */
  find(leafHash: Uint8Array): number | undefined {
    for (let slot = this.#firstSlot(leafHash, 0); ; slot = (slot + 1) % SLOTS) {
      const position = this.#slots[slot]! - 1;
      if (position < 0) return undefined;
      if (this.#isAt(position, leafHash)) return this.start + position;
    }
  }

  /** The hash at a position in the run, a view. */
  hash(position: number): Uint8Array {
    return this.#hashes.subarray(position * HASH_SIZE, (position + 1) * HASH_SIZE);
  }

  /**
   * The run's positions, in the order of the first four bytes of their hashes: near enough to sorted that the database
   * finds each key's place beside the last one's.
   */
  sortedPositions(): Float64Array {
    const sorted = new Float64Array(this.#length);
    for (let i = 0; i < this.#length; i++) sorted[i] = this.#view.getUint32(i * HASH_SIZE) * RUN_SIZE + i;
    sorted.sort();
    for (let i = 0; i < sorted.length; i++) sorted[i] = sorted[i]! % RUN_SIZE;
    return sorted;
  }

  #isAt(position: number, leafHash: Uint8Array): boolean {
    const offset = position * HASH_SIZE;
    for (let i = 0; i < HASH_SIZE; i++) if (this.#hashes[offset + i] !== leafHash[i]) return false;
    return true;
  }

  #firstSlot(hashes: Uint8Array, offset: number): number {
    // Bits of a hash, not of a size: 32-bit arithmetic is what is wanted. The highest bits of a product mix best.
    const bits =
      (hashes[offset]! << 24) | (hashes[offset + 1]! << 16) | (hashes[offset + 2]! << 8) | hashes[offset + 3]!;
    return Math.imul(bits ^ SECRET_XOR, SECRET_FACTOR) >>> 17;
  }
}
