import { createServer } from 'node:http';
import type { RequestListener, Server, ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { getRequestListener } from '@hono/node-server';
import { afterEach, describe, expect, it } from 'vitest';
import { gossipApp, serverApp } from '../../../src/adapters/http/index.ts';
import type { App, GossipAppOptions } from '../../../src/adapters/http/index.ts';
import { nodeCrypto } from '../../../src/adapters/node-crypto.ts';
import { utf8, utf8Text } from '../../../src/bytes.ts';
import { boundedFetch } from '../../../src/client/bounded-fetch.ts';
import { verifyConsistency } from '../../../src/merkle/proof.ts';
import { parseEvidence } from '../../../src/monitor/evidence/file.ts';
import { verifyEvidence } from '../../../src/monitor/evidence/verify.ts';
import { signRequest } from '../../../src/monitor/gossip/credential.ts';
import { httpPeerSend } from '../../../src/monitor/gossip/http-peer.ts';
import { formatExchange } from '../../../src/monitor/gossip/message.ts';
import type { Peer } from '../../../src/monitor/gossip/peer.ts';
import { EVIDENCE_PATH, EXCHANGE_PATH } from '../../../src/monitor/gossip/protocol.ts';
import { originHash } from '../../../src/monitor/gossip/reads.ts';
import { SIGNATURE_TYPE } from '../../../src/note/key.ts';
import { History, headOf } from '../../monitor/evidence/support.ts';
import { Network, SimMonitor, signerOf } from '../../monitor/gossip/network.ts';
import type { View } from '../../monitor/gossip/network.ts';
import { toyCrypto, toyKeys } from '../../monitor/gossip/toy-crypto.ts';
import { errorOf } from '../../support/tile-source.ts';
import { hashesOf, jsonOf, problem, refusal } from './support.ts';

const keys = toyKeys('log.example/a', [SIGNATURE_TYPE.ed25519, SIGNATURE_TYPE.mldsa44]);
const honest: View = { keys, history: History.of(60) };
const forked: View = { keys, history: History.of(60, 10) };
const HASH = originHash('log.example/a', nodeCrypto);
const EMPTY = formatExchange({ logs: [] });

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** Two monitors of which the first has an app; it has seen 40 entries. */
async function served(options: GossipAppOptions = {}): Promise<{ network: Network; monitor: SimMonitor; app: App }> {
  const network = new Network();
  network.add(2, (number) => [number === 0 ? honest : forked]);
  const monitor = network.monitors[0]!;
  await monitor.look(40);
  const app = serverApp({ mounts: [{ prefix: '/m', app: gossipApp(monitor.node, options) }] });
  return { network, monitor, app };
}

/** A signed POST of monitor 1. */
async function signedPost(network: Network, body: Uint8Array, path = EXCHANGE_PATH): Promise<RequestInit> {
  const request = { method: 'POST', path, body };
  const credential = await signRequest(signerOf(1), network.monitors[0]!.signer, request, toyCrypto, {
    nowSeconds: network.nowSeconds,
    randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
  });
  return { method: 'POST', body: new Uint8Array(body), headers: { Authorization: `Limmat-Gossip ${credential}` } };
}

const noteOf = async (view: View, size: number): Promise<string> =>
  utf8Text((await headOf(view.keys, view.history, size)).note)!;

/** Listens, and gives the URL. */
async function listening(handler: RequestListener): Promise<string> {
  const server = createServer(handler);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new TypeError('not listening on a port');
  return `http://127.0.0.1:${address.port}/`;
}

/** The app, listening. */
function appListening(app: App): Promise<string> {
  const listener = getRequestListener(app.fetch);
  return listening((request, response) => void listener(request, response));
}

/** Monitor 1, on the forked branch, that knows the served one under this URL. */
function caller(url: string | undefined, timeoutMillis = 5000): { monitor: SimMonitor; peer: Peer } {
  const { nowSeconds } = new Network();
  const monitor = new SimMonitor({
    number: 1,
    views: [forked],
    peers: [{ vkey: signerOf(0).vkey, url }],
    send: httpPeerSend({ timeoutMillis }),
    nowSeconds: () => nowSeconds,
  });
  return { monitor, peer: [...monitor.node.peers.values()][0]! };
}

describe('what anyone may read', () => {
  it('is the newest checkpoint under the hash of its origin', async () => {
    const { app, monitor } = await served();
    const answer = await app.request(`/m/gossip/v1/${HASH}/checkpoint`);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/plain; charset=utf-8']);
    expect(answer.headers.get('cache-control')).toBe('no-cache');
    expect(answer.headers.get('access-control-allow-origin')).toBe('*');
    expect(await answer.text()).toBe(utf8Text(monitor.log().book.newest()!.note));
    expect(await refusal(app.request(`/m/gossip/v1/${HASH.toUpperCase()}/checkpoint`))).toBe('404 not-found');
    expect(await refusal(app.request(`/m/gossip/v1/${'0'.repeat(64)}/checkpoint`))).toBe('404 not-found');
  });

  it('is every head that is held, a page at a time', async () => {
    const { app, monitor } = await served();
    for (let size = 1; size <= 25; size++) await monitor.take(await headOf(keys, honest.history, size), 'client');
    const sizes: number[] = [];
    for (let cursor = 0; ;) {
      const page = await jsonOf<{ origin: string; checkpoints: string[]; cursor: number }>(
        await app.request(`/m/gossip/v1/${HASH}/checkpoints?after=${cursor}`),
      );
      expect(page.checkpoints.length).toBeLessThanOrEqual(16);
      sizes.push(...page.checkpoints.map((note) => Number(note.split('\n')[1])));
      if (page.cursor === cursor) break;
      cursor = page.cursor;
    }
    expect(sizes).toEqual([40, ...Array.from({ length: 25 }, (_, i) => i + 1)]);
  });

  it('is consistency out of the mirror, with both roots', async () => {
    const { app } = await served();
    const proven = await jsonOf(await app.request(`/m/gossip/v1/${HASH}/consistency?from=13&to=37`));
    expect(proven).toMatchObject({ origin: 'log.example/a', from: 13, to: 37 });
    const [fromRoot, toRoot] = hashesOf([proven['fromRoot'], proven['toRoot']]);
    expect([fromRoot, toRoot]).toEqual([honest.history.root(13), honest.history.root(37)]);
    verifyConsistency({
      fromSize: 13,
      fromRoot: fromRoot!,
      toSize: 37,
      toRoot: toRoot!,
      proof: hashesOf(proven['proof']),
    });
    const all = await jsonOf(await app.request(`/m/gossip/v1/${HASH}/consistency?from=0`));
    expect([all['to'], all['proof']]).toEqual([40, []]);
    for (const query of ['', '?from=5&to=4', '?from=5&to=41', '?from=-1', '?from=1&from=2', '?from=1&x=2']) {
      expect(await refusal(app.request(`/m/gossip/v1/${HASH}/consistency${query}`)), query).toBe('400 bad-parameter');
    }
  });

  it('is the evidence, as a list and one by one', async () => {
    const { app, monitor } = await served();
    await monitor.take(await headOf(keys, forked.history, 30), 'client');
    const list = await jsonOf<{ evidence: string[]; more: boolean }>(await app.request('/m/gossip/v1/evidence'));
    expect(list).toEqual({ evidence: [...monitor.files.keys()], more: false });
    const [id] = list.evidence;
    expect(await jsonOf(await app.request(`/m/gossip/v1/evidence?after=${id}`))).toEqual({ evidence: [], more: false });
    const answer = await app.request(`/m/gossip/v1/evidence/${id}`);
    expect(answer.headers.get('content-disposition')).toContain(`evidence-${id!.slice(0, 16)}.json`);
    const evidence = await verifyEvidence(parseEvidence(new Uint8Array(await answer.arrayBuffer())), [keys.log]);
    expect(evidence.id).toBe(id);
    for (const wrong of ['0'.repeat(64), 'x', '%2e%2e']) {
      expect(await refusal(app.request(`/m/gossip/v1/evidence/${wrong}`)), wrong).toBe('404 not-found');
    }
    expect(await refusal(app.request('/m/gossip/v1/evidence?after=x'))).toBe('400 bad-parameter');
  });

  it('is read with GET, and nothing else is possible there', async () => {
    const { app } = await served();
    for (const [path, allow] of [
      [`/m/gossip/v1/${HASH}/checkpoint`, 'GET, HEAD, OPTIONS'],
      ['/m/gossip/v1/evidence', 'GET, HEAD, OPTIONS, POST'],
      ['/m/gossip/v1/exchange', 'POST'],
      ['/m/gossip/v1/checkpoint', 'POST'],
    ] as const) {
      const answer = await app.request(path, { method: 'DELETE' });
      expect([answer.status, answer.headers.get('allow')], path).toEqual([405, allow]);
    }
    expect((await app.request('/m/gossip/v1/evidence', { method: 'HEAD' })).status).toBe(200);
    expect((await app.request('/m/gossip/v1/evidence', { method: 'OPTIONS' })).status).toBe(204);
  });
});

describe('a POST', () => {
  it('of an exchange is answered to a peer, signed, and closed to everybody else', async () => {
    const { app, network } = await served();
    const answer = await app.request('/m/gossip/v1/exchange', await signedPost(network, EMPTY));
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/json']);
    expect(answer.headers.get('limmat-gossip-answer')).not.toBeNull();
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
    const unsigned = { method: 'POST', body: new Uint8Array(EMPTY) };
    expect(await refusal(app.request('/m/gossip/v1/exchange', unsigned))).toBe('403 unknown-key');
    for (const Authorization of ['Bearer x', 'Limmat-Gossip', 'Limmat-Gossip a b']) {
      const refused = await app.request('/m/gossip/v1/exchange', { ...unsigned, headers: { Authorization } });
      expect([Authorization, refused.status === 400 || refused.status === 403]).toEqual([Authorization, true]);
    }
  });

  it('that is replayed, or changed on its way, is refused', async () => {
    const { app, network } = await served();
    const request = await signedPost(network, EMPTY);
    expect((await app.request('/m/gossip/v1/exchange', request)).status).toBe(200);
    expect(await refusal(app.request('/m/gossip/v1/exchange', request))).toBe('403 not-permitted');
    const other = await signedPost(network, EMPTY);
    const changed = { ...other, body: `${utf8Text(EMPTY)!} ` };
    expect(await refusal(app.request('/m/gossip/v1/exchange', changed))).toBe('403 not-permitted');
    const elsewhere = await signedPost(network, EMPTY, EVIDENCE_PATH);
    expect(await refusal(app.request('/m/gossip/v1/exchange', elsewhere))).toBe('403 not-permitted');
  });

  it('of a head is answered with nothing, or with the evidence against its log', async () => {
    const { app } = await served();
    const post = async (view: View, size: number): Promise<Response> =>
      app.request('/m/gossip/v1/checkpoint', { method: 'POST', body: await noteOf(view, size) });
    const good = await post(honest, 20);
    expect([good.status, await good.text()]).toEqual([204, '']);
    const bad = await post(forked, 21);
    expect([bad.status, bad.headers.get('content-type')]).toEqual([200, 'text/plain; charset=utf-8']);
    expect(await bad.text()).toMatch(/^[0-9a-f]{64}\n$/);
  });

  it('is refused as garbage with a reason, and nothing breaks', async () => {
    const { app, network, monitor } = await served();
    const deep = utf8('['.repeat(200_000));
    for (const body of [utf8('garbage'), new Uint8Array(0), deep, new Uint8Array(1000).fill(0xff)]) {
      const code = '400 malformed';
      expect(await refusal(app.request('/m/gossip/v1/exchange', await signedPost(network, body)))).toBe(code);
      const plain = { method: 'POST', body: new Uint8Array(body) };
      expect(await refusal(app.request('/m/gossip/v1/evidence', plain))).toBe(code);
      expect(
        await refusal(app.request('/m/gossip/v1/checkpoint', { ...plain, body: plain.body.slice(0, 60_000) })),
      ).toBe(code);
    }
    expect(await refusal(app.request('/m/gossip/v1/exchange?x=1', { method: 'POST' }))).toBe('400 bad-parameter');
    expect(monitor.log().book.size).toBe(1);
  });

  it('that is too long is refused while it is read, whether it says so or not', async () => {
    const { app } = await served();
    for (const [path, limit] of [
      ['exchange', 256 * 1024],
      ['evidence', 512 * 1024],
      ['checkpoint', 64 * 1024],
    ] as const) {
      const long = { method: 'POST', body: new Uint8Array(limit + 1) };
      const answer = await app.request(`/m/gossip/v1/${path}`, long);
      expect((await problem(answer))['limit'], path).toBe(limit);
      expect(answer.status).toBe(413);
      let sent = 0;
      const endless = new ReadableStream<Uint8Array>({
        pull: (controller) => {
          sent += 65_536;
          controller.enqueue(new Uint8Array(65_536));
        },
      });
      const init: RequestInit & { duplex: string } = { method: 'POST', body: endless, duplex: 'half' };
      expect(await refusal(app.request(`/m/gossip/v1/${path}`, init)), path).toBe('413 body-too-large');
      expect(sent, path).toBeLessThan(limit + 4 * 65_536);
    }
  });

  it('that is compressed is refused, however small it is', async () => {
    const { app } = await served();
    const bomb = gzipSync(new Uint8Array(50_000_000));
    const init = { method: 'POST', body: new Uint8Array(bomb), headers: { 'Content-Encoding': 'gzip' } };
    for (const path of ['exchange', 'evidence', 'checkpoint']) {
      expect(await refusal(app.request(`/m/gossip/v1/${path}`, init))).toBe('415 unsupported-media-type');
    }
  });

  it('that dribbles in is cut off in time, and others are served meanwhile', async () => {
    const { app } = await served({ bodyMillis: 100 });
    let cancelled = false;
    const slow = new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        await new Promise((resolve) => setTimeout(resolve, 20));
        if (!cancelled) controller.enqueue(Uint8Array.of(0x20));
      },
      cancel: () => {
        cancelled = true;
      },
    });
    const init: RequestInit & { duplex: string } = { method: 'POST', body: slow, duplex: 'half' };
    const started = performance.now();
    const waiting = app.request('/m/gossip/v1/exchange', init);
    const other = await app.request('/m/gossip/v1/checkpoint', { method: 'POST', body: await noteOf(honest, 20) });
    expect(other.status).toBe(204);
    expect(await refusal(waiting)).toBe('400 malformed');
    expect(performance.now() - started).toBeLessThan(2000);
    expect(cancelled).toBe(true);
  });

  it('comes as often as a source may, and then waits; others are not affected', async () => {
    let source = 'a';
    let now = 0;
    const { app } = await served({ sourceOf: () => source, monotonicMillis: () => now });
    const post = (): Promise<Response> =>
      Promise.resolve(app.request('/m/gossip/v1/checkpoint', { method: 'POST', body: 'garbage' }));
    for (let i = 0; i < 120; i++) expect((await post()).status).toBe(400);
    const refused = await post();
    expect(refused.status).toBe(503);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    source = 'b';
    expect((await post()).status).toBe(400);
    source = 'a';
    now += 1000;
    expect([(await post()).status, (await post()).status, (await post()).status]).toEqual([400, 400, 503]);
    // Whoever has many addresses meets the bound for all.
    const statuses: number[] = [];
    for (let i = 0; i < 2000; i++) {
      source = `many ${i}`;
      statuses.push((await post()).status);
    }
    expect(statuses.filter((status) => status === 400).length).toBeLessThan(1200);
  });
});

describe('a peer', () => {
  it('is served while strangers, or whoever forges its name, flood', async () => {
    let source = 'a';
    const { app, network } = await served({ bodyMillis: 200, sourceOf: () => source });
    const forged = { ...(await signedPost(network, EMPTY)) };
    const headers = {
      Authorization: String(new Headers(forged.headers).get('authorization')).replace(/.{8}$/, 'AAAAAAA='),
    };
    const codes = new Set<string>();
    for (let i = 0; i < 200; i++) {
      codes.add(await refusal(app.request('/m/gossip/v1/exchange', { ...forged, headers })));
    }
    expect(codes.has('503 queue-full')).toBe(true);
    source = 'b';
    // And while they hold on to all the room that there is for bodies of strangers.
    const silent = Array.from({ length: 64 }, () => {
      const body = new ReadableStream<Uint8Array>({ pull: () => new Promise(() => undefined) });
      const init: RequestInit & { duplex: string } = { method: 'POST', body, duplex: 'half' };
      return app.request('/m/gossip/v1/evidence', init);
    });
    expect((await app.request('/m/gossip/v1/exchange', await signedPost(network, EMPTY))).status).toBe(200);
    expect(new Set(await Promise.all(silent.map((answer) => refusal(answer))))).toContain('503 queue-full');
  });
});

describe('calls over HTTP', () => {
  it('exchange heads and evidence with a real server, under a prefix', async () => {
    const { app, monitor } = await served();
    const url = await appListening(app);
    const { monitor: other, peer } = caller(`${url}m/`);
    await other.look(33);
    expect(await other.node.call(peer)).toEqual({ ok: true });
    await monitor.node.idle();
    expect(await other.node.call(peer)).toEqual({ ok: true });
    expect([...other.files.keys()]).toEqual([...monitor.files.keys()]);
    expect(other.files.size).toBe(1);
  });

  it('say why a peer refused', async () => {
    const { app, network } = await served();
    const url = await appListening(app);
    const { monitor: other, peer } = caller(`${url}m/`);
    network.nowSeconds += 1000;
    const result = await other.node.call(peer);
    expect(result).toMatchObject({ ok: false, error: { code: 'bad-response' } });
    expect(peer.lastError?.message).toContain('more than 300 s apart');
  });

  it('follow no redirect, read no more than they may, and wait no longer than they may', async () => {
    const target: string[] = [];
    const elsewhere = await listening((request, response) => {
      target.push(request.url ?? '');
      response.end();
    });
    const bomb = gzipSync(new Uint8Array(50_000_000));
    for (const [name, code, handler] of [
      ['a redirect', 'bad-response', (response) => response.writeHead(307, { Location: elsewhere }).end()],
      ['a flood', 'bad-response', (response) => response.end(Buffer.alloc(3_000_000))],
      ['a bomb', 'bad-response', (response) => response.writeHead(200, { 'Content-Encoding': 'gzip' }).end(bomb)],
      ['silence', 'network', () => undefined],
      ['a dribble', 'network', (response) => void setInterval(() => response.write(' '), 50).unref()],
      ['no signature', 'bad-response', (response) => response.end('{}')],
      ['garbage', 'bad-response', (response) => response.writeHead(500).end('<html>')],
      ['a hang-up', 'network', (response) => response.destroy()],
    ] as readonly (readonly [string, string, (response: ServerResponse) => unknown])[]) {
      const url = await listening((_, response) => void handler(response));
      const { monitor, peer } = caller(url, 400);
      const result = await monitor.node.call(peer);
      expect(result, name).toMatchObject({ ok: false, error: { code } });
      expect(peer.lastContactSeconds, name).toBeUndefined();
    }
    expect(target).toEqual([]);
  });

  it('go to configured URLs alone', async () => {
    const { peer } = caller(undefined);
    const request = { method: 'GET', path: '/gossip/v1/evidence/x', body: new Uint8Array(0) };
    const error = await errorOf(() => httpPeerSend()(peer, request, 10));
    expect(error).toBeInstanceOf(RangeError);
  });

  it('are bounded requests like all others', async () => {
    const url = await listening((_, response) => response.writeHead(204).end());
    const bounds = { maxBytes: 0, timeoutMillis: 1000, signal: undefined };
    const answer = await boundedFetch((to, init) => fetch(to, init), url, {}, { ...bounds, statuses: [204] });
    expect([answer.status, answer.body.length]).toEqual([204, 0]);
    await expect(boundedFetch((to, init) => fetch(to, init), url, {}, bounds)).rejects.toMatchObject({
      code: 'bad-response',
    });
  });
});
