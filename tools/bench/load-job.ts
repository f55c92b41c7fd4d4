// What the load generator is asked to do and what it answers: one JSON document each way.

/** What POST /add waits for, where that is more than a durable index. */
export type WaitLevel = 'published' | 'witnessed';

/** The requests that a job sends. Every kind is prepared before the clock starts. */
export type LoadRequests =
  /** POST /add of distinct random entries: 8 bytes of the entry count up from seed × 2^32. */
  | { readonly kind: 'add'; readonly entrySize: number; readonly seed: number; readonly wait?: WaitLevel }
  /** POST /api/v1/batch of that many distinct random entries, u16-length-prefixed. */
  | { readonly kind: 'batch'; readonly entrySize: number; readonly batchSize: number; readonly seed: number }
  /** POST /api/v1/batch of ready-made bodies, each sent once: a file of u32 big-endian length and body, repeated. */
  | { readonly kind: 'bodies'; readonly file: string; readonly entriesPerBody: number }
  /**
   * POST of ready-made bodies to a path, each sent once: a file of u32 connection, u32 length (both big-endian) and body,
   * repeated. A connection sends its own in order, one after the other's answer.
   */
  | { readonly kind: 'posts'; readonly path: string; readonly file: string }
  /** GET of these paths, in order and from the start again, each connection from its own place. */
  | { readonly kind: 'paths'; readonly file: string };

/** A bounded piece of load: it ends at the request count or the time, whichever comes first. */
export interface LoadJob {
  readonly port: number;
  readonly connections: number;
  readonly requests: LoadRequests;
  /** Requests in all, over every connection, at most 10^8. */
  readonly maxRequests: number;
  /** Milliseconds in all, at most ten minutes. */
  readonly maxMillis: number;
  /** Requests at the start that count for nothing. */
  readonly warmup: number;
}

/** What was measured between the end of the warm-up and the last answer. */
export interface LoadResult {
  readonly requests: number;
  /** Entries that the answered requests carried; 0 for reads. */
  readonly entries: number;
  readonly seconds: number;
  readonly bytesIn: number;
  /** Answers by HTTP status. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Batch answers with at least one refused entry. */
  readonly refusedBatches: number;
  /** Connections that broke, and the first reason. */
  readonly broken: number;
  readonly firstProblem: string | undefined;
  readonly meanMillis: number;
  readonly p50Millis: number;
  readonly p90Millis: number;
  readonly p99Millis: number;
  readonly maxMillis: number;
  /** CPU seconds that the generator itself used, to show that it was not the bottleneck. */
  readonly cpuSeconds: number;
}

/** A load job that asks for more than the generator is willing to do is a caller's mistake. */
export const MAX_JOB_REQUESTS: number = 100_000_000;
export const MAX_JOB_MILLIS: number = 600_000;
export const MAX_JOB_CONNECTIONS: number = 1024;
