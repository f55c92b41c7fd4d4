// The upper parts of inclusion proofs that were verified under one head: from the root of a full level 0 tile up to the
// head's root hash. All 256 entries of a tile share that part, and for a tree of millions it is most of the proof.

import { equalBytes } from '../bytes.ts';
import { asHash } from './hash.ts';
import type { Hash, Hasher } from './hash.ts';
import { rootFromInclusion } from './proof.ts';
import type { TileNodes } from './tile-nodes.ts';
import { TILE_HEIGHT, TILE_WIDTH } from './tile.ts';
import type { TreeHead } from './tree-head.ts';

/** Tiles whose upper part is kept: two million entries, at about 1 KiB a tile. Then all are forgotten and found again. */
const MAX_TILES = 8192;

/** What is known of a tile: the root that was shown to be in the tree, and the hashes that showed it. */
interface KnownPath {
  readonly tileRoot: Hash;
  readonly above: readonly Hash[];
}

/** Paths of the head that was asked for last. */
export class KnownPaths {
  readonly #hasher: Hasher;
  #head: TreeHead | undefined;
  #paths = new Map<number, KnownPath>();

  constructor(hasher: Hasher) {
    this.#hasher = hasher;
  }

  /**
   * The inclusion proof of the entry at `position` of this tile, when the tile's root is known to be in the head's tree;
   * else undefined. The lower part is verified against the tile's root as it is made.
   */
  proof(head: TreeHead, tileIndex: number, tile: TileNodes, position: number): Hash[] | undefined {
    if (!this.#isOf(head)) return undefined;
    const known = this.#paths.get(tileIndex);
    if (known === undefined || !tile.hasRoot(known.tileRoot)) return undefined;
    const proof: Hash[] = [];
    for (let height = 0, node = position; height < TILE_HEIGHT; height++, node = Math.floor(node / 2)) {
      proof.push(tile.node(height, node % 2 === 0 ? node + 1 : node - 1));
    }
    const root = rootFromInclusion(tile.node(0, position), position, TILE_WIDTH, proof, this.#hasher);
    if (!equalBytes(root, known.tileRoot))
      throw new Error('bad math in proof: it does not lead to the root of its tile');
    for (const hash of known.above) proof.push(copy(hash));
    return proof;
  }

  /** Takes the upper part of a proof that was verified under the head; nothing is kept for a tile that is not full in it. */
  take(head: TreeHead, index: number, leafHash: Hash, proof: readonly Hash[]): void {
    const tileIndex = Math.floor(index / TILE_WIDTH);
    if ((tileIndex + 1) * TILE_WIDTH > head.size) return;
    if (!this.#isOf(head)) {
      this.#head = head;
      this.#paths = new Map();
    }
    if (this.#paths.size === MAX_TILES) this.#paths.clear();
    const position = index - tileIndex * TILE_WIDTH;
    const within = proof.slice(0, TILE_HEIGHT);
    const tileRoot = rootFromInclusion(leafHash, position, TILE_WIDTH, within, this.#hasher);
    this.#paths.set(tileIndex, { tileRoot, above: proof.slice(TILE_HEIGHT).map(copy) });
  }

  #isOf({ size, rootHash }: TreeHead): boolean {
    return this.#head !== undefined && this.#head.size === size && equalBytes(this.#head.rootHash, rootHash);
  }
}

/** What a caller gets is the caller's, to change as well. */
function copy(hash: Hash): Hash {
  return asHash(hash.slice());
}
