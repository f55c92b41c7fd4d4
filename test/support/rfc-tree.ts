// The oracle: RFC 9162 §2.1 written down as it is defined, recursively and slowly, on node:crypto. It shares no code
// with src/, so that a mistake there cannot hide here.

import { createHash } from 'node:crypto';

function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}

/** HASH(0x00 || d) */
export function rfcLeafHash(entry: Uint8Array): Uint8Array {
  return sha256(Uint8Array.of(0), entry);
}

/** HASH(0x01 || left || right) */
export function rfcNodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256(Uint8Array.of(1), left, right);
}

/** The largest power of two smaller than n, for n > 1. */
function largestPowerBelow(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

/** A tree over given leaf hashes. Roots of subtrees are remembered, which changes no result. */
export class RfcTree {
  readonly leafHashes: readonly Uint8Array[];
  readonly #roots = new Map<string, Uint8Array>();

  constructor(leafHashes: readonly Uint8Array[]) {
    this.leafHashes = leafHashes;
  }

  /** MTH(D[begin:end]) (§2.1.1) */
  root(begin: number, end: number): Uint8Array {
    if (begin === end) return sha256();
    if (end - begin === 1) return this.leafHashes[begin]!;
    const name = `${begin}:${end}`;
    let root = this.#roots.get(name);
    if (root === undefined) {
      const k = begin + largestPowerBelow(end - begin);
      root = rfcNodeHash(this.root(begin, k), this.root(k, end));
      this.#roots.set(name, root);
    }
    return root;
  }

  /** PATH(m, D[begin:end]) with m counted from begin (§2.1.3.1) */
  path(m: number, begin: number, end: number): Uint8Array[] {
    if (end - begin === 1) return [];
    const k = largestPowerBelow(end - begin);
    if (m < k) return [...this.path(m, begin, begin + k), this.root(begin + k, end)];
    return [...this.path(m - k, begin + k, end), this.root(begin, begin + k)];
  }

  /** PROOF(m, D[0:n]) (§2.1.4.1), for 0 < m ≤ n */
  proof(m: number, n: number): Uint8Array[] {
    return this.#subproof(m, 0, n, true);
  }

  #subproof(m: number, begin: number, end: number, isOldTree: boolean): Uint8Array[] {
    const n = end - begin;
    if (m === n) return isOldTree ? [] : [this.root(begin, end)];
    const k = largestPowerBelow(n);
    if (m <= k) return [...this.#subproof(m, begin, begin + k, isOldTree), this.root(begin + k, end)];
    return [...this.#subproof(m - k, begin + k, end, false), this.root(begin, begin + k)];
  }
}

/** Entry i of the test trees: the text `entry <i>`. */
export function testEntry(index: number): Uint8Array {
  return new TextEncoder().encode(`entry ${index}`);
}

/** The tree over testEntry(0) to testEntry(size − 1). */
export function rfcTestTree(size: number): RfcTree {
  return new RfcTree(Array.from({ length: size }, (_, i) => rfcLeafHash(testEntry(i))));
}
