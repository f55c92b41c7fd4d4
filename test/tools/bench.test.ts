import { createServer } from 'node:http';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { Histogram } from '../../tools/bench/histogram.ts';
import type { LoadJob } from '../../tools/bench/load-job.ts';
import { runJob } from '../../tools/bench/load.ts';
import { benchRow } from '../../tools/bench/targets.ts';
import { limmat } from '../support/run-limmat.ts';

describe('histogram', () => {
  test('percentiles are within 2.2 % above the true ones', () => {
    const histogram = new Histogram();
    for (let micros = 1; micros <= 10_000; micros++) histogram.record(micros);
    expect(histogram.count).toBe(10_000);
    for (const share of [0.01, 0.5, 0.9, 0.99, 1]) {
      const exact = share * 10;
      expect(histogram.percentileMillis(share)).toBeGreaterThanOrEqual(exact * 0.9999);
      expect(histogram.percentileMillis(share)).toBeLessThanOrEqual(exact * 1.022);
    }
    expect(histogram.maxMillis()).toBe(10);
  });

  test('nothing recorded is zero', () => {
    expect(new Histogram().percentileMillis(0.99)).toBe(0);
  });
});

describe('load generator', () => {
  const bodies: Buffer[] = [];
  let status = 200;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      bodies.push(Buffer.concat(chunks));
      const answer = Buffer.from(`${request.method} ${request.url}`);
      response.writeHead(status, { 'content-length': answer.length }).end(answer);
    });
  });
  let job: Omit<LoadJob, 'requests'>;

  beforeEach(async () => {
    bodies.length = 0;
    status = 200;
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    job = { port, connections: 4, maxRequests: 200, maxMillis: 10_000, warmup: 20 };
  });

  afterEach(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });

  test('sends so many distinct entries of that size and no more', async () => {
    const result = await runJob({ ...job, requests: { kind: 'add', entrySize: 64, seed: 1 } });
    expect(bodies).toHaveLength(200);
    expect(new Set(bodies.map((body) => body.toString('hex'))).size).toBe(200);
    expect(bodies.every((body) => body.length === 64)).toBe(true);
    expect(result).toMatchObject({ requests: 180, entries: 180, statuses: { 200: 180 }, broken: 0 });
  });

  test('batches are u16-length-prefixed entries, all distinct', async () => {
    await runJob({
      ...job,
      maxRequests: 10,
      warmup: 0,
      requests: { kind: 'batch', entrySize: 20, batchSize: 50, seed: 2 },
    });
    const entries = bodies.flatMap((body) =>
      Array.from({ length: 50 }, (_, i) => {
        expect(body.readUInt16BE(i * 22)).toBe(20);
        return body.subarray(i * 22 + 2, (i + 1) * 22).toString('hex');
      }),
    );
    expect(new Set(entries).size).toBe(500);
  });

  test('other answers than 200 are counted by status, and carry no entries', async () => {
    status = 503;
    const result = await runJob({
      ...job,
      maxRequests: 40,
      warmup: 0,
      requests: { kind: 'add', entrySize: 8, seed: 3 },
    });
    expect(result).toMatchObject({ requests: 40, entries: 0, statuses: { 503: 40 } });
  });

  test('it stops when the time is up', async () => {
    const startedAt = performance.now();
    await runJob({ ...job, maxRequests: 1e8, maxMillis: 100, requests: { kind: 'add', entrySize: 8, seed: 4 } });
    expect(performance.now() - startedAt).toBeLessThan(5000);
  });

  test('paths are asked for in order, again and again', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'limmat-test-'));
    const file = join(dir, 'paths');
    writeFileSync(file, '/a\n/b\n/c\n');
    const result = await runJob({
      ...job,
      connections: 1,
      maxRequests: 7,
      warmup: 0,
      requests: { kind: 'paths', file },
    });
    rmSync(dir, { recursive: true });
    expect(result).toMatchObject({ requests: 7, statuses: { 200: 7 } });
  });

  test('a job without bounds is refused', () => {
    expect(() => runJob({ ...job, maxMillis: 1e9, requests: { kind: 'add', entrySize: 8, seed: 5 } })).toThrow(
      RangeError,
    );
    expect(() => runJob({ ...job, connections: 0, requests: { kind: 'add', entrySize: 8, seed: 5 } })).toThrow(
      RangeError,
    );
  });
});

describe('limmat bench', () => {
  test('a ratio above 1 is better than the target, whichever way the metric runs', () => {
    expect(benchRow({ name: 'add-rate', value: 60_000, details: {} })).toMatchObject({ ratio: 2, reached: true });
    expect(benchRow({ name: 'add-p99', value: 80, details: {} })).toMatchObject({ ratio: 0.5, reached: false });
    expect(benchRow({ name: 'growth-1e4', value: 1, details: {} }).ratio).toBeUndefined();
  });

  const measured: readonly (readonly [which: string, rows: readonly string[]])[] = [
    ['append', ['append-rate', 'append-rss', 'append-rss-growth']],
    ['verify', ['verify-native', 'verify-portable']],
    ['mirror', ['mirror-rate', 'mirror-rss']],
  ];
  test.each(measured)('%s measures a small log and leaves nothing behind', async (which, names) => {
    const dir = mkdtempSync(join(tmpdir(), 'limmat-test-'));
    const { code, stdout } = await limmat('bench', which, '--entries', '3000', '--dir', dir, '--json');
    expect(code).toBe(0);
    const { rows, machine }: { rows: { name: string; value: number }[]; machine: { cores: number } } =
      JSON.parse(stdout);
    expect(rows.map(({ name }) => name)).toEqual(names);
    for (const { name, value } of rows.filter((row) => !row.name.endsWith('growth'))) {
      expect([name, value > 0]).toEqual([name, true]);
    }
    expect(machine.cores).toBeGreaterThan(0);
    expect(readdirSync(dir)).toEqual([]);
    rmSync(dir, { recursive: true });
  });
});
