// Latencies in logarithmic buckets: constant memory however many are recorded, and a known error.

/** Buckets per factor of two: a reported percentile is at most 2^(1/32) − 1 = 2.2 % above the true one. */
const PER_OCTAVE = 32;
/** Up to 2^32 µs, over an hour. */
const BUCKETS = 32 * PER_OCTAVE;

/** Counts of latencies in microseconds. */
export class Histogram {
  readonly #counts = new Float64Array(BUCKETS);
  #total = 0;
  #sum = 0;
  #max = 0;

  /** Records one latency of at least 0 µs. */
  record(micros: number): void {
    const bucket = micros <= 1 ? 0 : Math.min(BUCKETS - 1, Math.ceil(Math.log2(micros) * PER_OCTAVE));
    this.#counts[bucket]! += 1;
    this.#total += 1;
    this.#sum += micros;
    if (micros > this.#max) this.#max = micros;
  }

  get count(): number {
    return this.#total;
  }

  /** Mean in milliseconds; 0 when nothing was recorded. */
  meanMillis(): number {
    return this.#total === 0 ? 0 : this.#sum / this.#total / 1000;
  }

  /** The latency in milliseconds that the given share (0 to 1) of the recorded ones did not exceed. */
  percentileMillis(share: number): number {
    const wanted = Math.ceil(this.#total * share);
    let seen = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      seen += this.#counts[bucket]!;
      if (seen >= wanted && seen > 0) return Math.min(this.#max, 2 ** (bucket / PER_OCTAVE)) / 1000;
    }
    return 0;
  }

  maxMillis(): number {
    return this.#max / 1000;
  }
}
