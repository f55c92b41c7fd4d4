// The entries that lookups name, each verified once: by its proof file, or, where many of one bundle are named, by the
// bundle, which is as large as a few proof files and has 256 entries.

import { LimmatError, isLimmatError } from '../../errors.ts';
import { authenticateBundle } from '../../merkle/bundle.ts';
import { portableHasher } from '../../merkle/hash.ts';
import { Prover } from '../../merkle/prover.ts';
import { TILE_WIDTH, parseEntryBundle } from '../../merkle/tile.ts';
import type { TreeHead } from '../../merkle/tree-head.ts';
import { MAX_TLOG_PROOF_BYTES } from '../../note/tlog-proof.ts';
import type { LogReader } from '../http-reader.ts';
import type { LogHead, RememberedHeads } from '../state.ts';
import { openTrustedCheckpoint } from '../verify.ts';
import type { OpenedCheckpoints } from '../verify.ts';
import { citedFromLeaf, openCited } from './cited.ts';
import type { CitationOptions, ProvenCitation } from './cited.ts';
import { OneHistory } from './one-history.ts';

/** Entries of one bundle that are worth its bytes: some hundred thousand, where a proof file has some eight thousand. */
const MANY = 8;
/** Entries that are kept for the files that they name too: of a directory most files are of the same few builds. */
const MAX_KEPT = 4096;
/** Bytes of bundles that are kept for the next lookups, and bundles that are read at once. */
const MAX_BUNDLE_BYTES = 64 * 1024 * 1024;
const PARALLEL = 4;
/** Seconds for which a head is used for bundles. Proof files bring heads of their own. */
const HEAD_SECONDS = 30;

interface Bundle {
  readonly head: LogHead;
  readonly entries: readonly Uint8Array[];
  readonly bytes: number;
}

/** What is thrown where the log contradicts itself: nothing that is asked for again. */
const isContradiction = (error: unknown): boolean =>
  isLimmatError(error, 'fork') || isLimmatError(error, 'not-consistent');

/** Verified entries of one log. */
export class CitedEntries {
  readonly #reader: Pick<LogReader, 'resource' | 'checkpoint' | 'read'>;
  readonly #options: () => Omit<CitationOptions, 'remembered' | 'opened'>;
  readonly #prover: Prover;
  /** Thousands of proof files carry one checkpoint. */
  readonly #opened: OpenedCheckpoints = new Map();
  readonly #entries = new Map<number, Promise<ProvenCitation>>();
  /** Oldest first. */
  readonly #bundles = new Map<number, Bundle>();
  #bundleBytes = 0;
  readonly #loading = new Map<number, Promise<Bundle>>();
  /** By bundle, the entries of it that were fetched alone: in the end many lookups of a few are one of many. */
  readonly #alone = new Map<number, number>();
  #head: { readonly head: Promise<LogHead>; readonly atSeconds: number } | undefined;
  readonly #history: OneHistory;

  constructor(
    reader: Pick<LogReader, 'resource' | 'checkpoint' | 'read'>,
    remembered: RememberedHeads,
    options: () => Omit<CitationOptions, 'remembered' | 'opened'>,
  ) {
    this.#reader = reader;
    this.#options = options;
    const { hasher = portableHasher } = options();
    this.#prover = new Prover({ read: (paths) => reader.read(paths), hasher });
    this.#history = new OneHistory(this.#prover, remembered);
  }

  /** The largest head of each log that was met. */
  get remembered(): RememberedHeads {
    return this.#history.remembered;
  }

  /**
   * Compares a tree that the log signed elsewhere with those of the entries; throws as OneHistory.takeTree does, and
   * `not-published` when no checkpoint has all of it: only those are what witnesses saw.
   */
  async takeTree(tree: TreeHead & { readonly origin: string }): Promise<void> {
    const largest = this.remembered.get(tree.origin);
    if (tree.size > (largest?.size ?? 0)) await this.#headBeyond(tree.size - 1);
    await this.#history.takeTree(tree);
  }

  /** The entry; throws as openCited does, and what the reader throws. */
  get(index: number): Promise<ProvenCitation> {
    return this.#entries.get(index) ?? this.#keep(index, this.#byProof(index));
  }

  /** Begins to read the bundles of which many of these entries are; the others come when they are asked for. */
  async prepare(indexes: readonly number[]): Promise<void> {
    const wanted = new Map<number, number[]>();
    for (const index of new Set(indexes)) {
      if (this.#entries.has(index)) continue;
      const bundle = Math.floor(index / TILE_WIDTH);
      const there = wanted.get(bundle);
      if (there === undefined) wanted.set(bundle, [index]);
      else there.push(index);
    }
    const many = [...wanted].filter(([bundle, of]) => {
      const count = of.length + (this.#alone.get(bundle) ?? 0);
      if (count < MANY) this.#alone.set(bundle, count);
      return count >= MANY || this.#bundles.has(bundle);
    });
    for (let i = 0; i < many.length; i += PARALLEL) {
      await Promise.all(many.slice(i, i + PARALLEL).map(([bundle, of]) => this.#takeBundle(bundle, of)));
    }
  }

  async #takeBundle(at: number, indexes: readonly number[]): Promise<void> {
    let bundle: Bundle;
    try {
      bundle = await this.#bundle(at, Math.max(...indexes));
    } catch (error) {
      if (!isLimmatError(error) || isContradiction(error)) throw error;
      // What is wrong with a bundle says nothing about one entry of it: each is asked for alone, and says why it is refused.
      return;
    }
    const { head, entries } = bundle;
    for (const index of indexes) {
      if (this.#entries.has(index)) continue;
      // A copy: what is kept of an entry must not keep the bundle.
      const leaf = entries[index % TILE_WIDTH]!.slice();
      const cited = citedFromLeaf(leaf, index, this.#options());
      void this.#keep(
        index,
        cited.then((entry) => (entry === undefined ? this.#byProof(index) : { ...entry, head })),
      );
    }
  }

  /** The entries of a bundle up to `last`, found to be the tree's. */
  async #bundle(at: number, last: number): Promise<Bundle> {
    // Of a bundle that grows, the one at hand may be too short.
    const before = this.#loading.get(at);
    const known = before === undefined ? this.#bundles.get(at) : await before;
    if (known !== undefined && last % TILE_WIDTH < known.entries.length) return known;
    const loading = this.#readBundle(at, last);
    this.#loading.set(at, loading);
    try {
      return await loading;
    } finally {
      if (this.#loading.get(at) === loading) this.#loading.delete(at);
    }
  }

  async #readBundle(at: number, last: number): Promise<Bundle> {
    const head = await this.#headBeyond(last);
    const width = Math.min(TILE_WIDTH, head.size - at * TILE_WIDTH);
    const [bytes] = await this.#reader.read([{ kind: 'entries', index: at, width }]);
    const entries = parseEntryBundle(bytes!, width);
    await authenticateBundle(this.#prover, head, at, entries);
    const bundle = { head, entries, bytes: bytes!.length };
    this.#forget(at);
    this.#bundles.set(at, bundle);
    this.#bundleBytes += bundle.bytes;
    for (const oldest of this.#bundles.keys()) {
      if (this.#bundleBytes <= MAX_BUNDLE_BYTES) break;
      this.#forget(oldest);
    }
    return bundle;
  }

  #forget(at: number): void {
    this.#bundleBytes -= this.#bundles.get(at)?.bytes ?? 0;
    this.#bundles.delete(at);
  }

  /** A head that the trust file is satisfied with and that has entry `index`; a later one where the last has not. */
  async #headBeyond(index: number): Promise<LogHead> {
    const { nowSeconds } = this.#options();
    const known = this.#head;
    if (known !== undefined && nowSeconds - known.atSeconds < HEAD_SECONDS) {
      const head = await known.head;
      if (index < head.size) return head;
    }
    // Others may have asked for a later one meanwhile.
    if (this.#head === known) {
      const begun = { head: this.#openHead(), atSeconds: nowSeconds };
      this.#head = begun;
      begun.head.catch(() => {
        if (this.#head === begun) this.#head = undefined;
      });
    }
    const head = await this.#head!.head;
    if (index < head.size) return head;
    throw new LimmatError('not-published', `entry ${index} is not below the ${head.size} entries of ${head.origin}`);
  }

  async #openHead(): Promise<LogHead> {
    const { trust, nowSeconds, crypto } = this.#options();
    const note = await this.#reader.checkpoint();
    const options = { trust, nowSeconds, opened: this.#opened, ...(crypto !== undefined && { crypto }) };
    const { head } = await openTrustedCheckpoint(note, options);
    await this.#history.takeHead(head);
    return head;
  }

  async #byProof(index: number): Promise<ProvenCitation> {
    const proofFile = await this.#reader.resource(`api/v1/entries/${index}/proof`, MAX_TLOG_PROOF_BYTES);
    const options = { ...this.#options(), remembered: this.#history.remembered, opened: this.#opened };
    const cited = await openCited(proofFile, index, options);
    // Others were verified meanwhile, and the log chooses under which of its trees it proves an entry.
    await this.#history.takeHead(cited.head);
    return cited;
  }

  #keep(index: number, entry: Promise<ProvenCitation>): Promise<ProvenCitation> {
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size < MAX_KEPT) break;
      this.#entries.delete(oldest);
    }
    this.#entries.set(index, entry);
    // A network that failed once is asked again for the next file.
    entry.catch(() => this.#entries.delete(index));
    return entry;
  }
}
