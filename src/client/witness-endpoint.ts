// One witness's address in the life of a log: asked about one checkpoint at a time, left alone for a while after it failed,
// and counted.

import type { CheckpointVerifier } from '../note/signer.ts';
import type { Hasher } from '../merkle/hash.ts';
import { LimmatError } from '../errors.ts';
import type { Fetch } from './bounded-fetch.ts';
import type { CosignClock } from './cosign.ts';
import type { CosignRound } from './cosign-round.ts';
import { WitnessClient, WitnessError } from './witness-client.ts';
import type { Cosignature } from './witness-client.ts';

/** Pauses after failures in a row; the last one repeats. */
const BACKOFF_MILLIS = Object.freeze([500, 1000, 2000, 5000, 10_000, 20_000, 30_000]);

/** One key of the witness, under the policy's name for it. */
export interface WitnessMember {
  readonly name: string;
  readonly verifier: CheckpointVerifier;
}

/** A witness did not cosign, or has forgotten what it did. */
export interface WitnessTrouble {
  readonly witness: string;
  readonly reason: string;
  readonly isAlarm: boolean;
}

/** See WitnessStatus of log/cosigner.ts. */
export interface MemberStatus {
  readonly name: string;
  readonly url: string;
  readonly size: number | undefined;
  readonly latencyMillis: number | undefined;
  readonly lastSuccessSeconds: number | undefined;
  readonly successes: number;
  readonly failures: number;
  readonly failuresInRow: number;
  readonly failure: string | undefined;
  readonly isAlarming: boolean;
  readonly stepsBack: number;
}

type Counts = { -readonly [K in Exclude<keyof MemberStatus, 'name' | 'url' | 'size'>]: MemberStatus[K] };

export interface WitnessEndpointOptions {
  readonly url: string;
  /** At least one. */
  readonly members: readonly WitnessMember[];
  readonly fetch: Fetch;
  readonly clock: CosignClock;
  readonly hasher?: Hasher;
  readonly deadlineMillis: number;
  readonly onTrouble?: (trouble: WitnessTrouble) => void;
}

export class WitnessEndpoint {
  readonly #options: WitnessEndpointOptions;
  readonly #names: readonly string[];
  readonly #client: WitnessClient;
  readonly #counts: ReadonlyMap<string, Counts>;
  #current: AbortController | undefined;
  /** The round that is taken up when the one under way is over. */
  #next: CosignRound | undefined;
  #failuresInRow = 0;
  #notBeforeMillis = Number.NEGATIVE_INFINITY;
  #isClosed = false;

  constructor(options: WitnessEndpointOptions) {
    const { url, members, fetch, clock, hasher } = options;
    this.#options = options;
    this.#names = members.map(({ name }) => name);
    this.#client = new WitnessClient({
      url,
      verifiers: members.map(({ verifier }) => verifier),
      fetch,
      nowMillis: () => clock.nowMillis(),
      ...(hasher !== undefined && { hasher }),
      onStepBack: (fromSize, toSize) => this.#steppedBack(fromSize, toSize),
    });
    this.#counts = new Map(this.#names.map((name) => [name, nothingYet()]));
  }

  /** Asks for the round's cosignatures: now, or when the request under way is over; not at all after a failure just now. */
  take(round: CosignRound): void {
    if (this.#isClosed) return;
    if (this.#current !== undefined) {
      this.#next = round;
      round.await(this.#names);
      return;
    }
    if (this.#options.clock.monotonicMillis() < this.#notBeforeMillis) {
      const whys = this.#names.map((name) => [name, this.#counts.get(name)?.failure ?? 'it failed just now'] as const);
      round.settled(new Map(), new Map(whys));
      return;
    }
    round.await(this.#names);
    void this.#ask(round);
  }

  /** One of these has cosigned that size, as its line on a checkpoint says: perhaps in an earlier process's life. */
  remember(names: ReadonlySet<string>, size: number): void {
    if (this.#names.some((name) => names.has(name))) this.#client.remember(size);
  }

  status(): MemberStatus[] {
    const { url } = this.#options;
    const { size } = this.#client;
    return this.#names.map((name) => ({ name, url, size, ...this.#counts.get(name)! }));
  }

  close(): void {
    this.#isClosed = true;
    this.#next = undefined;
    this.#current?.abort(new LimmatError('shutting-down', 'the log is shutting down'));
  }

  /** Never rejects. */
  async #ask(round: CosignRound): Promise<void> {
    const { clock, deadlineMillis } = this.#options;
    const controller = new AbortController();
    this.#current = controller;
    const cancel = clock.after(deadlineMillis, () => {
      controller.abort(new WitnessError(`it did not answer within ${deadlineMillis} ms`, 'trouble'));
    });
    const startMillis = clock.monotonicMillis();
    try {
      const cosignatures = await this.#cosign(round, controller.signal);
      this.#succeeded(round, cosignatures, clock.monotonicMillis() - startMillis);
    } catch (error) {
      if (!this.#isClosed) this.#failed(round, error);
    } finally {
      cancel();
      this.#current = undefined;
      const next = this.#next;
      this.#next = undefined;
      if (next?.isOpen === true) this.take(next);
    }
  }

  async #cosign(round: CosignRound, signal: AbortSignal): Promise<Cosignature[]> {
    const { request } = round;
    // First: what it has from somebody else who signs for this log is replaced by what it is sent now. A witness that
    // cosigns and does not show what, is still heard: half of its time is left.
    if (request.isProbe) await this.#hear(round, signal, this.#options.deadlineMillis / 2);
    try {
      // The signal ends what is waited for; this limit is for a fetch that does not heed it.
      const deadline = { millis: this.#options.deadlineMillis + 1000, signal };
      return await this.#client.cosign({ ...request, size: request.head.size }, deadline);
    } catch (error) {
      // What it shows may carry the log's own signature; a bare word of its does not count against the log.
      const isContradiction = error instanceof WitnessError && error.isAboutTheLog;
      const whole = this.#options.deadlineMillis;
      if (isContradiction && !signal.aborted) await this.#hear(round, signal, whole).catch(() => undefined);
      throw error;
    }
  }

  /** Has the log look at what the witness shows of it, if anything comes within that time. Throws what the signal aborts with. */
  async #hear({ request }: CosignRound, signal: AbortSignal, millis: number): Promise<void> {
    const late = new AbortController();
    const cancel = this.#options.clock.after(millis, () => {
      late.abort(new LimmatError('network', `it showed nothing within ${millis} ms`));
    });
    try {
      const deadline = { millis: millis + 1000, signal: AbortSignal.any([signal, late.signal]) };
      const shown = await this.#client.shown(request.origin, deadline);
      if (shown !== undefined) await request.onShown(this.#names.join(', '), shown);
    } finally {
      cancel();
    }
  }

  #succeeded(round: CosignRound, cosignatures: readonly Cosignature[], latencyMillis: number): void {
    this.#failuresInRow = 0;
    const lines = new Map<string, string>();
    const failures = new Map<string, string>();
    for (const { name, verifier } of this.#options.members) {
      const found = cosignatures.find((one) => one.verifier === verifier);
      if (found === undefined) {
        this.#count(name, 'its answer has no signature of this key', false);
        failures.set(name, 'its answer has no signature of this key');
        continue;
      }
      lines.set(name, found.line);
      const counts = this.#counts.get(name)!;
      counts.successes++;
      counts.failuresInRow = 0;
      counts.failure = undefined;
      counts.isAlarming = false;
      counts.latencyMillis = latencyMillis;
      counts.lastSuccessSeconds = Math.floor(this.#options.clock.nowMillis() / 1000);
    }
    round.settled(lines, failures);
  }

  /** No failure: what it cosigns next is as good as any, and whether to trust it any longer is the operator's to say. */
  #steppedBack(fromSize: number, toSize: number): void {
    const reason = `it has cosigned size ${fromSize}, and says now that ${toSize} was the last: it has forgotten what it signed`;
    for (const name of this.#names) {
      this.#counts.get(name)!.stepsBack++;
      this.#options.onTrouble?.({ witness: name, reason, isAlarm: true });
    }
  }

  #failed(round: CosignRound, error: unknown): void {
    const pause = BACKOFF_MILLIS[Math.min(this.#failuresInRow, BACKOFF_MILLIS.length - 1)]!;
    this.#failuresInRow++;
    this.#notBeforeMillis = this.#options.clock.monotonicMillis() + pause;
    const reason = error instanceof Error ? error.message : String(error);
    const isAlarm = error instanceof WitnessError && error.isAlarm;
    for (const name of this.#names) this.#count(name, reason, isAlarm);
    round.settled(new Map(), new Map(this.#names.map((name) => [name, reason])));
  }

  #count(name: string, reason: string, isAlarm: boolean): void {
    const counts = this.#counts.get(name)!;
    counts.failures++;
    counts.failuresInRow++;
    counts.failure = reason;
    counts.isAlarming ||= isAlarm;
    this.#options.onTrouble?.({ witness: name, reason, isAlarm });
  }
}

function nothingYet(): Counts {
  return {
    latencyMillis: undefined,
    lastSuccessSeconds: undefined,
    successes: 0,
    failures: 0,
    failuresInRow: 0,
    failure: undefined,
    isAlarming: false,
    stepsBack: 0,
  };
}
