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
    for (let offset = 0; offset < leafHashes.length && !this.#full; offset += HASH_SIZE) {
      const slice = this.#roomySlice();
      if (slice === undefined) return;
      slice.count++;
      const block = blockOf(slice, leafHashes, offset);
      for (let i = 0; i < BITS_A_HASH; i++) {
        const choice = choiceOf(leafHashes, offset, i);
        slice.words[block + wordOf(choice)]! |= maskOf(choice);
      }
    }
  }

  /** False only when no hash like this one was ever taken. */
  mayHold(leafHash: Uint8Array): boolean {
    if (this.#full) return true;
    for (const slice of this.#slices) {
      const block = blockOf(slice, leafHash, 0);
      let i = 0;
      for (; i < BITS_A_HASH; i++) {
        const choice = choiceOf(leafHash, 0, i);
        if ((slice.words[block + wordOf(choice)]! & maskOf(choice)) === 0) break;
      }
      if (i === BITS_A_HASH) return true;
    }
    return false;
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

// Below are bits of a hash, not of a size: 32-bit arithmetic is what is wanted. They are taken byte by byte because a
// DataView would make the engine move every small array out of its heap.

/** The first word of the hash's block. */
function blockOf({ blocks }: Slice, hashes: Uint8Array, offset: number): number {
  const high = hashes[offset + 4]! * 2 ** 16 + hashes[offset + 5]! * 2 ** 8 + hashes[offset + 6]!;
  return ((high * 2 ** 8 + hashes[offset + 7]!) % blocks) * BLOCK_WORDS;
}

/** 16 bits that choose bit number `i` of the hash in its block. */
function choiceOf(hashes: Uint8Array, offset: number, i: number): number {
  return (hashes[offset + 8 + 2 * i]! << 8) | hashes[offset + 9 + 2 * i]!;
}

function wordOf(choice: number): number {
  return (choice >>> 5) % BLOCK_WORDS;
}

function maskOf(choice: number): number {
  return 1 << (choice % 32);
}
