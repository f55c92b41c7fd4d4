// A monitor's store on a disk: the port of monitor/ports.ts as a directory that one process holds.
//
//     monitor.json                      which logs, since when
//     logs/<SHA-256 of origin>/         origin, state.json, checkpoints.jsonl, level-0 … level-6, suspects/
//     evidence/<id>.json
//     alerts.jsonl
//     records/                          a LevelDB database with the records' state of all logs; there once one has any
//     lock/                             a LevelDB database without rows: its lock goes with the process, kill -9 included

import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { Level } from 'level';
import { toHex, utf8, utf8Text } from '../bytes.ts';
import { LimmatError } from '../errors.ts';
import { portableHasher } from '../merkle/hash.ts';
import type { Hasher } from '../merkle/hash.ts';
import { openLeafMirror } from '../monitor/leaf-mirror.ts';
import type { EvidenceStore, LineJournal, MonitorLogStore, MonitorStore, TextSlot } from '../monitor/ports.ts';
import { keepSuspect, openEvidence } from './monitor-store/evidence.ts';
import { makeDirectory, named, readIfThere, replaceFile } from './monitor-store/files.ts';
import { openJournal } from './monitor-store/journal.ts';
import { openLevels } from './monitor-store/levels.ts';
import { RecordsDatabase } from './monitor-store/records.ts';

export interface MonitorStoreOptions {
  readonly hasher?: Hasher;
}

/**
 * Opens the store in this directory and holds it, making it where there is none: whether it was ever initialised says
 * `meta`. Errors: `store-locked` while another process or store has it, `store-corrupt`, `store-failed`.
 */
export async function openMonitorStore(dir: string, options: MonitorStoreOptions = {}): Promise<MonitorStore> {
  await named(dir, async () => {
    await makeDirectory(dir);
    await chmod(dir, 0o700);
  });
  const lock = await takeLock(dir);
  try {
    const evidence = await openEvidence(join(dir, 'evidence'));
    const alerts = await openJournal(join(dir, 'alerts.jsonl'));
    await named(dir, () => makeDirectory(join(dir, 'logs')));
    return new FileMonitorStore(dir, lock, evidence, alerts, options.hasher ?? portableHasher);
  } catch (error) {
    await lock.close();
    throw error;
  }
}

/** The directory name of a log: what C2SP calls the origin hash. */
export function originHash(origin: string): string {
  return toHex(portableHasher.sha256(utf8(origin)));
}

class FileMonitorStore implements MonitorStore {
  readonly meta: TextSlot;
  readonly evidence: EvidenceStore;
  readonly alerts: LineJournal;
  readonly #dir: string;
  readonly #lock: Level;
  readonly #hasher: Hasher;
  readonly #records: RecordsDatabase;
  readonly #logs = new Map<string, Promise<MonitorLogStore>>();
  /** Calls that are under way: close waits for them. */
  readonly #running = new Set<Promise<unknown>>();
  #closed = false;

  constructor(dir: string, lock: Level, evidence: EvidenceStore, alerts: LineJournal, hasher: Hasher) {
    this.#dir = dir;
    this.#lock = lock;
    this.#hasher = hasher;
    this.#records = new RecordsDatabase(join(dir, 'records'));
    this.meta = this.#slot(join(dir, 'monitor.json'));
    this.evidence = {
      ids: () => this.#run(() => evidence.ids()),
      get: (id) => this.#run(() => evidence.get(id)),
      put: (id, file) => this.#run(() => evidence.put(id, file)),
    };
    this.alerts = this.#journal(alerts);
  }

  log(origin: string): Promise<MonitorLogStore> {
    return this.#run(() => {
      let store = this.#logs.get(origin);
      if (store === undefined) {
        store = this.#openLog(origin);
        this.#logs.set(origin, store);
        // What failed is tried again when it is asked for again.
        store.catch(() => this.#logs.delete(origin));
      }
      return store;
    });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await Promise.allSettled(this.#running);
    await this.#records.close();
    await this.#lock.close();
  }

  async #openLog(origin: string): Promise<MonitorLogStore> {
    const dir = join(this.#dir, 'logs', originHash(origin));
    await named(dir, async () => {
      await makeDirectory(dir);
      // For people who look into the directory.
      if ((await readIfThere(join(dir, 'origin'))) === undefined) {
        await replaceFile(join(dir, 'origin'), utf8(`${origin}\n`));
      }
    });
    const mirror = await openLeafMirror(await openLevels(dir), this.#hasher);
    const heads = await openJournal(join(dir, 'checkpoints.jsonl'));
    const records = this.#records.log(portableHasher.sha256(utf8(origin)));
    return {
      state: this.#slot(join(dir, 'state.json')),
      mirror: {
        get size(): number {
          return mirror.size;
        },
        append: (leafHashes) => this.#run(() => mirror.append(leafHashes)),
        read: (paths) => this.#run(() => mirror.read(paths)),
        truncate: (newSize) => this.#run(() => mirror.truncate(newSize)),
        flush: () => this.#run(() => mirror.flush()),
      },
      heads: this.#journal(heads),
      records: {
        get: (keys) => this.#run(() => records.get(keys)),
        scan: (from, below, limit) => this.#run(() => records.scan(from, below, limit)),
        write: (rows) => this.#run(() => records.write(rows)),
        clear: () => this.#run(() => records.clear()),
      },
      keepSuspect: (name, bytes) => this.#run(() => keepSuspect(join(dir, 'suspects'), name, bytes)),
    };
  }

  #slot(path: string): TextSlot {
    return {
      load: () =>
        this.#run(async () => {
          const bytes = await named(path, () => readIfThere(path));
          if (bytes === undefined) return undefined;
          const text = utf8Text(bytes);
          if (text === undefined) throw new LimmatError('store-corrupt', `${path} is not UTF-8`);
          return text;
        }),
      save: (text) => this.#run(() => named(path, () => replaceFile(path, utf8(text)))),
    };
  }

  #journal(journal: LineJournal): LineJournal {
    return {
      get end(): number {
        return journal.end;
      },
      read: (from, limit) => this.#run(() => journal.read(from, limit)),
      append: (lines) => this.#run(() => journal.append(lines)),
      rewrite: (lines) => this.#run(() => journal.rewrite(lines)),
    };
  }

  async #run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#closed) throw new LimmatError('store-failed', `the store in ${this.#dir} is closed`);
    const running = task();
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }
}

async function takeLock(dir: string): Promise<Level> {
  const lock = new Level(join(dir, 'lock'));
  try {
    await lock.open();
    return lock;
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    if (code === 'LEVEL_LOCKED') {
      throw new LimmatError(
        'store-locked',
        `another process has ${dir} open; ask the running monitor, or stop it first`,
        {
          details: { location: dir },
          cause,
        },
      );
    }
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new LimmatError('store-failed', `${dir} could not be locked: ${reason}`, { cause });
  }
}
