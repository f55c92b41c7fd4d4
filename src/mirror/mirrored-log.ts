// One log in a mirror: its copy, the checkpoints that it is on its way to, and the checkpoint that the mirror stands for.
// Pulling and pushing both go through here: `admit` a proven checkpoint, `append` entries found to be in it, `publish` it
// once they are durable. What C2SP tlog-mirror calls the next entry is the size of the tree in the store.

import { equalBytes, utf8, utf8Text } from '../bytes.ts';
import type { LogHead } from '../client/state.ts';
import { LimmatError, isLimmatError } from '../errors.ts';
import type { Hash, Hasher } from '../merkle/hash.ts';
import { emptyRootHash } from '../merkle/hash.ts';
import { Prover } from '../merkle/prover.ts';
import { formatTilePath } from '../merkle/tile.ts';
import type { TilePath } from '../merkle/tile.ts';
import type { TreeHead } from '../merkle/tree-head.ts';
import { openLogCheckpoint } from '../note/open.ts';
import type { CheckpointVerifier } from '../note/signer.ts';
import type { RewritableStorage, StateWrite } from '../storage.ts';
import type { MirrorSigner } from './cosign.ts';
import type { MirrorGuard } from './guard.ts';
import {
  MAX_CONTRADICTIONS,
  STOPPED_KEY,
  contradictionKey,
  pendingKey,
  readContradictions,
  readPending,
} from './rows.ts';
import { MirrorTree, pieceLength } from './tree.ts';
import type { Piece } from './tree.ts';

/** A log as the operator named it. */
export interface MirrorIdentity {
  readonly origin: string;
  /** The log's keys; every one of them must have signed a checkpoint. */
  readonly verifiers: readonly CheckpointVerifier[];
}

export interface MirroredLogOptions extends MirrorIdentity {
  /** Opens the log's store; called again after a write whose outcome is unknown. */
  readonly openStorage: () => Promise<RewritableStorage>;
  readonly signer: MirrorSigner;
  readonly guard: MirrorGuard;
  readonly hasher: Hasher;
}

/** Pending checkpoints that uploads may still refer to (tlog-mirror: "the last several"). */
export const KEPT_PENDING = 16;
/** For proofs out of the own tree. */
const CACHE_BYTES = 1024 * 1024;

/** What the mirror stands for: the log's checkpoint with the mirror's lines. */
export interface MirrorCheckpoint extends TreeHead {
  readonly note: Uint8Array;
  /** The mirror's own signature lines, each with its newline. */
  readonly lines: string;
}

export class MirroredLog {
  readonly origin: string;
  readonly verifiers: readonly CheckpointVerifier[];
  readonly #options: MirroredLogOptions;
  #storage: RewritableStorage;
  #tree: MirrorTree;
  #prover: Prover;
  /** By size, the smallest first. */
  #pending: readonly LogHead[] = [];
  #published: MirrorCheckpoint | undefined;
  #stopped: string | undefined;
  /** The last of the changes, which go one after another. */
  #changes: Promise<unknown> = Promise.resolve();
  #isTorn = false;
  #isClosed = false;

  private constructor(options: MirroredLogOptions, storage: RewritableStorage, tree: MirrorTree) {
    this.origin = options.origin;
    this.verifiers = options.verifiers;
    this.#options = options;
    this.#storage = storage;
    this.#tree = tree;
    this.#prover = this.#proverOf(storage);
  }

  /**
   * Opens the log's copy. Errors: those of the store, `store-corrupt` when what it holds does not fit together, and
   * what openLogCheckpoint says of a kept checkpoint that is not signed by these keys.
   */
  static async open(options: MirroredLogOptions): Promise<MirroredLog> {
    const storage = await options.openStorage();
    try {
      const log = new MirroredLog(options, storage, await MirrorTree.load(storage, options.hasher));
      await log.#remember();
      return log;
    } catch (error) {
      await storage.close();
      throw error;
    }
  }

  /** Entries that are durable here: the index of the first one that is not. */
  get nextEntry(): number {
    return this.#tree.head.size;
  }

  /** The mirror checkpoint; undefined before the first one. */
  get published(): MirrorCheckpoint | undefined {
    return this.#published;
  }

  /** The largest checkpoint of the log that was found consistent; undefined before the first one. */
  get newest(): LogHead | undefined {
    return this.#pending.at(-1);
  }

  /** Why the mirror has stopped following the log; undefined while it follows. */
  get stopped(): string | undefined {
    return this.#stopped;
  }

  /** A checkpoint of this size that entries may be uploaded for: one of the last that were pending. */
  pendingAt(size: number): LogHead | undefined {
    return this.#pending.find((head) => head.size === size);
  }

  /**
   * The head that these bytes are, signed by all of the log's keys; the note is kept verbatim. Errors: openLogCheckpoint's,
   * and `bad-proof` for a tree of size 0 with another root than the empty tree's.
   */
  async openNote(note: Uint8Array): Promise<LogHead> {
    const { checkpoint, timestampSeconds } = await openLogCheckpoint(note, this);
    const { origin, size, rootHash } = checkpoint;
    if (size === 0 && !equalBytes(rootHash, emptyRootHash(this.#options.hasher))) {
      throw new LimmatError('bad-proof', `${origin} signed a tree of size 0 whose root is not that of the empty tree`);
    }
    return { origin, size, rootHash, timestampSeconds, note };
  }

  /**
   * Makes a head the pending one, durably. The caller found it to extend the newest one, whose size it names; false, and
   * nothing changed, when another came first. A newer note of the same tree takes the older one's place.
   */
  admit(head: LogHead, oldSize: number): Promise<boolean> {
    return this.#change(async () => {
      this.#assertFollowing();
      const newest = this.newest;
      if ((newest?.size ?? 0) !== oldSize) return false;
      if (newest?.size === head.size && !equalBytes(newest.rootHash, head.rootHash)) {
        throw new Error('bad math in admit: another root of the same size');
      }
      const others = this.#pending.filter(({ size }) => size !== head.size);
      const dropped = others
        .slice(0, Math.max(0, others.length + 1 - KEPT_PENDING))
        .filter(({ size }) => size !== this.#published?.size);
      await this.#storage.rewriteState([
        { key: pendingKey(head.size), value: head.note },
        ...dropped.map(({ size }) => ({ key: pendingKey(size), value: null })),
      ]);
      this.#pending = [...others.filter((one) => !dropped.includes(one)), head];
      return true;
    });
  }

  /**
   * Appends entries that were found to be in a pending checkpoint's tree, durably; what is there already is skipped, as
   * two uploads may bring the same. RangeError when entries before them are missing. Resolves to the next entry.
   */
  append(pieces: readonly Piece[]): Promise<number> {
    return this.#change(async () => {
      const fresh = pieces
        .filter((piece) => piece.start + pieceLength(piece) > this.nextEntry)
        .map((piece) => withoutFirst(piece, Math.max(0, this.nextEntry - piece.start)));
      if (fresh.length === 0) return this.nextEntry;
      const { growth, tree } = this.#tree.grow(fresh);
      await this.#storage.commit(growth);
      this.#tree = tree;
      return this.nextEntry;
    });
  }

  /**
   * Makes the pending checkpoint of this size the mirror checkpoint, cosigned and durable, if all its entries are here.
   * Undefined when the mirror checkpoint is larger already or no pending one has this size. `store-corrupt` when the copy
   * does not have its root, `guard-mismatch` when the mirror has signed more than that, or another branch, and
   * `guard-missing` when it signed before and the guard is gone, `clock-behind` while the clock cannot be believed: then
   * nothing is signed.
   */
  publish(size: number): Promise<MirrorCheckpoint | undefined> {
    return this.#change(async () => {
      this.#assertFollowing();
      const head = this.pendingAt(size);
      if (head === undefined || size < (this.#published?.size ?? 0)) return undefined;
      if (size > this.nextEntry) throw new RangeError(`${size} entries are not here yet: ${this.nextEntry}`);
      if (!equalBytes(await this.rootHashAt(size), head.rootHash)) {
        throw new LimmatError(
          'store-corrupt',
          `the copy of ${this.origin} does not have the root that it signed for ${size} entries`,
        );
      }
      const { signer } = this.#options;
      if (signer.isFresh(head, this.#published)) return this.#published;
      const timestampSeconds = signer.timeAfter(await this.#lastTime(head));
      await this.#options.guard.write({ size: head.size, rootHash: head.rootHash, timestampSeconds });
      const published = await signer.cosign(head, this.verifiers, timestampSeconds);
      await this.#storage.publish(published.note, []);
      this.#published = published;
      return published;
    });
  }

  /** Keeps a signed note that contradicts what is mirrored, verbatim, and follows the log no more. */
  stop(reason: string, head: LogHead): Promise<void> {
    return this.#change(async () => {
      const known = await readContradictions(this.#storage);
      const writes: StateWrite[] = [{ key: STOPPED_KEY, value: utf8(reason) }];
      if (known.length < MAX_CONTRADICTIONS) {
        writes.push({ key: contradictionKey(head.size, head.rootHash), value: head.note });
      }
      await this.#storage.rewriteState(writes);
      this.#stopped = reason;
    });
  }

  /** Follows the log again, on the branch that it was on. The notes that convict the log are kept. */
  resume(): Promise<void> {
    return this.#change(async () => {
      await this.#storage.rewriteState([{ key: STOPPED_KEY, value: null }]);
      this.#stopped = undefined;
    });
  }

  /** The notes that contradict what is mirrored, verbatim. */
  contradictions(): Promise<readonly Uint8Array[]> {
    return readContradictions(this.#storage);
  }

  /** The resources at these paths that the mirror checkpoint covers; undefined for others. */
  async read(paths: readonly TilePath[]): Promise<readonly (Uint8Array | undefined)[]> {
    return this.#storage.read(paths);
  }

  /** The root of the own tree when it had this size, at most nextEntry. */
  rootHashAt(size: number): Promise<Hash> {
    return this.#prover.rootHashAt(this.#tree.head, size);
  }

  /** The leaf hashes [start, end) of the own tree, 32 bytes each, of one bundle. */
  async leafHashes(start: number, end: number): Promise<Uint8Array> {
    const leaves = Array.from({ length: end - start }, (_, i) => ({ height: 0, index: start + i }));
    const hashes = await this.#prover.nodes(this.#tree.head, leaves);
    const bytes = new Uint8Array(32 * hashes.length);
    for (const [i, hash] of hashes.entries()) bytes.set(hash, 32 * i);
    return bytes;
  }

  /** Lets go of the store once what is under way has ended. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#changes;
    await this.#storage.close();
  }

  /** The latest time that was stated; `guard-mismatch` or `guard-missing` when this head must not be signed. */
  async #lastTime(head: LogHead): Promise<number> {
    const { guard, signer } = this.#options;
    const signed = await guard.read();
    if (signed === undefined) {
      if (this.#published === undefined) return 0;
      throw new LimmatError(
        'guard-missing',
        `the mirror has signed ${this.#published.size} entries of ${this.origin} and its guard is gone: bring it back, or remove the copy, which is then fetched anew`,
      );
    }
    const isBehind = head.size < signed.size;
    if (isBehind || !equalBytes(await this.rootHashAt(signed.size), signed.rootHash)) {
      throw new LimmatError(
        'guard-mismatch',
        isBehind
          ? `the mirror has signed ${signed.size} entries of ${this.origin} and signs no ${head.size}: it goes on when the log is there again`
          : `the mirror has signed another tree of ${signed.size} entries of ${this.origin} than the copy has: nothing is signed`,
        { details: { signedSize: signed.size, size: head.size } },
      );
    }
    return Math.max(signed.timestampSeconds, this.#published === undefined ? 0 : signer.timeOf(this.#published.note));
  }

  /** Reads back what the store knows beside the tree, and finds it to fit. */
  async #remember(): Promise<void> {
    const { published } = await this.#storage.load();
    const rows = await readPending(this.#storage);
    const pending: LogHead[] = [];
    for (const { note } of rows) pending.push(await this.openNote(note));
    const [stopped] = await this.#storage.get([STOPPED_KEY]);
    this.#pending = pending;
    this.#stopped = stopped && (utf8Text(stopped) ?? 'it was stopped');
    this.#published = undefined;
    if (published === undefined) return;
    const head = await this.openNote(published);
    if (head.size > this.nextEntry || !equalBytes(await this.rootHashAt(head.size), head.rootHash)) {
      throw new LimmatError(
        'store-corrupt',
        `the copy of ${this.origin} holds ${this.nextEntry} entries, and not the tree of its checkpoint of size ${head.size}`,
      );
    }
    this.#published = { ...head, lines: this.#options.signer.ownLines(published) };
  }

  /** One change after another; a store whose last write failed is opened again first. */
  #change<T>(task: () => Promise<T>): Promise<T> {
    const turn = this.#changes.then(async () => {
      if (this.#isClosed) throw new LimmatError('shutting-down', 'the mirror is closing');
      if (this.#isTorn) await this.#reopen();
      try {
        return await task();
      } catch (error) {
        this.#isTorn = isLimmatError(error, 'outcome-unknown') || isLimmatError(error, 'store-failed');
        throw error;
      }
    });
    this.#changes = turn.catch(() => undefined);
    return turn;
  }

  async #reopen(): Promise<void> {
    await this.#storage.close();
    const storage = await this.#options.openStorage();
    this.#storage = storage;
    this.#tree = await MirrorTree.load(storage, this.#options.hasher);
    this.#prover = this.#proverOf(storage);
    await this.#remember();
    this.#isTorn = false;
  }

  #proverOf(storage: RewritableStorage): Prover {
    return new Prover({
      hasher: this.#options.hasher,
      cacheBytes: CACHE_BYTES,
      read: async (paths) => {
        const contents = await storage.read(paths);
        return contents.map((content, i) => {
          if (content !== undefined) return content;
          throw new LimmatError('store-corrupt', `the copy lacks ${formatTilePath(paths[i]!)}`);
        });
      },
    });
  }

  #assertFollowing(): void {
    if (this.#stopped === undefined) return;
    throw new LimmatError('fork', `the mirror follows ${this.origin} no more: ${this.#stopped}`);
  }
}

/** A piece without its first `count` entries. */
function withoutFirst(piece: Piece, count: number): Piece {
  if (count === 0) return piece;
  const { bytes, leafHashes, start } = piece;
  let offset = 0;
  for (let i = 0; i < count; i++) offset += 2 + bytes[offset]! * 256 + bytes[offset + 1]!;
  return { start: start + count, bytes: bytes.subarray(offset), leafHashes: leafHashes.subarray(32 * count) };
}
