// A witness's store on a disk: one LevelDB database. Each commit is one atomic batch that is flushed, however many logs
// it is about. Rows, by the first letter of their key:
//
//     m                    the mark, as JSON
//     h<origin>            the last head of a log: its note, with the log's lines
//     c<origin>            the same with the witness's lines
//     s<id> <origin>       a refused head, as JSON

import { chmod, mkdir } from 'node:fs/promises';
import { Level } from 'level';
import { fromBase64, fromHex, toBase64, toHex, utf8, utf8Text } from '../bytes.ts';
import { LimmatError } from '../errors.ts';
import { HASH_SIZE, asHash } from '../merkle/hash.ts';
import type { Hash } from '../merkle/hash.ts';
import type { Keepsakes, StoredHead, StoredMark, StoredState, WitnessStore } from '../witness/ports.ts';
import { suspicionId } from '../witness/suspicion.ts';
import type { Suspicion, SuspicionKind } from '../witness/suspicion.ts';

type Database = Level<string, Uint8Array>;

const MARK = 'm';
const HEAD = 'h';
const COSIGNED = 'c';
const SUSPICION = 's';
/** Bytes that LevelDB gathers in memory before it writes a table: some hundred commits of a thousand logs. */
const WRITE_BUFFER_BYTES = 4 * 1024 * 1024;

export interface WitnessStoreOptions {
  /** Called before and after each commit; what it throws is that commit failing. For tests. */
  readonly faults?: (moment: 'before' | 'after') => void;
}

/**
 * Opens the store in this directory and holds it, making it where there is none. Errors: `store-locked` while another
 * process has it, `store-corrupt`, `store-failed`.
 */
export async function openWitnessStore(dir: string, options: WitnessStoreOptions = {}): Promise<WitnessStore> {
  try {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    await chmod(dir, 0o700);
  } catch (cause) {
    throw failed(dir, 'made', cause);
  }
  return new LevelWitnessStore(dir, await openDatabase(dir), options.faults);
}

class LevelWitnessStore implements WitnessStore {
  readonly #dir: string;
  readonly #faults: WitnessStoreOptions['faults'];
  #database: Database;
  /** After a write that failed LevelDB may have half a record at its end: it is opened anew before anything else. */
  #isBroken = false;

  constructor(dir: string, database: Database, faults: WitnessStoreOptions['faults']) {
    this.#dir = dir;
    this.#database = database;
    this.#faults = faults;
  }

  async load(): Promise<StoredState> {
    await this.#mend();
    const heads: StoredHead[] = [];
    const suspicions: Suspicion[] = [];
    let mark: StoredMark | undefined;
    try {
      for await (const [key, value] of this.#database.iterator()) {
        const bytes = plain(value);
        if (key === MARK) mark = parseMark(bytes) ?? this.#damaged('mark');
        else if (key.startsWith(HEAD)) heads.push({ origin: key.slice(1), note: bytes });
        else if (key.startsWith(SUSPICION)) suspicions.push(parseSuspicion(bytes) ?? this.#damaged('refused head'));
      }
    } catch (error) {
      throw error instanceof LimmatError ? error : failed(this.#dir, 'read', error);
    }
    return { mark, heads, suspicions };
  }

  async commit(mark: StoredMark, heads: readonly StoredHead[]): Promise<void> {
    await this.#mend();
    try {
      this.#faults?.('before');
      const batch = this.#database.batch();
      batch.put(MARK, formatMark(mark));
      for (const { origin, note } of heads) batch.put(HEAD + origin, note);
      await batch.write({ sync: true });
      this.#faults?.('after');
    } catch (cause) {
      this.#isBroken = true;
      throw failed(this.#dir, 'written', cause);
    }
  }

  async keep({ cosigned, suspicions, dropped }: Keepsakes): Promise<void> {
    await this.#mend();
    try {
      const batch = this.#database.batch();
      for (const { origin, note } of cosigned) batch.put(COSIGNED + origin, note);
      for (const one of dropped) batch.del(suspicionKey(one));
      for (const one of suspicions) batch.put(suspicionKey(one), formatSuspicion(one));
      // A cosigned note can be signed again; what a log should not have signed comes only once.
      await batch.write({ sync: suspicions.length > 0 });
    } catch (cause) {
      this.#isBroken = true;
      throw failed(this.#dir, 'written', cause);
    }
  }

  async read(origin: string): ReturnType<WitnessStore['read']> {
    await this.#mend();
    try {
      const rows: (Uint8Array | undefined)[] = await this.#database.getMany([HEAD + origin, COSIGNED + origin]);
      const [head, cosigned] = rows.map((row) => (row === undefined ? undefined : plain(row)));
      return { head, cosigned };
    } catch (cause) {
      throw failed(this.#dir, 'read', cause);
    }
  }

  close(): Promise<void> {
    return this.#database.close();
  }

  async #mend(): Promise<void> {
    if (!this.#isBroken) return;
    await this.#database.close();
    this.#database = await openDatabase(this.#dir);
    this.#isBroken = false;
  }

  #damaged(what: string): never {
    throw new LimmatError(
      'store-corrupt',
      `${this.#dir} holds a ${what} that cannot be read; restore it from a backup`,
    );
  }
}

async function openDatabase(dir: string): Promise<Database> {
  const database: Database = new Level(dir, {
    keyEncoding: 'utf8',
    valueEncoding: 'view',
    compression: false,
    writeBufferSize: WRITE_BUFFER_BYTES,
  });
  try {
    await database.open();
    return database;
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    if (code === 'LEVEL_LOCKED') {
      throw new LimmatError('store-locked', `another process has ${dir} open: stop that witness first`, {
        details: { location: dir },
        cause,
      });
    }
    if (code === 'LEVEL_CORRUPTION') {
      throw new LimmatError('store-corrupt', `${dir} is damaged: ${messageOf(cause)}; restore it from a backup`, {
        cause,
      });
    }
    throw failed(dir, 'opened', cause);
  }
}

function failed(dir: string, what: string, cause: unknown): LimmatError {
  return new LimmatError('store-failed', `${dir} could not be ${what}: ${messageOf(cause)}`, { cause });
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

/** The same bytes as a Uint8Array that is not a Buffer. */
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** `{"name":"witness.example","sequence":3,"chain":"9f…","previous":"60…","lastSeconds":1790000000}` */
function formatMark({ name, sequence, chain, previous, lastSeconds }: StoredMark): Uint8Array {
  return utf8(JSON.stringify({ name, sequence, chain: toHex(chain), previous: toHex(previous), lastSeconds }));
}

function parseMark(bytes: Uint8Array): StoredMark | undefined {
  const value = parseObject(bytes);
  const { name, sequence, lastSeconds } = value;
  const chain = hashOf(value['chain']);
  const previous = hashOf(value['previous']);
  if (typeof name !== 'string' || chain === undefined || previous === undefined) return undefined;
  return isCount(sequence) && isCount(lastSeconds) ? { name, sequence, chain, previous, lastSeconds } : undefined;
}

function suspicionKey(one: Suspicion): string {
  return `${SUSPICION}${suspicionId(one)} ${one.origin}`;
}

function formatSuspicion({ kind, origin, size, rootHash, note, against, atSeconds }: Suspicion): Uint8Array {
  const text = { note: toBase64(note), against: toBase64(against) };
  return utf8(JSON.stringify({ kind, origin, size, rootHash: toHex(rootHash), ...text, atSeconds }));
}

const KINDS: readonly SuspicionKind[] = ['same-size', 'rollback', 'not-consistent'];

function parseSuspicion(bytes: Uint8Array): Suspicion | undefined {
  const value = parseObject(bytes);
  const { origin, size, atSeconds } = value;
  const kind = KINDS.find((one) => one === value['kind']);
  const rootHash = hashOf(value['rootHash']);
  const note = bytesOf(value['note']);
  const against = bytesOf(value['against']);
  if (typeof origin !== 'string' || !isCount(size) || !isCount(atSeconds)) return undefined;
  if (kind === undefined || rootHash === undefined || note === undefined || against === undefined) return undefined;
  return { kind, origin, size, rootHash, note, against, atSeconds };
}

function parseObject(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(utf8Text(bytes) ?? '');
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

function hashOf(value: unknown): Hash | undefined {
  const bytes = typeof value === 'string' ? fromHex(value) : undefined;
  return bytes?.length === HASH_SIZE ? asHash(bytes) : undefined;
}

function bytesOf(value: unknown): Uint8Array | undefined {
  return typeof value === 'string' ? fromBase64(value) : undefined;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
