// What the HTTP servers and the log count, under which names.

import type { LogCounters } from '../../log/events.ts';
import type { LogStatus } from '../../log/log.ts';
import type { MetricsRegistry } from './metrics.ts';

/** What the HTTP servers count. */
export interface HttpMetrics {
  /** Counts one kind of request at the cost of an addition, without its time: for answers that are ready to send. */
  ready(method: string, route: string, status: number): () => void;
  request(method: string, route: string, status: number, seconds: number): void;
  problem(code: string): void;
}

const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'OPTIONS', 'PUT', 'DELETE', 'PATCH']);

/** Registers the HTTP counters: requests by method, route and status; time by route; refusals by error code. */
export function httpMetrics(registry: MetricsRegistry): HttpMetrics {
  const requests = registry.counter('limmat_http_requests_total', 'HTTP requests answered.', [
    'method',
    'route',
    'status',
  ]);
  const seconds = registry.histogram('limmat_http_request_seconds', 'Time from a request to its answer.', ['route']);
  const problems = registry.counter('limmat_http_problems_total', 'Requests answered with a problem, by error code.', [
    'code',
  ]);
  return {
    ready: (method, route, status) => requests.series(method, route, String(status)),
    request: (method, route, status, duration) => {
      // A method is the client's text; the label set must stay closed.
      requests.add(1, METHODS.has(method) ? method : 'other', route, String(status));
      seconds.observe(duration, route);
    },
    problem: (code) => problems.add(1, code),
  };
}

/** What is read of a log when it is scraped. */
export interface MeasuredLog {
  readonly counters: LogCounters;
  status(): LogStatus;
}

/** Registers a log's sizes, queue, commits, publishes and refusals; a registry takes one log. */
export function logMetrics(registry: MetricsRegistry, log: MeasuredLog, nowMillis: () => number = Date.now): void {
  const { counters } = log;
  registry.gauge('limmat_tree_size', 'Durable entries.', () => log.status().head.size);
  registry.gauge(
    'limmat_published_size',
    'Entries under the published checkpoint.',
    () => log.status().published?.size,
  );
  registry.gauge('limmat_checkpoint_age_seconds', 'Age of the published checkpoint.', () => {
    const published = log.status().published;
    return published && nowMillis() / 1000 - published.timestampSeconds;
  });
  registry.gauge('limmat_ready', '1 while entries are taken and checkpoints are signed.', () =>
    log.status().state === 'ready' ? 1 : 0,
  );
  registry.gauge('limmat_queue_entries', 'Entries that wait for a commit.', () => log.status().waitingEntries);
  registry.gauge('limmat_queue_bytes', 'Bytes of the entries that wait for a commit.', () => log.status().waitingBytes);
  registry.total('limmat_entries_appended_total', 'Entries appended.', () => counters.entriesAppended);
  registry.total(
    'limmat_entries_duplicate_total',
    'Entries that were in the log already.',
    () => counters.entriesDuplicate,
  );
  registry.totals(
    'limmat_entries_refused_total',
    'Entries refused, by error code.',
    'code',
    () => counters.refusedByCode,
  );
  registry.total('limmat_commits_total', 'Commits.', () => counters.commits);
  registry.total('limmat_commit_failures_total', 'Failed commits.', () => counters.commitFailures);
  registry.total('limmat_publishes_total', 'Checkpoints published.', () => counters.publishes);
  registry.total('limmat_publish_failures_total', 'Failed attempts to publish.', () => counters.publishFailures);
  registry.total(
    'limmat_storage_reopens_total',
    'Times the store was reopened after a failure.',
    () => counters.reopens,
  );
  registry.observed('limmat_commit_seconds', 'Time of a durable commit.', counters.commitSeconds);
  registry.observed('limmat_publish_seconds', 'Time to sign and publish a checkpoint.', counters.publishSeconds);
}
