// What a witness remembers, in memory and behind it the store and the guard: opened, committed to, and read anew after a
// write that failed. Nothing is signed here; whoever signs waits for `commit`.

import { LimmatError } from '../errors.ts';
import type { Hasher } from '../merkle/hash.ts';
import { parseCheckpoint } from '../note/checkpoint.ts';
import { parseNote } from '../note/note.ts';
import { checkWitnessGuard, firstMark, nextMark } from './guard.ts';
import type { KnownHead, SignedHead } from './head.ts';
import { logSecondsOf } from './listed-log.ts';
import type { Keepsakes, StoredHead, StoredMark, WitnessGuard, WitnessStore } from './ports.ts';
import { SuspicionBook } from './suspicion.ts';

export interface WitnessStateOptions {
  /** The name of the witness's keys. */
  readonly name: string;
  readonly store: WitnessStore;
  readonly guard: WitnessGuard;
  readonly hasher: Hasher;
  /** Numbers in [0, 1). */
  readonly random: () => number;
}

export class WitnessState {
  readonly #options: WitnessStateOptions;
  readonly #heads = new Map<string, KnownHead>();
  #mark: StoredMark;
  /** True after a write whose outcome is not known: nothing in memory is believed until it was read again. */
  #isStale = false;
  /** The last of the store's calls, which go one after another. */
  #calls: Promise<unknown> = Promise.resolve();
  readonly suspicions: SuspicionBook;

  private constructor(options: WitnessStateOptions, mark: StoredMark, suspicions: SuspicionBook) {
    this.#options = options;
    this.#mark = mark;
    this.suspicions = suspicions;
  }

  /**
   * Opens what the store and the guard hold. With init both begin, and neither may hold anything that was ever signed
   * under. Errors: those of checkWitnessGuard, `state-missing` and `bad-config` (init where a witness has begun).
   */
  static async open(options: WitnessStateOptions, init = false): Promise<WitnessState> {
    const { name, store, guard } = options;
    let stored = await store.load();
    let guarded = await guard.read();
    if (init) {
      if ((stored.mark?.sequence ?? 0) > 0 || (stored.mark !== undefined && guarded !== undefined)) {
        throw new LimmatError('bad-config', `witness ${name} has begun already, and goes on: leave --init out`);
      }
      if (guarded === undefined) {
        const mark = firstMark(name);
        await store.commit(mark, []);
        await guard.write(mark);
        stored = await store.load();
        guarded = await guard.read();
      }
    } else if (stored.mark === undefined && guarded === undefined) {
      throw new LimmatError('state-missing', `witness ${name} has neither data nor anything in its guard`);
    }
    const { mark, isAhead } = checkWitnessGuard(guarded, stored.mark, name);
    if (isAhead) await guard.write(mark);
    const state = new WitnessState(options, mark, new SuspicionBook(stored.suspicions, options.random));
    state.#take(stored.heads);
    return state;
  }

  /** The last head of a log; undefined where it was never cosigned for. */
  head(origin: string): KnownHead | undefined {
    return this.#heads.get(origin);
  }

  get mark(): StoredMark {
    return this.#mark;
  }

  /** False after a failed write, until the store was read again. */
  get isSound(): boolean {
    return !this.#isStale;
  }

  /** Reads everything again if a write has failed. Errors: those of the store and the guard; then it still has to be. */
  async recover(): Promise<void> {
    if (!this.#isStale) return;
    const { name, store, guard } = this.#options;
    const stored = await this.#inTurn(() => store.load());
    const { mark, isAhead } = checkWitnessGuard(await guard.read(), stored.mark, name);
    if (mark.sequence < this.#mark.sequence || mark.sequence > this.#mark.sequence + 1) {
      throw new LimmatError(
        'guard-mismatch',
        `the data of witness ${name} is at commit ${mark.sequence} after a failed write behind ${this.#mark.sequence}`,
      );
    }
    if (isAhead) await guard.write(mark);
    this.#mark = mark;
    this.#take(stored.heads);
    this.#isStale = false;
  }

  /**
   * Makes these heads, the last of each log, and the time durable, in the store and then under the guard. When it rejects,
   * with `outcome-unknown`, nothing may be signed, and `recover` comes before everything else.
   */
  async commit(heads: ReadonlyMap<string, SignedHead>, lastSeconds: number): Promise<void> {
    const { store, guard, hasher } = this.#options;
    const rows = [...heads.values()].map(({ origin, note }): StoredHead => ({ origin, note }));
    const mark = nextMark(this.#mark, rows, lastSeconds, hasher);
    this.#isStale = true;
    try {
      await this.#inTurn(() => store.commit(mark, rows));
      await guard.write(mark);
    } catch (cause) {
      throw new LimmatError('outcome-unknown', 'it is not known whether the checkpoint was recorded', { cause });
    }
    this.#isStale = false;
    this.#mark = mark;
    for (const [origin, { size, rootHash, logSeconds }] of heads) {
      this.#heads.set(origin, Object.freeze({ size, rootHash, logSeconds }));
    }
  }

  /** Keeps what need not be durable before anything else. */
  keep(keepsakes: Keepsakes): Promise<void> {
    return this.#inTurn(() => this.#options.store.keep(keepsakes));
  }

  read(origin: string): ReturnType<WitnessStore['read']> {
    return this.#inTurn(() => this.#options.store.read(origin));
  }

  /** Lets go of the store and of the guard. */
  async close(): Promise<void> {
    await this.#calls.catch(() => undefined);
    await this.#options.store.close();
    await this.#options.guard.close();
  }

  #inTurn<T>(task: () => Promise<T>): Promise<T> {
    const turn = this.#calls.then(task);
    this.#calls = turn.catch(() => undefined);
    return turn;
  }

  #take(heads: readonly StoredHead[]): void {
    this.#heads.clear();
    for (const { origin, note } of heads) {
      const { size, rootHash } = parseCheckpoint(parseNote(note).text);
      this.#heads.set(origin, Object.freeze({ size, rootHash, logSeconds: logSecondsOf(note, origin) }));
    }
  }
}
