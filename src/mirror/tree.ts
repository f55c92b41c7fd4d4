// The growing tree of a mirror: from the bundles that were found to be the log's to a growth of the store. Pure and
// synchronous, and by whole bundles: hashing them again entry by entry would be half of a catch-up's time.

import { assertSize } from '../bytes.ts';
import { LimmatError } from '../errors.ts';
import { HASH_SIZE, asHash, emptyRootHash } from '../merkle/hash.ts';
import type { Hash, Hasher } from '../merkle/hash.ts';
import { foldRight } from '../merkle/range.ts';
import { TILE_WIDTH, formatTilePath, levelWidth, rightEdge } from '../merkle/tile.ts';
import type { TreeHead } from '../merkle/tree-head.ts';
import { equalBytes } from '../bytes.ts';
import type { BundleWrite, Growth, LogStorage, TileWrite } from '../storage.ts';

/** Entries of one bundle, found to be the log's: [start, start + leafHashes.length / 32). */
export interface Piece {
  readonly start: number;
  /** These entries in bundle form. */
  readonly bytes: Uint8Array;
  /** 32 bytes an entry, in order. */
  readonly leafHashes: Uint8Array;
}

/** How many entries are in a piece. */
export function pieceLength(piece: Piece): number {
  return piece.leafHashes.length / HASH_SIZE;
}

/** A tile that is not full: its hashes are the first width × 32 bytes of 8 KiB. */
interface OpenTile {
  readonly index: number;
  readonly width: number;
  readonly bytes: Uint8Array;
}

/** A tree by its right edge, which is all that growing needs. Immutable. */
export class MirrorTree {
  readonly head: TreeHead;
  readonly #tiles: readonly OpenTile[];
  readonly #hasher: Hasher;

  private constructor(head: TreeHead, tiles: readonly OpenTile[], hasher: Hasher) {
    this.head = head;
    this.#tiles = tiles;
    this.#hasher = hasher;
  }

  /** The tree that a store holds; `store-corrupt` when its right edge does not lead to the root that it names. */
  static async load(storage: LogStorage, hasher: Hasher): Promise<MirrorTree> {
    const { head } = await storage.load();
    const paths = rightEdge(head.size);
    const contents = await storage.read(paths);
    const tiles: OpenTile[] = [];
    for (let level = 0; levelWidth(level, head.size) > 0; level++) {
      tiles.push(emptyTile(Math.floor(levelWidth(level, head.size) / TILE_WIDTH)));
    }
    for (const [i, path] of paths.entries()) {
      const content = contents[i];
      if (content?.length !== path.width * HASH_SIZE) {
        throw new LimmatError('store-corrupt', `the store lacks ${formatTilePath(path)}`);
      }
      const tile = emptyTile(path.index);
      tile.bytes.set(content);
      tiles[path.level] = { ...tile, width: path.width };
    }
    if (!equalBytes(rootOver(tiles, hasher), head.rootHash)) {
      throw new LimmatError('store-corrupt', `the right-most tiles of size ${head.size} do not lead to its root hash`);
    }
    return new MirrorTree(head, tiles, hasher);
  }

  /**
   * What appending these pieces changes, one after another from head.size on, and the tree after it. RangeError for a
   * piece that does not follow, or that reaches into another bundle.
   */
  grow(pieces: readonly Piece[]): { readonly growth: Growth; readonly tree: MirrorTree } {
    const filler = new Filler(this.#tiles, this.#hasher);
    const bundles: BundleWrite[] = [];
    let { size } = this.head;
    for (const piece of pieces) {
      const count = pieceLength(piece);
      const oldWidth = size % TILE_WIDTH;
      if (piece.start !== size) throw new RangeError(`a piece starts at ${piece.start}, not at size ${size}`);
      if (!Number.isSafeInteger(count) || count < 1 || oldWidth + count > TILE_WIDTH) {
        throw new RangeError(`${count} entries from ${size} on are not entries of one bundle`);
      }
      bundles.push({
        index: Math.floor(size / TILE_WIDTH),
        oldWidth,
        width: oldWidth + count,
        appended: piece.bytes,
      });
      filler.take(piece.leafHashes);
      size += count;
      assertSize('size', size);
    }
    const tiles = filler.open();
    const head: TreeHead = { size, rootHash: rootOver(tiles, this.#hasher) };
    const leafHashes = new Uint8Array(HASH_SIZE * (size - this.head.size));
    let offset = 0;
    for (const piece of pieces) {
      leafHashes.set(piece.leafHashes, offset);
      offset += piece.leafHashes.length;
    }
    const growth: Growth = {
      oldHead: this.head,
      head,
      leafHashes,
      tiles: filler.writes(),
      bundles: joined(bundles),
      writes: [],
    };
    return { growth, tree: new MirrorTree(head, tiles, this.#hasher) };
  }
}

/** The root over 256 hashes. */
export function fullTileRoot(hashes: Uint8Array, hasher: Hasher): Hash {
  const scratch = new Uint8Array((TILE_WIDTH / 2) * HASH_SIZE);
  hasher.foldPairs(hashes, 0, TILE_WIDTH / 2, scratch, 0);
  for (let pairs = TILE_WIDTH / 4; pairs >= 1; pairs /= 2) hasher.foldPairs(scratch, 0, pairs, scratch, 0);
  return asHash(scratch.slice(0, HASH_SIZE));
}

/** The root over 1 to 256 hashes, as RFC 9162 §2.1.1 splits them. */
export function spanRoot(hashes: Uint8Array, hasher: Hasher): Hash {
  if (hashes.length === TILE_WIDTH * HASH_SIZE) return fullTileRoot(hashes, hasher);
  return foldRight(perfectRoots(hashes, hashes.length / HASH_SIZE, hasher), hasher);
}

/** Two writes of one bundle in a growth are one write of it. */
function joined(bundles: readonly BundleWrite[]): BundleWrite[] {
  const writes: BundleWrite[] = [];
  for (const bundle of bundles) {
    const last = writes.at(-1);
    if (last?.index !== bundle.index) {
      writes.push(bundle);
      continue;
    }
    const appended = new Uint8Array(last.appended.length + bundle.appended.length);
    appended.set(last.appended);
    appended.set(bundle.appended, last.appended.length);
    writes[writes.length - 1] = { ...last, width: bundle.width, appended };
  }
  return writes;
}

function emptyTile(index: number): OpenTile {
  return { index, width: 0, bytes: new Uint8Array(TILE_WIDTH * HASH_SIZE) };
}

/** The roots of the perfect subtrees of the first `width` hashes, left to right. */
function perfectRoots(hashes: Uint8Array, width: number, hasher: Hasher): Hash[] {
  const roots: Hash[] = [];
  let start = 0;
  for (let count = TILE_WIDTH; count >= 1; count /= 2) {
    if (width - start < count) continue;
    const part = hashes.slice(start * HASH_SIZE, (start + count) * HASH_SIZE);
    for (let pairs = count / 2; pairs >= 1; pairs /= 2) hasher.foldPairs(part, 0, pairs, part, 0);
    roots.push(asHash(part.slice(0, HASH_SIZE)));
    start += count;
  }
  return roots;
}

/** The root of the tree with these open tiles, lowest level first. */
function rootOver(tiles: readonly OpenTile[], hasher: Hasher): Hash {
  const roots = tiles.toReversed().flatMap(({ bytes, width }) => perfectRoots(bytes, width, hasher));
  return roots.length === 0 ? emptyRootHash(hasher) : foldRight(roots, hasher);
}

interface FillingTile {
  index: number;
  oldWidth: number;
  width: number;
  bytes: Uint8Array;
}

/** Puts hashes into tiles, level by level. */
class Filler {
  readonly #hasher: Hasher;
  readonly #open: FillingTile[];
  readonly #done: TileWrite[] = [];

  constructor(tiles: readonly OpenTile[], hasher: Hasher) {
    this.#hasher = hasher;
    this.#open = tiles.map(({ index, width, bytes }) => ({ index, oldWidth: width, width, bytes: bytes.slice() }));
  }

  /** Leaf hashes that fit into the open tile of level 0. */
  take(hashes: Uint8Array): void {
    this.#put(0, hashes);
  }

  #put(level: number, hashes: Uint8Array): void {
    const tile = (this.#open[level] ??= { ...emptyTile(0), oldWidth: 0 });
    tile.bytes.set(hashes, tile.width * HASH_SIZE);
    tile.width += hashes.length / HASH_SIZE;
    if (tile.width < TILE_WIDTH) return;
    this.#done.push({ level, index: tile.index, oldWidth: tile.oldWidth, bytes: tile.bytes });
    this.#open[level] = { ...emptyTile(tile.index + 1), oldWidth: 0 };
    this.#put(level + 1, fullTileRoot(tile.bytes, this.#hasher));
  }

  /** Every tile that changed. */
  writes(): TileWrite[] {
    const changed = [...this.#open.entries()].filter(([, { width, oldWidth }]) => width > oldWidth);
    return [
      ...this.#done,
      ...changed.map(([level, { index, oldWidth, width, bytes }]) => ({
        level,
        index,
        oldWidth,
        bytes: bytes.slice(0, width * HASH_SIZE),
      })),
    ];
  }

  open(): OpenTile[] {
    return this.#open.map(({ index, width, bytes }) => ({ index, width, bytes }));
  }
}
