// A filter in front of the leaf index: "certainly not logged yet" without asking the database, which is the answer for
// almost every entry that is appended. A blocked Bloom filter: all bits of a hash lie in one cache line. It may say
// "perhaps" too often, never "no" wrongly.

import { HASH_SIZE } from '../../merkle/hash.ts';

/** 32-bit words in a block: 64 bytes, one cache line. */
const BLOCK_WORDS = 16;
/** Bits that a hash sets in its block. */
const BITS_A_HASH = 6;
/** Bits a hash takes: with 6 of them set, about one "perhaps" in a hundred is wrong. */
const BITS_OF_MEMORY = 12;
/** Hashes in the first slice; each further slice takes twice as many as the one before, so there are few of them. */
const FIRST_SLICE = 2 ** 19;

/**
 * Slices, at most: 2^19 × (2^6 − 1) hashes are 33 million, in 50 MB. A larger log asks the database: a filter that
 * grew on would take the memory that the log promises not to take.
 */
const MAX_SLICES = 6;

interface Slice {
  readonly words: Uint32Array;
  readonly blocks: number;
  readonly capacity: number;
  count: number;
}

export class LeafFilter {
  #slices: Slice[] = [];
  #full = false;

  /** Bytes of memory that it takes. */
  get bytes(): number {
    return this.#slices.reduce((sum, { words }) => sum + words.byteLength, 0);
  }

  /** Takes these leaf hashes (32 bytes each). */
  add(leafHashes: Uint8Array): void {
    const view = new DataView(leafHashes.buffer, leafHashes.byteOffset, leafHashes.byteLength);
    for (let offset = 0; offset < leafHashes.length && !this.#full; offset += HASH_SIZE) {
      const slice = this.#roomySlice();
      if (slice === undefined) return;
      slice.count++;
      const block = blockOf(slice, view, offset);
      forEachBit(view, offset, (word, mask) => {
        slice.words[block + word]! |= mask;
        return true;
      });
    }
  }

  /** False only when no hash like this one was ever taken. */
  mayHold(leafHash: Uint8Array): boolean {
    if (this.#full) return true;
    const view = new DataView(leafHash.buffer, leafHash.byteOffset, leafHash.byteLength);
    return this.#slices.some((slice) => {
      const block = blockOf(slice, view, 0);
      return forEachBit(view, 0, (word, mask) => (slice.words[block + word]! & mask) !== 0);
    });
  }

  #roomySlice(): Slice | undefined {
    const last = this.#slices.at(-1);
    if (last !== undefined && last.count < last.capacity) return last;
    if (this.#slices.length === MAX_SLICES) {
      // From here on every answer is "perhaps".
      this.#full = true;
      this.#slices = [];
      return undefined;
    }
    const capacity = FIRST_SLICE * 2 ** this.#slices.length;
    const blocks = (capacity * BITS_OF_MEMORY) / (32 * BLOCK_WORDS);
    const slice = { words: new Uint32Array(blocks * BLOCK_WORDS), blocks, capacity, count: 0 };
    this.#slices.push(slice);
    return slice;
  }
}

/** The first word of the hash's block. */
function blockOf({ blocks }: Slice, view: DataView, offset: number): number {
  return (view.getUint32(offset + 4) % blocks) * BLOCK_WORDS;
}

/** Visits the hash's bits as (word of the block, mask), until a visit says false; true when none did. */
function forEachBit(view: DataView, offset: number, visit: (word: number, mask: number) => boolean): boolean {
  // Bits of a hash, not of a size: 32-bit arithmetic is what is wanted. 16 of them choose a bit of 512.
  for (let i = 0; i < BITS_A_HASH; i++) {
    const choice = view.getUint16(offset + 8 + 2 * i);
    if (!visit((choice >>> 5) % BLOCK_WORDS, 1 << (choice % 32))) return false;
  }
  return true;
}
