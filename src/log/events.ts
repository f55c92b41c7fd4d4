// What happens inside a log, as values: the operator's structured log lines and the counters both come from these.

import type { ErrorCode } from '../errors.ts';

/** One thing that happened. Times are milliseconds. */
export type LogEvent =
  | { readonly kind: 'committed'; readonly size: number; readonly entries: number; readonly millis: number }
  | { readonly kind: 'commit-failed'; readonly reason: string }
  | {
      readonly kind: 'published';
      readonly size: number;
      readonly timestampSeconds: number;
      readonly millis: number;
    }
  | { readonly kind: 'publish-failed'; readonly reason: string }
  | { readonly kind: 'signing-refused'; readonly reason: string }
  | { readonly kind: 'reopen-failed'; readonly reason: string }
  | { readonly kind: 'witness-failed'; readonly witness: string; readonly reason: string }
  /** A witness says what an honest one of an honest log does not, or has forgotten what it cosigned. */
  | { readonly kind: 'witness-alarm'; readonly witness: string; readonly reason: string }
  /** A witness holds a checkpoint with the log's own signature that the log did not make: the checkpoint with that line. */
  | { readonly kind: 'stopped'; readonly reason: string; readonly witness: string; readonly checkpoint: string }
  /** That the log is stopped could not be written beside the guard; it is tried again. */
  | { readonly kind: 'stop-failed'; readonly reason: string }
  | { readonly kind: 'reopened'; readonly size: number }
  | { readonly kind: 'answered'; readonly appended: number; readonly duplicates: number }
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly entries: number };

/** Upper bounds of the latency buckets, in seconds: a flush takes 0.1 ms to 20 ms, a bad day longer. */
const BUCKETS_SECONDS = Object.freeze([0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10]);

/** Observations in cumulative buckets, as Prometheus histograms have them. */
export class Histogram {
  readonly bounds: readonly number[] = BUCKETS_SECONDS;
  /** Observations ≤ bounds[i]; one more count, for all of them, is `count`. */
  readonly cumulative: number[] = BUCKETS_SECONDS.map(() => 0);
  count = 0;
  sum = 0;

  observe(seconds: number): void {
    this.count++;
    this.sum += seconds;
    for (const [i, bound] of this.bounds.entries()) if (seconds <= bound) this.cumulative[i]!++;
  }
}

/** Totals since the log was opened. */
export class LogCounters {
  commits = 0;
  commitFailures = 0;
  publishes = 0;
  publishFailures = 0;
  reopens = 0;
  entriesAppended = 0;
  entriesDuplicate = 0;
  readonly refusedByCode: Map<ErrorCode, number> = new Map();
  readonly commitSeconds: Histogram = new Histogram();
  readonly publishSeconds: Histogram = new Histogram();

  add(event: LogEvent): void {
    switch (event.kind) {
      case 'committed':
        this.commits++;
        this.commitSeconds.observe(event.millis / 1000);
        break;
      case 'commit-failed':
        this.commitFailures++;
        break;
      case 'published':
        this.publishes++;
        this.publishSeconds.observe(event.millis / 1000);
        break;
      case 'publish-failed':
      case 'signing-refused':
        this.publishFailures++;
        break;
      case 'reopened':
        this.reopens++;
        break;
      case 'answered':
        this.entriesAppended += event.appended;
        this.entriesDuplicate += event.duplicates;
        break;
      case 'refused':
        this.refusedByCode.set(event.code, (this.refusedByCode.get(event.code) ?? 0) + event.entries);
        break;
      case 'reopen-failed':
      case 'witness-failed':
      case 'witness-alarm':
      case 'stopped':
      case 'stop-failed':
        break;
    }
  }
}
