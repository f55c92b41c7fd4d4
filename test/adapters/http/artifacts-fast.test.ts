// GET of a digest is answered beside the router, too: by the same code, to the byte.

import { createServer, request as httpRequest } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import { MetricsRegistry, httpMetrics, lookupApp, serverApp } from '../../../src/adapters/http/index.ts';
import { nodeListener } from '../../../src/adapters/http/node-listener.ts';
import { toHex } from '../../../src/bytes.ts';
import { LookupQueries } from '../../../src/log/lookup.ts';
import { chooseSeed, seededRandom } from '../../support/random.ts';
import { digestOf, History } from '../../log/lookup/history.ts';
import { serve } from './support.ts';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

const OWN = new Set(['date', 'connection', 'keep-alive', 'transfer-encoding', 'content-length']);

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

/** The same log with and without the listener's fast ways, and what the listener's ways were counted as. */
async function both(lookups: LookupQueries | undefined, prefix: string) {
  const { log } = await serve(3);
  const registry = new MetricsRegistry();
  const app = serverApp({ mounts: [{ prefix, app: lookupApp(lookups) }] });
  const server = createServer(nodeListener({ app, log, lookups, prefix, metrics: httpMetrics(registry) }));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new TypeError('not listening on a port');
  const headers = { 'x-request-id': 'given-1' };
  const fast = (path: string): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const request = httpRequest(
        { port: address.port, host: '127.0.0.1', path: prefix + path, headers },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('end', () => resolve(comparable(response.statusCode!, response.headers, Buffer.concat(chunks))));
        },
      );
      request.on('error', reject);
      request.end();
    });
  const slow = async (path: string): Promise<Answer> => {
    const response = await app.request(`http://127.0.0.1${prefix}${path}`, { headers });
    return comparable(response.status, Object.fromEntries(response.headers), Buffer.from(await response.arrayBuffer()));
  };
  return { fast, slow, counted: () => registry.render() };
}

function comparable(status: number, headers: object, body: Buffer): Answer {
  const kept = Object.entries(headers).filter(([name]) => !OWN.has(name));
  return { status, headers: Object.fromEntries(kept), body: body.toString('latin1') };
}

const seed = chooseSeed();
const ARTIFACTS = '/api/v1/artifacts';

test.each(['', '/at/a'])(`the listener answers digests as the app does, below "%s" (seed ${seed})`, async (prefix) => {
  const history = await History.of(seededRandom(seed), 120);
  const { fast, slow, counted } = await both(new LookupQueries(history.source), prefix);
  const known = Array.from({ length: 8 }, (_, n) => toHex(digestOf(n)));
  const paths = [
    ...known,
    ...known.map((digest) => `${digest}?limit=1`),
    `${known[2]}?limit=2&after=7`,
    `${known[2]}?`,
    `${known[2]}?limit=0`,
    `${known[2]}?limit=1&limit=1`,
    `${known[2]}?page=1`,
    `${known[2]}?after=%`,
    `${known[2]}#f`,
    `${known[2]}?limit=1#f`,
    `${known[2]}/`,
    'ff'.repeat(32),
    'FF'.repeat(32),
    'ff'.repeat(31),
    `%66${'f'.repeat(63)}`,
    '',
  ].map((rest) => `${ARTIFACTS}/${rest}`);
  for (const path of [...paths, ARTIFACTS]) {
    const expected = await slow(path);
    expect(await fast(path), path).toEqual(expected);
  }
  expect((await fast(paths[2]!)).body).toContain('"index"');
  expect(counted()).toContain(`route="${prefix}${ARTIFACTS}/:digest",status="200"`);
});

test('a log without lookups says so either way', async () => {
  const { fast, slow } = await both(undefined, '');
  const path = `${ARTIFACTS}/${'ab'.repeat(32)}`;
  const expected = await slow(path);
  expect(expected.status).toBe(404);
  expect(await fast(path)).toEqual(expected);
});

test('lookups that come together are answered each with its own', async () => {
  const history = await History.of(seededRandom(seed), 120);
  const { fast, slow } = await both(new LookupQueries(history.source), '');
  const paths = Array.from({ length: 60 }, (_, i) => `${ARTIFACTS}/${toHex(digestOf(i % 12))}`);
  const expected = await Promise.all(paths.slice(0, 12).map(slow));
  const answers = await Promise.all(paths.map(fast));
  for (const [i, answer] of answers.entries()) expect(answer).toEqual(expected[i % 12]);
});
