// Proofs out of tiles, with no trust in whoever serves the tiles: every tile is authenticated against a tree head
// before a hash of it is used or kept (the tiles of https://c2sp.org/tlog-tiles, the proofs of RFC 9162 §2.1.3 and
// §2.1.4). Clients, monitors and the log itself use the same class. Fetching is the caller's.

import { assertSize, equalBytes } from '../bytes.ts';
import { LimmatError } from '../errors.ts';
import { HASH_SIZE, emptyRootHash, portableHasher } from './hash.ts';
import type { Hash, Hasher } from './hash.ts';
import { KnownPaths } from './known-paths.ts';
import { consistencyPlan, inclusionPlan, verifyConsistency, verifyInclusion } from './proof.ts';
import { POWERS_OF_TWO, foldRight, rangeNodes } from './range.ts';
import type { NodeId } from './range.ts';
import { SubtreeHasher, TileCache, TileNodes, tileKey } from './tile-nodes.ts';
import { TILE_WIDTH, formatTilePath, levelWidth, nodeLocation, rightEdge, tileWidthAt } from './tile.ts';
import type { HashTilePath, NodeLocation, TilePath } from './tile.ts';
import type { TreeHead } from './tree-head.ts';

/** The resources at these paths, in order and complete. Rejects when one of them cannot be had. */
export type TileReader = (paths: readonly TilePath[]) => Promise<readonly Uint8Array[]>;

export interface ProverOptions {
  readonly read: TileReader;
  readonly hasher?: Hasher;
  /** Bytes of memory for authenticated full tiles. Only what is used is allocated. */
  readonly cacheBytes?: number;
}

/** Enough for the level 0 tiles of 1.4 million entries. */
const DEFAULT_CACHE_BYTES = 2 ** 26;

/** Heads whose edge is kept: the published one, the one before it, and a few that a slow client still asks for. */
const KEPT_EDGES = 8;

/** The partial tiles of a head, by level, found to lead to its root hash. */
interface Edge {
  readonly head: TreeHead;
  readonly tiles: readonly (TileNodes | undefined)[];
}

/**
 * Proofs over the trees of one log. A head that is passed in is taken as true: the caller verified its checkpoint.
 * A kept tile serves a head only while the tile above it, authenticated under that head, names the tile's root, so heads
 * of any age, and even of a fork, can be mixed, and nobody has to vouch that one extends the other.
 *
 * Every method rejects with `bad-tile` when a tile of the reader's does not lead to the head's root hash (such a tile is
 * never kept), with what the reader rejects with, and with RangeError for an index or size beyond the head.
 */
export class Prover {
  readonly hasher: Hasher;
  readonly #read: TileReader;
  readonly #subtrees: SubtreeHasher;
  readonly #cache: TileCache;
  readonly #known: KnownPaths;
  /** Latest first. */
  #edges: readonly Edge[] = [];

  constructor(options: ProverOptions) {
    this.hasher = options.hasher ?? portableHasher;
    this.#read = options.read;
    this.#subtrees = new SubtreeHasher(this.hasher);
    this.#cache = new TileCache(options.cacheBytes ?? DEFAULT_CACHE_BYTES);
    this.#known = new KnownPaths(this.hasher);
  }

  /** The leaf hash of entry `index`. */
  async leafHash(head: TreeHead, index: number): Promise<Hash> {
    const [hash] = await this.nodes(head, [{ height: 0, index }]);
    return hash!;
  }

  /** The proof that entry `index` is in the tree of `size` (default: the head's), verified before it is returned. */
  async inclusionProof(head: TreeHead, index: number, size: number = head.size): Promise<Hash[]> {
    const known = size === head.size ? this.#knownProof(head, index) : undefined;
    if (known !== undefined) return known;
    const plan = inclusionPlan(index, size);
    const rootNodes = size === head.size ? [] : rangeNodes(0, size);
    const hashes = await this.nodes(head, [...plan.nodes, { height: 0, index }, ...rootNodes]);
    const count = plan.nodes.length;
    const proof = plan.build(hashes.slice(0, count), this.hasher);
    const rootHash = size === head.size ? head.rootHash : foldRight(hashes.slice(count + 1), this.hasher);
    try {
      verifyInclusion({ leafHash: hashes[count]!, index, size, rootHash, proof }, this.hasher);
    } catch (error) {
      throw new LimmatError('internal', 'bad math in inclusionProof', { cause: error });
    }
    if (size === head.size) this.#known.take(head, index, hashes[count]!, proof);
    return proof;
  }

  /** The proof when its tile is at hand and the part above the tile was verified before; undefined otherwise. */
  #knownProof(head: TreeHead, index: number): Hash[] | undefined {
    assertSize('index', index);
    const tileIndex = Math.floor(index / TILE_WIDTH);
    const tile = this.#cache.get(0, tileIndex);
    return tile && this.#known.proof(head, tileIndex, tile, index - tileIndex * TILE_WIDTH);
  }

  /**
   * The proof that the tree of toSize (default: the head's) extends the one of fromSize, verified before it is returned.
   * Empty for equal sizes and for fromSize 0.
   */
  async consistencyProof(head: TreeHead, fromSize: number, toSize: number = head.size): Promise<Hash[]> {
    const plan = consistencyPlan(fromSize, toSize);
    if (plan.nodes.length === 0) {
      assertWithin(head, toSize);
      return [];
    }
    const fromNodes = rangeNodes(0, fromSize);
    const toNodes = rangeNodes(0, toSize);
    const hashes = await this.nodes(head, [...plan.nodes, ...fromNodes, ...toNodes]);
    const toStart = plan.nodes.length + fromNodes.length;
    const proof = plan.build(hashes.slice(0, plan.nodes.length), this.hasher);
    const fromRoot = foldRight(hashes.slice(plan.nodes.length, toStart), this.hasher);
    const toRoot = foldRight(hashes.slice(toStart), this.hasher);
    try {
      verifyConsistency({ fromSize, fromRoot, toSize, toRoot, proof }, this.hasher);
    } catch (error) {
      throw new LimmatError('internal', 'bad math in consistencyProof', { cause: error });
    }
    return proof;
  }

  /** The root hash that the tree had at `size`, 0 ≤ size ≤ head.size. */
  async rootHashAt(head: TreeHead, size: number): Promise<Hash> {
    assertWithin(head, size);
    if (size === 0) return emptyRootHash(this.hasher);
    return foldRight(await this.nodes(head, rangeNodes(0, size)), this.hasher);
  }

  /** The hashes of these nodes, in order; RangeError for one that is not complete in the tree of the head's size. */
  async nodes(head: TreeHead, ids: readonly NodeId[]): Promise<Hash[]> {
    const locations = ids.map((id) => {
      assertSize('height', id.height);
      assertSize('index', id.index);
      if (id.height > 53 || (id.index + 1) * POWERS_OF_TWO[id.height]! > head.size) {
        throw new RangeError(`node ${id.index} of height ${id.height} is not complete in size ${head.size}`);
      }
      return nodeLocation(id);
    });
    const tiles = await this.#tiles(head, locations);
    return locations.map((at) => tiles.get(tileKey(at.level, at.tileIndex))!.node(at.height, at.position));
  }

  /**
   * Resolves if these bytes are the hash tile at `path` in the tree, and keeps a full one as if it had been read;
   * `bad-tile` if not. For a full tile only the tiles above it are read.
   */
  async checkTile(head: TreeHead, path: HashTilePath, bytes: Uint8Array): Promise<void> {
    const { level, index, width } = path;
    if (width < 1 || width > tileWidthAt(level, index, head.size)) {
      throw new RangeError(`${formatTilePath(path)} is not in the tree of size ${head.size}`);
    }
    if (bytes.length !== width * HASH_SIZE) throw wrongLength(path, bytes);
    if (width < TILE_WIDTH) {
      const tiles = await this.#tiles(head, [{ level, tileIndex: index }]);
      const hashes = tiles.get(tileKey(level, index))!.hashes;
      if (!equalBytes(hashes.subarray(0, bytes.length), bytes)) throw notInTree(path, head);
      return;
    }
    const parentIndex = Math.floor(index / TILE_WIDTH);
    const tiles = await this.#tiles(head, [{ level: level + 1, tileIndex: parentIndex }]);
    const tile = new TileNodes(level, bytes, this.#subtrees);
    const parent = tiles.get(tileKey(level + 1, parentIndex))!;
    if (!tile.isChild(parent, index % TILE_WIDTH)) throw notInTree(path, head);
    this.#cache.set(level, index, tile);
  }

  /** The tiles that hold these places, authenticated. What is not at hand is read in one call. */
  async #tiles(
    head: TreeHead,
    places: readonly Pick<NodeLocation, 'level' | 'tileIndex'>[],
  ): Promise<ReadonlyMap<number, TileNodes | undefined>> {
    const fresh = new Map<number, Uint8Array>();
    let edge = this.#edgeOf(head);
    for (;;) {
      const found = new Map<number, TileNodes | undefined>();
      const missing: HashTilePath[] = [];
      for (const { level, tileIndex } of places) this.#find(head, edge, level, tileIndex, fresh, found, missing);
      if (edge !== undefined && missing.length === 0) return found;
      // Without an edge nothing is authenticated yet, but what will surely be needed is fetched with it.
      const edgePaths = edge === undefined ? rightEdge(head.size) : [];
      const contents = await this.#readTiles([...edgePaths, ...missing]);
      for (const [i, path] of missing.entries()) {
        fresh.set(tileKey(path.level, path.index), contents[edgePaths.length + i]!);
      }
      // Another call may have authenticated the same edge while this one was reading.
      edge ??= this.#edgeOf(head) ?? this.#authenticateEdge(head, edgePaths, contents);
    }
  }

  /**
   * The authenticated tile, also noted in `found`. Undefined while it, or a tile above it, has to be read first; what
   * has to be read for that is added to `missing`. Nothing of `fresh` is used before its root is found in its parent.
   */
  #find(
    head: TreeHead,
    edge: Edge | undefined,
    level: number,
    index: number,
    fresh: ReadonlyMap<number, Uint8Array>,
    found: Map<number, TileNodes | undefined>,
    missing: HashTilePath[],
  ): TileNodes | undefined {
    const key = tileKey(level, index);
    const known = found.get(key);
    if (known !== undefined || found.has(key)) return known;
    let tile: TileNodes | undefined;
    if (index === Math.floor(levelWidth(level, head.size) / TILE_WIDTH)) {
      tile = edge?.tiles[level];
    } else {
      const path: HashTilePath = { kind: 'tile', level, index, width: TILE_WIDTH };
      const parent = this.#find(head, edge, level + 1, Math.floor(index / TILE_WIDTH), fresh, found, missing);
      const position = index % TILE_WIDTH;
      const kept = this.#cache.get(level, index);
      const read = fresh.get(key);
      if (parent !== undefined && kept?.isChild(parent, position) === true) {
        tile = kept;
      } else if (parent !== undefined && read !== undefined) {
        tile = new TileNodes(level, read, this.#subtrees);
        if (!tile.isChild(parent, position)) throw notInTree(path, head);
        this.#cache.set(level, index, tile);
      } else if (read === undefined && (parent !== undefined || kept === undefined)) {
        missing.push(path);
      }
    }
    found.set(key, tile);
    return tile;
  }

  #edgeOf(head: TreeHead): Edge | undefined {
    return this.#edges.find((edge) => edge.head.size === head.size && equalBytes(edge.head.rootHash, head.rootHash));
  }

  /** The head's edge, after its perfect subtrees were found to lead to the root hash: they cover every hash in it. */
  #authenticateEdge(head: TreeHead, paths: readonly HashTilePath[], contents: readonly Uint8Array[]): Edge {
    const tiles: (TileNodes | undefined)[] = [];
    for (const [i, path] of paths.entries())
      tiles[path.level] = new TileNodes(path.level, contents[i]!, this.#subtrees);
    const roots = rangeNodes(0, head.size).map((id) => {
      const { level, height, position } = nodeLocation(id);
      return tiles[level]!.node(height, position);
    });
    const rootHash = head.size === 0 ? emptyRootHash(this.hasher) : foldRight(roots, this.hasher);
    if (!equalBytes(rootHash, head.rootHash)) {
      throw new LimmatError('bad-tile', `the right-most tiles of size ${head.size} do not lead to its root hash`);
    }
    const edge: Edge = { head, tiles };
    this.#edges = [edge, ...this.#edges.slice(0, KEPT_EDGES - 1)];
    return edge;
  }

  async #readTiles(paths: readonly HashTilePath[]): Promise<readonly Uint8Array[]> {
    if (paths.length === 0) return [];
    const contents = await this.#read(paths);
    for (const [i, path] of paths.entries()) {
      const bytes = contents[i];
      if (bytes?.length !== path.width * HASH_SIZE) throw wrongLength(path, bytes);
    }
    return contents;
  }
}

function assertWithin(head: TreeHead, size: number): void {
  assertSize('size', size);
  if (size > head.size) throw new RangeError(`size ${size} is above the head's size ${head.size}`);
}

function wrongLength(path: HashTilePath, bytes: Uint8Array | undefined): LimmatError {
  const length = bytes === undefined ? 'no' : bytes.length;
  return new LimmatError('bad-tile', `${formatTilePath(path)} has ${length} bytes, not ${path.width * HASH_SIZE}`);
}

function notInTree(path: HashTilePath, head: TreeHead): LimmatError {
  return new LimmatError('bad-tile', `${formatTilePath(path)} is not in the tree of size ${head.size}`);
}
