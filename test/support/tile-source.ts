// A reader of tiles over a tree of the oracle's, which counts its calls and can be made to lie.

import { LimmatError } from '../../src/errors.ts';
import { asHash } from '../../src/merkle/hash.ts';
import type { TileReader } from '../../src/merkle/prover.ts';
import { formatTilePath, levelWidth } from '../../src/merkle/tile.ts';
import type { TilePath } from '../../src/merkle/tile.ts';
import type { TreeHead } from '../../src/merkle/tree-head.ts';

/** What the oracles have in common. */
interface Tree {
  root(begin: number, end: number): Uint8Array;
}

export class TileSource {
  /** The paths of each call of read, in order. */
  readonly calls: string[][] = [];
  /** Replaces the bytes of a resource before they are handed out. */
  forge: (path: string, bytes: Uint8Array) => Uint8Array = (_path, bytes) => bytes;
  readonly #tree: Tree;
  readonly #size: number;

  constructor(tree: Tree, size: number) {
    this.#tree = tree;
    this.#size = size;
  }

  /** The head of the tree's first `size` entries. */
  head(size: number = this.#size): TreeHead {
    return { size, rootHash: asHash(this.#tree.root(0, size)) };
  }

  readonly read: TileReader = (paths) => {
    this.calls.push(paths.map(formatTilePath));
    return Promise.resolve(paths.map((path) => this.forge(formatTilePath(path), this.tile(path))));
  };

  /** The tile as the tree has it. */
  tile(path: TilePath): Uint8Array {
    if (path.kind !== 'tile') throw new LimmatError('not-found', `${formatTilePath(path)} is not a hash tile`);
    const { level, index, width } = path;
    if (index * 256 + width > levelWidth(level, this.#size)) {
      throw new LimmatError('not-found', `${formatTilePath(path)} is not there`);
    }
    const bytes = new Uint8Array(32 * width);
    const span = 256 ** level;
    for (let i = 0; i < width; i++) {
      const begin = (index * 256 + i) * span;
      bytes.set(this.#tree.root(begin, begin + span), 32 * i);
    }
    return bytes;
  }
}

/** The same bytes with one bit changed, in the byte at this place. */
export function flipBit(bytes: Uint8Array, at: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[at] = copy[at]! ^ 1;
  return copy;
}

/** The error that this function throws or that its promise rejects with; fails when there is none. */
export async function errorOf(run: () => unknown): Promise<unknown> {
  try {
    await run();
  } catch (error) {
    return error;
  }
  throw new Error('expected an error');
}
