// The writer: the one owner of the tree's right edge. Group commit: while a commit is under way entries gather, and the
// next one takes all of them. After a write whose outcome is not known it takes nothing more, opens the store anew,
// adopts what the store holds, and goes on (DESIGN §4).

import { equalBytes } from '../bytes.ts';
import { LimmatError } from '../errors.ts';
import type { CryptoSuite } from '../crypto/suite.ts';
import type { Hasher } from '../merkle/hash.ts';
import type { TreeHead } from '../merkle/tree-head.ts';
import type { Growth, LogStorage, StoredLog } from '../storage.ts';
import type { Clock } from './clock.ts';
import type { CommittedState } from './committed-state.ts';
import { loadEdge } from './edge.ts';
import type { Edge } from './edge.ts';
import type { LogEvent } from './events.ts';
import type { LogName } from './genesis.ts';
import { Intake, Ticket } from './intake.ts';
import type { AppendResult, IntakeLimits, Reservation, Waiting } from './intake.ts';
import { integrate } from './integrate.ts';
import type { Validated } from './validate.ts';
import { answerAll, answerEach, unknownOutcome } from './answer.ts';
import { sequence } from './sequence.ts';
import type { Outcome, Placed, Sequenced } from './sequence.ts';
import type { Quotas } from './quota.ts';
import { readAll } from './read.ts';
import { rootsOf } from './roots.ts';

/** Pauses between attempts to open the store again; the last one repeats. */
const REOPEN_PAUSES_MILLIS = Object.freeze([100, 250, 500, 1000, 2000, 5000]);

/**
 * Entries that must wait before their batch is prepared beside the write of another: below that it is better to let
 * more of them gather for one flush.
 */
const OVERLAP_ENTRIES = 1024;

/** Turns of the event loop that a batch gathers for at most. */
const MAX_GATHER_TURNS = 16;

/** A batch with its places, ready to be written: growth is undefined when it brings nothing new. */
interface Prepared {
  readonly batch: readonly Waiting[];
  readonly sequenced: Sequenced;
  readonly placed: Placed;
  readonly growth?: Growth;
  /** The edge after it. */
  readonly edge: Edge;
  readonly startMillis: number;
  /** How often the store had been opened anew when it was prepared. */
  readonly reopenings: number;
}

export interface WriterOptions {
  /** Opens the store; called again after a failed write. */
  readonly openStorage: () => Promise<LogStorage>;
  /** Rejects while writing is known not to work (a full disk), so that a store that still serves reads stays open. */
  readonly probeStorage: () => Promise<void>;
  /** Throws unless the tree that a reopened store holds may go on: the guard's check. */
  readonly checkReopened: (head: TreeHead, storage: LogStorage) => Promise<void>;
  readonly name: LogName;
  readonly crypto: CryptoSuite;
  readonly quotas: Quotas;
  /** What is kept in memory of the admission state; told of every commit. */
  readonly committed: CommittedState;
  /** The root of the tree of `size` entries, of which the tree with this head is a later one, from the store. */
  readonly rootHashAt: (head: TreeHead, size: number) => Promise<Uint8Array>;
  readonly limits: IntakeLimits;
  readonly hasher: Hasher;
  readonly clock: Clock;
  readonly onEvent: (event: LogEvent) => void;
  /** After each commit. */
  readonly onCommitted: () => void;
}

export class Writer {
  readonly #options: WriterOptions;
  readonly #intake: Intake;
  #storage: LogStorage;
  #edge: Edge;
  #running = false;
  /** The batch whose growth is on its way to the disk. `durable` never rejects. */
  #writing: { readonly prepared: Prepared; readonly durable: Promise<void> } | undefined;
  #answered: Promise<void> | undefined;
  #wake: (() => void) | undefined;
  #endPause: (() => void) | undefined;
  /** Heads of writes that were begun and neither confirmed nor ruled out by a look at the store. */
  #begun: TreeHead[] = [];
  #reopenings = 0;
  #run: Promise<void> | undefined;
  #recovery: Promise<void> | undefined;
  #failure: string | undefined;
  #closing = false;

  private constructor(options: WriterOptions, storage: LogStorage, edge: Edge) {
    this.#options = options;
    this.#intake = new Intake(options.limits);
    this.#storage = storage;
    this.#edge = edge;
  }

  /** A writer at the stored head; the caller has opened the store and checked it. */
  static async open(options: WriterOptions, storage: LogStorage, stored: StoredLog): Promise<Writer> {
    const edge = await loadEdge(stored.head, (paths) => readAll(storage, paths), options.hasher);
    return new Writer(options, storage, edge);
  }

  get storage(): LogStorage {
    return this.#storage;
  }

  /** The committed head. */
  get head(): TreeHead {
    return this.#edge.head;
  }

  /** What waits for a commit, entries still in validation included. */
  get load(): Reservation {
    return this.#intake.load;
  }

  /** Why nothing is taken at the moment; undefined when all is well. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** Promises room for an append, or throws `shutting-down`, `read-only` or `queue-full`. Ends with append or release. */
  reserve(entries: number, bytes: number): Reservation {
    const refusal = this.refusal();
    if (refusal !== undefined) throw refusal;
    return this.#intake.reserve(entries, bytes);
  }

  release(reservation: Reservation): void {
    this.#intake.release(reservation);
  }

  /** Queues what passed validation in the room reserved for it; settles when each entry is durable or refused. */
  append(validated: readonly Validated[], reservation: Reservation): Promise<readonly AppendResult[]> {
    this.#intake.release(reservation);
    // What had its room before a shutdown began still gets in; after a failed write nothing does.
    const refusal = this.#failure === undefined ? undefined : this.refusal();
    const ticket = new Ticket(validated.length);
    for (const [position, outcome] of validated.entries()) {
      if (outcome instanceof LimmatError) ticket.set(position, { ok: false, error: outcome });
      else if (refusal !== undefined) ticket.set(position, { ok: false, error: refusal });
      else this.#intake.push({ entry: outcome, ticket, position });
    }
    if (this.#intake.waiting >= OVERLAP_ENTRIES) this.#wake?.();
    if (!this.#running && this.#intake.waiting > 0) this.#run = this.#commitAll();
    return ticket.settled;
  }

  /** After a failure outside commit that leaves the store's state unknown: the same way back. */
  fail(error: unknown): void {
    this.#enterReadOnly(error);
  }

  /** Takes nothing more and finishes what was taken. */
  async drain(): Promise<void> {
    this.#closing = true;
    this.#endPause?.();
    while (this.#running || this.#intake.load.entries > 0) {
      await this.#run;
      await this.#options.clock.nextTurn();
    }
  }

  /** Drains and lets go of the store. */
  async close(): Promise<void> {
    await this.drain();
    await this.#recovery;
    await this.#storage.close();
  }

  /** Why nothing is taken at the moment, as the answer to whoever sends something. */
  refusal(): LimmatError | undefined {
    if (this.#closing) {
      return new LimmatError('shutting-down', 'the log is shutting down; nothing was taken, send it again', {
        retryAfterSeconds: 5,
      });
    }
    if (this.#failure === undefined) return undefined;
    return new LimmatError(
      'read-only',
      `the log is read-only: ${this.#failure}; nothing was taken, send it again later`,
      {
        retryAfterSeconds: 5,
      },
    );
  }

  /**
   * Takes what waits, batch by batch. The next batch gets its places and hashes while the one before it is being
   * written, once there is enough of it that this pays; its own write begins when that one is durable.
   */
  async #commitAll(): Promise<void> {
    this.#running = true;
    do {
      while (this.#intake.waiting > 0 || this.#writing !== undefined) await this.#step();
      await this.#answered;
    } while (this.#intake.waiting > 0);
    // In the same turn as the last look at the queue: an append that comes after it starts a new run.
    this.#running = false;
  }

  async #step(): Promise<void> {
    if (this.#writing !== undefined && this.#intake.waiting < OVERLAP_ENTRIES) {
      await Promise.race([this.#writing.durable, this.#enoughWaiting()]);
      return;
    }
    if (this.#writing === undefined) await this.#gather();
    const prepared = await this.#prepare(this.#intake.take());
    await this.#writing?.durable;
    if (prepared !== undefined) this.#startWrite(prepared);
  }

  /**
   * Turns of the event loop, while each brings more entries: those that have arrived already, and those of senders who
   * were just answered, share one flush. An entry that comes alone waits for one turn.
   */
  async #gather(): Promise<void> {
    for (let turns = 0, before = 0; turns < MAX_GATHER_TURNS && this.#intake.waiting > before; turns++) {
      before = this.#intake.waiting;
      await this.#options.clock.nextTurn();
    }
  }

  #enoughWaiting(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  /** Gives the batch its places behind what is being written; undefined when the store failed meanwhile. */
  async #prepare(batch: readonly Waiting[]): Promise<Prepared | undefined> {
    const startMillis = this.#options.clock.monotonicMillis();
    const reopenings = this.#reopenings;
    const stored = this.#edge;
    const before = this.#writing?.prepared;
    const edge = before?.edge ?? stored;
    const { name, crypto, hasher, committed, quotas, rootHashAt } = this.#options;
    try {
      const entries = batch.map(({ entry }) => entry);
      const sequenced = await sequence(entries, edge.head.size, {
        storage: this.#storage,
        committed,
        name,
        crypto,
        hasher,
        writing: before?.placed,
        quotas,
        nowMillis: startMillis,
        roots: rootsOf({ stored, before: before?.growth, rootHashAt }),
      });
      const { placed } = sequenced;
      if (sequenced.entries.length === 0) return { batch, sequenced, placed, edge, startMillis, reopenings };
      const integrated = integrate(edge, sequenced.entries, sequenced.writes);
      return { batch, sequenced, placed, startMillis, reopenings, ...integrated };
    } catch (error) {
      this.#enterReadOnly(error);
      answerAll(batch, this.refusal()!);
      return undefined;
    }
  }

  #startWrite(prepared: Prepared): void {
    const durable = this.#write(prepared).then(() => {
      this.#writing = undefined;
    });
    this.#writing = { prepared, durable };
  }

  /** Never rejects: what went wrong is in the answers. */
  async #write(prepared: Prepared): Promise<void> {
    const { batch, sequenced, growth, edge, startMillis } = prepared;
    const { clock, onEvent, onCommitted } = this.#options;
    if (this.#failure !== undefined || prepared.reopenings !== this.#reopenings) {
      // The write before this one failed: this one never began, and its places may not be right any more.
      answerAll(batch, this.refusal() ?? notTaken());
    } else {
      try {
        if (growth !== undefined) {
          this.#begun.push(growth.head);
          await this.#storage.commit(growth);
          this.#edge = edge;
          this.#begun = [];
          this.#options.committed.apply(growth.writes);
          const millis = clock.monotonicMillis() - startMillis;
          onEvent({ kind: 'committed', size: edge.head.size, entries: sequenced.entries.length, millis });
          onCommitted();
        }
        this.#answered = this.#answer(batch, sequenced.outcomes);
      } catch (error) {
        this.#enterReadOnly(error);
        answerAll(batch, unknownOutcome(error));
      }
    }
  }

  async #answer(batch: readonly Waiting[], outcomes: readonly Outcome[]): Promise<void> {
    // Whoever is answered may be busy for a while: the next write, if one is ready, begins before that.
    if (this.#intake.waiting >= OVERLAP_ENTRIES) await this.#options.clock.nextTurn();
    this.#options.onEvent(answerEach(batch, outcomes));
  }

  #enterReadOnly(error: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = `a write to the store failed (${reasonOf(error)})`;
    this.#options.onEvent({ kind: 'commit-failed', reason: reasonOf(error) });
    this.#intake.refuseAll(this.refusal()!);
    this.#recovery = this.#reopenUntilItWorks().finally(() => (this.#recovery = undefined));
  }

  async #reopenUntilItWorks(): Promise<void> {
    for (let attempt = 0; !this.#closing; attempt++) {
      await this.#pause(REOPEN_PAUSES_MILLIS[Math.min(attempt, REOPEN_PAUSES_MILLIS.length - 1)]!);
      if (this.#closing) return;
      try {
        await this.#options.probeStorage();
        await this.#reopen();
        this.#failure = undefined;
        this.#options.onEvent({ kind: 'reopened', size: this.#edge.head.size });
        this.#options.onCommitted();
        return;
      } catch (error) {
        this.#options.onEvent({ kind: 'reopen-failed', reason: reasonOf(error) });
      }
    }
  }

  async #reopen(): Promise<void> {
    // A write that was under way when something else failed may still land: it is one of the possible heads.
    await this.#writing?.durable;
    await this.#storage.close();
    const storage = await this.#options.openStorage();
    this.#storage = storage;
    this.#options.committed.clear();
    const stored = await storage.load();
    // The store must hold the last confirmed tree or the one of a write that was begun; anything else is not our history.
    const adopted = [this.#edge.head, ...this.#begun].find(
      ({ size, rootHash }) => size === stored.head.size && equalBytes(rootHash, stored.head.rootHash),
    );
    if (adopted === undefined) {
      throw new LimmatError(
        'store-corrupt',
        `the reopened store holds ${stored.head.size} entries, which is no state it was left in`,
      );
    }
    await this.#options.checkReopened(stored.head, storage);
    this.#edge = await loadEdge(stored.head, (paths) => readAll(storage, paths), this.#options.hasher);
    this.#begun = [];
    this.#reopenings++;
  }

  async #pause(millis: number): Promise<void> {
    const { clock } = this.#options;
    await new Promise<void>((resolve) => {
      const cancel = clock.after(millis, resolve);
      this.#endPause = () => {
        cancel();
        resolve();
      };
    });
  }
}

function notTaken(): LimmatError {
  return new LimmatError('read-only', 'the store was opened anew; nothing was taken, send it again', {
    retryAfterSeconds: 1,
  });
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
