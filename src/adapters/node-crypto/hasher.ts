// The tree's hashes with node:crypto. `crypto.hash` with a 'binary' (latin1) result is several times faster than any way that
// returns a Buffer, because making a Buffer costs more than the hash; the 32 characters are then written as bytes.

import { hash } from 'node:crypto';
import { asHash } from '../../merkle/hash.ts';
import type { Hash, Hasher } from '../../merkle/hash.ts';

const HASH_SIZE = 32;

/** The Hasher that a Node process passes in. Same bytes as portableHasher. */
export const nodeHasher: Hasher = makeNodeHasher();

function makeNodeHasher(): Hasher {
  // Scratch for the prefixed input; only ever used within one synchronous call. Grows to the largest entry seen.
  let leaf = new Uint8Array(4096);
  // Entries of one length often follow one another, and a view costs a third of a hash.
  let leafView = leaf;
  const pair = new Uint8Array(1 + 2 * HASH_SIZE);
  pair[0] = 0x01;

  const leafText = (entry: Uint8Array): string => {
    const length = entry.length + 1;
    if (length > leaf.length) leaf = new Uint8Array(2 * length);
    if (length !== leafView.length || leafView.buffer !== leaf.buffer) leafView = leaf.subarray(0, length);
    leaf.set(entry, 1);
    return hash('sha256', leafView, 'binary');
  };
  const toHash = (text: string): Hash => {
    const out = new Uint8Array(HASH_SIZE);
    writeLatin1(text, out, 0);
    return asHash(out);
  };

  return Object.freeze({
    leafHash: (entry: Uint8Array): Hash => toHash(leafText(entry)),
    nodeHash(left: Uint8Array, right: Uint8Array): Hash {
      if (left.length !== HASH_SIZE || right.length !== HASH_SIZE) {
        throw new RangeError(`a node is made of two 32-byte hashes, not of ${left.length} and ${right.length} bytes`);
      }
      pair.set(left, 1);
      pair.set(right, 1 + HASH_SIZE);
      return toHash(hash('sha256', pair, 'binary'));
    },
    sha256: (data: Uint8Array): Hash => toHash(hash('sha256', data, 'binary')),
    leafHashInto(entry: Uint8Array, out: Uint8Array, outOffset: number): void {
      checkRoom(out, outOffset, 1);
      writeLatin1(leafText(entry), out, outOffset);
    },
    foldPairs(src: Uint8Array, srcOffset: number, count: number, out: Uint8Array, outOffset: number): void {
      checkRoom(out, outOffset, count);
      for (let i = 0; i < count; i++) {
        const from = srcOffset + 2 * HASH_SIZE * i;
        // A loop, because set() would need a view, which costs more than the copy.
        for (let j = 0; j < 2 * HASH_SIZE; j++) pair[1 + j] = src[from + j]!;
        writeLatin1(hash('sha256', pair, 'binary'), out, outOffset + HASH_SIZE * i);
      }
    },
  });
}

/** One byte a character. A plain loop: it is as fast as Buffer's own method, and takes any Uint8Array. */
function writeLatin1(text: string, out: Uint8Array, offset: number): void {
  for (let i = 0; i < HASH_SIZE; i++) out[offset + i] = text.charCodeAt(i);
}

/** Writing past the end of a typed array is silent, where set() would throw. */
function checkRoom(out: Uint8Array, offset: number, count: number): void {
  if (offset < 0 || offset + HASH_SIZE * count > out.length) {
    throw new RangeError(`${count} hashes at offset ${offset} do not fit into ${out.length} bytes`);
  }
}
