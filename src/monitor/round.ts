// The monitor: a watch over each of many logs, the alerts and the evidence of all of them. A round looks at every log
// once, a few at a time; what one log does, or fails to do, holds up no other for longer than its slice of a round.

import type { LogHead } from '../client/state.ts';
import type { VerifyJob } from '../cose/signer.ts';
import { portableCrypto } from '../crypto/portable.ts';
import { LimmatError, asLimmatError } from '../errors.ts';
import { portableHasher } from '../merkle/hash.ts';
import type { Hasher } from '../merkle/hash.ts';
import { AlertBook } from './alerts.ts';
import type { Alert, Notify } from './alerts.ts';
import { plainFinding, proofFinding } from './checks.ts';
import type { Evidence, Observation } from './evidence/evidence.ts';
import { formatEvidence } from './evidence/file.ts';
import type { SignedObservation } from './evidence/file.ts';
import type { Finding, FindingClass } from './finding.ts';
import { bookLimits } from './head-keeper.ts';
import { KeptEvidence } from './kept-evidence.ts';
import { DEFAULT_LIMITS } from './limits.ts';
import type { MonitorLimits } from './limits.ts';
import { changesOf, formatMeta, parseMeta } from './meta.ts';
import type { MonitorMeta } from './meta.ts';
import type { MonitorStore } from './ports.ts';
import { logStatusOf } from './status.ts';
import type { MonitorStatus } from './status.ts';
import { LogWatch, isStoreError } from './watch.ts';
import type { LogRound } from './watch.ts';
import { identityOf } from './watched-log.ts';
import type { HeadSource, WatchedLog } from './watched-log.ts';

export interface MonitorOptions {
  readonly store: MonitorStore;
  readonly logs: readonly WatchedLog[];
  /** Tells somebody of an alert. */
  readonly notify: Notify;
  readonly nowMillis: () => number;
  /** Numbers in [0, 1). */
  readonly random: () => number;
  readonly hasher?: Hasher;
  /** Verifies the signatures of records, in order; best where it keeps no one waiting, as threads do. */
  readonly verifyMany?: (jobs: readonly VerifyJob[]) => Promise<readonly boolean[]>;
  readonly limits?: Partial<MonitorLimits>;
  /** Logs that are looked at at once. */
  readonly parallel?: number;
  /** How long one log may be caught up with in one round. */
  readonly catchUpMillis?: number;
  /** Signs what this monitor says about evidence that it made; without it the evidence stands alone. */
  readonly observe?: (evidence: Evidence, sources: Observation['sources']) => Promise<SignedObservation>;
  /** Evidence that is new here and kept: to be told to peers. */
  readonly onEvidence?: (evidence: Evidence) => void;
  readonly onProgress?: (origin: string, done: number, total: number) => void;
  /** Why the notifier did not take an alert, which is tried again in the next round, or why an observation is not signed. */
  readonly onNotifyError?: (error: unknown) => void;
}

/** What a round came to. */
export interface RoundReport {
  readonly startedAtSeconds: number;
  readonly seconds: number;
  readonly logs: readonly LogRound[];
  /** What this round found, of all logs, whether somebody is told of it or not. */
  readonly findings: readonly Finding[];
  /** Entries that are still to be checked: more than 0 asks for another round at once. */
  readonly backlog: number;
  /** The worst class of what this round found and of the alerts that are open. */
  readonly worst: FindingClass | undefined;
}

const DEFAULT_PARALLEL = 8;
const DEFAULT_CATCH_UP_MILLIS = 20_000;
/** From the worst on; what a service or a person looks at first. */
const CLASSES: readonly FindingClass[] = ['proof', 'suspicion', 'record', 'operational', 'info'];

export class Monitor {
  readonly #options: MonitorOptions;
  readonly #limits: MonitorLimits;
  readonly #hasher: Hasher;
  readonly #alerts: AlertBook;
  readonly #watches = new Map<string, LogWatch>();
  readonly #evidence: KeptEvidence;
  #logs: readonly WatchedLog[] = [];
  #meta: MonitorMeta;
  /** Rounds and changes of the logs go one after another. */
  #turns: Promise<unknown> = Promise.resolve();

  private constructor(options: MonitorOptions, alerts: AlertBook, meta: MonitorMeta, evidence: KeptEvidence) {
    this.#options = options;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#hasher = options.hasher ?? portableHasher;
    this.#alerts = alerts;
    this.#meta = meta;
    this.#evidence = evidence;
  }

  /**
   * Opens a monitor with what its store remembers. `state-missing` when that is nothing, unless `init` says that it is
   * to begin here and vouches for nothing before; also for a log that was watched before and is forgotten. RangeError
   * when two logs have one origin. The store stays the caller's to close.
   */
  static async open(options: MonitorOptions, init: boolean = false): Promise<Monitor> {
    const { store, logs } = options;
    const text = await store.meta.load();
    if (text === undefined && !init) {
      throw new LimmatError('state-missing', 'this monitor has no state: put it back, or begin anew with --init');
    }
    const sinceSeconds = Math.floor(options.nowMillis() / 1000);
    const meta = text === undefined ? { sinceSeconds, logs: [] } : parseMeta(text);
    const alerts = await AlertBook.open(store.alerts);
    const monitor = new Monitor(options, alerts, meta, await KeptEvidence.open(store.evidence));
    if (text === undefined) await store.meta.save(formatMeta(meta));
    await monitor.#setLogs(logs, (log) => monitor.#openWatch(log, init));
    return monitor;
  }

  /** Since when this monitor watches anything. */
  get sinceSeconds(): number {
    return this.#meta.sinceSeconds;
  }

  get logs(): readonly WatchedLog[] {
    return this.#logs;
  }

  /** The watch over a log: its book of heads, its tree. Another one after the log was changed. */
  watch(origin: string): LogWatch | undefined {
    return this.#watches.get(origin);
  }

  status(): MonitorStatus {
    const nowSeconds = this.#nowSeconds();
    const logs = this.#logs.map((log) => logStatusOf(log, this.#watches.get(log.origin), this.#limits, nowSeconds));
    return { logs, alerts: this.#alerts.list() };
  }

  /**
   * Watches these logs from now on, after the round that is under way (M11): what was added, removed and changed is news.
   * A log whose object is the same goes on undisturbed. RangeError when two have one origin; a log whose state cannot be
   * read is tried again, and told of, in the next round.
   */
  setLogs(logs: readonly WatchedLog[]): Promise<void> {
    return this.#inTurn(() => this.#setLogs(logs, (log) => this.#openWatch(log, false).catch(() => undefined)));
  }

  /** Looks at every log once. Rejects with nothing that a log did; a store that fails is a finding too. */
  round(signal?: AbortSignal): Promise<RoundReport> {
    return this.#inTurn(() => this.#round(signal));
  }

  /**
   * Takes a head of a watched log that somebody else holds, with all of the log's signatures verified: kept, judged and
   * told of when this resolves, to the evidence that it made. `not-found` for a log that is not watched.
   */
  async offer(head: LogHead, source: HeadSource, note?: Uint8Array): Promise<Evidence | undefined> {
    const { origin } = head;
    if (!this.#logs.some((log) => log.origin === origin)) {
      throw new LimmatError('not-found', `this monitor does not watch ${origin}`);
    }
    const watch = this.#watches.get(origin);
    if (watch === undefined) throw new LimmatError('store-failed', `the state of ${origin} has to be read again first`);
    try {
      return await watch.offer(head, source, note);
    } catch (error) {
      if (isStoreError(error)) await this.#drop(watch);
      throw error;
    }
  }

  /** Takes verified evidence and its file from somebody else: kept, and told of. */
  async takeEvidence(evidence: Evidence, file: Uint8Array): Promise<void> {
    const watch = this.#watches.get(evidence.origin);
    watch?.convict(evidence);
    await this.#keep(evidence, async () => file);
    const finding = watch === undefined ? proofFinding(evidence) : await watch.findingOf(evidence);
    if (finding !== undefined) await this.report(finding);
  }

  /** Tells of a finding that somebody else made, such as one about peers (M10). */
  async report(finding: Finding): Promise<void> {
    const alert = await this.#alerts.raise(finding, this.#nowSeconds());
    // The alert is durable. Nobody waits for whoever is told of it: not a peer for its answer, nor the look at a log.
    // What fails here is tried again, and thrown, at the end of the next round.
    if (!alert.notified) void this.#deliver(alert.key).catch((error: unknown) => this.#options.onNotifyError?.(error));
  }

  /** What had this key is over. */
  end(key: string): Promise<void> {
    return this.#alerts.end(key, this.#nowSeconds());
  }

  /** Somebody knows of an alert. `not-found` when none is open under this key. */
  acknowledge(key: string): Promise<Alert> {
    return this.#alerts.acknowledge(key, this.#nowSeconds());
  }

  /** Waits for the round, and for the alerts, that are under way. The store is still the caller's to close. */
  async close(): Promise<void> {
    await this.#inTurn(async () => {
      for (const watch of this.#watches.values()) await watch.stop();
    });
    await this.#alerts.idle();
  }

  async #setLogs(logs: readonly WatchedLog[], open: (log: WatchedLog) => Promise<LogWatch | undefined>): Promise<void> {
    const origins = logs.map(({ origin }) => origin);
    const twice = origins.find((origin, i) => origins.indexOf(origin) !== i);
    if (twice !== undefined) throw new RangeError(`the log ${twice} is there twice`);
    for (const [origin, watch] of this.#watches) {
      if (logs.includes(watch.log)) continue;
      await watch.stop();
      this.#watches.delete(origin);
    }
    this.#logs = [...logs];
    for (const log of logs) {
      if (this.#watches.has(log.origin)) continue;
      const watch = await open(log);
      if (watch !== undefined) this.#watches.set(log.origin, watch);
    }
    // What is not looked at any more cannot be found to be over.
    for (const { key, origin } of this.#alerts.list()) {
      if (origin !== '' && !origins.includes(origin)) await this.end(key);
    }
    const { news, meta } = changesOf(this.#meta, logs, this.#nowSeconds());
    // Told of before it is remembered: a crash in between tells again, under the same id.
    for (const finding of news) await this.report(finding);
    if (formatMeta(meta) !== formatMeta(this.#meta)) await this.#options.store.meta.save(formatMeta(meta));
    this.#meta = meta;
  }

  /** Opens the watch over a log; one that was not watched before has no state yet. */
  async #openWatch(log: WatchedLog, init: boolean): Promise<LogWatch> {
    const { store, nowMillis, random, onProgress } = this.#options;
    const { origin } = log;
    const isNew = init || !this.#meta.logs.some((known) => known.origin === origin);
    const evidence = await this.#evidence.against(identityOf(log), this.#hasher);
    const watch = await LogWatch.open(
      {
        log,
        store: await store.log(origin),
        sink: {
          report: (finding) => this.#take(origin, finding),
          end: (key) => this.end(key),
          knows: (key) => this.#alerts.get(key) !== undefined,
        },
        limits: this.#limits,
        hasher: this.#hasher,
        verifyMany: this.#options.verifyMany ?? ((jobs) => portableCrypto.verifyMany(jobs)),
        nowMillis,
        random,
        bookLimits: bookLimits(Math.max(this.#logs.length, 1)),
        evidence,
        onProgress: onProgress === undefined ? undefined : (done, total) => onProgress(origin, done, total),
      },
      isNew,
    );
    // Evidence is kept before its alert is: what a crash left without one gets it now.
    for (const one of evidence) {
      if (this.#alerts.get(proofFinding(one).key) !== undefined) continue;
      const finding = await watch.findingOf(one);
      if (finding !== undefined && this.#alerts.get(finding.key) === undefined) await this.report(finding);
    }
    return watch;
  }

  async #round(signal: AbortSignal | undefined): Promise<RoundReport> {
    const startedMillis = this.#options.nowMillis();
    const rounds: LogRound[] = [];
    const waiting = [...this.#logs.entries()];
    const isOver = (): boolean => waiting.length === 0 || signal?.aborted === true;
    const worker = async (): Promise<void> => {
      while (!isOver()) {
        const [i, log] = waiting.shift()!;
        rounds[i] = await this.#roundOf(log, signal);
      }
    };
    const parallel = Math.min(this.#options.parallel ?? DEFAULT_PARALLEL, waiting.length);
    await Promise.all(Array.from({ length: parallel }, worker));
    await this.#deliver();
    const logs = rounds.filter((round) => round !== undefined);
    const findings = logs.flatMap((round) => round.findings);
    return {
      startedAtSeconds: Math.floor(startedMillis / 1000),
      seconds: (this.#options.nowMillis() - startedMillis) / 1000,
      logs,
      findings,
      backlog: logs.reduce((sum, { backlog }) => sum + backlog, 0),
      worst: this.#worst(findings),
    };
  }

  /** A round over one log, whose state is read again first where that failed before. */
  async #roundOf(log: WatchedLog, signal: AbortSignal | undefined): Promise<LogRound> {
    const { catchUpMillis = DEFAULT_CATCH_UP_MILLIS, nowMillis } = this.#options;
    const { origin } = log;
    let watch = this.#watches.get(origin);
    try {
      if (watch === undefined) {
        watch = await this.#openWatch(log, false);
        this.#watches.set(origin, watch);
      }
      return await watch.round(nowMillis() + catchUpMillis, signal);
    } catch (error) {
      if (watch !== undefined) await this.#drop(watch);
      const { message } = asLimmatError(error);
      const finding = plainFinding('own-trouble', origin, `${origin} could not be checked: ${message}`);
      // Where alerts cannot be kept either, the report still has it.
      await this.report(finding).catch((unsaved: unknown) => this.#options.onNotifyError?.(unsaved));
      return { origin, size: undefined, entries: 0, backlog: 0, findings: [finding], skipped: false };
    }
  }

  /** Ends a watch whose store failed: what it has in memory may be ahead of the disk. The next round opens another. */
  async #drop(watch: LogWatch): Promise<void> {
    await watch.stop();
    if (this.#watches.get(watch.log.origin) === watch) this.#watches.delete(watch.log.origin);
  }

  /** What a watch found: evidence is kept before anybody is told of it. */
  async #take(origin: string, finding: Finding): Promise<void> {
    if (finding.class === 'proof') {
      const { evidence } = finding;
      await this.#keep(evidence, async () => formatEvidence(evidence, await this.#observed(origin, evidence)));
    }
    await this.report(finding);
  }

  async #keep(evidence: Evidence, make: () => Promise<Uint8Array>): Promise<void> {
    if (await this.#evidence.keep(evidence, make)) this.#options.onEvidence?.(evidence);
  }

  /** This monitor's signed word about its evidence, which stands without it too. */
  async #observed(origin: string, evidence: Evidence): Promise<SignedObservation | undefined> {
    const { observe, onNotifyError } = this.#options;
    try {
      return await observe?.(evidence, this.#sourcesOf(origin, evidence));
    } catch (error) {
      onNotifyError?.(error);
      return undefined;
    }
  }

  /** How this monitor came by the checkpoints of its evidence. */
  #sourcesOf(origin: string, { heads }: Evidence): Observation['sources'] {
    const book = this.#watches.get(origin)?.book;
    return heads.flatMap(({ size, rootHash }, checkpoint) => {
      const record = book?.record(size, rootHash);
      if (record === undefined) return [];
      return record.sources.map((via) => ({ checkpoint, via, atSeconds: record.firstSeenSeconds }));
    });
  }

  /** Tells of this alert, or of all, after those that are being told of. */
  async #deliver(key?: string): Promise<void> {
    const { notify, onNotifyError } = this.#options;
    for (const error of await this.#alerts.deliver(notify, key)) onNotifyError?.(error);
  }

  /** What somebody acknowledged counts no more, also while it goes on. */
  #worst(findings: readonly Finding[]): FindingClass | undefined {
    const unknown = findings.filter(({ key }) => this.#alerts.get(key)?.state !== 'acknowledged');
    const classes = new Set([...unknown, ...this.#alerts.open()].map((item) => item.class));
    return CLASSES.find((one) => classes.has(one));
  }

  #nowSeconds(): number {
    return Math.floor(this.#options.nowMillis() / 1000);
  }

  #inTurn<T>(task: () => Promise<T>): Promise<T> {
    const turn = this.#turns.then(task);
    this.#turns = turn.catch(() => undefined);
    return turn;
  }
}
