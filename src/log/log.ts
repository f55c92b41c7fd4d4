// The log: the object that owns the state and connects the stages. It decides nothing that a stage decides.

import type { CryptoSuite } from '../crypto/suite.ts';
import { LimmatError } from '../errors.ts';
import { asHash } from '../merkle/hash.ts';
import type { Hash, Hasher } from '../merkle/hash.ts';
import { TILE_WIDTH, parseEntryBundle, tileWidthAt } from '../merkle/tile.ts';
import type { TilePath } from '../merkle/tile.ts';
import type { TreeHead } from '../merkle/tree-head.ts';
import type { StateKey } from '../storage.ts';
import type { Archive, PublishedHead, TimeBracket } from './archive.ts';
import type { Clock } from './clock.ts';
import type { CommittedState } from './committed-state.ts';
import { connect } from './connect.ts';
import type { Parts } from './connect.ts';
import type { LogCounters } from './events.ts';
import type { AppendResult, IntakeLimits } from './intake.ts';
import type { LogOptions } from './options.ts';
import type { ProofMaker } from './prove.ts';
import type { PublishLevel, Published, Publisher } from './publish.ts';
import { readAll, scanAll } from './read.ts';
import type { Stop } from './stop.ts';
import { LookupQueries } from './lookup.ts';
import { DEFAULT_IAT_WINDOW_SECONDS, validate } from './validate.ts';
import type { Validated } from './validate.ts';
import type { CosigningStatus, Witnessing } from './witnessing.ts';
import type { Writer } from './writer.ts';

/** A clock is set by people or by a time service, which takes minutes. */
const CLOCK_RETRY_SECONDS = 60;

export interface LogStatus {
  /**
   * `read-only`: no entries are taken. `not-signing`: nothing is published, because of the clock; only an open log, which
   * judges no times, takes entries. `not-witnessed`: entries are taken, and new checkpoints are signed and not published,
   * because the quorum of witnesses does not cosign them. `stopped`: somebody else signs with the log's keys; nothing is
   * taken or signed. Reads go on in all of them.
   */
  readonly state: 'ready' | 'read-only' | 'not-signing' | 'not-witnessed' | 'stopped' | 'closed';
  readonly reason: string | undefined;
  /** The committed tree: what an append was told. */
  readonly head: TreeHead;
  /** The published tree: what readers see. */
  readonly published: Published | undefined;
  readonly waitingEntries: number;
  readonly waitingBytes: number;
  /** Absent for a log that has no witnesses. */
  readonly cosigning?: CosigningStatus | undefined;
}

export class Log {
  readonly origin: string;
  readonly vkeys: readonly string[];
  readonly admission: 'open' | 'records';
  readonly limits: IntakeLimits;
  readonly iatWindowSeconds: number;
  readonly counters: LogCounters;
  /** Records by what people know of them; undefined in a log that takes any bytes. */
  readonly lookups: LookupQueries | undefined;
  readonly #options: LogOptions;
  readonly #hasher: Hasher;
  readonly #clock: Clock;
  readonly #crypto: CryptoSuite;
  readonly #committed: CommittedState;
  readonly #writer: Writer;
  readonly #publisher: Publisher;
  readonly #witnessing: Witnessing | undefined;
  readonly #stop: Stop;
  readonly #proofs: ProofMaker;
  readonly #archive: Archive;
  #closed = false;

  private constructor(options: LogOptions, parts: Parts) {
    this.origin = options.origin;
    this.vkeys = options.signers.map(({ vkey }) => vkey);
    this.admission = options.admission;
    this.limits = parts.limits;
    this.iatWindowSeconds = options.iatWindowSeconds ?? DEFAULT_IAT_WINDOW_SECONDS;
    this.counters = parts.counters;
    this.#options = options;
    this.#hasher = parts.hasher;
    this.#clock = parts.clock;
    this.#crypto = parts.crypto;
    this.#committed = parts.committed;
    this.#writer = parts.writer;
    this.#publisher = parts.publisher;
    this.#witnessing = parts.witnessing;
    this.#stop = parts.stop;
    this.#proofs = parts.proofs;
    this.#archive = parts.archive;
    this.lookups =
      this.admission === 'open'
        ? undefined
        : new LookupQueries({
            storage: () => parts.writer.storage,
            size: () => parts.publisher.published?.size ?? 0,
            hasher: parts.hasher,
          });
  }

  /**
   * Opens the store, checks it against the guard, and publishes a checkpoint over what it holds. Errors:
   * `guard-missing`, `guard-mismatch`, `wrong-log`, `store-locked`, `store-corrupt`, or what the store
   * and the signers throw; the guard is then still the caller's to close. A log that opened closes both itself.
   */
  static async open(options: LogOptions): Promise<Log> {
    const storage = await options.openStorage();
    try {
      const parts = await connect(options, storage);
      try {
        await parts.publisher.start();
      } catch (error) {
        // A failed publish has begun to open the store anew: that ends here too.
        parts.publisher.stop();
        await parts.writer.close();
        await parts.stop.close();
        throw error;
      }
      return new Log(options, parts);
    } catch (error) {
      await storage.close();
      throw error;
    }
  }

  status(): LogStatus {
    const { entries, bytes } = this.#writer.load;
    return {
      ...this.#condition(),
      head: this.#writer.head,
      published: this.#publisher.published,
      waitingEntries: entries,
      waitingBytes: bytes,
      cosigning: this.#witnessing?.status(),
    };
  }

  #condition(): Pick<LogStatus, 'state' | 'reason'> {
    const { failure } = this.#writer;
    const stopped = this.#stop.reason;
    const notSigning = this.#publisher.refusal;
    const notWitnessed = this.#witnessing?.refusal;
    if (this.#closed) return { state: 'closed', reason: undefined };
    if (failure !== undefined) return { state: 'read-only', reason: failure };
    if (stopped !== undefined) return { state: 'stopped', reason: stopped };
    if (notSigning !== undefined) return { state: 'not-signing', reason: notSigning };
    if (notWitnessed !== undefined) return { state: 'not-witnessed', reason: notWitnessed };
    return { state: 'ready', reason: undefined };
  }

  /**
   * Appends leaves, each judged alone, results in order; resolves when every accepted one is durable. Rejects with
   * `queue-full`, `read-only`, `shutting-down`, `signed-elsewhere` or, where statements are judged by their time,
   * `clock-behind` when nothing was taken. The bytes are the log's from the call on.
   */
  async append(leaves: readonly Uint8Array[]): Promise<readonly AppendResult[]> {
    let bytes = 0;
    for (const leaf of leaves) bytes += leaf.length;
    this.#stop.assertNot();
    if (this.admission === 'records') this.#assertClock();
    const reservation = this.#writer.reserve(leaves.length, bytes);
    let validated: Validated[];
    try {
      const nowSeconds = Math.floor(this.#clock.nowMillis() / 1000);
      const context = {
        hasher: this.#hasher,
        crypto: this.#crypto,
        committed: this.admission === 'open' ? undefined : this.#committed,
        nowSeconds,
      };
      validated = await validate(leaves, { ...context, iatWindowSeconds: this.iatWindowSeconds });
    } catch (error) {
      this.#writer.release(reservation);
      // A store that is being opened anew answers nothing: that is no fault of the entries.
      throw this.#writer.refusal() ?? error;
    }
    const results = await this.#firstIndexOfKnown(leaves, await this.#writer.append(validated, reservation));
    for (const result of results) {
      if (!result.ok) this.counters.add({ kind: 'refused', code: result.error.code, entries: 1 });
    }
    return results;
  }

  /** Throws `signed-elsewhere` once it is known that somebody else signs with the log's keys: nothing is signed any more. */
  assertNotStopped(): void {
    this.#stop.assertNot();
  }

  /** `no-witnesses` unless the log can wait for this; called before anything is appended. */
  assertWaitLevel(level: 'sequenced' | PublishLevel): void {
    if (level !== 'witnessed' || this.#witnessing?.hasQuorum === true) return;
    throw new LimmatError(
      'no-witnesses',
      'this log has no quorum of witnesses configured; published is the most it can wait for',
    );
  }

  /** A proof file for entry `index` once it is published, with a quorum's cosignatures if asked, or undefined when that takes longer. */
  async waitPublished(
    index: number,
    deadlineMillis: number,
    level: PublishLevel = 'published',
  ): Promise<Uint8Array | undefined> {
    const published = await this.#publisher.whenPublished(index, deadlineMillis, level);
    if (published === undefined) return undefined;
    return this.#proofs.proofFile(index, await this.entry(index), published);
  }

  /**
   * A proof file for a published entry. Errors: `not-found` above the committed size, `not-published` above the published;
   * where a quorum's cosignatures are asked for, `no-witnesses`, and `not-witnessed` above the last size that has them.
   */
  async proofFile(index: number, level: PublishLevel = 'published'): Promise<Uint8Array> {
    this.assertWaitLevel(level);
    const statement = await this.entry(index);
    if (level === 'published') return this.#proofs.proofFile(index, statement, this.#proofs.published());
    const { cosigned } = this.#publisher;
    if (cosigned !== undefined && index < cosigned.size) return this.#proofs.proofFile(index, statement, cosigned);
    throw new LimmatError('not-witnessed', `no checkpoint with entry ${index} is cosigned by the quorum yet`, {
      details: { index, witnessedSize: cosigned?.size ?? 0 },
      retryAfterSeconds: 1,
    });
  }

  /** The published checkpoint note; undefined until there is one. */
  checkpoint(): Uint8Array | undefined {
    return this.#publisher.published?.note;
  }

  /** Tiles and entry bundles of the published tree; undefined for what it does not have. */
  async read(paths: readonly TilePath[]): Promise<readonly (Uint8Array | undefined)[]> {
    const size = this.#publisher.published?.size ?? 0;
    const visible = paths.filter((path) => isWithin(path, size));
    const contents = await this.#writer.storage.read(visible);
    if (visible.length === paths.length) return contents;
    const byPath = new Map(visible.map((path, i) => [path, contents[i]]));
    return paths.map((path) => byPath.get(path));
  }

  /** The leaf bytes of a published entry. Errors: `not-found` above the committed size, `not-published` above the published. */
  async entry(index: number): Promise<Uint8Array> {
    this.#assertPublished(index);
    const [entry] = await this.entries(index, index + 1);
    return entry!;
  }

  /** The leaf bytes of the published entries [start, end), end clipped to the published size. Views of larger memory. */
  async entries(start: number, end: number): Promise<Uint8Array[]> {
    const size = this.#proofs.published().size;
    const stop = Math.min(end, size);
    const paths: TilePath[] = [];
    for (let index = Math.floor(start / TILE_WIDTH); index * TILE_WIDTH < stop; index++) {
      paths.push({ kind: 'entries', index, width: tileWidthAt(0, index, size) });
    }
    const bundles = await readAll(this.#writer.storage, paths);
    const entries = bundles.flatMap((bundle, i) => parseStored(bundle, paths[i]!));
    const first = (paths[0]?.index ?? 0) * TILE_WIDTH;
    return entries.slice(start - first, Math.max(start, stop) - first);
  }

  /** The index of the committed entry with this leaf hash, or undefined. */
  async findLeaf(leafHash: Hash): Promise<number | undefined> {
    const [index] = await this.#writer.storage.findLeaves([leafHash]);
    return index;
  }

  /**
   * What admission has derived from the committed entries: the pairs whose keys begin with this, ascending; only those
   * after a key, where one is given.
   */
  admissionState(
    prefix: StateKey,
    after?: StateKey,
  ): AsyncIterable<{ readonly key: StateKey; readonly value: Uint8Array }> {
    return scanAll(() => this.#writer.storage, prefix, after);
  }

  /** See ProofMaker.inclusion. */
  inclusionProof(index: number, size: number): Promise<Hash[]> {
    return this.#proofs.inclusion(index, size);
  }

  /** See ProofMaker.consistency. */
  consistencyProof(fromSize: number, toSize: number): Promise<Hash[]> {
    return this.#proofs.consistency(fromSize, toSize);
  }

  /** When entry `index` was logged, by the archived checkpoints; errors as `entry`. */
  async timeBracket(index: number): Promise<TimeBracket> {
    this.#assertPublished(index);
    return this.#archive.bracket(index, this.#proofs.published());
  }

  /** A page of the archived checkpoints, oldest first. */
  archive(after: { size: number; timestampSeconds: number } | undefined, limit: number): Promise<PublishedHead[]> {
    return this.#archive.page(after, limit);
  }

  /** Stops taking entries, finishes what was taken, publishes it, and lets go of store and guard. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#writer.drain();
    await this.#publisher.close();
    await this.#writer.close();
    await this.#stop.close();
    await this.#options.guard.close();
  }

  /** The same leaf again is answered with its first index, even where a rule would refuse it today. */
  async #firstIndexOfKnown(
    leaves: readonly Uint8Array[],
    results: readonly AppendResult[],
  ): Promise<readonly AppendResult[]> {
    if (this.admission === 'open') return results;
    const refused = [...results.keys()].filter((i) => !results[i]!.ok && !isTransient(results[i]!));
    if (refused.length === 0) return results;
    const leafHashes = refused.map((i) => this.#hasher.leafHash(leaves[i]!));
    let indexes: readonly (number | undefined)[];
    try {
      indexes = await this.#writer.storage.findLeaves(leafHashes);
    } catch {
      // The others of the batch are durable: what cannot be looked up just now stays refused.
      return results;
    }
    const mended = [...results];
    for (const [k, i] of refused.entries()) {
      const index = indexes[k];
      if (index !== undefined) mended[i] = { ok: true, index, leafHash: asHash(leafHashes[k]!), duplicate: true };
    }
    return mended;
  }

  /** A statement whose time a wrong clock let in would later stand against the log as logged too early or too late. */
  #assertClock(): void {
    const refusal = this.#publisher.clockRefusal();
    if (refusal === undefined) return;
    throw new LimmatError('clock-behind', `${refusal}; nothing was taken, send it again later`, {
      retryAfterSeconds: CLOCK_RETRY_SECONDS,
    });
  }

  #assertPublished(index: number): void {
    const committed = this.#writer.head.size;
    const published = this.#proofs.published().size;
    if (index < published) return;
    if (index < committed) {
      throw new LimmatError(
        'not-published',
        `entry ${index} is durable but not published yet; the checkpoint has ${published}`,
        {
          details: { index, publishedSize: published },
          retryAfterSeconds: 1,
        },
      );
    }
    throw new LimmatError('not-found', `index ${index} is not below size ${committed}`, {
      details: { index, size: committed },
    });
  }
}

/** The entries of a stored bundle; what cannot be read is the store's damage, and nobody's request. */
function parseStored(bundle: Uint8Array, path: TilePath): Uint8Array[] {
  try {
    return parseEntryBundle(bundle, path.width);
  } catch (cause) {
    throw new LimmatError('store-corrupt', `entry bundle ${path.index} is damaged in the store`, { cause });
  }
}

/** True when the tree of `size` has all of this resource. */
function isWithin(path: TilePath, size: number): boolean {
  return path.width <= tileWidthAt(path.kind === 'tile' ? path.level : 0, path.index, size);
}

/** True for a refusal that says nothing about the entry, and that a look at the store could not mend. */
function isTransient(result: AppendResult): boolean {
  if (result.ok || result.error.code === 'quota-exceeded') return false;
  return result.error.retryAfterSeconds !== undefined;
}
