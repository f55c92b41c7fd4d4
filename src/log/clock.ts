// Time as a parameter: wall clock for what is signed, monotonic clock to notice that the wall clock jumped.

/** The clock port of the log. Tests count; Node and Workers pass the real one. */
export interface Clock {
  /** Unix time in milliseconds; may jump. */
  nowMillis(): number;
  /** Milliseconds from an arbitrary start; never goes back. */
  monotonicMillis(): number;
  /** Resolves after what is already waiting in the event loop had its turn, so that entries can gather. */
  nextTurn(): Promise<void>;
  /** Calls back once after that time; the returned function cancels it. */
  after(millis: number, callback: () => void): () => void;
}

/** The clock of any Web runtime. Node passes its own `nextTurn`, which does not cost a millisecond. */
export const systemClock: Clock = Object.freeze({
  nowMillis: () => Date.now(),
  monotonicMillis: () => performance.now(),
  nextTurn: () => new Promise<void>((resolve) => setTimeout(resolve, 0)),
  after: (millis: number, callback: () => void) => {
    const timer = setTimeout(callback, millis);
    return () => clearTimeout(timer);
  },
});

/** How far the wall clock may be off before the log stops signing (DESIGN §4), in milliseconds. */
export const CLOCK_TOLERANCE_MILLIS = 60_000;

/**
 * Notices a wall clock that moved against the monotonic one by more than the tolerance since it was last believed.
 * A restart believes the clock anew: that is how an operator says that the new time is right.
 */
export class ClockWatch {
  readonly #clock: Clock;
  #offsetMillis: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#offsetMillis = clock.nowMillis() - clock.monotonicMillis();
  }

  /**
   * Why no time may be signed now, and none judged: the clock is more than a minute behind the last signed time, or it
   * jumped by more than a minute. Undefined while it is believed.
   */
  refusal(lastSeconds: number): string | undefined {
    const jumpMillis = this.#jumpMillis();
    if (Math.abs(jumpMillis) > CLOCK_TOLERANCE_MILLIS) {
      return (
        `the clock jumped by ${Math.round(jumpMillis / 1000)} s against the monotonic clock; ` +
        'nothing is signed until it is back, or until a restart confirms the new time'
      );
    }
    const behindMillis = lastSeconds * 1000 - this.#clock.nowMillis();
    if (behindMillis <= CLOCK_TOLERANCE_MILLIS) return undefined;
    return (
      `the clock is ${Math.round(behindMillis / 1000)} s behind the last signed time ${lastSeconds}; ` +
      'nothing is signed until it has caught up'
    );
  }

  /** The time to sign, Unix seconds: max(now, last). Only while `refusal` has none. */
  timestampSeconds(lastSeconds: number): number {
    // Small corrections of the wall clock are ordinary; only what comes at once is a jump.
    this.#offsetMillis += this.#jumpMillis();
    return Math.max(Math.floor(this.#clock.nowMillis() / 1000), lastSeconds);
  }

  #jumpMillis(): number {
    return this.#clock.nowMillis() - this.#clock.monotonicMillis() - this.#offsetMillis;
  }
}
