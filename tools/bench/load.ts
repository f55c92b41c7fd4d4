// The load generator: keeps a number of connections busy and measures. Only ever to 127.0.0.1, and bounded in requests
// and in time.

import { Histogram } from './histogram.ts';
import { LoadConnection } from './load-connection.ts';
import { MAX_JOB_CONNECTIONS, MAX_JOB_MILLIS, MAX_JOB_REQUESTS, type LoadJob, type LoadResult } from './load-job.ts';
import { prepareRequests } from './load-requests.ts';

function assertWithin(name: string, value: number, max: number): void {
  if (!Number.isSafeInteger(value) || value < 1 || value > max) {
    throw new RangeError(`${name} ${value} is not in [1, ${max}]`);
  }
}

function assertBounded(job: LoadJob): void {
  assertWithin('connections', job.connections, MAX_JOB_CONNECTIONS);
  assertWithin('maxRequests', job.maxRequests, MAX_JOB_REQUESTS);
  assertWithin('maxMillis', job.maxMillis, MAX_JOB_MILLIS);
  assertWithin('port', job.port, 65_535);
}

/** Runs one job to its end. Rejects only for a job that cannot be run. */
export function runJob(job: LoadJob): Promise<LoadResult> {
  assertBounded(job);
  const prepared = prepareRequests(job.requests, job.connections);
  const histogram = new Histogram();
  const statuses: Record<string, number> = {};
  const sentAt = new Float64Array(job.connections);
  let sent = 0;
  let answered = 0;
  let measured = 0;
  let entries = 0;
  let bytesIn = 0;
  let refusedBatches = 0;
  let broken = 0;
  let firstProblem: string | undefined;
  let live = job.connections;
  let ready = 0;
  let startedAt = 0;
  let lastAt = 0;
  let cpuAtStart = process.cpuUsage();

  return new Promise((resolve) => {
    const connections: LoadConnection[] = [];
    let timeUp = false;
    const timer = setTimeout(() => {
      timeUp = true;
      // Requests under way are still answered and counted; one that hangs is not waited for longer than this.
      setTimeout(finish, 5_000).unref();
    }, job.maxMillis);

    function finish(): void {
      clearTimeout(timer);
      for (const connection of connections) connection.end();
      const cpu = process.cpuUsage(cpuAtStart);
      resolve({
        requests: measured,
        entries,
        seconds: Math.max(lastAt - startedAt, 0) / 1000,
        bytesIn,
        statuses,
        refusedBatches,
        broken,
        firstProblem,
        meanMillis: histogram.meanMillis(),
        p50Millis: histogram.percentileMillis(0.5),
        p90Millis: histogram.percentileMillis(0.9),
        p99Millis: histogram.percentileMillis(0.99),
        maxMillis: histogram.maxMillis(),
        cpuSeconds: (cpu.user + cpu.system) / 1e6,
      });
    }

    function stop(index: number): void {
      connections[index]!.end();
      live -= 1;
      if (live === 0) finish();
    }

    function send(index: number): void {
      const request = timeUp || sent >= job.maxRequests ? undefined : prepared.next(index);
      if (request === undefined) {
        stop(index);
        return;
      }
      sent += 1;
      sentAt[index] = performance.now();
      connections[index]!.send(request);
    }

    for (let index = 0; index < job.connections; index++) {
      connections.push(
        new LoadConnection(job.port, prepared.isBatch, {
          connected: () => {
            ready += 1;
            // All start together: connecting is not part of what is measured.
            if (ready < live) return;
            cpuAtStart = process.cpuUsage();
            startedAt = performance.now();
            for (let each = 0; each < job.connections; each++) send(each);
          },
          answered: (answer) => {
            const now = performance.now();
            answered += 1;
            if (answered === job.warmup) {
              startedAt = now;
              cpuAtStart = process.cpuUsage();
            }
            if (answered > job.warmup) {
              measured += 1;
              bytesIn += answer.bytes;
              statuses[answer.status] = (statuses[answer.status] ?? 0) + 1;
              if (answer.status === 200) entries += prepared.entriesPerRequest;
              if (answer.refused) refusedBatches += 1;
              histogram.record((now - sentAt[index]!) * 1000);
              lastAt = now;
            }
            send(index);
          },
          broken: (reason) => {
            broken += 1;
            firstProblem ??= reason;
            live -= 1;
            if (live === 0) finish();
          },
        }),
      );
    }
  });
}
