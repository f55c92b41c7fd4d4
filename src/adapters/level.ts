// The store of a log on a disk: one directory, one process at a time.
//
//   db/        LevelDB: head, published checkpoint, hash tiles, where bundles lie, state. Its batch is the commit point.
//   entries/   segment files with the entry bundles' bytes, on the disk before the batch that names them
//   index/     LevelDB: leaf hash → index, trailing the tree; can be thrown away and made again
//
// In scope: the contract of storage.ts with this layout, cutting off what a crash left, refusing what does not belong
// together. Out of scope: whether the tree in it is right, which the log checks at start and `limmat fsck` in full.

import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { LimmatError, isLimmatError } from '../errors.ts';
import { emptyRootHash } from '../merkle/hash.ts';
import type { TreeHead } from '../merkle/tree-head.ts';
import type { StoredLog } from '../storage.ts';
import { databaseExists, openDatabase, plain, writeRows } from './level/database.ts';
import type { Database, LevelFaults } from './level/database.ts';
import * as keys from './level/keys.ts';
import { DEFAULT_FLUSH, Segments, syncDirectory } from './level/segments.ts';
import type { FlushMode } from './level/segments.ts';
import { DirectoryStorage, tailOf } from './level/storage.ts';
import type { LevelStorage } from './level/storage.ts';

export type { LevelStats, LevelStorage } from './level/storage.ts';

export interface LevelOptions {
  /** False: fail with `bad-config` where there is no store yet, instead of making an empty one. Default true. */
  readonly create?: boolean;
  /** How entries are flushed; for tests of the way that this system does not take by itself. */
  readonly flush?: FlushMode;
  /** Makes writes fail; for tests. */
  readonly faults?: LevelFaults;
}

/**
 * Opens the store in this directory. Errors: `store-locked` while another process has it, `store-corrupt` when its parts
 * are damaged or do not belong together, `bad-config` for no store where none may be made, `store-failed` otherwise.
 */
export async function openLevelStorage(dir: string, options: LevelOptions = {}): Promise<LevelStorage> {
  try {
    return await open(dir, options);
  } catch (error) {
    if (isLimmatError(error)) throw error;
    throw new LimmatError('store-failed', `the store in ${dir} could not be opened`, { cause: error });
  }
}

async function open(dir: string, options: LevelOptions): Promise<LevelStorage> {
  const entriesDir = join(dir, 'entries');
  if (!databaseExists(join(dir, 'db'))) {
    if (options.create === false) {
      throw new LimmatError('bad-config', `there is no store in ${dir}; make one with \`limmat init\``);
    }
    await mkdir(entriesDir, { recursive: true });
    // An empty database would take every entry for what a crash left behind.
    if ((await readdir(entriesDir)).length > 0) {
      throw new LimmatError('store-corrupt', `${entriesDir} holds entries but the database ${dir}/db is missing`);
    }
  }
  const database = await openDatabase(join(dir, 'db'));
  let segments: Segments | undefined;
  try {
    const stored = await initialise(database, dir);
    segments = await Segments.open(entriesDir, tailOf(database, stored.head), options.flush ?? DEFAULT_FLUSH);
    const storage = new DirectoryStorage(dir, database, segments, stored, options.faults);
    await storage.openIndex();
    return storage;
  } catch (error) {
    await segments?.close();
    await database.close();
    throw error;
  }
}

/** What the database holds, after giving a new one the empty tree. */
async function initialise(database: Database, dir: string): Promise<StoredLog> {
  const formatRow = database.getSync(keys.FORMAT_KEY);
  if (formatRow === undefined) {
    const head: TreeHead = { size: 0, rootHash: emptyRootHash() };
    await writeRows(database, [
      { key: keys.FORMAT_KEY, value: keys.formatFormat(keys.FORMAT) },
      { key: keys.HEAD_KEY, value: keys.formatHead(head) },
    ]);
    await syncDirectory(dir);
    return { head, published: undefined };
  }
  const format = keys.parseFormat(plain(formatRow));
  if (format !== keys.FORMAT) {
    const layout = format === undefined ? 'an unreadable layout row' : `layout ${format}`;
    throw new LimmatError('store-corrupt', `${dir} has ${layout}, this program reads layout ${keys.FORMAT}`);
  }
  const row = database.getSync(keys.HEAD_KEY);
  const head = row === undefined ? undefined : keys.parseHead(plain(row));
  if (head === undefined) throw new LimmatError('store-corrupt', `${dir}/db holds no head`);
  const published = database.getSync(keys.PUBLISHED_KEY);
  return { head, published: published === undefined ? undefined : plain(published) };
}
