import { describe, expect, test } from 'vitest';
import { serverApp, witnessApp } from '../../../src/adapters/http/index.ts';
import type { App, WitnessAppOptions } from '../../../src/adapters/http/index.ts';
import { toHex, utf8 } from '../../../src/bytes.ts';
import { portableHasher } from '../../../src/merkle/hash.ts';
import { MAX_ADD_CHECKPOINT_BYTES } from '../../../src/note/add-checkpoint.ts';
import { rfcTestTree } from '../../support/rfc-tree.ts';
import { WitnessedTestLog, forkedTree, witnessWorld } from '../../support/witness-world.ts';

const log = new WitnessedTestLog('log.example/a', rfcTestTree(64));
const fork = new WitnessedTestLog('log.example/a', forkedTree(5, 64));
const hash = toHex(portableHasher.sha256(utf8(log.origin)));

async function served(options: WitnessAppOptions = {}): Promise<App> {
  const { witness } = await witnessWorld({ logs: [log] });
  return serverApp({ mounts: [{ prefix: '/witness', app: witnessApp(witness, options) }] });
}

const post = async (app: App, body: Uint8Array): Promise<Response> =>
  app.request('/witness/add-checkpoint', { method: 'POST', body: new Uint8Array(body) });

describe('a witness over HTTP', () => {
  test('answers cosignatures, sizes and reasons as the specification has them', async () => {
    const statuses: number[] = [];
    const app = await served({ onAnswer: (status) => statuses.push(status) });
    const first = await post(app, await log.request(0, 10));
    expect([first.status, await first.text()]).toEqual([200, expect.stringMatching(/^— witness\.example\/w1 \S+\n$/u)]);
    const behind = await post(app, await log.request(5, 20));
    expect([behind.status, behind.headers.get('content-type'), await behind.text()]).toEqual([
      409,
      'text/x.tlog.size',
      '10\n',
    ]);
    const other = await post(app, await fork.request(10, 20));
    expect([other.status, await other.text()]).toEqual([422, expect.stringMatching(/^.+\n$/u)]);
    expect(statuses).toEqual([200, 409, 422]);
  });

  test('serves the cosigned checkpoint, what was refused, a page and JSON', async () => {
    const app = await served();
    expect((await app.request(`/witness/${hash}/checkpoint`)).status).toBe(404);
    await post(app, await log.request(0, 10));
    await post(app, await fork.request(10, 20));
    const note = await (await app.request(`/witness/${hash}/checkpoint`)).text();
    expect(note).toMatch(/^log\.example\/a\n10\n[\s\S]+\n\n— log\.example\/a \S+\n— witness\.example\/w1 \S+\n$/u);
    expect(await (await app.request(`/witness/${hash}/refused`)).json()).toMatchObject({
      refused: [{ kind: 'not-consistent', size: 20 }],
    });
    expect(await (await app.request('/witness/api/v1/witness')).json()).toMatchObject({
      name: 'witness.example/w1',
      logs: [{ origin: log.origin, originHash: hash, size: 10, refused: 1 }],
    });
    expect(await (await app.request('/witness')).text()).toContain(`href="/witness/${hash}/refused"`);
    expect((await app.request(`/witness/${'0'.repeat(64)}/refused`)).status).toBe(404);
  });

  test('takes no body that is too large, and none that does not arrive', async () => {
    const app = await served({ bodyMillis: 20 });
    expect((await post(app, new Uint8Array(MAX_ADD_CHECKPOINT_BYTES + 1))).status).toBe(413);
    const body = new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(utf8('old 0\n')) });
    const init = { method: 'POST', body, duplex: 'half' } as RequestInit;
    expect((await app.request('/witness/add-checkpoint', init)).status).toBe(400);
    expect((await app.request('/witness/add-checkpoint')).status).toBe(405);
  });

  test('lets nobody ask too often, and one who does keeps nobody else out', async () => {
    let source = '192.0.2.1';
    const app = await served({ perLog: 1, sourceOf: () => source, monotonicMillis: () => 0 });
    const body = await log.request(0, 10);
    for (let i = 0; i < 10; i++) expect((await post(app, body)).status).not.toBe(503);
    const refused = await post(app, body);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1']);
    source = '192.0.2.2';
    expect((await post(app, await log.request(10, 11))).status).toBe(200);
  });

  test.each([
    ['the checkpoint', `/${hash}/checkpoint`, 404],
    ['what is kept', `/${hash}/refused`, 200],
    ['the list of logs', '/api/v1/witness', 200],
    ['the page', '', 200],
  ])('lets nobody read %s too often', async (_what, path, status) => {
    let source = '192.0.2.1';
    const app = await served({ perSource: 1, sourceOf: () => source, monotonicMillis: () => 0 });
    const read = (): Promise<Response> => Promise.resolve(app.request(`/witness${path}`));
    for (let i = 0; i < 10; i++) expect((await read()).status).toBe(status);
    const refused = await read();
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1']);
    // What is read and what is sent count together.
    expect((await post(app, await log.request(0, 10))).status).toBe(503);
    source = '192.0.2.2';
    expect((await read()).status).toBe(status);
  });

  test('an answer about many logs counts as many requests', async () => {
    const logs = Array.from({ length: 450 }, (_, i) => new WitnessedTestLog(`log.example/${i}`, rfcTestTree(1)));
    const { witness } = await witnessWorld({ logs });
    const limits = { perSource: 1, sourceOf: () => '192.0.2.1', monotonicMillis: () => 0 };
    const app = serverApp({ mounts: [{ prefix: '/witness', app: witnessApp(witness, limits) }] });
    const statuses: number[] = [];
    for (let i = 0; i < 3; i++) statuses.push((await app.request('/witness/api/v1/witness')).status);
    expect(statuses).toEqual([200, 200, 503]);
  });
});
