// The watch over one log: looks at its head (M01), judges it and every other head that comes in against what is known
// (M02, M03, M06, M08), and checks every entry up to it (entry-walk.ts). Whatever is found is told of before the state
// that makes it old news is kept. After a proven fork the watch stays on the branch that it was on.

import type { LogHead } from '../client/state.ts';
import type { VerifyJob } from '../cose/signer.ts';
import { LimmatError, asLimmatError, isLimmatError } from '../errors.ts';
import type { Hasher } from '../merkle/hash.ts';
import { Branch } from './branch.ts';
import type { Place } from './branch.ts';
import { plainFinding, proofFinding } from './checks.ts';
import { NO_ENTRIES } from './entries.ts';
import { EntryWalk } from './entry-walk.ts';
import { findingOfEvidence } from './evidence-finding.ts';
import type { Evidence } from './evidence/evidence.ts';
import type { Finding } from './finding.ts';
import { hiddenGrowth } from './gossip/silence.ts';
import { HeadKeeper } from './head-keeper.ts';
import type { HeadBook, HeadBookLimits } from './heads.ts';
import type { OwnTree } from './judge.ts';
import type { MonitorLimits } from './limits.ts';
import { contentOf, formatLogState, newLogState, parseLogState } from './log-state.ts';
import type { LogState } from './log-state.ts';
import { lookAt, timeTroubles } from './look.ts';
import type { SeenHead } from './look.ts';
import { MirroredTree } from './mirrored-tree.ts';
import type { MonitorLogStore } from './ports.ts';
import type { RecordCoverage } from './records/coverage.ts';
import { ReadTroubles } from './read-troubles.ts';
import { LogSource, isReadError, troubleOf } from './source.ts';
import { Troubles } from './troubles.ts';
import type { FindingSink } from './troubles.ts';
import { identityOf } from './watched-log.ts';
import type { HeadSource, LogIdentity, WatchedLog } from './watched-log.ts';
import { WitnessDesk } from './witnesses/desk.ts';
import { WitnessRound } from './witnesses/round.ts';
import type { WitnessStanding } from './witnesses/standing.ts';

export interface WatchOptions {
  readonly log: WatchedLog;
  readonly store: MonitorLogStore;
  readonly sink: FindingSink;
  readonly limits: MonitorLimits;
  readonly hasher: Hasher;
  /** Verifies the signatures of records, in order. */
  readonly verifyMany: (jobs: readonly VerifyJob[]) => Promise<readonly boolean[]>;
  readonly nowMillis: () => number;
  /** Numbers in [0, 1). */
  readonly random: () => number;
  /** What the log's heads may take of memory. */
  readonly bookLimits: HeadBookLimits;
  /** The evidence against this log that is kept already. */
  readonly evidence: readonly Evidence[];
  /** Entries that were checked, of how many, while a catch-up goes on. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** What a round over one log came to. */
export interface LogRound {
  readonly origin: string;
  /** Of the own head; undefined before the first one. */
  readonly size: number | undefined;
  /** Entries that were checked in this round. */
  readonly entries: number;
  /** Entries that are still to be checked. */
  readonly backlog: number;
  readonly findings: readonly Finding[];
  /** True when the log asked to be left alone for a while, so it was. */
  readonly skipped: boolean;
}

/** Times of an idle log move every few minutes; state that says nothing else new is kept this often. */
const IDLE_SAVE_MILLIS = 10 * 60_000;

export class LogWatch {
  readonly log: WatchedLog;
  /** For evidence: retired keys count too. */
  readonly identity: LogIdentity;
  readonly #options: WatchOptions;
  readonly #source: LogSource;
  readonly #keeper: HeadKeeper;
  readonly #tree: MirroredTree;
  readonly #troubles: Troubles;
  readonly #reading: ReadTroubles;
  readonly #branch: Branch;
  readonly #walk: EntryWalk;
  readonly #desk: WitnessDesk;
  readonly #witnesses: WitnessRound;
  /** Everything but the waiting heads and the troubles, which are gathered when it is saved. */
  readonly #state: { current: LogState };
  #seen: SeenHead | undefined;
  #seenAtSeconds: number | undefined;
  #place: Place | undefined;
  /** What the last save held, and when it was. */
  #saved = '';
  #savedMillis = 0;
  #saves: Promise<unknown> = Promise.resolve();
  #stopped = false;
  /** To be told of in the first round. */
  readonly #untold: Finding[];

  private constructor(options: WatchOptions, state: LogState, keeper: HeadKeeper, untold: Finding[]) {
    const { log, store, sink, limits, hasher, verifyMany, nowMillis, onProgress } = options;
    this.log = log;
    this.identity = identityOf(log);
    this.#options = options;
    this.#state = { current: state };
    this.#keeper = keeper;
    this.#untold = untold;
    this.#source = new LogSource(log, hasher);
    this.#tree = new MirroredTree(store.mirror, this.#source, hasher);
    this.#troubles = new Troubles({ origin: log.origin, sink, failures: limits.failures }, state.troubles);
    const { origin } = log;
    this.#reading = new ReadTroubles({ origin, source: this.#source, store, troubles: this.#troubles, limits });
    this.#branch = new Branch({
      identity: this.identity,
      source: this.#source,
      keeper,
      mirrored: this.#tree,
      troubles: this.#troubles,
      reading: this.#reading,
      state: this.#state,
    });
    this.#desk = new WitnessDesk(log, limits, state.witnessed ?? []);
    this.#witnesses = new WitnessRound({
      log,
      desk: this.#desk,
      troubles: this.#troubles,
      limits,
      book: keeper.book,
      tree: () => this.#branch.tree(),
      take: (head, source, nowSeconds, note) => this.#branch.take(head, source, nowSeconds, note),
    });
    this.#walk = new EntryWalk({
      identity: this.identity,
      source: this.#source,
      tree: this.#tree,
      mirror: store.mirror,
      records: store.records,
      verifyMany,
      troubles: this.#troubles,
      hasher,
      limits,
      nowMillis,
      state: this.#state,
      save: () => this.#save(true),
      keepSuspect: (path, bytes) => store.keepSuspect(path, bytes),
      book: this.book,
      onProgress,
    });
  }

  /**
   * Opens the watch over a log with what its store remembers. `state-missing` when that is nothing, unless `isNew`;
   * `store-corrupt`. A mirror that a crash left longer than the state is cut; one that is shorter or damaged is fetched
   * again, and somebody is told.
   */
  static async open(options: WatchOptions, isNew: boolean): Promise<LogWatch> {
    const { log, store, random, evidence, bookLimits } = options;
    const nowSeconds = Math.floor(options.nowMillis() / 1000);
    const text = await store.state.load();
    if (text === undefined && !isNew) {
      throw new LimmatError(
        'state-missing',
        `nothing is remembered of ${log.origin}, which was watched before: put the state back, or begin anew with --init`,
      );
    }
    const state = text === undefined ? newLogState(log.origin, nowSeconds) : parseLogState(text);
    if (state.origin !== log.origin) {
      throw new LimmatError('store-corrupt', `the state of ${log.origin} is that of ${state.origin}`);
    }
    const opened = await HeadKeeper.open({
      log: identityOf(log),
      journal: store.heads,
      random,
      limits: bookLimits,
      evidence,
      waiting: state.waiting,
    });
    const watch = new LogWatch(options, state, opened.keeper, opened.evidence.map(proofFinding));
    await watch.#settleIn(nowSeconds);
    await watch.#walk.open();
    // That a log is watched is remembered before anything is known about it: what is missing later was lost.
    if (text === undefined) await watch.#save(true);
    return watch;
  }

  get book(): HeadBook {
    return this.#keeper.book;
  }

  get state(): LogState {
    return this.#state.current;
  }

  /** When the log's head was last seen and verified. */
  get seenAtSeconds(): number | undefined {
    return this.#seenAtSeconds;
  }

  /** True when the head that the log showed last is on another branch, of which nothing is checked. */
  get isElsewhere(): boolean {
    return this.#place === 'other';
  }

  /** What the log's records came to; undefined of a log that does not begin with a genesis. */
  get records(): RecordCoverage | undefined {
    return this.#walk.coverage;
  }

  /** What its witnesses have cosigned. */
  get witnesses(): readonly WitnessStanding[] {
    return this.#desk.standings;
  }

  /** Rounds in a row that something has been wrong. */
  get failures(): number {
    return this.#troubles.rounds;
  }

  /** The own tree as far as it is checked; undefined before the first one. */
  tree(): OwnTree | undefined {
    return this.#branch.tree();
  }

  /**
   * One round: looks at the log, and checks entries until there are no more, the time is over or the signal aborts.
   * Rejects only with what the store fails with; everything else is a finding.
   */
  async round(untilMillis: number, signal?: AbortSignal): Promise<LogRound> {
    const nowSeconds = this.#nowSeconds();
    const before = this.state.cursor;
    const skipped = nowSeconds < this.#reading.notBeforeSeconds;
    this.#troubles.begin();
    try {
      for (const finding of this.#untold.splice(0)) await this.#troubles.tell(finding);
      if (!skipped) await this.#round(nowSeconds, untilMillis, signal);
    } catch (error) {
      if (isStoreError(error)) throw error;
      // Whoever stops a round stops its requests too: that they failed says nothing.
      if (signal?.aborted === true) return this.#ended(before, skipped);
      const { message } = asLimmatError(error);
      await this.#troubles.hold('own-trouble', `${this.log.origin} could not be checked: ${message}`, {}, nowSeconds);
    }
    return this.#ended(before, skipped);
  }

  async #ended(before: number, skipped: boolean): Promise<LogRound> {
    await this.#save(false);
    const { head, cursor } = this.state;
    return {
      origin: this.log.origin,
      size: head?.size,
      entries: Math.max(0, cursor - before),
      backlog: (head?.size ?? 0) - this.#walk.reached,
      findings: this.#troubles.found,
      skipped,
    };
  }

  /**
   * Takes a head that somebody else holds, with all of the log's signatures verified; resolves when it is kept, judged
   * as far as the own tree goes, and told of, to the evidence that this made. Witnesses' lines in `note` are looked at in the
   * next round.
   */
  async offer(head: LogHead, source: HeadSource, note?: Uint8Array): Promise<Evidence | undefined> {
    if (this.#stopped) throw new LimmatError('shutting-down', `the watch over ${head.origin} has ended`);
    const evidence = await this.#branch.take(head, source, this.#nowSeconds(), note);
    if (note !== undefined) await this.#witnesses.takeNote(note, this.#nowSeconds());
    await this.#save(false);
    return evidence;
  }

  /** Keeps nothing more: from when this resolves on, the log's store is free for another watch. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#saves;
  }

  findingOf(evidence: Evidence): Promise<Finding | undefined> {
    const { store, hasher } = this.#options;
    return findingOfEvidence(evidence, this.records, store.records, hasher);
  }

  convict(evidence: Evidence): void {
    this.book.evidence.convict(evidence);
  }

  async #round(nowSeconds: number, untilMillis: number, signal: AbortSignal | undefined): Promise<void> {
    const troubles = this.#troubles;
    const look = await lookAt(this.log, this.#source, this.#seen);
    if ('trouble' in look) {
      const { trouble, error, bytes } = look;
      await this.#reading.tell(trouble, error, nowSeconds, bytes);
      await troubles.looked(trouble === 'unreachable' ? ['bad-answer'] : ['unreachable']);
    } else {
      this.#seen = look.seen;
      this.#seenAtSeconds = nowSeconds;
      const place = await this.#branch.place(look.seen, nowSeconds);
      this.#place = place;
      await this.#lookAtTimes(look.seen, place, nowSeconds);
      if (place !== 'other') await this.#walkOn(nowSeconds, untilMillis, signal);
    }
    await this.#witnesses.run('seen' in look ? look.seen : undefined, nowSeconds);
    await this.#branch.judgeWaiting(nowSeconds);
    await this.#branch.growByOthers();
    const flood = this.book.flood();
    if (flood !== undefined) await troubles.holdFinding(flood, nowSeconds);
    const hidden = hiddenGrowth(this.book, this.#options.limits.maxAgeSeconds, nowSeconds);
    if (hidden !== undefined) await troubles.holdFinding(hidden, nowSeconds);
    await troubles.looked(['checkpoint-flood', 'hidden-growth', 'own-trouble']);
    // What could be read now is read; what a failure hid is not judged.
    const isClear = !troubles.found.some(({ check }) => check === 'M09' || check === 'M01');
    if (isClear) await troubles.looked(['unreachable', 'bad-answer', 'missing-tile', 'unserved']);
  }

  /** What is the matter with the times of a head on the own branch; the other branch's say nothing about this one. */
  async #lookAtTimes(seen: SeenHead, place: Place, nowSeconds: number): Promise<void> {
    if (place === 'other') return;
    const { behindSinceSeconds } = this.state;
    for (const { trouble, summary, seconds } of timeTroubles(
      seen,
      behindSinceSeconds,
      this.#options.limits,
      nowSeconds,
    )) {
      await this.#troubles.hold(trouble, summary, { size: seen.head.size, seconds }, nowSeconds);
    }
    await this.#troubles.looked(['stale', 'freeze', 'ahead']);
  }

  /** Walks on through the entries; what cannot be read or is wrong is told of. */
  async #walkOn(nowSeconds: number, untilMillis: number, signal: AbortSignal | undefined): Promise<void> {
    try {
      await this.#walk.run(untilMillis, signal);
    } catch (error) {
      if (!isReadError(error)) throw error;
      const isBundle = String(error.details['path'] ?? '').startsWith('tile/entries');
      const trouble = isBundle && error.code === 'bad-tile' ? 'entry-mismatch' : troubleOf(error, 'tiles');
      await this.#reading.tell(trouble, error, nowSeconds);
    }
  }

  /** Makes mirror and state fit each other, and the book know the own heads. */
  async #settleIn(nowSeconds: number): Promise<void> {
    const { mirror } = this.#options.store;
    const { head, settled, cursor } = this.state;
    const isDamaged = mirror.size < cursor || (settled !== undefined && !(await this.#tree.holds(settled)));
    if (isDamaged) {
      await mirror.truncate(0);
      this.#set({ cursor: 0, settled: undefined, counts: NO_ENTRIES });
      const summary = `the mirror of ${this.log.origin} has lost entries below ${cursor} or is damaged; it is fetched again`;
      this.#untold.push(plainFinding('own-trouble', this.log.origin, summary, { cursor }));
    } else if (mirror.size > cursor) {
      await mirror.truncate(cursor);
    }
    for (const own of [settled, head]) {
      if (own === undefined) continue;
      const evidence = await this.#keeper.takeOwn(own, nowSeconds);
      if (evidence !== undefined) this.#untold.push(proofFinding(evidence));
    }
  }

  /** Keeps the state, after what was mirrored: always when forced, else when it says something that is worth a write. */
  #save(force: boolean): Promise<void> {
    const turn = this.#saves.then(async () => {
      if (this.#stopped) return;
      const state: LogState = {
        ...this.state,
        waiting: this.#keeper.waiting(),
        troubles: this.#troubles.standing,
        ...(this.#desk.standings.length > 0 && { witnessed: this.#desk.standings }),
      };
      const now = this.#options.nowMillis();
      const content = contentOf(state);
      const isOld = now - this.#savedMillis >= IDLE_SAVE_MILLIS;
      if (!force && !isOld && content === this.#saved) return;
      const text = formatLogState(state);
      await this.#options.store.mirror.flush();
      await this.#options.store.state.save(text);
      this.#saved = content;
      this.#savedMillis = now;
    });
    this.#saves = turn.catch(() => undefined);
    return turn;
  }

  #set(change: Partial<LogState>): void {
    this.#state.current = { ...this.#state.current, ...change };
  }

  #nowSeconds(): number {
    return Math.floor(this.#options.nowMillis() / 1000);
  }
}

/** True for a failure of the monitor's own store, after which what is in memory may be ahead of the disk. */
export function isStoreError(error: unknown): boolean {
  return isLimmatError(error) && error.code.startsWith('store-');
}
