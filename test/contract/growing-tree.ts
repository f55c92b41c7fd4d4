// A tree that the storage contract grows, with what a store must then hold: everything is computed again from the list of
// entries, slowly and by the definitions, so it says nothing that the code under test said.

import { createHash } from 'node:crypto';
import { concat, uintBytes, utf8 } from '../../src/bytes.ts';
import { asHash } from '../../src/merkle/hash.ts';
import type { Hash } from '../../src/merkle/hash.ts';
import type { TreeHead } from '../../src/merkle/tree-head.ts';
import type { TilePath } from '../../src/merkle/tile.ts';
import type { BundleWrite, Growth, StateWrite, TileWrite } from '../../src/storage.ts';

function sha256(...parts: readonly Uint8Array[]): Hash {
  return asHash(
    new Uint8Array(
      createHash('sha256')
        .update(concat(...parts))
        .digest(),
    ),
  );
}

function leafHash(entry: Uint8Array): Hash {
  return sha256(Uint8Array.of(0), entry);
}

/** MTH of RFC 9162 §2.1.1 over leaf hashes. */
function treeHash(leaves: readonly Hash[]): Hash {
  if (leaves.length === 0) return sha256();
  if (leaves.length === 1) return leaves[0]!;
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  return sha256(Uint8Array.of(1), treeHash(leaves.slice(0, split)), treeHash(leaves.slice(split)));
}

/** Entry i of a tree of this name. Entries differ in length, and from each other. */
function entryAt(index: number, name: string): Uint8Array {
  return utf8(`${name} ${index} ${'x'.repeat(index % 57)}`);
}

function bundleForm(entries: readonly Uint8Array[]): Uint8Array {
  return concat(...entries.flatMap((entry) => [uintBytes(entry.length, 2), entry]));
}

export class GrowingTree {
  readonly #name: string;
  #entries: Uint8Array[] = [];
  #leaves: Hash[] = [];

  /** Trees with other names have other entries. */
  constructor(name = 'entry') {
    this.#name = name;
  }

  get size(): number {
    return this.#entries.length;
  }

  /** The head when the tree had this size. */
  head(size = this.size): TreeHead {
    return { size, rootHash: treeHash(this.#leaves.slice(0, size)) };
  }

  leafHash(index: number): Hash {
    return this.#leaves[index]!;
  }

  /** Appends entries, and gives the growth that a store has to apply for them. */
  grow(count: number, writes: readonly StateWrite[] = []): Growth {
    const oldHead = this.head();
    for (let i = 0; i < count; i++) {
      const entry = entryAt(this.size, this.#name);
      this.#entries.push(entry);
      this.#leaves.push(leafHash(entry));
    }
    return {
      oldHead,
      head: this.head(),
      leafHashes: concat(...this.#leaves.slice(oldHead.size)),
      tiles: this.#tileWrites(oldHead.size),
      bundles: this.#bundleWrites(oldHead.size),
      writes,
    };
  }

  /** Forgets the entries from this size on, as a store does that never confirmed them. */
  shrink(size: number): void {
    this.#entries = this.#entries.slice(0, size);
    this.#leaves = this.#leaves.slice(0, size);
  }

  /** What a store with this tree gives for a path. */
  resource(path: TilePath): Uint8Array | undefined {
    const start = path.index * 256;
    if (path.kind === 'entries') {
      const entries = this.#entries.slice(start, start + path.width);
      return entries.length < path.width ? undefined : bundleForm(entries);
    }
    const hashes = this.#level(path.level).slice(start, start + path.width);
    return hashes.length < path.width ? undefined : concat(...hashes);
  }

  /** The hashes of a tile level: the roots of its complete subtrees of 256^level leaves. */
  #level(level: number): readonly Hash[] {
    const span = 256 ** level;
    const count = Math.floor(this.size / span);
    return Array.from({ length: count }, (_, i) => treeHash(this.#leaves.slice(i * span, (i + 1) * span)));
  }

  #tileWrites(oldSize: number): TileWrite[] {
    const writes: TileWrite[] = [];
    for (let level = 0; 256 ** level <= this.size; level++) {
      const hashes = this.#level(level);
      const oldCount = Math.floor(oldSize / 256 ** level);
      for (let index = Math.floor(oldCount / 256); index * 256 < hashes.length; index++) {
        const bytes = concat(...hashes.slice(index * 256, index * 256 + 256));
        const oldWidth = Math.max(0, oldCount - index * 256);
        if (oldWidth * 32 < bytes.length) writes.push({ level, index, oldWidth, bytes });
      }
    }
    return writes;
  }

  #bundleWrites(oldSize: number): BundleWrite[] {
    const writes: BundleWrite[] = [];
    for (let index = Math.floor(oldSize / 256); index * 256 < this.size; index++) {
      const start = Math.max(oldSize, index * 256);
      const end = Math.min(this.size, index * 256 + 256);
      const appended = bundleForm(this.#entries.slice(start, end));
      if (start < end) writes.push({ index, oldWidth: start - index * 256, width: end - index * 256, appended });
    }
    return writes;
  }
}
