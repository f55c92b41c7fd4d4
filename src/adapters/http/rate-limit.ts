// How often one source may ask for something that costs: a bucket of tokens for each source, and one for all together, so
// that whoever has many addresses gains little.

import { LimmatError } from '../../errors.ts';

export interface RateLimitOptions {
  /** Requests that a source may send at once, and how many a second it may go on with. */
  readonly burst: number;
  readonly perSecond: number;
  /** The same for all sources together. */
  readonly totalBurst: number;
  readonly totalPerSecond: number;
  /** Sources that are remembered; the one that asked longest ago is forgotten first. */
  readonly sources: number;
  /** Monotonic milliseconds; default performance.now. */
  readonly monotonicMillis?: () => number;
}

interface Bucket {
  tokens: number;
  atMillis: number;
}

/** Counts requests by source. */
export class RateLimit {
  readonly #options: RateLimitOptions;
  readonly #now: () => number;
  readonly #buckets = new Map<string, Bucket>();
  readonly #total: Bucket;

  constructor(options: RateLimitOptions) {
    this.#options = options;
    this.#now = options.monotonicMillis ?? (() => performance.now());
    this.#total = { tokens: options.totalBurst, atMillis: this.#now() };
  }

  /**
   * Counts a request of this source, or several where it costs as much as these; never more than a source may send at
   * once. `queue-full`, with the seconds to wait, when it came too soon.
   */
  take(source: string, cost = 1): void {
    const { burst, perSecond, totalBurst, totalPerSecond, sources } = this.#options;
    const tokens = Math.min(cost, burst, totalBurst);
    const bucket = this.#buckets.get(source) ?? { tokens: burst, atMillis: this.#now() };
    // The last one that asked is the last one to be forgotten.
    this.#buckets.delete(source);
    this.#buckets.set(source, bucket);
    if (this.#buckets.size > sources) {
      for (const oldest of this.#buckets.keys()) {
        this.#buckets.delete(oldest);
        break;
      }
    }
    this.#fill(bucket, burst, perSecond);
    this.#fill(this.#total, totalBurst, totalPerSecond);
    if (bucket.tokens < tokens) throw tooSoon('from here', (tokens - bucket.tokens) / perSecond);
    if (this.#total.tokens < tokens) throw tooSoon('from everywhere', (tokens - this.#total.tokens) / totalPerSecond);
    bucket.tokens -= tokens;
    this.#total.tokens -= tokens;
  }

  #fill(bucket: Bucket, burst: number, perSecond: number): void {
    const now = this.#now();
    bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.atMillis) / 1000) * perSecond);
    bucket.atMillis = now;
  }
}

/**
 * What counts as one source of an address: an IPv4 address, and of an IPv6 address the first 64 bits, as a network is
 * given that many addresses at the least.
 */
export function sourceOfAddress(address: string): string {
  if (!address.includes(':')) return address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  const [before = [], after] = address
    .replace(/%.*$/, '')
    .split('::')
    .map((part) => (part === '' ? [] : part.split(':')));
  const zeros = after === undefined ? 0 : Math.max(0, 8 - before.length - after.length);
  const groups = [...before, ...Array.from({ length: zeros }, () => '0'), ...(after ?? [])].slice(0, 4);
  return `${groups.map((group) => group.toLowerCase().replace(/^0+(?=.)/, '')).join(':')}::/64`;
}

function tooSoon(where: string, seconds: number): LimmatError {
  const retryAfterSeconds = Math.max(1, Math.ceil(seconds));
  return new LimmatError('queue-full', `too many requests ${where}; nothing was taken, send it again later`, {
    retryAfterSeconds,
  });
}
