// The roots of all earlier trees of a growing tree, for the records that name one. Keeps every complete node: 64 bytes an
// entry, and a root is at most 63 hashes away (RFC 9162 §2.1).

import { CompactRange, foldRight, rangeNodes } from '../../merkle/range.ts';
import { asHash, emptyRootHash, HASH_SIZE, type Hash, type Hasher } from '../../merkle/hash.ts';

export class TreeRoots {
  readonly #hasher: Hasher;
  readonly #range: CompactRange;
  /** By height: the complete nodes, one after another. */
  readonly #nodes: { bytes: Uint8Array; count: number }[] = [];

  constructor(hasher: Hasher) {
    this.#hasher = hasher;
    this.#range = CompactRange.empty(hasher);
  }

  get size(): number {
    return this.#range.size;
  }

  append(leafHash: Hash): void {
    this.#keep(0, leafHash);
    this.#range.append(leafHash, (height, _index, hash) => this.#keep(height, hash));
  }

  /** The root hash at a size that the tree has had. */
  at(size: number): Hash {
    if (size > this.size) throw new RangeError(`size ${size} is above the tree's, ${this.size}`);
    const hashes = rangeNodes(0, size).map(({ height, index }) => {
      const start = index * HASH_SIZE;
      return asHash(this.#nodes[height]!.bytes.slice(start, start + HASH_SIZE));
    });
    return hashes.length === 0 ? emptyRootHash(this.#hasher) : foldRight(hashes, this.#hasher);
  }

  #keep(height: number, hash: Hash): void {
    const row = (this.#nodes[height] ??= { bytes: new Uint8Array(64 * HASH_SIZE), count: 0 });
    if (HASH_SIZE * row.count === row.bytes.length) {
      const grown = new Uint8Array(2 * row.bytes.length);
      grown.set(row.bytes);
      row.bytes = grown;
    }
    row.bytes.set(hash, HASH_SIZE * row.count++);
  }
}
