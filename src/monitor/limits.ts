// What a monitor puts up with before it says so, and how much it does at once.

export interface MonitorLimits {
  /** Rounds in a row that have to fail before anybody is told that the log could not be read. */
  readonly failures: number;
  /** Age of the head that a log shows, by its signed time, from which on it is stale. */
  readonly maxAgeSeconds: number;
  /** How much longer than that until it is a freeze. */
  readonly graceSeconds: number;
  /** How long a log may fail to serve what its signed head promises before that is a suspicion. */
  readonly unservedSeconds: number;
  /** How far ahead of this clock a signed time may be. */
  readonly clockSkewSeconds: number;
  /** How long a witness may be silent, or behind others, before that is a suspicion. */
  readonly witnessSeconds: number;
  /** Entry bundles that are fetched ahead. */
  readonly bundlesAhead: number;
}

/**
 * A limmat log signs its head again every five minutes, so an hour is a dozen that did not come. A day is longer than
 * most outages. The clock skew is what an honest log allows itself (a minute) and a badly kept machine adds.
 */
export const DEFAULT_LIMITS: MonitorLimits = Object.freeze({
  failures: 3,
  maxAgeSeconds: 3600,
  graceSeconds: 2 * 3600,
  unservedSeconds: 6 * 3600,
  clockSkewSeconds: 300,
  witnessSeconds: 6 * 3600,
  bundlesAhead: 8,
});
