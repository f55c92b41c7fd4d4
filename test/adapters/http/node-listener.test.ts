import { once } from 'node:events';
import { createServer, request as httpRequest } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { MetricsRegistry, httpMetrics } from '../../../src/adapters/http/index.ts';
import { ByteCache, nodeListener } from '../../../src/adapters/http/node-listener.ts';
import type { RequestEvent, ServedLog } from '../../../src/adapters/http/index.ts';
import { LimmatError } from '../../../src/errors.ts';
import { opaqueEntries } from '../../support/test-log.ts';
import { appOf, overriding, serve } from './support.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

interface Running {
  readonly port: number;
  readonly registry: MetricsRegistry;
  /** What the fast ways reported. */
  readonly requests: RequestEvent[];
  readonly ask: (
    path: string,
    options?: { method?: string; headers?: Record<string, string>; body?: string | Uint8Array },
  ) => Promise<Answer>;
}

/** Listens with the fast paths; the app behind them is the same that the other tests use. */
async function listen(log: ServedLog, options: { prefix?: string; cacheBytes?: number } = {}): Promise<Running> {
  const registry = new MetricsRegistry();
  const metrics = httpMetrics(registry);
  const app = appOf(log, { ...(options.prefix === undefined ? {} : { prefix: options.prefix }), metrics });
  const requests: RequestEvent[] = [];
  const onRequest = (event: RequestEvent): number => requests.push(event);
  const server = createServer(nodeListener({ app, log, metrics, onRequest, ...options }));
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new TypeError('not listening on a port');
  const { port } = address;
  const ask: Running['ask'] = (path, { method = 'GET', headers = {}, body } = {}) =>
    new Promise((resolve, reject) => {
      const request = httpRequest({ port, path, method, headers, host: '127.0.0.1' }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(chunks) }),
        );
      });
      request.on('error', reject);
      request.end(body);
    });
  return { port, registry, requests, ask };
}

/** The error code in a problem body. */
function code({ body }: Answer): unknown {
  const { code: found }: { code: unknown } = JSON.parse(body.toString());
  return found;
}

/** A request line and the least headers. */
function rawGet(path: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;
}

const OWN = new Set(['date', 'connection', 'keep-alive', 'x-request-id', 'transfer-encoding']);
const comparable = ({ status, headers, body }: Answer) => ({
  status,
  headers: Object.fromEntries(Object.entries(headers).filter(([name]) => !OWN.has(name))),
  body: body.toString('latin1').replace(/"instance":"[^"]*"/, ''),
});

describe('the Node listener', () => {
  it('answers exactly as the app does, on the fast ways and beside them', async () => {
    const { log, app } = await serve(700);
    const { ask } = await listen(log);
    for (const [path, headers] of [
      ['/checkpoint', {}],
      ['/tile/0/000', {}],
      ['/tile/0/002.p/188', {}],
      ['/tile/entries/001', {}],
      ['/tile/0/003', {}],
      ['/tile/0/0000', {}],
      ['/tile/%30/000', {}],
      ['/api/v1/log', {}],
      ['/', {}],
      ['/log/3', {}],
      ['/nothing', {}],
      ['/checkpoint', { 'if-none-match': '*' }],
      ['/tile/0/000', { 'if-none-match': '"other", *' }],
    ] as const) {
      const expected = await app.request(`http://127.0.0.1${path}`, { headers });
      for (let round = 0; round < 2; round++) {
        const answer = comparable(await ask(path, { headers }));
        expect(answer.status, path).toBe(expected.status);
        for (const name of ['content-type', 'cache-control', 'etag', 'access-control-allow-origin', 'retry-after']) {
          expect(answer.headers[name] ?? null, `${path} ${name}`).toBe(expected.headers.get(name));
        }
        const text = Buffer.from(await expected.clone().arrayBuffer()).toString('latin1');
        if (!path.startsWith('/log') && path !== '/') {
          expect(answer.body).toBe(text.replace(/"instance":"[^"]*"/, ''));
        }
      }
    }
  });

  it('answers HEAD, OPTIONS and wrong methods on the fast ways too', async () => {
    const { log } = await serve(300);
    const { ask } = await listen(log);
    for (const path of ['/checkpoint', '/tile/0/000', '/tile/entries/001.p/44']) {
      const got = await ask(path);
      const head = await ask(path, { method: 'HEAD' });
      expect(head.status).toBe(200);
      expect(head.body).toHaveLength(0);
      expect(head.headers.etag).toBe(got.headers.etag);
      expect(head.headers['content-length']).toBe(got.headers['content-length']);
      expect((await ask(path, { method: 'OPTIONS' })).status).toBe(204);
      expect((await ask(path, { method: 'DELETE' })).status).toBe(405);
    }
    expect((await ask('/add')).status).toBe(405);
  });

  it('shows a new checkpoint and a grown tile at once', async () => {
    const { log, clock } = await serve(255);
    const { ask } = await listen(log);
    expect((await ask('/tile/0/000')).status).toBe(404);
    const before = await ask('/checkpoint');
    await log.append(opaqueEntries(255, 256));
    expect((await ask('/tile/0/000')).status).toBe(404);
    await clock.advance(2000);
    expect((await ask('/tile/0/000')).status).toBe(200);
    expect((await ask('/checkpoint')).headers.etag).not.toBe(before.headers.etag);
  });

  it('appends what is posted to /add, byte for byte', async () => {
    const { log, clock } = await serve();
    const { ask } = await listen(log, { prefix: '/p' });
    const all = Uint8Array.from({ length: 65_535 }, (_, i) => i % 256);
    const bodies = [Buffer.from('a'), all, Buffer.from('b'.repeat(1000))];
    const answers = await Promise.all(bodies.map((body) => ask('/p/add', { method: 'POST', body })));
    await clock.advance(2000);
    for (const [i, answer] of answers.entries()) {
      expect(answer.status).toBe(200);
      expect(answer.headers['content-type']).toBe('text/plain; charset=utf-8');
      expect(await log.entry(Number(answer.body.toString()))).toEqual(new Uint8Array(bodies[i]!));
    }
    expect((await ask('/add', { method: 'POST', body: 'x' })).status).toBe(404);
  });

  it('bounds and refuses as the app does', async () => {
    const { log } = await serve();
    const { ask } = await listen(log);
    const large = await ask('/add', { method: 'POST', body: new Uint8Array(65_536) });
    expect([large.status, code(large)]).toEqual([413, 'entry-too-large']);
    const empty = await ask('/add', { method: 'POST' });
    expect([empty.status, code(empty)]).toEqual([400, 'malformed']);
    const gzip = await ask('/add', { method: 'POST', body: 'x', headers: { 'content-encoding': 'gzip' } });
    expect([gzip.status, code(gzip)]).toEqual([415, 'unsupported-media-type']);
    const chunked = await ask('/add', { method: 'POST', body: 'chunks', headers: { 'transfer-encoding': 'chunked' } });
    expect([chunked.status, chunked.body.toString()]).toEqual([200, '0']);
    const refusing = overriding(log, {
      append: () => Promise.reject(new LimmatError('queue-full', 'full', { retryAfterSeconds: 7 })),
    });
    const other = await listen(refusing);
    const full = await other.ask('/add', { method: 'POST', body: 'x', headers: { 'x-request-id': 'build-17' } });
    expect([full.status, code(full), full.headers['retry-after']]).toEqual([503, 'queue-full', '7']);
    expect(full.headers['x-request-id']).toBe('build-17');
    expect(other.requests).toMatchObject([
      { requestId: 'build-17', method: 'POST', path: '/add', status: 503, error: { code: 'queue-full' } },
    ]);
    const text = other.registry.render();
    expect(text).toContain('limmat_http_problems_total{code="queue-full"} 1');
    expect(text).toContain('limmat_http_requests_total{method="POST",route="/add",status="503"} 1');
  });

  it('outlives a sender that goes away in the middle, and one that never stops', async () => {
    const { log } = await serve(3);
    const { port, ask } = await listen(log);
    const gone = connect(port, '127.0.0.1');
    gone.write('POST /add HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf');
    await new Promise((resolve) => setTimeout(resolve, 50));
    gone.destroy();
    const endless = connect(port, '127.0.0.1');
    endless.on('error', () => undefined);
    const answer = new Promise<string>((resolve) => endless.once('data', (data) => resolve(data.toString())));
    endless.write(
      'POST /api/v1/batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\n\r\n',
    );
    const chunk = `10000\r\n${'\0'.repeat(65_536)}\r\n`;
    for (let i = 0; i < 300 && endless.writable; i++) endless.write(chunk);
    expect(await answer).toMatch(/^HTTP\/1\.1 413 /);
    endless.destroy();
    expect((await ask('/checkpoint')).status).toBe(200);
    expect(log.status().head.size).toBe(3);
  });

  it('keeps several requests on one connection in order', async () => {
    const { log } = await serve(300);
    const { port } = await listen(log);
    const socket = connect(port, '127.0.0.1');
    socket.write(
      `${rawGet('/tile/0/000')}POST /add HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nnew${rawGet('/checkpoint')}` +
        'GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    );
    const chunks: Buffer[] = [];
    socket.on('data', (data) => chunks.push(data));
    await once(socket, 'close');
    const text = Buffer.concat(chunks).toString('latin1');
    expect(text.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(4);
    const at = ['application/octet-stream', '\r\n\r\n300', log.origin, '\r\n\r\nok\n'].map((part) =>
      text.indexOf(part),
    );
    expect(at).toEqual(at.toSorted((a, b) => a - b));
    expect(at[0]).toBeGreaterThan(0);
  });

  it('counts what it answers', async () => {
    const { log } = await serve(300);
    const { ask, registry } = await listen(log, { prefix: '/p' });
    for (let i = 0; i < 3; i++) await ask('/p/tile/0/000');
    await ask('/p/tile/0/009');
    await ask('/p/checkpoint');
    await ask('/p/add', { method: 'POST', body: 'x' });
    const text = registry.render();
    for (const line of [
      'limmat_http_requests_total{method="GET",route="/p/tile/*",status="200"} 3',
      'limmat_http_requests_total{method="GET",route="/p/tile/*",status="404"} 1',
      'limmat_http_requests_total{method="GET",route="/p/checkpoint",status="200"} 1',
      'limmat_http_requests_total{method="POST",route="/p/add",status="200"} 1',
    ]) {
      expect(text).toContain(`${line}\n`);
    }
  });
});

describe('the cache of full tiles', () => {
  it('holds at most its bytes, and keeps what is asked for', () => {
    const cache = new ByteCache<number>(1000);
    for (let i = 0; i < 1000; i++) {
      cache.set(`key ${i}`, i, 100);
      expect(cache.get('key 0')).toBe(0);
    }
    const held = Array.from({ length: 1000 }, (_, i) => cache.get(`key ${i}`)).filter((value) => value !== undefined);
    expect(held.length).toBeLessThanOrEqual(10);
    cache.set('too large', 1, 501);
    expect(cache.get('too large')).toBeUndefined();
  });
});
