// The leaf index: leaf hash → index of the entry, in its own database that trails the tree. Random keys are what an LSM
// is slowest at, so they are written in sorted runs behind the commit's back; what is not written yet is in memory, and
// after a crash it is made again from the level 0 tiles. Answers are exact for the committed entries all the same.

import { rm } from 'node:fs/promises';
import { readUint, uintBytes, utf8 } from '../../bytes.ts';
import { isLimmatError } from '../../errors.ts';
import { HASH_SIZE } from '../../merkle/hash.ts';
import { TILE_WIDTH } from '../../merkle/tile.ts';
import { openDatabase } from './database.ts';
import type { Database, LevelFaults, Snapshot } from './database.ts';
import { LeafFilter } from './leaf-filter.ts';
import { LeafRun, RUN_SIZE } from './leaf-run.ts';

/**
 * Runs that may wait for the database before commits wait for it too. 16 make 262,144 entries and 11 MB: room for a
 * compaction that takes a second, a bound on memory and on what an open has to replay.
 */
const MAX_WAITING_RUNS = 16;

/** Keys that are put into a batch before other work gets its turn: about a millisecond. */
const PUTS_A_TURN = 2048;

/** Level 0 tiles that a replay reads at once. */
const TILES_A_READ = 64;

/** Leaf hashes that one search asks the database for without leaving the thread: about 4 µs each. */
const MAX_SYNC_SEARCHES = 16;

/** How many entries' hashes the database holds, written in the batch that made it so. Shorter than any hash. */
const APPLIED_KEY = utf8('applied');

/** Gives the first `width` hashes of each of these level 0 tiles, which are all there. */
export type LeafHashReader = (tiles: readonly { index: number; width: number }[]) => Promise<readonly Uint8Array[]>;

/** The level 0 tiles from the one that holds entry `start` on, as many as are read at once, of a tree of this size. */
function tilesBetween(start: number, size: number): { index: number; width: number }[] {
  const tiles = [];
  let end = start - (start % TILE_WIDTH);
  while (tiles.length < TILES_A_READ && end < size) {
    const width = Math.min(TILE_WIDTH, size - end);
    tiles.push({ index: end / TILE_WIDTH, width });
    end += width;
  }
  return tiles;
}

export class LeafIndex {
  readonly #location: string;
  readonly #faults: LevelFaults | undefined;
  readonly #readLeaves: LeafHashReader;
  #database: Database;
  /** Entries that the database covers. The runs cover all that follow. */
  #applied = 0;
  /** Full runs in order, the first of which is being written, then the one that grows. */
  #runs: LeafRun[] = [];
  #writing: Promise<void> | undefined;
  #failure: unknown;
  #rebuilding: Promise<void> | undefined;
  #writtenSeconds = 0;
  readonly #filter = new LeafFilter();
  /** Entries that the tree had when it was opened: the filter has to be told of them. */
  readonly #sizeAtOpen: number;
  #filling: Promise<void> | undefined;
  #filterIsComplete = false;
  #closing = false;

  private constructor(
    location: string,
    database: Database,
    size: number,
    readLeaves: LeafHashReader,
    faults: LevelFaults | undefined,
  ) {
    this.#location = location;
    this.#database = database;
    this.#sizeAtOpen = size;
    this.#readLeaves = readLeaves;
    this.#faults = faults;
  }

  /**
   * Opens the index of a tree of this size and replays what it does not cover. An index that is damaged, or that is not
   * of this tree, is made again from nothing.
   */
  static async open(
    location: string,
    size: number,
    readLeaves: LeafHashReader,
    faults: LevelFaults | undefined,
  ): Promise<LeafIndex> {
    let database: Database;
    try {
      database = await openDatabase(location);
    } catch (error) {
      if (!isLimmatError(error, 'store-corrupt')) throw error;
      await rm(location, { recursive: true });
      database = await openDatabase(location);
    }
    const index = new LeafIndex(location, database, size, readLeaves, faults);
    try {
      await index.#adopt(size);
    } catch (error) {
      await index.close(false);
      throw error;
    }
    return index;
  }

  /** Entries that the database covers; those from here to the tree's size are in memory. */
  get appliedSize(): number {
    return this.#applied;
  }

  /** Seconds spent on writing runs. */
  get writtenSeconds(): number {
    return this.#writtenSeconds;
  }

  /** Takes the leaf hashes of entries that were just committed, the first of which has this index. */
  add(start: number, leafHashes: Uint8Array): void {
    this.#filter.add(leafHashes);
    this.#take(start, leafHashes);
  }

  #take(start: number, leafHashes: Uint8Array): void {
    for (let done = 0; done < leafHashes.length;) {
      let run = this.#runs.at(-1);
      if (run === undefined || run.length === RUN_SIZE) this.#runs.push((run = new LeafRun(start + done / HASH_SIZE)));
      done += run.add(leafHashes.subarray(done)) * HASH_SIZE;
    }
    this.#startWriting();
  }

  /**
   * Resolves once few enough runs wait that more entries may be taken. Rejects if a run could not be written: then
   * nothing more will be, and the store has to be opened again.
   */
  async room(): Promise<void> {
    while (this.#runs.length > MAX_WAITING_RUNS && this.#writing !== undefined) await this.#writing;
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** The indexes of the entries with these leaf hashes, undefined where there is none. */
  async find(leafHashes: readonly Uint8Array[]): Promise<(number | undefined)[]> {
    while (this.#rebuilding !== undefined) await this.#rebuilding;
    this.#filling ??= this.#fillFilter();
    const found: (number | undefined)[] = Array.from({ length: leafHashes.length });
    const asked: number[] = [];
    // Memory and a view of the database at the same moment: a run leaves the one only when it is in the other.
    for (const [i, hash] of leafHashes.entries()) {
      if (this.#filterIsComplete && !this.#filter.mayHold(hash)) continue;
      found[i] = this.#findInRuns(hash);
      if (found[i] === undefined) asked.push(i);
    }
    if (asked.length === 0) return found;
    const keys = asked.map((i) => leafHashes[i]!);
    const stored =
      keys.length <= MAX_SYNC_SEARCHES
        ? keys.map((key) => this.#database.getSync(key))
        : await this.#database.getMany(keys);
    for (const [k, i] of asked.entries()) found[i] = stored[k] && readUint(stored[k], 0, 8);
    return found;
  }

  /** The database as it is now, for a copy of it. Covers at most the committed entries. */
  snapshot(): { readonly database: Database; readonly snapshot: Snapshot } {
    return { database: this.#database, snapshot: this.#database.snapshot() };
  }

  /** Throws the database away and makes it again for a tree of this size. Searches wait meanwhile. */
  async rebuild(size: number): Promise<void> {
    const rebuilding = this.#startOver(size);
    this.#rebuilding = rebuilding;
    try {
      await rebuilding;
    } finally {
      this.#rebuilding = undefined;
    }
  }

  /** Lets go of the database, after writing what is in memory unless told that writing has failed. */
  async close(flush: boolean): Promise<void> {
    this.#closing = true;
    await this.#filling;
    while (this.#writing !== undefined) await this.#writing.catch(() => undefined);
    const last = this.#runs.at(-1);
    if (flush && this.#failure === undefined && last !== undefined) {
      // What cannot be written now is replayed by the next open.
      await this.#writeRun(last).catch(() => undefined);
    }
    await this.#database.close();
  }

  async #adopt(size: number): Promise<void> {
    const applied = this.#database.getSync(APPLIED_KEY);
    this.#applied = applied === undefined ? 0 : (readUint(applied, 0, 8) ?? Infinity);
    if (this.#applied > size || !(await this.#holdsLastLeaf())) await this.#startOver(size);
    else await this.#replay(size);
  }

  /** False when the last entry that the database covers has another leaf hash: the database is another tree's. */
  async #holdsLastLeaf(): Promise<boolean> {
    if (this.#applied === 0) return true;
    const last = this.#applied - 1;
    const index = Math.floor(last / TILE_WIDTH);
    const [hashes] = await this.#readLeaves([{ index, width: (last % TILE_WIDTH) + 1 }]);
    return this.#database.getSync(hashes!.subarray(-HASH_SIZE)) !== undefined;
  }

  async #startOver(size: number): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
    await this.#database.close();
    await rm(this.#location, { recursive: true });
    this.#database = await openDatabase(this.#location);
    this.#applied = 0;
    this.#runs = [];
    await this.#replay(size);
  }

  /** Takes the leaf hashes from the applied size to this one out of the tree. */
  async #replay(size: number): Promise<void> {
    for (let start = this.#applied; start < size;) {
      const tiles = tilesBetween(start, size);
      let skip = (start % TILE_WIDTH) * HASH_SIZE;
      for (const hashes of await this.#readLeaves(tiles)) {
        this.#take(start, hashes.subarray(skip));
        start += (hashes.length - skip) / HASH_SIZE;
        skip = 0;
      }
      await this.room();
    }
  }

  #findInRuns(leafHash: Uint8Array): number | undefined {
    for (const run of this.#runs) {
      const index = run.find(leafHash);
      if (index !== undefined) return index;
    }
    return undefined;
  }

  /** Takes the leaf hashes of the tree into the filter, beside other work. Begins with the first search. */
  async #fillFilter(): Promise<void> {
    try {
      for (let start = 0; start < this.#sizeAtOpen && !this.#closing;) {
        const tiles = tilesBetween(start, this.#sizeAtOpen);
        for (const hashes of await this.#readLeaves(tiles)) {
          this.#filter.add(hashes);
          start += hashes.length / HASH_SIZE;
        }
        await new Promise((resolve) => setImmediate(resolve));
      }
      this.#filterIsComplete = !this.#closing;
    } catch {
      // Without the filter every search asks the database: slower, and as right as before.
    }
  }

  #startWriting(): void {
    if (this.#writing !== undefined || this.#failure !== undefined || this.#runs[0]?.length !== RUN_SIZE) return;
    this.#writing = this.#writeFullRuns();
    // Whoever waits for room hears of it; nobody may be waiting.
    this.#writing.catch(() => undefined);
  }

  async #writeFullRuns(): Promise<void> {
    try {
      for (let run = this.#runs[0]; run?.length === RUN_SIZE; run = this.#runs[0]) {
        await this.#writeRun(run);
        this.#runs.shift();
      }
    } catch (error) {
      this.#failure = error;
      throw error;
    } finally {
      this.#writing = undefined;
    }
  }

  async #writeRun(run: LeafRun): Promise<void> {
    const started = performance.now();
    const { end } = run;
    const values = new Uint8Array(8 * run.length);
    const batch = this.#database.batch();
    let turn = 0;
    for (const position of run.sortedPositions()) {
      const value = values.subarray(8 * position, 8 * position + 8);
      value.set(uintBytes(run.start + position, 8));
      batch.put(run.hash(position), value);
      if (++turn % PUTS_A_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    batch.put(APPLIED_KEY, uintBytes(end, 8));
    this.#faults?.('index', 'before');
    // Flushed, though a lost run could be replayed: after a power cut a later run must not be there without this one.
    await batch.write({ sync: true });
    this.#faults?.('index', 'after');
    this.#applied = end;
    this.#writtenSeconds += (performance.now() - started) / 1000;
  }
}
