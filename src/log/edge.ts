// The right edge of the tree in memory: all that appending needs. It is rebuilt from the store's right-most tiles, each
// authenticated against the stored head, so that the log never grows a tree that the store does not hold.

import { LimmatError } from '../errors.ts';
import type { Hasher } from '../merkle/hash.ts';
import { HASH_SIZE } from '../merkle/hash.ts';
import { Prover } from '../merkle/prover.ts';
import type { TileReader } from '../merkle/prover.ts';
import { CompactRange, rangeNodes } from '../merkle/range.ts';
import { TILE_WIDTH, formatTilePath, rightEdge } from '../merkle/tile.ts';
import type { TreeHead } from '../merkle/tree-head.ts';

/** The right-most tile of a level: `width` hashes, 0 ≤ width < 256, in the first 32 × width bytes. */
export interface EdgeTile {
  readonly index: number;
  readonly width: number;
  readonly bytes: Uint8Array;
}

/** A tree's head and what it takes to append to it. A value: integrating gives a new one. */
export interface Edge {
  readonly head: TreeHead;
  readonly range: CompactRange;
  /** By level. A level that is missing is empty. */
  readonly tiles: readonly EdgeTile[];
}

/**
 * The edge of the stored tree. Errors: `store-corrupt` when a tile of the edge is missing or does not lead to the
 * head's root hash.
 */
export async function loadEdge(head: TreeHead, read: TileReader, hasher: Hasher): Promise<Edge> {
  if (head.size === 0) {
    const range = CompactRange.empty(hasher);
    return { head: { size: 0, rootHash: range.rootHash() }, range, tiles: [] };
  }
  try {
    const prover = new Prover({ read, hasher });
    const nodes = await prover.nodes(head, rangeNodes(0, head.size));
    const range = CompactRange.fromHashes(head.size, nodes, hasher);
    return { head, range, tiles: await loadEdgeTiles(head.size, read) };
  } catch (error) {
    throw new LimmatError(
      'store-corrupt',
      `the store's right edge does not lead to its root at size ${head.size}: ${String(error)}`,
      {
        cause: error,
      },
    );
  }
}

async function loadEdgeTiles(size: number, read: TileReader): Promise<EdgeTile[]> {
  const tiles: EdgeTile[] = [];
  const paths = rightEdge(size).filter((path) => path.kind === 'tile' && path.width < TILE_WIDTH);
  const contents = await read(paths);
  for (const [i, path] of paths.entries()) {
    if (path.kind !== 'tile') continue;
    const content = contents[i];
    if (content?.length !== path.width * HASH_SIZE) throw new Error(`${formatTilePath(path)} is not all there`);
    tiles[path.level] = { index: path.index, width: path.width, bytes: content };
  }
  // Where a level ends with a full tile, its next tile is empty.
  let count = size;
  for (let level = 0; count > 0; level++) {
    tiles[level] ??= { index: Math.floor(count / TILE_WIDTH), width: 0, bytes: new Uint8Array(0) };
    count = Math.floor(count / TILE_WIDTH);
  }
  return tiles;
}
