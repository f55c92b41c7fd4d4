// The hashes of the Merkle tree (RFC 9162 §2.1.1): SHA-256 with 0x00 before an entry and 0x01 before two child hashes.
// `portableHasher` runs everywhere; a runtime's faster one is passed in by whoever wires the parts together.

import { sha256 } from '@noble/hashes/sha2.js';
import { LimmatError } from '../errors.ts';

/** Bytes in a hash. */
export const HASH_SIZE = 32;

declare const hashBrand: unique symbol;

/** 32 bytes that came out of a hasher or were checked by `asHash`. Nobody writes to them afterwards. */
export type Hash = Uint8Array & { readonly [hashBrand]: true };

/** True when these bytes can be a hash: exactly 32 of them. */
export function isHash(bytes: Uint8Array): bytes is Hash {
  return bytes.length === HASH_SIZE;
}

/** The same bytes as a Hash (a view, no copy); `malformed` unless there are exactly 32. */
export function asHash(bytes: Uint8Array): Hash {
  if (isHash(bytes)) return bytes;
  throw new LimmatError('malformed', `a hash has ${HASH_SIZE} bytes, not ${bytes.length}`);
}

/**
 * The tree's hash functions, all synchronous. Every implementation gives the same bytes; only speed differs.
 * An implementation may keep scratch memory between calls, never a result.
 */
export interface Hasher {
  /** SHA-256(0x00 ‖ entry), in new memory. */
  leafHash(entry: Uint8Array): Hash;
  /** SHA-256(0x01 ‖ left ‖ right), in new memory; RangeError unless both have 32 bytes. */
  nodeHash(left: Uint8Array, right: Uint8Array): Hash;
  /** Plain SHA-256, in new memory. */
  sha256(data: Uint8Array): Hash;
  /** Writes leafHash(entry) to out[outOffset, outOffset + 32). */
  leafHashInto(entry: Uint8Array, out: Uint8Array, outOffset: number): void;
  /**
   * One level of a tile: hashes `count` adjacent pairs (64 bytes each, from srcOffset on) to `count` hashes from outOffset
   * on. `src` and `out` may be the same memory when outOffset ≤ srcOffset.
   */
  foldPairs(src: Uint8Array, srcOffset: number, count: number, out: Uint8Array, outOffset: number): void;
}

const LEAF_PREFIX = Uint8Array.of(0x00);

function leafHash(entry: Uint8Array): Hash {
  return asHash(sha256.create().update(LEAF_PREFIX).update(entry).digest());
}

/** The Hasher of @noble/hashes: the same everywhere, and the reference for the others. */
export const portableHasher: Hasher = makePortableHasher();

function makePortableHasher(): Hasher {
  // 0x01 and room for two hashes; only ever used within one synchronous call.
  const pair = new Uint8Array(1 + 2 * HASH_SIZE);
  pair[0] = 0x01;
  return Object.freeze({
    leafHash,
    nodeHash(left: Uint8Array, right: Uint8Array): Hash {
      if (left.length !== HASH_SIZE || right.length !== HASH_SIZE) {
        throw new RangeError(`a node is made of two 32-byte hashes, not of ${left.length} and ${right.length} bytes`);
      }
      pair.set(left, 1);
      pair.set(right, 1 + HASH_SIZE);
      return asHash(sha256(pair));
    },
    sha256: (data: Uint8Array): Hash => asHash(sha256(data)),
    leafHashInto(entry: Uint8Array, out: Uint8Array, outOffset: number): void {
      out.set(leafHash(entry), outOffset);
    },
    foldPairs(src: Uint8Array, srcOffset: number, count: number, out: Uint8Array, outOffset: number): void {
      for (let i = 0; i < count; i++) {
        const from = srcOffset + 2 * HASH_SIZE * i;
        pair.set(src.subarray(from, from + 2 * HASH_SIZE), 1);
        out.set(sha256(pair), outOffset + HASH_SIZE * i);
      }
    },
  });
}

/** The root hash of the tree without entries: SHA-256 of nothing (RFC 9162 §2.1.1). */
export function emptyRootHash(hasher: Hasher = portableHasher): Hash {
  return hasher.sha256(new Uint8Array(0));
}
