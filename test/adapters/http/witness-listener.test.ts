import { once } from 'node:events';
import { createServer, request as httpRequest } from 'node:http';
import type { IncomingHttpHeaders, Server } from 'node:http';
import { connect } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import {
  CheckpointIntake,
  MetricsRegistry,
  httpMetrics,
  serverApp,
  witnessApp,
} from '../../../src/adapters/http/index.ts';
import type { RequestEvent } from '../../../src/adapters/http/index.ts';
import type { CheckpointIntakeOptions } from '../../../src/adapters/http/checkpoint-intake.ts';
import { witnessListener } from '../../../src/adapters/http/witness-listener.ts';
import { MAX_ADD_CHECKPOINT_BYTES } from '../../../src/note/add-checkpoint.ts';
import type { Witness } from '../../../src/witness/index.ts';
import { rfcTestTree } from '../../support/rfc-tree.ts';
import { WitnessedTestLog, forkedTree, witnessWorld } from '../../support/witness-world.ts';

const log = new WitnessedTestLog('log.example/a', rfcTestTree(64));
const fork = new WitnessedTestLog('log.example/a', forkedTree(5, 64));

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

interface Running {
  readonly port: number;
  readonly witness: Witness;
  readonly registry: MetricsRegistry;
  readonly intake: CheckpointIntake;
  /** What was refused or failed on the fast way. */
  readonly refused: RequestEvent[];
  readonly statuses: number[];
  readonly post: (body: Uint8Array, headers?: Record<string, string>) => Promise<Answer>;
}

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function listen(options: CheckpointIntakeOptions = {}): Promise<Running> {
  const { witness } = await witnessWorld({ logs: [log] });
  const registry = new MetricsRegistry();
  const statuses: number[] = [];
  const refused: RequestEvent[] = [];
  const intake = new CheckpointIntake(witness, { onAnswer: (status) => statuses.push(status), ...options });
  const app = serverApp({
    mounts: [{ prefix: '', app: witnessApp(witness, { intake, sourceOf: () => '127.0.0.1' }) }],
  });
  const onRequest = (event: RequestEvent): number => refused.push(event);
  const server = createServer(witnessListener({ app, intake, metrics: httpMetrics(registry), onRequest }));
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new TypeError('not listening on a port');
  const { port } = address;
  const post: Running['post'] = (body, headers = {}) =>
    new Promise((resolve, reject) => {
      const request = httpRequest(
        { port, path: '/add-checkpoint', method: 'POST', headers, host: '127.0.0.1' },
        (response) => {
          let text = '';
          response.setEncoding('utf8').on('data', (part: string) => (text += part));
          response.on('end', () => resolve({ status: response.statusCode!, headers: response.headers, text }));
        },
      );
      request.on('error', reject);
      request.end(body);
    });
  return { port, witness, registry, intake, refused, statuses, post };
}

const CHUNKED = { 'Transfer-Encoding': 'chunked' };

/** Everything that comes on a connection until the other side closes it. */
async function untilClosed(port: number, sent: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  let text = '';
  socket.setEncoding('utf8').on('data', (part: string) => (text += part));
  socket.write(sent);
  await once(socket, 'close');
  return text;
}

describe('the listener of a witness', () => {
  test('answers a plain request as the app answers one in pieces', async () => {
    const plain = await listen();
    const chunked = await listen();
    const bodies = [
      await log.request(0, 10),
      await log.request(5, 20),
      await fork.request(10, 20),
      await log.request(10, 20),
      new TextEncoder().encode('old 0\nnonsense\n'),
    ];
    const seen: number[] = [];
    for (const body of bodies) {
      const fast = await plain.post(body, { 'X-Request-Id': 'the-same' });
      const slow = await chunked.post(body, { 'X-Request-Id': 'the-same', ...CHUNKED });
      for (const name of ['date', 'transfer-encoding', 'content-length']) {
        delete fast.headers[name];
        delete slow.headers[name];
      }
      expect(fast).toEqual(slow);
      seen.push(fast.status);
    }
    expect(seen).toEqual([200, 409, 422, 200, 400]);
    expect(plain.statuses).toEqual(seen);
    expect(chunked.statuses).toEqual(seen);
  });

  test('counts what it answers by its status', async () => {
    const { post, registry } = await listen();
    await post(await log.request(0, 10));
    await post(await log.request(5, 20));
    const series = registry.render();
    expect(series).toMatch(/limmat_http_requests_total\{method="POST",route="\/add-checkpoint",status="200"\} 1\n/u);
    expect(series).toMatch(/limmat_http_requests_total\{method="POST",route="\/add-checkpoint",status="409"\} 1\n/u);
  });

  test('has one rate limit for both ways', async () => {
    const { post, refused, intake } = await listen({ perSource: 0.2, monotonicMillis: () => 0 });
    const body = await log.request(0, 10);
    expect((await post(body)).status).toBe(200);
    expect((await post(body, CHUNKED)).status).toBe(409);
    const last = await post(body);
    expect([last.status, last.headers['retry-after'], last.headers['content-type']]).toEqual([
      503,
      '5',
      'application/problem+json',
    ]);
    expect(refused).toMatchObject([{ method: 'POST', path: '/add-checkpoint', status: 503 }]);
    expect(intake.budget.heldBytes).toBe(0);
  });

  test('refuses what is too large before a byte of it is read', async () => {
    const { port, intake } = await listen();
    const head = `POST /add-checkpoint HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${MAX_ADD_CHECKPOINT_BYTES + 1}\r\n\r\n`;
    expect(await untilClosed(port, head)).toMatch(/^HTTP\/1\.1 413 /u);
    expect(intake.budget.heldBytes).toBe(0);
  });

  test('cuts off who sends too slowly, and goes on serving others', async () => {
    const { port, post, intake } = await listen({ bodyMillis: 40 });
    const started = performance.now();
    const slow = untilClosed(port, 'POST /add-checkpoint HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nold 0\n');
    const other = post(await log.request(0, 10));
    const text = await slow;
    expect(text).toMatch(/^HTTP\/1\.1 400 /u);
    expect(text).toContain('the body did not arrive within 40 ms');
    expect(text).toContain('Connection: close');
    expect(performance.now() - started).toBeLessThan(5000);
    expect((await other).status).toBe(200);
    expect(intake.budget.heldBytes).toBe(0);
  });

  test('holds no room for who went away', async () => {
    const { port, intake } = await listen();
    const socket = connect(port, '127.0.0.1');
    socket.write('POST /add-checkpoint HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nold 0\n');
    await expect.poll(() => intake.budget.heldBytes).toBe(1000);
    socket.destroy();
    await expect.poll(() => intake.budget.heldBytes).toBe(0);
  });

  test('leaves other paths and methods to the app', async () => {
    const { port } = await listen();
    const statusOf = async (path: string, method: string): Promise<number> =>
      (await fetch(`http://127.0.0.1:${port}${path}`, { method })).status;
    expect(await statusOf('/', 'GET')).toBe(200);
    expect(await statusOf('/add-checkpoint', 'GET')).toBe(405);
    expect(await statusOf('/add-checkpoint?x', 'POST')).toBe(400);
    expect(await statusOf('/nothing', 'POST')).toBe(404);
  });
});
