// The monitor's own tree of a log: proofs from the mirror of its leaf hashes, and beyond the mirror from the log's tiles,
// authenticated against the monitor's own head either way. What the mirror holds needs no help of the log.

import { equalBytes } from '../bytes.ts';
import type { LogHead } from '../client/state.ts';
import { isLimmatError } from '../errors.ts';
import type { Hasher } from '../merkle/hash.ts';
import { Prover } from '../merkle/prover.ts';
import { TILE_WIDTH, levelWidth } from '../merkle/tile.ts';
import type { TilePath } from '../merkle/tile.ts';
import type { TreeHead } from '../merkle/tree-head.ts';
import { proverOf } from './judge.ts';
import type { OwnTree } from './judge.ts';
import type { LeafMirror } from './ports.ts';
import type { LogSource } from './source.ts';

/** Own proofs are few and cheap to read again. */
const CACHE_BYTES = 2 * 1024 * 1024;

export class MirroredTree {
  readonly #mirror: LeafMirror;
  readonly #source: LogSource;
  readonly #hasher: Hasher;
  #prover: Prover;

  constructor(mirror: LeafMirror, source: LogSource, hasher: Hasher) {
    this.#mirror = mirror;
    this.#source = source;
    this.#hasher = hasher;
    this.#prover = this.#makeProver();
  }

  /** The tree under a head of the monitor's own. */
  under(head: LogHead): OwnTree {
    return { own: head, ownProver: proverOf(this.#prover, head) };
  }

  /**
   * True when the mirrored leaf hashes [0, head.size) lead to the head's root; of them are read only the ones at the right
   * edge, the rest is in the roots above. False means that the mirror is damaged, or never was this tree's.
   */
  async holds(head: TreeHead): Promise<boolean> {
    if (head.size > this.#mirror.size) return false;
    // Nothing that was authenticated before may answer for the mirror.
    this.#prover = this.#makeProver();
    try {
      return equalBytes(await this.#prover.rootHashAt(head, head.size), head.rootHash);
    } catch (error) {
      if (isLimmatError(error, 'bad-tile')) return false;
      throw error;
    }
  }

  #makeProver(): Prover {
    return new Prover({ read: (paths) => this.#read(paths), hasher: this.#hasher, cacheBytes: CACHE_BYTES });
  }

  #read(paths: readonly TilePath[]): Promise<readonly Uint8Array[]> {
    return Promise.all(
      paths.map(async (path) => {
        const [bytes] = await (this.#isMirrored(path)
          ? this.#mirror.read([path])
          : this.#source.ways[0]!.reader.read([path]));
        return bytes!;
      }),
    );
  }

  #isMirrored(path: TilePath): boolean {
    return path.kind === 'tile' && path.index * TILE_WIDTH + path.width <= levelWidth(path.level, this.#mirror.size);
  }
}
