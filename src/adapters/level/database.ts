// Opening a LevelDB database, with the settings that were measured for this load and with errors in limmat's words.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Level } from 'level';
import { LimmatError } from '../../errors.ts';

/** A database of bytes to bytes. What it returns may be a Buffer: `plain` makes it a Uint8Array. */
export type Database = Level<Uint8Array, Uint8Array>;

/** A database as it was at one moment, until it is closed. */
export type Snapshot = ReturnType<Database['snapshot']>;

/** One key to set, or to delete where value is null. */
export interface Row {
  readonly key: Uint8Array;
  readonly value: Uint8Array | null;
}

/**
 * Called before and after each write takes effect: the entries into their segment file, the batch that commits a
 * growth or a checkpoint or rewrites state, a run of the leaf index. What it throws is that write failing.
 */
export type LevelFaults = (step: LevelStep, moment: 'before' | 'after') => void;
export type LevelStep = 'segment' | 'commit' | 'publish' | 'rewrite' | 'index';

/**
 * Bytes that LevelDB gathers in memory before it writes a table; up to two such buffers a database are held, and an open
 * replays one. With the entries in segment files, 4, 8 and 16 MiB cost the same CPU time per entry (3.8 to 4.5 µs of a
 * commit of 1000, index included), and 4 keep a log of 2 million entries 30 MB smaller than 8.
 */
const WRITE_BUFFER_BYTES = 4 * 1024 * 1024;

/**
 * Bytes of a table. LevelDB maps tables into memory, and merging one maps ten others: with 4 MiB that was 40 MB at a time for
 * the leaf index, with 1 MiB it is 10, at the same rate. More of them are open then, for the same memory.
 */
const TABLE_BYTES = 1024 * 1024;
const MAX_OPEN_TABLES = 4000;

/** Hash tiles do not compress, so compression only costs time. */
const OPTIONS = {
  keyEncoding: 'view',
  valueEncoding: 'view',
  compression: false,
  writeBufferSize: WRITE_BUFFER_BYTES,
  maxFileSize: TABLE_BYTES,
  maxOpenFiles: MAX_OPEN_TABLES,
} as const;

/**
 * Opens the database in this directory, making it first if it is missing. Errors: `store-locked` while another process
 * or store holds it, `store-corrupt`, and `store-failed` for anything that the file system refuses.
 */
export async function openDatabase(location: string): Promise<Database> {
  const database: Database = new Level(location, OPTIONS);
  try {
    await database.open();
  } catch (error) {
    throw openError(location, error);
  }
  return database;
}

/** True when there is a database in this directory, whole or damaged. */
export function databaseExists(location: string): boolean {
  return existsSync(join(location, 'CURRENT'));
}

function openError(location: string, error: unknown): LimmatError {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  const reason = cause instanceof Error ? cause.message : String(cause);
  if (code === 'LEVEL_LOCKED') {
    return new LimmatError(
      'store-locked',
      `another process has ${location} open; ask the running log with --url, or stop it first`,
      { details: { location }, cause },
    );
  }
  if (code === 'LEVEL_CORRUPTION') {
    return new LimmatError('store-corrupt', `${location} is damaged: ${reason}; restore it from a backup`, { cause });
  }
  return new LimmatError('store-failed', `${location} could not be opened: ${reason}`, { cause });
}

/** Writes the rows as one atomic batch that has reached the disk when the promise resolves. */
export async function writeRows(database: Database, rows: readonly Row[]): Promise<void> {
  // A chained batch takes a third of the time of an array of operations.
  const batch = database.batch();
  for (const { key, value } of rows) {
    if (value === null) batch.del(key);
    else batch.put(key, value);
  }
  await batch.write({ sync: true });
}

/** The same bytes as a Uint8Array that is not a Buffer. */
export function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
