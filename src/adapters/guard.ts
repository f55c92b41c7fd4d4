// The guard on a disk (DESIGN §4): a tiny LevelDB database outside the data directory. Holding it open is the lock against
// a second signer; one row says what this log was last about to sign, another that it will never sign again.

import { existsSync } from 'node:fs';
import { chmod, mkdir, open } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { Level } from 'level';
import { equalBytes, fromHex, toHex } from '../bytes.ts';
import { LimmatError } from '../errors.ts';
import type { Guard, GuardState } from '../log/guard.ts';
import { HASH_SIZE, asHash } from '../merkle/hash.ts';

type Database = Level;

const STATE_KEY = 'state';
/** Beside the state, so that no write of that can take it away. */
const STOP_KEY = 'stopped';

export interface GuardOptions {
  /** False: fail with `guard-missing` where there is no guard, instead of making one that knows nothing. Default true. */
  readonly create?: boolean;
  /** Makes writes fail; for tests. */
  readonly faults?: (moment: 'before' | 'after') => void;
}

/**
 * Opens the guard in this directory and holds it. Errors: `guard-locked` while another process has it, `guard-missing`
 * (see create), `store-corrupt` when it is damaged, `store-failed` when the file system refuses.
 */
export async function openGuard(dir: string, options: GuardOptions = {}): Promise<Guard> {
  const isNew = !existsSync(join(dir, 'CURRENT'));
  if (isNew && options.create === false) {
    throw new LimmatError(
      'guard-missing',
      `there is no guard in ${dir}, so what this log signed last is not known; put the guard directory back, ` +
        'or close this log and start a successor',
    );
  }
  if (isNew) await makeDirectory(dir);
  const database = await openDatabase(dir);
  try {
    if (isNew) await syncDirectory(dirname(resolve(dir)));
    return new LevelGuard(dir, database, await readState(database, dir), options.faults);
  } catch (error) {
    await database.close();
    throw error;
  }
}

class LevelGuard implements Guard {
  readonly #dir: string;
  readonly #faults: GuardOptions['faults'];
  #database: Database;
  #state: GuardState | undefined;
  /** The state whose write failed: whether it is in the database is known only after opening it again. */
  #attempted: GuardState | undefined;
  #closed = false;
  /** The last of the calls, which go one after another. */
  #calls: Promise<unknown> = Promise.resolve();

  constructor(dir: string, database: Database, state: GuardState | undefined, faults: GuardOptions['faults']) {
    this.#dir = dir;
    this.#database = database;
    this.#state = state;
    this.#faults = faults;
  }

  read(): Promise<GuardState | undefined> {
    return this.#inTurn(async () => {
      if (this.#attempted !== undefined) await this.#reopen(this.#attempted);
      return this.#state;
    });
  }

  write(state: GuardState): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#attempted !== undefined) await this.#reopen(this.#attempted);
      try {
        this.#faults?.('before');
        await this.#database.put(STATE_KEY, formatState(state), { sync: true });
        this.#faults?.('after');
      } catch (cause) {
        this.#attempted = state;
        throw new LimmatError('store-failed', `the guard in ${this.#dir} could not be written`, { cause });
      }
      this.#state = state;
    });
  }

  stopReason(): Promise<string | undefined> {
    return this.#inTurn(async () => {
      if (this.#attempted !== undefined) await this.#reopen(this.#attempted);
      return this.#readStop();
    });
  }

  stop(reason: string): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#attempted !== undefined) await this.#reopen(this.#attempted);
      if ((await this.#readStop()) !== undefined) return;
      try {
        this.#faults?.('before');
        await this.#database.put(STOP_KEY, reason, { sync: true });
        this.#faults?.('after');
      } catch (cause) {
        this.#attempted = this.#state;
        throw new LimmatError('store-failed', `the guard in ${this.#dir} could not be written`, { cause });
      }
    });
  }

  /** The declared type of get forgets that a missing key gives undefined. */
  #readStop(): Promise<string | undefined> {
    return this.#database.get(STOP_KEY);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#calls;
    await this.#database.close();
  }

  /**
   * A write that failed may have left half a record, behind which LevelDB would write the next one and lose it; so the
   * database is read again from its beginning before anything is added to it.
   */
  async #reopen(attempted: GuardState): Promise<void> {
    await this.#database.close();
    this.#database = await openDatabase(this.#dir);
    const stored = await readState(this.#database, this.#dir);
    // The lock was free for a moment. What neither this log wrote before nor tried to write now is another signer's.
    if (!sameState(stored, this.#state) && !sameState(stored, attempted)) {
      throw new LimmatError('guard-mismatch', `another process has written the guard in ${this.#dir}`);
    }
    this.#state = stored;
    this.#attempted = undefined;
  }

  async #inTurn<T>(task: () => Promise<T>): Promise<T> {
    if (this.#closed) throw new LimmatError('store-failed', 'the guard is closed');
    const turn = this.#calls.then(task);
    this.#calls = turn.catch(() => undefined);
    return turn;
  }
}

async function openDatabase(dir: string): Promise<Database> {
  const database: Database = new Level(dir, {
    keyEncoding: 'utf8',
    valueEncoding: 'utf8',
    writeBufferSize: 256 * 1024,
  });
  try {
    await database.open();
    return database;
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    const reason = cause instanceof Error ? cause.message : String(cause);
    if (code === 'LEVEL_LOCKED') {
      throw new LimmatError('guard-locked', `another process holds the guard in ${dir}: two signers must never run`, {
        details: { location: dir },
        cause,
      });
    }
    if (code === 'LEVEL_CORRUPTION') {
      throw new LimmatError('store-corrupt', `the guard in ${dir} is damaged: ${reason}`, { cause });
    }
    throw new LimmatError('store-failed', `the guard in ${dir} could not be opened: ${reason}`, { cause });
  }
}

async function readState(database: Database, dir: string): Promise<GuardState | undefined> {
  // The declared type of get forgets that a missing key gives undefined.
  const text: string | undefined = await database.get(STATE_KEY);
  if (text === undefined) return undefined;
  const state = parseState(text);
  if (state === undefined) throw new LimmatError('store-corrupt', `the guard in ${dir} holds no guard state`);
  return state;
}

/** `{"origin":"limmat.invalid/…","size":3,"rootHash":"9f86…","timestampSeconds":1790000000}` */
function formatState({ origin, size, rootHash, timestampSeconds }: GuardState): string {
  return JSON.stringify({ origin, size, rootHash: toHex(rootHash), timestampSeconds });
}

function parseState(text: string): GuardState | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { origin, size, rootHash, timestampSeconds } = value as Partial<Record<keyof GuardState, unknown>>;
  const root = typeof rootHash === 'string' ? fromHex(rootHash) : undefined;
  if (typeof origin !== 'string' || root?.length !== HASH_SIZE || !isCount(size) || !isCount(timestampSeconds)) {
    return undefined;
  }
  return { origin, size, rootHash: asHash(root), timestampSeconds };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function sameState(a: GuardState | undefined, b: GuardState | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return (
    a.origin === b.origin &&
    a.size === b.size &&
    a.timestampSeconds === b.timestampSeconds &&
    equalBytes(a.rootHash, b.rootHash)
  );
}

/** For its owner alone, as the data directory is, also where an empty one stood. */
async function makeDirectory(dir: string): Promise<void> {
  try {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    await chmod(dir, 0o700);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new LimmatError('store-failed', `the guard in ${dir} could not be made: ${reason}`, { cause });
  }
}

async function syncDirectory(dir: string): Promise<void> {
  const handle = await open(dir, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
