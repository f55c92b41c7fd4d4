// Publishing: the committed head becomes a signed checkpoint. The order is the promise (DESIGN §4): the growth is durable,
// then the guard is, then it is signed, then stored, then served. Only what extends the last thing signed is signed.

import { concat, equalBytes, toHex, utf8 } from '../bytes.ts';
import { LimmatError, isLimmatError } from '../errors.ts';
import type { Hash } from '../merkle/hash.ts';
import type { TreeHead } from '../merkle/tree-head.ts';
import { formatCheckpoint } from '../note/checkpoint.ts';
import { openLogCheckpoint } from '../note/open.ts';
import type { CheckpointSigner, CheckpointVerifier } from '../note/signer.ts';
import type { LogStorage } from '../storage.ts';
import type { Archive, PublishedHead } from './archive.ts';
import type { Clock } from './clock.ts';
import { ClockWatch } from './clock.ts';
import type { LogEvent } from './events.ts';
import type { Guard, GuardState } from './guard.ts';
import type { Stop } from './stop.ts';
import type { SignedHead, Witnessing } from './witnessing.ts';

/** A checkpoint a second: what clients wait for at most, and few enough to keep. */
export const DEFAULT_CHECKPOINT_INTERVAL_MILLIS = 1000;
/** An idle log signs its head again after this, so that `max-age` in a trust file may be short. */
export const DEFAULT_REFRESH_INTERVAL_MILLIS = 300_000;

/** A published checkpoint, and what it says. */
export interface Published extends PublishedHead {
  readonly head: TreeHead;
  /** Whether the quorum's cosignatures are among its lines; absent where no quorum is asked for. */
  readonly isCosigned?: boolean | undefined;
}

/** What an append may wait for beside its durable index. */
export type PublishLevel = 'published' | 'witnessed';

/** Pauses after failed attempts to publish; the last one repeats. */
const RETRY_PAUSES_MILLIS = Object.freeze([500, 1000, 2000, 5000, 10_000]);

export interface PublisherOptions {
  readonly origin: string;
  readonly guard: Guard;
  readonly signers: readonly CheckpointSigner[];
  readonly verifiers: readonly CheckpointVerifier[];
  readonly clock: Clock;
  readonly archive: Archive;
  readonly storage: () => LogStorage;
  /** The committed head. */
  readonly committed: () => TreeHead;
  /** The store's root at a size up to the given head's, from the tiles that readers get. */
  readonly rootHashAt: (head: TreeHead, size: number) => Promise<Hash>;
  /** Undefined for a log that has no witnesses. */
  readonly witnessing: Witnessing | undefined;
  readonly stop: Stop;
  readonly intervalMillis: number;
  readonly refreshMillis: number;
  readonly onEvent: (event: LogEvent) => void;
  /** After a write to the store whose outcome is not known. */
  readonly onStorageFailure: (error: unknown) => void;
}

interface Waiter {
  readonly index: number;
  readonly level: PublishLevel;
  readonly resolve: (published: Published | undefined) => void;
  readonly cancel: () => void;
}

export class Publisher {
  readonly #options: PublisherOptions;
  readonly #watch: ClockWatch;
  #guarded: GuardState;
  #published: Published | undefined;
  #cosigned: Published | undefined;
  /** What is written to the store: one note at a time. Never rejects. */
  #storing: Promise<void> = Promise.resolve();
  #waiters: Waiter[] = [];
  #cancelTimer: (() => void) | undefined;
  #running: Promise<void> | undefined;
  #attempts = 0;
  #lastStartMillis = Number.NEGATIVE_INFINITY;
  #failures = 0;
  #refusal: string | undefined;
  #closed = false;

  constructor(options: PublisherOptions, guarded: GuardState) {
    this.#options = options;
    this.#guarded = guarded;
    this.#watch = new ClockWatch(options.clock);
  }

  /** What readers see; undefined until the first checkpoint is out. */
  get published(): Published | undefined {
    return this.#published;
  }

  /** The last one with the quorum's cosignatures on it. */
  get cosigned(): Published | undefined {
    return this.#cosigned;
  }

  /** Why nothing is being signed; undefined when all is well. */
  get refusal(): string | undefined {
    return this.#refusal;
  }

  /** Why the clock is not to be believed at this moment; undefined when it is. */
  clockRefusal(): string | undefined {
    return this.#watch.refusal(this.#guarded.timestampSeconds);
  }

  /** What this log promised to sign last. */
  get guarded(): GuardState {
    return this.#guarded;
  }

  /** Takes up the note that the store says was published last; `store-corrupt` if it is not this log's. */
  async adopt(note: Uint8Array): Promise<void> {
    const { origin, verifiers } = this.#options;
    try {
      const { checkpoint, timestampSeconds } = await openLogCheckpoint(note, { origin, verifiers });
      const head = { size: checkpoint.size, rootHash: checkpoint.rootHash };
      this.#show({ head, size: head.size, timestampSeconds, note, isCosigned: await this.#isCosigned(note) });
    } catch (error) {
      throw new LimmatError('store-corrupt', `the stored checkpoint is not one of ${origin}: ${String(error)}`, {
        cause: error,
      });
    }
  }

  /**
   * Publishes the committed head now, for the start; later ones go by `request`. Rejects when that does not work, except
   * that a log whose clock is wrong starts without signing, says so, and signs once the clock is right, and one that is
   * stopped never does. A log with witnesses does not wait for them: it serves what was published before, and begins to
   * ask them.
   */
  async start(): Promise<void> {
    if (this.#options.witnessing !== undefined) {
      this.#run();
      return;
    }
    try {
      await this.#attempt();
    } catch (error) {
      if (!isLimmatError(error, 'clock-behind') && !isLimmatError(error, 'signed-elsewhere')) throw error;
      this.#note(error);
    }
    this.#schedule();
  }

  /** Asks for the committed head to be published, no more often than the interval. */
  request(): void {
    if (this.#running === undefined && this.#failures === 0) this.#schedule();
  }

  /** Resolves with the first checkpoint of that level that has entry `index`, or undefined when the time is up. */
  whenPublished(index: number, deadlineMillis: number, level: PublishLevel): Promise<Published | undefined> {
    const shown = level === 'witnessed' ? this.#cosigned : this.#published;
    if (shown !== undefined && index < shown.size) return Promise.resolve(shown);
    if (this.#closed) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(deadlineMillis, () => {
        this.#waiters = this.#waiters.filter((waiter) => waiter.resolve !== resolve);
        resolve(undefined);
      });
      this.#waiters.push({ index, level, resolve, cancel });
    });
  }

  /** A last checkpoint over what is committed, then nothing more is signed. */
  async close(): Promise<void> {
    const wasOpen = !this.#closed;
    this.stop();
    await this.#running;
    // Witnesses that did not answer for long will not do so now.
    const isHopeful = this.#options.witnessing === undefined || this.#failures === 0;
    if (wasOpen && isHopeful && this.#published?.size !== this.#options.committed().size) await this.#attemptQuietly();
    this.#options.witnessing?.close();
    await this.#storing;
    for (const { resolve, cancel } of this.#waiters.splice(0)) {
      cancel();
      resolve(undefined);
    }
  }

  /** Begins nothing more. */
  stop(): void {
    this.#closed = true;
    this.#cancelTimer?.();
  }

  #schedule(): void {
    this.#cancelTimer?.();
    if (this.#closed) return;
    const { clock, intervalMillis, refreshMillis, committed } = this.#options;
    const behind = this.#published?.size !== committed().size;
    const pause = RETRY_PAUSES_MILLIS[Math.min(this.#failures, RETRY_PAUSES_MILLIS.length) - 1];
    const millis = pause ?? (behind ? intervalMillis : refreshMillis);
    const wait = Math.max(0, this.#lastStartMillis + millis - clock.monotonicMillis());
    this.#cancelTimer = clock.after(wait, () => this.#run());
  }

  #run(): void {
    this.#running = this.#attemptQuietly().finally(() => {
      this.#running = undefined;
      this.#schedule();
    });
  }

  async #attemptQuietly(): Promise<void> {
    try {
      await this.#attempt();
    } catch (error) {
      this.#note(error);
    }
  }

  #note(error: unknown): void {
    this.#failures++;
    const reason = error instanceof Error ? error.message : String(error);
    this.#options.onEvent({
      kind: isLimmatError(error, 'clock-behind') ? 'signing-refused' : 'publish-failed',
      reason,
    });
  }

  async #attempt(): Promise<void> {
    const { clock, onEvent } = this.#options;
    const startMillis = clock.monotonicMillis();
    this.#lastStartMillis = startMillis;
    this.#attempts++;
    const { size, timestampSeconds } = await this.#publish(this.#options.committed());
    this.#failures = 0;
    onEvent({ kind: 'published', size, timestampSeconds, millis: clock.monotonicMillis() - startMillis });
  }

  /** From here on readers see it, and whoever waits for it is answered. */
  #show(published: Published): void {
    this.#published = published;
    if (published.isCosigned === true) this.#cosigned = published;
    const isReady = ({ index, level }: Waiter): boolean =>
      index < published.size && (level === 'published' || published.isCosigned === true);
    const ready = this.#waiters.filter(isReady);
    if (ready.length === 0) return;
    this.#waiters = this.#waiters.filter((waiter) => !isReady(waiter));
    for (const { resolve, cancel } of ready) {
      cancel();
      resolve(published);
    }
  }

  async #publish(head: TreeHead): Promise<Published> {
    const { origin, guard, witnessing, stop } = this.#options;
    stop.assertNot();
    await this.#assertExtends(head);
    this.#refusal = this.clockRefusal();
    if (this.#refusal !== undefined) throw new LimmatError('clock-behind', this.#refusal);
    await witnessing?.probe(() => this.#sign(this.#guarded, this.#guarded.timestampSeconds));
    const timestampSeconds = this.#watch.timestampSeconds(this.#guarded.timestampSeconds);
    const state = { origin, size: head.size, rootHash: head.rootHash, timestampSeconds };
    // Before the signature exists: from here on the log can only go on from this head, whatever happens next.
    await guard.write(state);
    this.#guarded = state;
    // A witness may have shown something meanwhile that it was asked for before.
    stop.assertNot();
    const signed = await this.#sign(head, timestampSeconds);
    const published = { head, size: head.size, timestampSeconds, note: signed.note, isCosigned: undefined };
    if (witnessing === undefined) return this.#store(published);
    return this.#publishCosigned(published, signed, witnessing);
  }

  /** Publishes it once it may be, and once more with the lines that come a little later. */
  async #publishCosigned(bare: Published, signed: SignedHead, witnessing: Witnessing): Promise<Published> {
    const withThose = ({ lines, isQuorum }: { lines: readonly string[]; isQuorum: boolean }): Published => ({
      ...bare,
      note: concat(bare.note, utf8(lines.join(''))),
      isCosigned: witnessing.hasQuorum ? isQuorum : undefined,
    });
    const attempt = this.#attempts;
    const cosigned = await witnessing.cosign(signed);
    const published = await this.#store(withThose(cosigned));
    void cosigned.late.then(async (late) => {
      // Not once the next one is on its way: that has them all again.
      if (late.lines.length === cosigned.lines.length || this.#published !== published) return;
      if (this.#attempts !== attempt) return;
      // The next attempt tells of a store that fails.
      await this.#store(withThose(late), published).catch(() => undefined);
    });
    return published;
  }

  async #isCosigned(note: Uint8Array): Promise<boolean | undefined> {
    const { witnessing } = this.#options;
    return witnessing?.hasQuorum === true ? witnessing.isCosigned(note) : undefined;
  }

  /** By the tiles in the store, not by memory: what readers will check is what is checked here. */
  async #assertExtends(head: TreeHead): Promise<void> {
    const { size, rootHash } = this.#guarded;
    const stored = size <= head.size ? await this.#options.rootHashAt(head, size) : undefined;
    if (stored !== undefined && equalBytes(stored, rootHash)) return;
    throw new LimmatError(
      'guard-mismatch',
      `the tree of size ${head.size} does not extend the one signed at size ${size} with root ${toHex(rootHash)}; nothing is signed`,
      { details: { size: head.size, guardSize: size } },
    );
  }

  async #sign(head: TreeHead, timestampSeconds: number): Promise<SignedHead> {
    const { origin, signers, verifiers } = this.#options;
    const text = formatCheckpoint({ origin, size: head.size, rootHash: head.rootHash, extensions: [] });
    const lines = await Promise.all(signers.map((signer) => signer.sign(text, timestampSeconds)));
    const note = utf8(`${text}\n${lines.join('')}`);
    // A key in another process may answer anything; nothing is published that a client would refuse.
    await openLogCheckpoint(note, { origin, verifiers });
    return { head: { size: head.size, rootHash: head.rootHash }, timestampSeconds, text, note };
  }

  /** Stores it and shows it: after what is being stored, and only while `instead` is still what readers see. */
  async #store(published: Published, instead?: Published): Promise<Published> {
    const done = this.#storing.then(async () => {
      if (instead !== undefined && this.#published !== instead) return;
      const writes = await this.#options.archive.writesFor(published);
      try {
        await this.#options.storage().publish(published.note, writes);
      } catch (error) {
        this.#options.onStorageFailure(error);
        throw error;
      }
      this.#show(published);
    });
    this.#storing = done.catch(() => undefined);
    await done;
    return published;
  }
}
