// The time that a cosigner, a witness or a mirror, signs: never before a time that it has signed, and none while the clock cannot be believed.

import { LimmatError } from './errors.ts';

/** Time as a parameter. */
export interface SigningTime {
  /** Unix time in milliseconds; may jump. */
  nowMillis(): number;
  /** Milliseconds from an arbitrary start; never goes back. */
  monotonicMillis(): number;
}

/** How far the clock may be off before nothing is signed, as with a log (DESIGN §4), in milliseconds. */
const TOLERANCE_MILLIS = 60_000;

/**
 * Notices a clock that moved against the monotonic one by more than the tolerance since it was last believed. A restart
 * believes the clock anew: that is how an operator says that the new time is right.
 */
export class SigningClock {
  readonly #clock: SigningTime;
  #offsetMillis: number;

  constructor(clock: SigningTime) {
    this.#clock = clock;
    this.#offsetMillis = clock.nowMillis() - clock.monotonicMillis();
  }

  /**
   * The time to sign, Unix seconds: max(now, lastSeconds), and at least 1. `clock-behind` when the clock is more than a
   * minute behind the last signed time, or has jumped by more than a minute either way.
   */
  next(lastSeconds: number): number {
    const nowMillis = this.#clock.nowMillis();
    const jumpMillis = nowMillis - this.#clock.monotonicMillis() - this.#offsetMillis;
    if (Math.abs(jumpMillis) > TOLERANCE_MILLIS) {
      throw new LimmatError(
        'clock-behind',
        `the clock jumped by ${Math.round(jumpMillis / 1000)} s against the monotonic clock; nothing is signed until it ` +
          'is back, or until a restart confirms the new time',
      );
    }
    const behindMillis = lastSeconds * 1000 - nowMillis;
    if (behindMillis > TOLERANCE_MILLIS) {
      throw new LimmatError(
        'clock-behind',
        `the clock is ${Math.round(behindMillis / 1000)} s behind the last signed time ${lastSeconds}; nothing is ` +
          'signed until it has caught up',
      );
    }
    // Small corrections of the clock are ordinary; only what comes at once is a jump.
    this.#offsetMillis += jumpMillis;
    // 0 would be "no statement about time", which a cosigner must not make.
    return Math.max(Math.floor(nowMillis / 1000), lastSeconds, 1);
  }
}
