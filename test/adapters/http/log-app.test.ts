import { describe, expect, it } from 'vitest';
import { toBase64, toHex, utf8 } from '../../../src/bytes.ts';
import { LimmatError } from '../../../src/errors.ts';
import { portableHasher } from '../../../src/merkle/hash.ts';
import { verifyConsistency, verifyInclusion } from '../../../src/merkle/proof.ts';
import { formatEntryBundle } from '../../../src/merkle/tile.ts';
import { parseTlogProof } from '../../../src/note/tlog-proof.ts';
import { signer } from '../../support/admission-world.ts';
import { opaqueEntries } from '../../support/test-log.ts';
import { appOf, buildStatement, hashesOf, jsonOf, overriding, problem, refusal, serve } from './support.ts';

const bytesOf = async (response: Response): Promise<Uint8Array> => new Uint8Array(await response.arrayBuffer());

describe('tiles and checkpoints', () => {
  it('serves the checkpoint as it was signed, never to be cached unasked', async () => {
    const { ask, log } = await serve(3);
    const response = await ask('/checkpoint');
    expect(response.status).toBe(200);
    expect(await bytesOf(response)).toEqual(log.checkpoint());
    expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(response.headers.get('cache-control')).toBe('no-cache');
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
  });

  it('answers 304 to a reader who has it, and 200 again after the next one', async () => {
    const { ask, log, clock } = await serve(3);
    const etag = (await ask('/checkpoint')).headers.get('etag')!;
    for (const value of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
      const response = await ask('/checkpoint', { headers: { 'if-none-match': value } });
      expect(response.status).toBe(304);
      expect(response.headers.get('etag')).toBe(etag);
      expect(await response.text()).toBe('');
    }
    await log.append(opaqueEntries(3, 4));
    await clock.advance(2000);
    expect((await ask('/checkpoint', { headers: { 'if-none-match': etag } })).status).toBe(200);
  });

  it('serves full and partial tiles and bundles, immutable for a year', async () => {
    const { ask } = await serve(300);
    const leaves = opaqueEntries(0, 300).map((entry) => portableHasher.leafHash(entry));
    const tile = await ask('/tile/0/000');
    expect(await bytesOf(tile)).toEqual(new Uint8Array(Buffer.concat(leaves.slice(0, 256))));
    expect(tile.headers.get('content-type')).toBe('application/octet-stream');
    expect(tile.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect(tile.headers.get('content-length')).toBe('8192');
    expect(await bytesOf(await ask('/tile/0/001.p/44'))).toHaveLength(44 * 32);
    expect(await bytesOf(await ask('/tile/0/001.p/7'))).toHaveLength(7 * 32);
    expect(await bytesOf(await ask('/tile/1/000.p/1'))).toHaveLength(32);
    const bundle = await bytesOf(await ask('/tile/entries/001.p/44'));
    expect(bundle).toEqual(formatEntryBundle(opaqueEntries(256, 300)));
    expect((await ask('/tile/entries/000', { method: 'HEAD' })).status).toBe(200);
  });

  it('has nothing beyond the published size and under no other spelling', async () => {
    const { ask, log } = await serve(300);
    // Durable but not published: the clock stands still.
    await log.append(opaqueEntries(300, 310));
    expect(log.status().head.size).toBe(310);
    for (const path of [
      '/tile/0/001.p/45',
      '/tile/0/001',
      '/tile/0/002.p/1',
      '/tile/1/000.p/2',
      '/tile/2/000.p/1',
      '/tile/entries/001.p/54',
      '/tile/00/000',
      '/tile/0/0',
      '/tile/0/x000/000',
      '/tile/0/000.p/0',
      '/tile/0/000.p/256',
      '/tile/0/000.p/01',
      '/tile/64/000',
      '/tile/-1/000',
      '/tile/0/000/',
      '/tile/entries',
      '/tile/0/x999/x999/x999/x999/x999/999',
      '/tile/0/x999/x999/x999/x999/x999/x999/999',
    ]) {
      expect(await refusal(ask(path)), path).toBe('404 not-found');
    }
  });

  it('says that there is no checkpoint yet, and when to ask again', async () => {
    const { log } = await serve();
    const silent = overriding(log, {
      checkpoint: () => undefined,
      status: () => ({ ...log.status(), published: undefined }),
    });
    const app = appOf(silent);
    expect(await refusal(app.request('/checkpoint'))).toBe('503 no-checkpoint');
    expect(await refusal(app.request('/readyz'))).toBe('503 no-checkpoint');
    expect(await refusal(app.request('/ct/v1/get-sth'))).toBe('503 no-checkpoint');
  });
});

describe('POST /add', () => {
  it('answers the index in decimal, whatever the content type', async () => {
    const { ask } = await serve();
    for (const [i, type] of ['text/plain', 'application/octet-stream', 'application/x-www-form-urlencoded'].entries()) {
      const response = await ask('/add', { method: 'POST', body: `entry ${i}`, headers: { 'content-type': type } });
      expect(response.status).toBe(200);
      expect(await response.text()).toBe(String(i));
    }
    const again = await ask('/add?wait=sequenced', { method: 'POST', body: 'entry 1' });
    expect(await again.text()).toBe('1');
  });

  it('takes an entry of 65,535 bytes and refuses one more with both numbers', async () => {
    const { ask } = await serve();
    expect((await ask('/add', { method: 'POST', body: new Uint8Array(65_535) })).status).toBe(200);
    const response = await ask('/add', { method: 'POST', body: new Uint8Array(65_536) });
    expect(response.status).toBe(413);
    expect(await problem(response)).toMatchObject({ code: 'entry-too-large', limit: 65_535 });
    const declared = await ask('/add', { method: 'POST', body: 'x', headers: { 'content-length': '70000' } });
    expect(await problem(declared)).toMatchObject({ code: 'entry-too-large', size: 70_000, limit: 65_535 });
  });

  it('stops reading a body that does not end', async () => {
    const { ask } = await serve();
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 1000;
        controller.enqueue(new Uint8Array(1000));
      },
    });
    const response = ask('/add', { method: 'POST', body, duplex: 'half' } as RequestInit);
    expect(await refusal(response)).toBe('413 entry-too-large');
    expect(sent).toBeLessThan(100_000);
  });

  it('refuses an empty body, a compressed one, and an unknown wait', async () => {
    const { ask } = await serve();
    const post = (query: string, init: RequestInit) => ask(`/add${query}`, { method: 'POST', ...init });
    expect(await refusal(post('', {}))).toBe('400 malformed');
    const gzip = { body: 'x', headers: { 'content-encoding': 'gzip' } };
    expect(await refusal(post('', gzip))).toBe('415 unsupported-media-type');
    expect(await refusal(post('?wait=soon', { body: 'x' }))).toBe('400 bad-parameter');
    expect(await refusal(post('?wait=published&wait=published', { body: 'x' }))).toBe('400 bad-parameter');
    expect(await refusal(post('?wait=witnessed', { body: 'x' }))).toBe('409 no-witnesses');
    expect(await refusal(post('?Wait=published', { body: 'x' }))).toBe('400 bad-parameter');
  });

  it('waits for the proof file', async () => {
    const { ask, clock } = await serve(5);
    const answer = ask('/add?wait=published', { method: 'POST', body: 'waited for' });
    await clock.advance(2000);
    const response = await answer;
    expect(response.status).toBe(200);
    const proof = parseTlogProof(await bytesOf(response));
    expect(proof).toMatchObject({ index: 5, extra: utf8('waited for') });
  });

  it('answers 202 with the index and the place of the proof at the deadline, and when waiting fails', async () => {
    const { ask, log, clock } = await serve(5, {
      checkpointIntervalMillis: 3_600_000,
      logOptions: { waitMillis: 500 },
    });
    const answer = ask('/add?wait=published', { method: 'POST', body: 'late' });
    await clock.advance(600);
    const response = await answer;
    expect(response.status).toBe(202);
    expect(response.headers.get('location')).toBe('api/v1/entries/5/proof');
    expect(await jsonOf(response)).toMatchObject({ index: 5, proof: 'api/v1/entries/5/proof' });
    expect(await refusal(ask('/api/v1/entries/5/proof'))).toBe('404 not-published');

    const failing = overriding(log, {
      waitPublished: () => Promise.reject(new LimmatError('shutting-down', 'closing')),
    });
    const second = await appOf(failing).request('/add?wait=published', { method: 'POST', body: 'later' });
    expect(second.status).toBe(202);
  });

  it('passes on why an entry is refused, with the key and the command that mends it', async () => {
    const { ask, clock } = await serve(0, { admission: 'records' });
    const nowSeconds = Math.floor(clock.nowMillis() / 1000);
    const statement = await buildStatement('1.0', nowSeconds);
    expect(await (await ask('/add', { method: 'POST', body: new Uint8Array(statement) })).text()).toBe('2');
    expect(await refusal(ask('/add', { method: 'POST', body: 'no statement' }))).toBe('400 malformed');
    const broken = statement.slice();
    broken[broken.length - 1]! ^= 1;
    expect(await refusal(ask('/add', { method: 'POST', body: new Uint8Array(broken) }))).toBe('403 bad-signature');
    const old = await buildStatement('2.0', nowSeconds - 10 * 86_400);
    expect(await refusal(ask('/add', { method: 'POST', body: new Uint8Array(old) }))).toBe('422 iat-out-of-window');
    const stranger = signer('stranger');
    const strange = await buildStatement('3.0', nowSeconds, stranger);
    const unknown = await ask('/add', { method: 'POST', body: new Uint8Array(strange) });
    expect(unknown.status).toBe(403);
    const { code, detail } = await problem(unknown);
    expect(code).toBe('unknown-key');
    expect(detail).toContain(toHex(stranger.kid));
    expect(detail).toContain('limmat submitter add');
  });

  it('answers 503 with Retry-After when the queue is full, and keeps the reason of a failure to itself', async () => {
    const { log } = await serve();
    const failing = (error: unknown) => {
      const app = appOf(overriding(log, { append: () => Promise.reject(error) }));
      return app.request('/add', { method: 'POST', body: 'x' });
    };
    const full = await failing(
      new LimmatError('queue-full', '9 of 9 wait', { details: { waiting: 9 }, retryAfterSeconds: 3 }),
    );
    expect(full.headers.get('retry-after')).toBe('3');
    expect(await problem(full)).toMatchObject({ code: 'queue-full', detail: '9 of 9 wait', waiting: 9 });
    for (const code of ['read-only', 'outcome-unknown', 'shutting-down', 'clock-behind'] as const) {
      const body = await problem(
        await failing(new LimmatError(code, 'ENOSPC at /srv/data', { details: { dir: '/srv' } })),
      );
      expect(body['code']).toBe(code);
      expect(JSON.stringify(body)).not.toContain('/srv');
    }
    for (const error of [
      new Error('secret'),
      new LimmatError('store-corrupt', 'secret'),
      new LimmatError('bad-proof', 'secret'),
    ]) {
      const response = await failing(error);
      expect(response.status).toBe(500);
      const body = await problem(response);
      expect(body['code']).toBe('internal');
      expect(JSON.stringify(body)).not.toContain('secret');
    }
  });
});

describe('GET /api/v1', () => {
  it('describes the log', async () => {
    const { ask, log } = await serve(3);
    const { published } = log.status();
    expect(await jsonOf(await ask('/api/v1/log'))).toEqual({
      origin: log.origin,
      vkeys: log.vkeys,
      channelKey: null,
      size: 3,
      rootHash: toBase64(published!.head.rootHash),
      timestamp: published!.timestampSeconds,
      admission: 'open',
      limits: { entryBytes: 65_535, batchEntries: 4096, batchBytes: 16_777_216 },
      state: 'ready',
    });
  });

  it('gives an opaque entry with its bytes, its proof file and its time bracket', async () => {
    const { ask, clock, log } = await serve(3, { refreshIntervalMillis: 60_000 });
    await clock.advance(180_000);
    await log.append(opaqueEntries(3, 5));
    await clock.advance(2000);
    const leaf = utf8('entry 3');
    expect(await jsonOf(await ask('/api/v1/entries/3'))).toEqual({
      index: 3,
      leafHash: toBase64(portableHasher.leafHash(leaf)),
      size: leaf.length,
      leaf: toBase64(leaf),
      links: { proof: '3/proof', time: '3/time' },
    });
    const proof = await ask('/api/v1/entries/3/proof');
    expect(proof.headers.get('content-disposition')).toBe('attachment; filename="entry-3.tlog-proof"');
    expect(parseTlogProof(await bytesOf(proof))).toMatchObject({ index: 3, extra: leaf });
    const time = await jsonOf<{ before: { timestamp: number }; after: { timestamp: number; checkpoint: string } }>(
      await ask('/api/v1/entries/3/time'),
    );
    expect(time).toMatchObject({ index: 3, before: { size: 3 }, after: { size: 5 } });
    const { before, after } = time;
    expect(before.timestamp).toBeLessThan(after.timestamp);
    expect(after.checkpoint).toContain(log.origin);
  });

  it('gives a statement as its record in words and in JSON', async () => {
    const { ask, clock, log } = await serve(0, { admission: 'records' });
    await log.append([await buildStatement('1.0', Math.floor(clock.nowMillis() / 1000))]);
    await clock.advance(2000);
    const entry = await jsonOf(await ask('/api/v1/entries/2'));
    expect(entry['description']).toContain('1.0');
    expect(entry).toMatchObject({
      index: 2,
      statement: { type: 'build', namespace: 'acme', issuer: 'acme.example', fields: { version: '1.0' } },
    });
  });

  it('gives proofs that verify, by index and by hash, at any published size', async () => {
    const { ask, log } = await serve(300);
    for (const [index, size] of [
      [0, 1],
      [7, 8],
      [299, 300],
      [255, 257],
      [0, 300],
    ] as const) {
      const leafHash = portableHasher.leafHash(utf8(`entry ${index}`));
      const byIndex = await jsonOf(await ask(`/api/v1/proof/inclusion?index=${index}&size=${size}`));
      const byHash = await jsonOf(await ask(`/api/v1/proof/inclusion?hash=${toHex(leafHash)}&size=${size}`));
      expect(byHash).toEqual({ ...byIndex, leafHash: toBase64(leafHash) });
      if (size === 300) {
        const { rootHash } = log.status().head;
        verifyInclusion({ leafHash, index, size, rootHash, proof: hashesOf(byIndex['proof']) });
      }
    }
    expect(await jsonOf(await ask('/api/v1/proof/inclusion?index=5'))).toMatchObject({ index: 5, size: 300 });
    const proof = hashesOf((await jsonOf(await ask('/api/v1/proof/consistency?from=130')))['proof']);
    const early = await serve(130);
    const fromRoot = early.log.status().head.rootHash;
    verifyConsistency({ fromSize: 130, fromRoot, toSize: 300, toRoot: log.status().head.rootHash, proof });
    expect(await jsonOf(await ask('/api/v1/proof/consistency?from=300&to=300'))).toEqual({
      from: 300,
      to: 300,
      proof: [],
    });
  });

  it('says what is wrong with a parameter', async () => {
    const { ask } = await serve(10);
    const hash = toHex(portableHasher.leafHash(utf8('entry 3')));
    const missing = '00'.repeat(32);
    for (const [path, expected] of [
      ['/api/v1/log?x=1', '400 bad-parameter'],
      ['/api/v1/entries/10', '404 not-found'],
      ['/api/v1/entries/9007199254740991', '404 not-found'],
      ['/api/v1/entries/9007199254740992', '400 bad-parameter'],
      ['/api/v1/entries/99999999999999999999', '400 bad-parameter'],
      ['/api/v1/entries/01', '400 bad-parameter'],
      ['/api/v1/entries/-1', '400 bad-parameter'],
      ['/api/v1/entries/1e3', '400 bad-parameter'],
      ['/api/v1/entries/0x1', '400 bad-parameter'],
      ['/api/v1/entries/%31%20', '400 bad-parameter'],
      ['/api/v1/entries/10/proof', '404 not-found'],
      ['/api/v1/entries/10/time', '404 not-found'],
      ['/api/v1/entries/x/time', '400 bad-parameter'],
      ['/api/v1/proof/inclusion', '400 bad-parameter'],
      ['/api/v1/proof/inclusion?size=5', '400 bad-parameter'],
      [`/api/v1/proof/inclusion?index=3&hash=${hash}`, '400 bad-parameter'],
      ['/api/v1/proof/inclusion?index=10', '400 bad-parameter'],
      ['/api/v1/proof/inclusion?index=5&size=5', '400 bad-parameter'],
      ['/api/v1/proof/inclusion?index=5&size=11', '404 not-published'],
      ['/api/v1/proof/inclusion?index=5&size=9007199254740991', '404 not-published'],
      ['/api/v1/proof/inclusion?index=5&size=9007199254740992', '400 bad-parameter'],
      ['/api/v1/proof/inclusion?index=5&size=', '400 bad-parameter'],
      ['/api/v1/proof/inclusion?index=5&index=5', '400 bad-parameter'],
      ['/api/v1/proof/inclusion?index=5&tree_size=7', '400 bad-parameter'],
      [`/api/v1/proof/inclusion?hash=${hash.toUpperCase()}`, '400 bad-parameter'],
      [`/api/v1/proof/inclusion?hash=${hash.slice(2)}`, '400 bad-parameter'],
      [`/api/v1/proof/inclusion?hash=${missing}`, '404 not-found'],
      [`/api/v1/proof/inclusion?hash=${hash}&size=3`, '404 not-found'],
      [`/api/v1/proof/inclusion?hash=${hash}&size=11`, '404 not-published'],
      ['/api/v1/proof/consistency', '400 bad-parameter'],
      ['/api/v1/proof/consistency?from=0', '400 bad-parameter'],
      ['/api/v1/proof/consistency?from=5&to=4', '400 bad-parameter'],
      ['/api/v1/proof/consistency?from=5&to=11', '404 not-published'],
      ['/api/v1/proof/consistency?from=+5', '400 bad-parameter'],
    ] as const) {
      expect(await refusal(ask(path)), path).toBe(expected);
    }
    const body = await problem(await ask('/api/v1/proof/consistency?from=abc'));
    expect(body).toMatchObject({ parameter: 'from' });
    expect(body['detail']).toContain('"abc"');
  });

  it('does not show an entry before a checkpoint covers it', async () => {
    const { ask, log } = await serve(10);
    await log.append(opaqueEntries(10, 12));
    const hash = toHex(portableHasher.leafHash(utf8('entry 11')));
    expect(await refusal(ask('/api/v1/entries/11'))).toBe('404 not-published');
    expect(await refusal(ask('/api/v1/entries/11/proof'))).toBe('404 not-published');
    expect(await refusal(ask(`/api/v1/proof/inclusion?hash=${hash}`))).toBe('404 not-found');
    expect(await refusal(ask('/log/11'))).toBe('404 not-published');
  });
});
