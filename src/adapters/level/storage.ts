// The store as one object: its parts opened by level.ts, one write at a time, reads beside it that never see half of one.

import { join } from 'node:path';
import { concatAll, equalBytes, readUint } from '../../bytes.ts';
import { LimmatError, isLimmatError } from '../../errors.ts';
import { HASH_SIZE } from '../../merkle/hash.ts';
import type { TreeHead } from '../../merkle/tree-head.ts';
import { TILE_WIDTH, tileWidthAt } from '../../merkle/tile.ts';
import type { EntryBundlePath, HashTilePath, TilePath } from '../../merkle/tile.ts';
import type {
  EntryPlace,
  Growth,
  RewritableStorage,
  ScanRange,
  StateKey,
  StateWrite,
  StoredLog,
} from '../../storage.ts';
import { copyStore } from './backup.ts';
import { plain, writeRows } from './database.ts';
import type { Database, LevelFaults, LevelStep, Row, Snapshot } from './database.ts';
import * as keys from './keys.ts';
import type { BundleLocation } from './keys.ts';
import { LeafIndex } from './leaf-index.ts';
import type { Segments, TailBundle } from './segments.ts';

/** Tiles that one read takes without leaving the thread: about 3 µs each when they are in memory, as hot ones are. */
const MAX_SYNC_TILES = 4;

/** Counters since the store was opened, for metrics. */
export interface LevelStats {
  readonly size: number;
  /** Entries whose leaf hashes are in the index's database; the rest, up to size, is in memory. */
  readonly indexedSize: number;
  readonly segments: number;
  readonly commits: number;
  readonly entryBytes: number;
  readonly segmentSeconds: number;
  readonly batchSeconds: number;
  readonly indexSeconds: number;
}

export interface LevelStorage extends RewritableStorage {
  stats(): LevelStats;
  /**
   * Copies the store, as it is now, into a directory that does not exist or is empty, while reads and commits go on.
   * The copy is complete and durable when the promise resolves, with the head that it holds. Errors: `bad-parameter`
   * for a directory that holds something, `store-failed` when the copy could not be finished.
   */
  backup(targetDir: string): Promise<TreeHead>;
  /** Makes the leaf index again from the tree. Commits and searches by leaf hash wait until it is done. */
  rebuildIndex(): Promise<void>;
}

/** Where the last bundle of a tree with this head lies. */
export function tailOf(database: Database, head: TreeHead): TailBundle {
  if (head.size === 0) return { index: 0, start: 0, end: 0 };
  const index = Math.floor((head.size - 1) / TILE_WIDTH);
  const row = database.getSync(keys.bundleKey(index));
  const location = row === undefined ? undefined : keys.parseLocation(row);
  if (location === undefined) {
    throw new LimmatError(
      'store-corrupt',
      `the database holds ${head.size} entries but not where bundle ${index} lies`,
    );
  }
  return { index, ...location };
}

export class DirectoryStorage implements LevelStorage {
  readonly #dir: string;
  readonly #database: Database;
  readonly #segments: Segments;
  readonly #faults: LevelFaults | undefined;
  #index: LeafIndex | undefined;
  #head: TreeHead;
  #published: Uint8Array | undefined;
  /** The database before the write that is under way, so that no read sees a part of it. */
  #before: Snapshot | undefined;
  /** The last of the writes, which go one after another. */
  #writes: Promise<unknown> = Promise.resolve();
  #failure: unknown;
  #closed: Promise<void> | undefined;
  #commits = 0;
  #entryBytes = 0;
  #segmentSeconds = 0;
  #batchSeconds = 0;

  constructor(dir: string, database: Database, segments: Segments, stored: StoredLog, faults: LevelFaults | undefined) {
    this.#dir = dir;
    this.#database = database;
    this.#segments = segments;
    this.#faults = faults;
    this.#head = stored.head;
    this.#published = stored.published;
  }

  async openIndex(): Promise<void> {
    const readLeaves = async (tiles: readonly { index: number; width: number }[]): Promise<Uint8Array[]> => {
      const paths = tiles.map(({ index, width }): HashTilePath => ({ kind: 'tile', level: 0, index, width }));
      const hashes = await this.read(paths);
      return hashes.map((bytes, i) => {
        if (bytes === undefined) {
          throw new LimmatError('store-corrupt', `the database lacks the level 0 tile ${tiles[i]!.index}`);
        }
        return bytes;
      });
    };
    this.#index = await LeafIndex.open(join(this.#dir, 'index'), this.#head.size, readLeaves, this.#faults);
  }

  async load(): Promise<StoredLog> {
    this.#assertUsable();
    return { head: this.#head, published: this.#published?.slice() };
  }

  commit(growth: Growth): Promise<void> {
    return this.#exclusive('commit', async () => {
      const { size, rootHash } = this.#head;
      if (growth.oldHead.size !== size || !equalBytes(growth.oldHead.rootHash, rootHash)) {
        throw new LimmatError('store-failed', `the store holds ${size} entries, the growth starts from another head`, {
          details: { storeSize: size, growthSize: growth.oldHead.size },
        });
      }
      await this.#confirmed('commit', () => this.#apply(growth));
    });
  }

  publish(note: Uint8Array, writes: readonly StateWrite[]): Promise<void> {
    return this.#exclusive('publish', async () => {
      const copy = note.slice();
      const rows = [{ key: keys.PUBLISHED_KEY, value: copy }, ...stateRows(writes)];
      await this.#confirmed('publish', () => this.#writeBatch('publish', rows, () => (this.#published = copy)));
    });
  }

  rewriteState(writes: readonly StateWrite[]): Promise<void> {
    return this.#exclusive('rewrite', async () => {
      await this.#confirmed('rewrite', () => this.#writeBatch('rewrite', stateRows(writes), () => undefined));
    });
  }

  async read(paths: readonly TilePath[]): Promise<readonly (Uint8Array | undefined)[]> {
    // Goes on after a failed write: what is below the last confirmed head does not change.
    if (this.#closed !== undefined) throw closedError();
    const { size } = this.#head;
    const rowKeys = paths.map((path) => (isThere(path, size) ? rowKeyOf(path) : undefined));
    const wanted = rowKeys.filter((key) => key !== undefined);
    const rows =
      wanted.length <= MAX_SYNC_TILES
        ? wanted.map((key) => this.#database.getSync(key))
        : await this.#database.getMany(wanted);
    let next = 0;
    return Promise.all(
      paths.map(async (path, i) => {
        const row = rowKeys[i] === undefined ? undefined : rows[next++];
        if (row === undefined) return undefined;
        return path.kind === 'tile' ? tilePrefix(row, path) : this.#readBundle(row, path);
      }),
    );
  }

  async readEntries(places: readonly EntryPlace[]): Promise<readonly (Uint8Array | undefined)[]> {
    if (this.#closed !== undefined) throw closedError();
    const { size } = this.#head;
    const there = places.filter(({ index }) => index < size);
    const rowKeys = there.map(({ index }) => keys.bundleKey(Math.floor(index / TILE_WIDTH)));
    const rows =
      rowKeys.length <= MAX_SYNC_TILES
        ? rowKeys.map((key) => this.#database.getSync(key))
        : await this.#database.getMany(rowKeys);
    let next = 0;
    return Promise.all(
      places.map(async (place) => (place.index < size ? this.#readEntry(place, rows[next++]) : undefined)),
    );
  }

  async get(stateKeys: readonly StateKey[]): Promise<readonly (Uint8Array | undefined)[]> {
    this.#assertUsable();
    if (stateKeys.length === 0) return [];
    const values = await this.#database.getMany(keys.stateRowKeys(stateKeys), this.#readOptions());
    return values.map((value) => value && plain(value));
  }

  async findLeaves(leafHashes: readonly Uint8Array[]): Promise<readonly (number | undefined)[]> {
    this.#assertUsable();
    return this.#index!.find(leafHashes);
  }

  async scan(range: ScanRange): Promise<readonly { readonly key: StateKey; readonly value: Uint8Array }[]> {
    this.#assertUsable();
    const options = { ...keys.stateRange(range), limit: range.limit, reverse: range.reverse === true };
    const rows = await this.#database.iterator({ ...options, ...this.#readOptions() }).all();
    return rows.map(([key, value]) => ({ key: keys.stateKeyOf(key), value: plain(value) }));
  }

  stats(): LevelStats {
    return {
      size: this.#head.size,
      indexedSize: this.#index?.appliedSize ?? 0,
      segments: this.#segments.count,
      commits: this.#commits,
      entryBytes: this.#entryBytes,
      segmentSeconds: this.#segmentSeconds,
      batchSeconds: this.#batchSeconds,
      indexSeconds: this.#index?.writtenSeconds ?? 0,
    };
  }

  async backup(targetDir: string): Promise<TreeHead> {
    // Between two writes the three parts fit together; from then on each has its own way to stay as it was.
    const source = await this.#exclusive('backup', async () => ({
      head: this.#head,
      index: this.#index!.snapshot(),
      main: { database: this.#database, snapshot: this.#database.snapshot() },
      entriesDir: join(this.#dir, 'entries'),
      tail: tailOf(this.#database, this.#head),
    }));
    try {
      await copyStore(source, targetDir);
      return source.head;
    } catch (cause) {
      if (isLimmatError(cause)) throw cause;
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new LimmatError('store-failed', `the copy in ${targetDir} is incomplete (${reason}); remove it`, { cause });
    } finally {
      await Promise.all([source.index.snapshot.close(), source.main.snapshot.close()]);
    }
  }

  rebuildIndex(): Promise<void> {
    return this.#exclusive('rebuild', async () => {
      try {
        await this.#index!.rebuild(this.#head.size);
      } catch (error) {
        this.#failure = error;
        throw new LimmatError('store-failed', 'the leaf index could not be made again', { cause: error });
      }
    });
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await this.#writes.catch(() => undefined);
    // Everything confirmed is on the disk, so there is nothing that a part which fails to close could lose.
    await this.#index?.close(this.#failure === undefined).catch(() => undefined);
    await Promise.allSettled([this.#segments.close(), this.#database.close()]);
  }

  async #apply(growth: Growth): Promise<void> {
    if (growth.leafHashes.length !== HASH_SIZE * (growth.head.size - growth.oldHead.size)) {
      throw new Error('bad math in commit: the leaf hashes are not the growth');
    }
    await this.#index!.room();
    const started = performance.now();
    this.#faults?.('segment', 'before');
    const bundles = await this.#segments.append(growth.bundles);
    this.#faults?.('segment', 'after');
    this.#segmentSeconds += (performance.now() - started) / 1000;
    const rows: Row[] = [{ key: keys.HEAD_KEY, value: keys.formatHead(growth.head) }];
    for (const tile of growth.tiles) rows.push({ key: keys.tileKey(tile.level, tile.index), value: tile.bytes });
    for (const bundle of bundles) {
      rows.push({ key: keys.bundleKey(bundle.index), value: keys.formatLocation(bundle) });
    }
    await this.#writeBatch('commit', rows.concat(stateRows(growth.writes)), () => {
      this.#head = growth.head;
      this.#index!.add(growth.oldHead.size, growth.leafHashes);
      const tail = bundles.at(-1);
      if (tail !== undefined) this.#segments.committed(tail);
    });
    this.#commits++;
    for (const bundle of growth.bundles) this.#entryBytes += bundle.appended.length;
  }

  /** Writes the batch; `adopt` is called in the same turn in which reads of the database begin to show it. */
  async #writeBatch(step: LevelStep, rows: readonly Row[], adopt: () => void): Promise<void> {
    const started = performance.now();
    const before = this.#database.snapshot();
    this.#before = before;
    try {
      this.#faults?.(step, 'before');
      await writeRows(this.#database, rows);
      this.#faults?.(step, 'after');
      adopt();
    } finally {
      this.#before = undefined;
      void before.close();
      this.#batchSeconds += (performance.now() - started) / 1000;
    }
  }

  /** Runs a write whose failure leaves open what the disk holds. Nothing is written after that. */
  async #confirmed(step: LevelStep, write: () => Promise<void>): Promise<void> {
    try {
      await write();
    } catch (cause) {
      this.#failure = cause;
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new LimmatError('outcome-unknown', `the store could not confirm a ${step} (${reason}); open it again`, {
        cause,
      });
    }
  }

  async #exclusive<T>(what: string, task: () => Promise<T>): Promise<T> {
    this.#assertUsable();
    const turn = this.#writes.then(() => {
      if (this.#failure !== undefined) throw failedError(what, this.#failure);
      return task();
    });
    this.#writes = turn.catch(() => undefined);
    return turn;
  }

  async #readEntry(place: EntryPlace, row: Uint8Array | undefined): Promise<Uint8Array | undefined> {
    const bundle = Math.floor(place.index / TILE_WIDTH);
    const { start, end } = locationIn(row, bundle);
    const from = start + place.offset;
    const to = from + 2 + place.length;
    if (to > end) return undefined;
    const bytes = await this.#segments.read(bundle, { start: from, end: to });
    return readUint(bytes, 0, 2) === place.length ? bytes.subarray(2) : undefined;
  }

  async #readBundle(row: Uint8Array, path: EntryBundlePath): Promise<Uint8Array | undefined> {
    const location = locationIn(row, path.index);
    const bytes = await this.#segments.read(path.index, location);
    if (path.width === TILE_WIDTH) return bytes;
    let end = 0;
    for (let i = 0; i < path.width && end < bytes.length; i++) end += 2 + bytes[end]! * 256 + bytes[end + 1]!;
    return end > bytes.length ? undefined : bytes.slice(0, end);
  }

  #readOptions(): { snapshot?: Snapshot } {
    return this.#before === undefined ? {} : { snapshot: this.#before };
  }

  #assertUsable(): void {
    if (this.#closed !== undefined) throw closedError();
    if (this.#failure !== undefined) throw failedError('call', this.#failure);
  }
}

/** Whether a tree of this size has the resource. */
function isThere(path: TilePath, size: number): boolean {
  return path.width >= 1 && path.width <= tileWidthAt(path.kind === 'tile' ? path.level : 0, path.index, size);
}

/** Where a bundle lies, as its row says. */
function locationIn(row: Uint8Array | undefined, bundle: number): BundleLocation {
  const location = row && keys.parseLocation(row);
  if (location !== undefined) return location;
  throw new LimmatError('store-corrupt', `the database does not say where bundle ${bundle} lies`);
}

function rowKeyOf(path: TilePath): Uint8Array {
  return path.kind === 'tile' ? keys.tileKey(path.level, path.index) : keys.bundleKey(path.index);
}

function tilePrefix(row: Uint8Array, path: HashTilePath): Uint8Array | undefined {
  const length = path.width * HASH_SIZE;
  return row.length < length ? undefined : plain(row).subarray(0, length);
}

function stateRows(writes: readonly StateWrite[]): Row[] {
  const rowKeys = keys.stateRowKeys(writes.map(({ key }) => key));
  // The values in one piece of memory too, as LevelDB takes both in the same way.
  const all = concatAll(writes.flatMap(({ value }) => value ?? []));
  let start = 0;
  return writes.map(({ value }, i) => {
    if (value === null) return { key: rowKeys[i]!, value };
    const end = start + value.length;
    const row = { key: rowKeys[i]!, value: all.subarray(start, end) };
    start = end;
    return row;
  });
}

function closedError(): LimmatError {
  return new LimmatError('store-failed', 'the store is closed');
}

function failedError(what: string, cause: unknown): LimmatError {
  return new LimmatError('store-failed', `no ${what} after a write has failed; open the store again`, { cause });
}
