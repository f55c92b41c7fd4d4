// The records' state of all of a monitor's logs in one LevelDB database, which is opened when the first log has any: a
// thousand logs without records hold no file open. A log's keys begin with the first bytes of its origin hash.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Level } from 'level';
import { byteText, prefixedBytes } from '../../bytes.ts';
import { LimmatError } from '../../errors.ts';
import type { KeyedState } from '../../monitor/ports.ts';
import type { StateKey } from '../../record/admission.ts';

type Database = Level<Uint8Array, Uint8Array>;

/** Bytes of the origin hash before each key: 2^64 attempts until two logs share them. */
const PREFIX_BYTES = 16;
/** What is in memory before a table is written; up to two of them. */
const WRITE_BUFFER_BYTES = 8 * 1024 * 1024;

export class RecordsDatabase {
  readonly #location: string;
  #opened: Promise<Database> | undefined;

  constructor(location: string) {
    this.#location = location;
  }

  /** The state of the log with this origin hash. */
  log(originHash: Uint8Array): KeyedState {
    const prefix = originHash.slice(0, PREFIX_BYTES);
    const whole = (key: StateKey): Uint8Array => prefixedBytes(prefix, [key])[0]!;
    const end = whole('\u00ff'.repeat(513));
    return {
      get: async (keys) => {
        if (!this.#exists()) return keys.map(() => undefined);
        const database = await this.#open();
        const values = await this.#named(() => database.getMany(prefixedBytes(prefix, keys)));
        return values.map((value) => value && plain(value));
      },
      scan: async (from, below, limit) => {
        if (!this.#exists()) return [];
        const database = await this.#open();
        const rows = await this.#named(() => database.iterator({ gte: whole(from), lt: whole(below), limit }).all());
        return rows.map(([key, value]) => ({ key: byteText(key.subarray(PREFIX_BYTES)), value: plain(value) }));
      },
      write: async (rows) => {
        if (rows.length === 0) return;
        const database = await this.#open();
        await this.#named(async () => {
          const batch = database.batch();
          const keys = prefixedBytes(
            prefix,
            rows.map(({ key }) => key),
          );
          for (const [i, { value }] of rows.entries()) {
            if (value === null) batch.del(keys[i]!);
            else batch.put(keys[i]!, value);
          }
          await batch.write();
        });
      },
      clear: async () => {
        if (!this.#exists()) return;
        const database = await this.#open();
        await this.#named(() => database.clear({ gte: prefix, lt: end }));
      },
    };
  }

  async close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = undefined;
    // What failed to open has nothing to close.
    const database = await opened?.catch(() => undefined);
    await database?.close();
  }

  #exists(): boolean {
    return this.#opened !== undefined || existsSync(join(this.#location, 'CURRENT'));
  }

  #open(): Promise<Database> {
    if (this.#opened !== undefined) return this.#opened;
    const opened = this.#named(async () => {
      const database: Database = new Level(this.#location, {
        keyEncoding: 'view',
        valueEncoding: 'view',
        // Digests do not compress.
        compression: false,
        writeBufferSize: WRITE_BUFFER_BYTES,
      });
      await database.open();
      return database;
    });
    this.#opened = opened;
    // It is tried again when it is asked for again.
    opened.catch(() => (this.#opened = undefined));
    return opened;
  }

  async #named<T>(task: () => Promise<T>): Promise<T> {
    try {
      return await task();
    } catch (error) {
      const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
      const reason = cause instanceof Error ? cause.message : String(cause);
      const isDamaged = cause instanceof Error && 'code' in cause && cause.code === 'LEVEL_CORRUPTION';
      const what = isDamaged ? `is damaged: ${reason}; remove it, and it is made again` : `failed: ${reason}`;
      throw new LimmatError(isDamaged ? 'store-corrupt' : 'store-failed', `${this.#location} ${what}`, { cause });
    }
  }
}

/** The same bytes as a Uint8Array that is not a Buffer. */
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
