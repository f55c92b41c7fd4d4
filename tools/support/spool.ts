// A spool: entries on their way to a log, in order, in a directory that one process sends from at a time. What is in it
// survives kill -9 at any point: every file appears under its name whole and durable, or not at all.
//
//     spool.json             the log that it is for, once that is known
//     000000001.statement    an entry, byte for byte as it is sent; the number is its place in the order
//     000000001.index        the log has it durably, at this index
//     000000001.tlog-proof   its proof file
//     000000001.set-aside    instead of .statement: the log refused it, and somebody said to go on without it
//     lock/                  a LevelDB database without rows: its lock goes with the process

import { access, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { Level } from 'level';

import {
  makeDirectory,
  named,
  readIfThere,
  replaceFile,
  syncDirectory,
} from '../../src/adapters/monitor-store/files.ts';
import { nodeHasher } from '../../src/adapters/node-crypto.ts';
import { parseDecimal, toHex, utf8, utf8Text } from '../../src/bytes.ts';
import { LimmatError } from '../../src/errors.ts';
import { MAX_ENTRY_SIZE } from '../../src/merkle/index.ts';

const FORMAT = 'limmat-spool/v1';
const NUMBERED = /^([0-9]{9})\.(statement|index|tlog-proof|set-aside)$/;
const LOCK_PAUSE_MILLIS = 200;

/** waiting: only here. sequenced: durable in the log. proven: its proof file is here. set-aside: will not be sent. */
export type SpoolState = 'waiting' | 'sequenced' | 'proven' | 'set-aside';

export interface SpoolEntry {
  /** From 1 on: the order in which entries came, and are sent. */
  readonly number: number;
  readonly bytes: Uint8Array;
  /** 64 hex digits. */
  readonly leafHash: string;
  readonly state: SpoolState;
  /** In the log, once it is sequenced. */
  readonly index: number | undefined;
  /** Its proof file, when proven. */
  readonly proofFile: string | undefined;
}

/** What is in a spool: its entries in order, and the log's origin once it is known. */
export interface SpoolContent {
  readonly origin: string | undefined;
  readonly entries: readonly SpoolEntry[];
}

/** What is in the spool at this moment, also while another process sends from it. `usage` when there is none. */
export async function readSpool(dir: string): Promise<SpoolContent> {
  const [names, origin] = await named(dir, async () => {
    const isThere = await access(join(dir, 'lock')).then(
      () => true,
      () => false,
    );
    if (!isThere)
      throw new LimmatError('usage', `there is no spool in ${dir}: "limmat add --spool ${dir} FILE" makes one`);
    return [await readdir(dir), await readOrigin(dir)] as const;
  });
  const suffixes = new Map<number, string[]>();
  for (const name of names) {
    const [, digits, suffix] = NUMBERED.exec(name) ?? [];
    if (digits === undefined) continue;
    const number = Number(digits);
    suffixes.set(number, [...(suffixes.get(number) ?? []), suffix!]);
  }
  const entries: SpoolEntry[] = [];
  for (const [number, of] of [...suffixes].toSorted(([a], [b]) => a - b)) {
    const entry = await readEntry(dir, number, of);
    if (entry !== undefined) entries.push(entry);
  }
  return { origin, entries };
}

/** Opens the spool in this directory, or makes it, and holds it; waits so long for a process that has it: `store-locked`. */
export async function openSpool(dir: string, waitMillis: number): Promise<Spool> {
  await named(dir, () => makeDirectory(dir));
  const lock = await takeLock(dir, waitMillis);
  try {
    await named(dir, async () => {
      // What a crash left half-written has no name of its own yet.
      const left = (await readdir(dir)).filter((name) => name.endsWith('.new'));
      for (const name of left) await rm(join(dir, name));
    });
    return new Spool(dir, lock, await readSpool(dir));
  } catch (error) {
    await lock.close();
    throw error;
  }
}

/** A spool that this process holds. */
export class Spool {
  readonly dir: string;
  readonly #lock: Level;
  #origin: string | undefined;
  readonly #entries: SpoolEntry[];

  constructor(dir: string, lock: Level, { origin, entries }: SpoolContent) {
    this.dir = dir;
    this.#lock = lock;
    this.#origin = origin;
    this.#entries = [...entries];
  }

  get entries(): readonly SpoolEntry[] {
    return this.#entries;
  }

  get origin(): string | undefined {
    return this.#origin;
  }

  /** Takes an entry in, durably, at the end; gives the one that is there already when its bytes are the same. */
  async put(bytes: Uint8Array): Promise<SpoolEntry> {
    if (bytes.length === 0 || bytes.length > MAX_ENTRY_SIZE) {
      const size = `${bytes.length} bytes`;
      throw new LimmatError('entry-too-large', `an entry has 1 to ${MAX_ENTRY_SIZE} bytes, and this one ${size}`);
    }
    const leafHash = toHex(nodeHasher.leafHash(bytes));
    const known = this.#entries.find((entry) => entry.leafHash === leafHash && entry.state !== 'set-aside');
    if (known !== undefined) return known;
    const number = (this.#entries.at(-1)?.number ?? 0) + 1;
    await this.#write(number, 'statement', bytes);
    const entry: SpoolEntry = {
      number,
      bytes,
      leafHash,
      state: 'waiting',
      index: undefined,
      proofFile: undefined,
    };
    this.#entries.push(entry);
    return entry;
  }

  /** Remembers which log this spool is for; `wrong-log` when it is for another. */
  async bind(origin: string): Promise<void> {
    if (this.#origin === origin) return;
    if (this.#origin !== undefined) {
      throw new LimmatError(
        'wrong-log',
        `the spool ${this.dir} is for the log ${this.#origin}, and the one at --url is ${origin}`,
      );
    }
    const path = join(this.dir, 'spool.json');
    await named(path, () => replaceFile(path, utf8(`${JSON.stringify({ format: FORMAT, origin })}\n`)));
    this.#origin = origin;
  }

  /** The log has the entry durably. */
  async sequenced({ number }: SpoolEntry, index: number): Promise<SpoolEntry> {
    await this.#write(number, 'index', utf8(`${index}\n`));
    return this.#change(number, { state: 'sequenced', index });
  }

  /** Keeps the entry's proof file. */
  async proven({ number }: SpoolEntry, proof: Uint8Array): Promise<SpoolEntry> {
    const proofFile = await this.#write(number, 'tlog-proof', proof);
    return this.#change(number, { state: 'proven', proofFile });
  }

  /** Goes on without an entry that waits; its bytes are kept. `usage` when no entry with this number waits. */
  async setAside(number: number): Promise<SpoolEntry> {
    if (!this.#entries.some((entry) => entry.number === number && entry.state === 'waiting')) {
      throw new LimmatError('usage', `no entry ${number} waits in ${this.dir}`);
    }
    const path = this.#path(number, 'statement');
    await named(path, async () => {
      await rename(path, this.#path(number, 'set-aside'));
      await syncDirectory(this.dir);
    });
    return this.#change(number, { state: 'set-aside' });
  }

  close(): Promise<void> {
    return this.#lock.close();
  }

  #path(number: number, suffix: string): string {
    return join(this.dir, fileName(number, suffix));
  }

  async #write(number: number, suffix: string, bytes: Uint8Array): Promise<string> {
    const path = this.#path(number, suffix);
    await named(path, () => replaceFile(path, bytes));
    return path;
  }

  #change(number: number, change: Partial<SpoolEntry>): SpoolEntry {
    const at = this.#entries.findIndex((entry) => entry.number === number);
    const changed = { ...this.#entries[at]!, ...change };
    this.#entries[at] = changed;
    return changed;
  }
}

function fileName(number: number, suffix: string): string {
  return `${String(number).padStart(9, '0')}.${suffix}`;
}

/** Undefined when the entry's bytes are not there: somebody took them away, or is setting them aside right now. */
async function readEntry(dir: string, number: number, suffixes: readonly string[]): Promise<SpoolEntry | undefined> {
  const isAside = !suffixes.includes('statement');
  const path = join(dir, fileName(number, isAside ? 'set-aside' : 'statement'));
  return named(path, async () => {
    const bytes = await readIfThere(path);
    if (bytes === undefined) return undefined;
    const { size } = await stat(path);
    if (size === 0 || size > MAX_ENTRY_SIZE)
      throw new LimmatError('store-corrupt', `${path} is no entry: ${size} bytes`);
    const leafHash = toHex(nodeHasher.leafHash(bytes));
    const index = suffixes.includes('index') ? await readIndex(join(dir, fileName(number, 'index'))) : undefined;
    const proofFile = suffixes.includes('tlog-proof') ? join(dir, fileName(number, 'tlog-proof')) : undefined;
    const sent = proofFile === undefined ? (index === undefined ? 'waiting' : 'sequenced') : 'proven';
    return { number, bytes, leafHash, state: isAside ? 'set-aside' : sent, index, proofFile };
  });
}

async function readIndex(path: string): Promise<number> {
  const index = parseDecimal((utf8Text(new Uint8Array(await readFile(path))) ?? '').replace(/\n$/, ''));
  if (index === undefined) throw new LimmatError('store-corrupt', `${path} is not an index`);
  return index;
}

async function readOrigin(dir: string): Promise<string | undefined> {
  const path = join(dir, 'spool.json');
  const bytes = await readIfThere(path);
  if (bytes === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(utf8Text(bytes) ?? '');
  } catch {
    value = undefined;
  }
  const members = new Map<string, unknown>(typeof value === 'object' && value !== null ? Object.entries(value) : []);
  const origin = members.get('origin');
  if (members.get('format') === FORMAT && typeof origin === 'string') return origin;
  throw new LimmatError('store-corrupt', `${path} is not of a spool that this version knows`);
}

async function takeLock(dir: string, waitMillis: number): Promise<Level> {
  const deadline = performance.now() + waitMillis;
  for (;;) {
    const lock = new Level(join(dir, 'lock'));
    try {
      await lock.open();
      return lock;
    } catch (cause) {
      await lock.close();
      if (!isLocked(cause)) throw new LimmatError('store-failed', `${join(dir, 'lock')} cannot be opened`, { cause });
      if (performance.now() >= deadline) {
        throw new LimmatError('store-locked', `another process sends from the spool ${dir}: nothing was changed`, {
          cause,
        });
      }
      await sleep(LOCK_PAUSE_MILLIS);
    }
  }
}

function isLocked(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause && cause.code === 'LEVEL_LOCKED';
}
