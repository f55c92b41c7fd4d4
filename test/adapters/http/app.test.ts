import { describe, expect, it } from 'vitest';
import { LimmatError } from '../../../src/errors.ts';
import { opaqueEntries } from '../../support/test-log.ts';
import { appOf, overriding, problem, refusal, serve } from './support.ts';

const READS = [
  '/checkpoint',
  '/tile/0/000.p/3',
  '/tile/entries/000.p/3',
  '/api/v1/log',
  '/api/v1/entries/1',
  '/api/v1/entries/1/proof',
  '/api/v1/entries/1/time',
  '/api/v1/proof/inclusion?index=1&size=3',
  '/api/v1/proof/consistency?from=1&to=3',
  '/ct/v1/get-sth',
  '/ct/v1/get-sth-consistency?first=1&second=3',
  '/ct/v1/get-entries?start=0&end=2',
  '/ct/v1/get-entry-and-proof?leaf_index=1&tree_size=3',
  '/',
  '/log/1',
  '/healthz',
  '/readyz',
] as const;

describe('every read', () => {
  it.each(READS)('%s answers GET, HEAD and a preflight, and refuses the rest', async (path) => {
    const { ask } = await serve(3);
    const got = await ask(path);
    expect(got.status).toBe(200);
    expect(got.headers.get('access-control-allow-origin')).toBe('*');
    expect(got.headers.get('cache-control')).not.toBeNull();
    expect((await got.arrayBuffer()).byteLength).toBeGreaterThan(0);
    const head = await ask(path, { method: 'HEAD' });
    expect(head.status).toBe(200);
    expect((await head.arrayBuffer()).byteLength).toBe(0);
    expect(head.headers.get('content-type')).toBe(got.headers.get('content-type'));
    const preflight = await ask(path, {
      method: 'OPTIONS',
      headers: { origin: 'https://elsewhere.example', 'access-control-request-method': 'GET' },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-methods')).toBe('GET, HEAD');
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
      const refused = await ask(path, { method });
      expect(refused.headers.get('allow')).toBe('GET, HEAD, OPTIONS');
      expect(await refusal(refused)).toBe('405 method-not-allowed');
    }
  });

  it('answers the same under a path prefix', async () => {
    const { log } = await serve(3);
    const [plain, mounted] = [appOf(log), appOf(log, { prefix: '/logs/one' })];
    for (const path of READS.slice(0, 13)) {
      const [a, b] = [await plain.request(path), await mounted.request(`/logs/one${path}`)];
      expect([b.status, await b.text()]).toEqual([200, await a.text()]);
    }
    expect((await mounted.request('/logs/one')).status).toBe(200);
    expect((await mounted.request('/logs/one/log/2')).status).toBe(200);
    expect(await refusal(mounted.request('/checkpoint'))).toBe('404 not-found');
    expect((await mounted.request('/logs/one/add', { method: 'POST', body: 'x' })).status).toBe(200);
  });
});

describe('every write', () => {
  it.each(['/add', '/api/v1/batch'])('%s takes POST only and lets no other origin in', async (path) => {
    const { ask } = await serve(3);
    for (const method of ['GET', 'PUT', 'OPTIONS', 'DELETE']) {
      const refused = await ask(path, { method });
      expect(refused.headers.get('allow')).toBe('POST');
      expect(await refusal(refused)).toBe('405 method-not-allowed');
    }
    const posted = await ask('/add', { method: 'POST', body: 'x', headers: { origin: 'https://elsewhere.example' } });
    expect(posted.headers.get('access-control-allow-origin')).toBeNull();
  });
});

describe('requests', () => {
  it("have an id, the sender's own where it is plain, in the answer, the problem and the event", async () => {
    const { ask, requests } = await serve(3);
    const first = await ask('/checkpoint', { headers: { 'x-request-id': 'build-17' } });
    expect(first.headers.get('x-request-id')).toBe('build-17');
    const bad = await ask('/nothing', { headers: { 'x-request-id': `x"\t${'y'.repeat(100)}` } });
    const id = bad.headers.get('x-request-id')!;
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-z]+$/);
    expect(await problem(bad)).toMatchObject({ instance: `urn:limmat:request:${id}` });
    expect(requests).toMatchObject([
      { requestId: 'build-17', method: 'GET', path: '/checkpoint', status: 200 },
      { requestId: id, method: 'GET', path: '/nothing', status: 404 },
    ]);
    expect(requests[0]!.durationMillis).toBeGreaterThanOrEqual(0);
  });

  it('give the operator the error that the client does not see', async () => {
    const { log } = await serve(3);
    const broken = overriding(log, {
      read: () => Promise.reject(new Error('tile file is gone: /srv/log')),
    });
    const seen: (LimmatError | undefined)[] = [];
    const app = appOf(broken, { onRequest: ({ error }) => seen.push(error) });
    const body = await problem(await app.request('/tile/0/000.p/3'));
    expect(body['code']).toBe('internal');
    expect(JSON.stringify(body)).not.toContain('/srv');
    expect(seen[0]).toMatchObject({ code: 'internal', message: 'tile file is gone: /srv/log' });
  });

  it('for nothing that exists are answered with 404 and what was asked for', async () => {
    const { ask } = await serve(3);
    for (const path of [
      '/nothing',
      '/api/v1',
      '/api/v1/entries',
      '/api/v2/log',
      '/ct/v1/get-roots',
      '/entries',
      '/%ff',
    ]) {
      expect(await refusal(ask(path)), path).toBe('404 not-found');
    }
    expect((await problem(await ask('/<script>')))['detail']).toContain('"/');
  });
});

describe('health', () => {
  it('is ready while the log takes entries, and says the code while it does not', async () => {
    const { ask, log, clock, faults } = await serve(3);
    expect(await (await ask('/healthz')).text()).toBe('ok\n');
    expect(await (await ask('/readyz')).text()).toBe('ready\n');
    faults.current = () => {
      throw new Error('no space at /srv');
    };
    const outcome = log.append(opaqueEntries(3, 4)).catch((error: unknown) => error);
    await clock.advance(1);
    expect(log.status().state).toBe('read-only');
    const refused = await ask('/readyz');
    expect(await problem(refused.clone())).toMatchObject({ code: 'read-only' });
    expect(await refused.text()).not.toContain('/srv');
    expect((await ask('/healthz')).status).toBe(200);
    expect((await ask('/tile/0/000.p/3')).status).toBe(200);
    expect(await refusal(ask('/add', { method: 'POST', body: 'x' }))).toMatch(/^503 /);
    faults.current = undefined;
    await clock.advance(60_000);
    await outcome;
    expect((await ask('/readyz')).status).toBe(200);
    await log.close();
    expect(await refusal(ask('/readyz'))).toBe('503 shutting-down');
  });

  it('is not ready, and says so on the page, while nothing is signed', async () => {
    const { log } = await serve(3);
    const app = appOf(overriding(log, { status: () => ({ ...log.status(), state: 'not-signing' }) }));
    expect(await refusal(app.request('/readyz'))).toBe('503 clock-behind');
    expect(await (await app.request('/')).text()).toContain('signs no new checkpoints');
    expect((await app.request('/healthz')).status).toBe(200);
  });
});
