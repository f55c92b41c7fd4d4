// The end of a log's signing (DESIGN §4): somebody else signs with its keys. Once that is known it stays known: it is written
// beside the guard, since at the next start the witness that showed it may be the one that does not answer. What the guard
// does not take is written again until it does: the log itself may have no reason to write anything for long.

import { LimmatError } from '../errors.ts';
import type { Clock } from './clock.ts';
import type { LogEvent } from './events.ts';
import type { Guard } from './guard.ts';

/** Pauses after failed attempts to write it; the last one repeats. */
const RETRY_PAUSES_MILLIS = Object.freeze([500, 1000, 2000, 5000, 10_000]);

export interface StopOptions {
  readonly guard: Guard;
  readonly clock: Pick<Clock, 'after'>;
  readonly onEvent: (event: LogEvent) => void;
}

export class Stop {
  readonly #options: StopOptions;
  #reason: string | undefined;
  #isWritten: boolean;
  #failures = 0;
  #cancelTimer: (() => void) | undefined;
  /** The last attempt to write it. Never rejects. */
  #writing: Promise<void> = Promise.resolve();
  #isClosed = false;

  private constructor(options: StopOptions, reason: string | undefined) {
    this.#options = options;
    this.#reason = reason;
    this.#isWritten = reason !== undefined;
  }

  /** As the guard remembers it. */
  static async load(options: StopOptions): Promise<Stop> {
    return new Stop(options, await options.guard.stopReason());
  }

  /** Why nothing will ever be signed again; undefined when all is well. */
  get reason(): string | undefined {
    return this.#reason;
  }

  /** Throws `signed-elsewhere` once the log is stopped. */
  assertNot(): void {
    if (this.#reason !== undefined) throw new LimmatError('signed-elsewhere', this.#reason);
  }

  /** Stops the log at once; the first reason stays. Resolves when the guard has taken it, or is to be asked again later. */
  async set(reason: string): Promise<void> {
    if (this.#reason === undefined) {
      this.#reason = reason;
      this.#writing = this.#write(reason);
    }
    await this.#writing;
  }

  /** A last attempt where there was none that succeeded; then no more. The guard is still open. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelTimer?.();
    await this.#writing;
    if (this.#reason !== undefined && !this.#isWritten) await this.#write(this.#reason);
  }

  async #write(stopReason: string): Promise<void> {
    const { guard, clock, onEvent } = this.#options;
    try {
      await guard.stop(stopReason);
      this.#isWritten = true;
    } catch (error) {
      onEvent({ kind: 'stop-failed', reason: error instanceof Error ? error.message : String(error) });
      if (this.#isClosed) return;
      const pause = RETRY_PAUSES_MILLIS[Math.min(this.#failures++, RETRY_PAUSES_MILLIS.length - 1)]!;
      this.#cancelTimer = clock.after(pause, () => {
        this.#writing = this.#write(stopReason);
      });
    }
  }
}
