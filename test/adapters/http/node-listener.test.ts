import { once } from 'node:events';
import { createServer, request as httpRequest } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { BodyBudget, MetricsRegistry, httpMetrics } from '../../../src/adapters/http/index.ts';
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
async function listen(
  log: ServedLog,
  options: { prefix?: string; cacheBytes?: number; bodies?: BodyBudget } = {},
): Promise<Running> {
  const registry = new MetricsRegistry();
  const metrics = httpMetrics(registry);
  const app = appOf(log, {
    ...(options.prefix === undefined ? {} : { prefix: options.prefix }),
    logOptions: options.bodies === undefined ? {} : { bodies: options.bodies },
    metrics,
  });
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

/** What the transport adds; the length of a body shows in the body. */
const OWN = new Set(['date', 'connection', 'keep-alive', 'transfer-encoding', 'content-length']);

/** An answer in the form in which those of both ways are equal. */
const comparable = ({ status, headers, body }: Answer) => ({
  status,
  headers: Object.fromEntries(Object.entries(headers).filter(([name]) => !OWN.has(name))),
  body: body.toString('latin1'),
});

async function fromApp(pending: Response | Promise<Response>): Promise<ReturnType<typeof comparable>> {
  const response = await pending;
  const body = Buffer.from(await response.arrayBuffer());
  return comparable({ status: response.status, headers: Object.fromEntries(response.headers), body });
}

describe('the Node listener', () => {
  const SAME_READS: readonly (readonly [path: string, ifNoneMatch?: string])[] = [
    ['/checkpoint'],
    ['/checkpoint', '*'],
    ['/checkpoint?'],
    ['/checkpoint?x=1'],
    ['/checkpoint#f'],
    ['/checkpoint/'],
    ['/tile/0/000'],
    ['/tile/0/000', '"other", *'],
    ['/tile/0/000?x=1'],
    ['/tile/0/000#f'],
    ['/tile/0/002.p/188'],
    ['/tile/entries/001'],
    ['/tile/0/003'],
    ['/tile/0/0000'],
    ['/tile/%30/000'],
    ['/tile/0/"'],
    ['/tile/0/../0/000'],
    ['/tile/../checkpoint'],
    ['/tile/./0/000'],
    ['/tile//0/000'],
    ['/tile/'],
    ['/tile'],
    ['/api/v1/proof/inclusion?index=1'],
    ['/api/v1/proof/inclusion?=1&index=1'],
    ['/api/v1/proof/inclusion?index=1#f'],
    ['/api/v1/proof/inclusion?index=1&index=2'],
    ['/api/v1/proof/inclusion?&index=1&&size=9&'],
    ['/api/v1/proof/inclusion?index=%31&siz%65=9'],
    ['/api/v1/proof/inclusion?index=+1'],
    ['/api/v1/proof/inclusion?index=%'],
    ['/api/v1/proof/inclusion?index'],
    ['/api/v1/proof/inclusion?__proto__=1&index=1'],
    ['/api/v1/proof/inclusion?'],
    ['/api/v1/proof/inclusion'],
    ['/api/v1/proof/consistency?from=1&to=600'],
    ['/api/v1/proof/consistency?from=1&to=9000'],
    ['/ct/v1/get-sth?x=1'],
    ['/ct/v1/get-sth-consistency?first=1&second=2#f'],
    ['/ct/v1/get-entries?start=0&end=3'],
    ['/ct/v1/get-proof-by-hash?hash=a+b&tree_size=1'],
    ['/api/v1/log'],
    ['/healthz'],
    ['/nothing'],
  ];

  it('answers GET exactly as the app does, first and again', async () => {
    const { log, app } = await serve(700);
    const { ask } = await listen(log);
    for (const [path, ifNoneMatch] of SAME_READS) {
      const headers: Record<string, string> = ifNoneMatch === undefined ? {} : { 'if-none-match': ifNoneMatch };
      const given = { ...headers, 'x-request-id': 'given-1' };
      const expected = await fromApp(app.request(`http://127.0.0.1${path}`, { headers: given }));
      // What shared caches keep for a year is nobody's request in particular.
      const isKept = expected.headers['cache-control']?.includes('immutable') === true;
      expect(expected.headers['x-request-id'], path).toBe(isKept ? undefined : 'given-1');
      for (let round = 0; round < 2; round++) {
        expect(comparable(await ask(path, { headers: given })), path).toEqual(expected);
      }
      const plain = await ask(path, { headers });
      if (isKept) expect(plain.headers, path).not.toHaveProperty('x-request-id');
      else expect(plain.headers['x-request-id'], path).toMatch(/^[0-9a-f]{8}-[0-9a-z]+$/);
    }
  });

  it('answers POST /add exactly as the app does', async () => {
    const bodies = ['one', 'one', '', 'x'.repeat(65_536), 'two'];
    for (const [i, headers] of [{}, { 'content-encoding': 'identity' }, { 'content-encoding': 'gzip' }].entries()) {
      for (const path of ['/add', '/add?', '/add#f', '/add?wait=sequenced', '/add?x=1', '/add/']) {
        const [raw, hono] = [await serve(3), await serve(3)];
        const { ask } = await listen(raw.log);
        for (const body of bodies) {
          const given = { ...headers, 'x-request-id': 'given-1', 'content-length': String(body.length) };
          const answer = await ask(path, { method: 'POST', headers: given, body });
          const expected = hono.app.request(`http://127.0.0.1${path}`, { method: 'POST', headers: given, body });
          expect(comparable(answer), `${i} ${path} ${body.length}`).toEqual(await fromApp(expected));
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

  it('refuses bodies beyond the budget unread, on both ways, and gives back what any end leaves', async () => {
    const { log } = await serve();
    const waiting: (() => void)[] = [];
    const slow = overriding(log, {
      append: async (entries) => {
        await new Promise<void>((resolve) => waiting.push(resolve));
        return log.append(entries);
      },
    });
    const bodies = new BodyBudget(1000);
    const { ask, port } = await listen(slow, { bodies });
    const post = (path: string, body: string, headers: Record<string, string> = {}) =>
      ask(path, { method: 'POST', body, headers: { 'content-type': 'application/x-ndjson', ...headers } });
    const first = post('/add', 'a'.repeat(400));
    const second = post('/add?wait=sequenced', 'b'.repeat(300));
    const third = post('/api/v1/batch', `"YQ=="\n${' '.repeat(192)}`);
    await expect.poll(() => waiting.length).toBe(3);
    expect(bodies.heldBytes).toBe(899);
    for (const path of ['/add', '/add?wait=sequenced', '/api/v1/batch']) {
      const full = await post(path, 'c'.repeat(102));
      expect([full.status, code(full), full.headers['retry-after']], path).toEqual([503, 'queue-full', '1']);
      // Of no declared length: it could be as large as any.
      const chunked = await post(path, 'c', { 'transfer-encoding': 'chunked' });
      expect([chunked.status, code(chunked)], path).toEqual([503, 'queue-full']);
    }
    expect(waiting).toHaveLength(3);
    for (const proceed of waiting.splice(0)) proceed();
    expect((await Promise.all([first, second, third])).map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(bodies.heldBytes).toBe(0);

    // A sender that goes away while its body is read.
    for (const path of ['/add', '/add?wait=sequenced', '/api/v1/batch']) {
      const socket = connect(port, '127.0.0.1');
      socket.write(
        `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\nContent-Length: 500\r\n\r\nhalf`,
      );
      await expect.poll(() => bodies.heldBytes).toBe(500);
      socket.destroy();
      await expect.poll(() => bodies.heldBytes).toBe(0);
    }
    expect(waiting).toHaveLength(0);
  });

  it('gives back the room of what the log refuses', async () => {
    const { log } = await serve();
    const bodies = new BodyBudget(1000);
    const { ask } = await listen(
      overriding(log, { append: () => Promise.reject(new LimmatError('read-only', 'full disk')) }),
      { bodies },
    );
    for (const path of ['/add', '/add?wait=sequenced', '/api/v1/batch']) {
      const headers = { 'content-type': 'application/octet-stream' };
      const body = Uint8Array.of(0, 1, 97);
      expect((await ask(path, { method: 'POST', body, headers })).status).toBe(503);
      expect((await ask(path, { method: 'POST', body: '', headers })).status).toBe(400);
      expect(bodies.heldBytes, path).toBe(0);
    }
  });

  it('has by default the room of the queue, and of the largest body at least', async () => {
    const { log } = await serve();
    expect(BodyBudget.for(log).maxBytes).toBe(log.limits.queueBytes);
    const { log: small } = await serve(0, { limits: { queueBytes: 1000 } });
    expect(BodyBudget.for(small).maxBytes).toBe(16 * 1024 * 1024);
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
