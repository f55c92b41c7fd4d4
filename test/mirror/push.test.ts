import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { mirrorApp, mirrorUploadApp } from '../../src/adapters/http/index.ts';
import { nodeCrypto, nodeHasher } from '../../src/adapters/node-crypto.ts';
import { concat, uintBytes, utf8 } from '../../src/bytes.ts';
import { httpReader } from '../../src/client/http-reader.ts';
import type { Fetch } from '../../src/client/http-reader.ts';
import { pushToMirror } from '../../src/client/mirror-client.ts';
import { asHash } from '../../src/merkle/hash.ts';
import { SIGNATURE_TYPE } from '../../src/note/key.ts';
import { checkpointVerifier } from '../../src/note/signer.ts';
import { MIRROR_NAME, START_SECONDS, differences, testMirrorSigner } from '../support/mirror-world.ts';
import { ServedLog, fixedSigner, numberedEntries } from '../support/served-log.ts';
import {
  changed,
  checkpointBody,
  fetchOf,
  headOf,
  header,
  push,
  pushWorld,
  said,
  treeOf,
  uploadBody,
  withoutLastLine,
} from '../support/push-world.ts';
import type { PushWorld } from '../support/push-world.ts';

describe('add-checkpoint', () => {
  it.each<[string, (world: PushWorld) => Promise<Uint8Array>, number, string?]>([
    ['the first checkpoint', (world) => checkpointBody(world, 0, 100), 200, ''],
    ['a body that is no request', () => Promise.resolve(utf8('new 3\n\nhello')), 400],
    ['a checkpoint that is no note', (world) => checkpointBody(world, 0, 3, { note: utf8('hello\n') }), 400],
    ['an old size above the checkpoint’s', (world) => checkpointBody(world, 200, 100), 400],
    [
      'a log that is not mirrored',
      async (world) =>
        checkpointBody(world, 0, 3, { note: await new ServedLog(numberedEntries(3), 'log.example/x').note(1) }),
      404,
    ],
    [
      'no signature of the log',
      async (world) =>
        checkpointBody(world, 0, 3, {
          note: await world.served.note(1, { size: 3, signers: [fixedSigner('x.example', SIGNATURE_TYPE.ed25519)] }),
        }),
      403,
    ],
    [
      'a signature of one of its keys only',
      async (world) =>
        checkpointBody(world, 0, 3, {
          note: await world.served.note(1, { size: 3, signers: [world.served.signers[0]!] }),
        }),
      403,
    ],
    [
      'a signature that does not hold',
      async (world) => {
        const note = await world.served.note(1, { size: 3 });
        const text = Buffer.from(note).toString().replace('\n3\n', '\n4\n');
        return checkpointBody(world, 0, 3, { note: utf8(text) });
      },
      403,
    ],
    ['another old size than the pending one', (world) => checkpointBody(world, 5, 100), 409, '0\n'],
    ['a proof from size 0 on', (world) => checkpointBody(world, 0, 100, { proof: [new Uint8Array(32)] }), 422],
    [
      'an empty tree with another root',
      async (world) =>
        checkpointBody(world, 0, 0, {
          note: await world.served.note(1, { size: 0, rootHash: asHash(new Uint8Array(32)) }),
        }),
      422,
    ],
    ['an empty tree', (world) => checkpointBody(world, 0, 0), 200, ''],
  ])('answers to %s', async (_what, bodyOf, status, text) => {
    const world = await pushWorld(300);
    const [gotStatus, gotText] = await said(await world.post('/add-checkpoint', await bodyOf(world)));
    expect([gotStatus, gotText]).toEqual([status, text ?? gotText]);
    expect(world.log.newest === undefined).toBe(status !== 200);
    expect(world.log.published).toBeUndefined();
  });

  it('takes a larger tree with its proof, and no other', async () => {
    const world = await pushWorld(300);
    await world.post('/add-checkpoint', await checkpointBody(world, 0, 100));
    const conflict = await world.post('/add-checkpoint', await checkpointBody(world, 0, 200));
    expect(conflict.headers.get('content-type')).toBe('text/x.tlog.size');
    expect(await said(conflict)).toEqual([409, '100\n']);
    expect(
      (await said(await world.post('/add-checkpoint', await checkpointBody(world, 100, 300, { proof: [] }))))[0],
    ).toBe(422);
    const wrong = treeOf(world.served).proof(100, 299);
    expect(
      (await said(await world.post('/add-checkpoint', await checkpointBody(world, 100, 300, { proof: wrong }))))[0],
    ).toBe(422);
    expect(await said(await world.post('/add-checkpoint', await checkpointBody(world, 100, 300)))).toEqual([200, '']);
    expect(await said(await world.post('/add-checkpoint', await checkpointBody(world, 300, 300)))).toEqual([200, '']);
    expect(world.log.newest?.size).toBe(300);
  });

  it('keeps the log’s lines alone, and no earlier note of the same tree', async () => {
    const world = await pushWorld(10);
    const stranger = fixedSigner('stranger.example', SIGNATURE_TYPE.ed25519);
    const note = await world.served.note(START_SECONDS + 5, { signers: [...world.served.signers, stranger] });
    await world.post('/add-checkpoint', await checkpointBody(world, 0, 10, { note }));
    expect(world.log.newest!.note).toEqual(utf8(withoutLastLine(note)));
    await world.post('/add-checkpoint', await checkpointBody(world, 10, 10));
    expect(world.log.newest!.timestampSeconds).toBe(START_SECONDS + 5);
  });

  it('stops following a log that signed two trees of one size, and keeps the note', async () => {
    const world = await pushWorld(300);
    await push(world, 200);
    const lie = await world.served.note(START_SECONDS + 1, { size: 200, rootHash: asHash(new Uint8Array(32).fill(9)) });
    expect(
      (await said(await world.post('/add-checkpoint', await checkpointBody(world, 200, 200, { note: lie }))))[0],
    ).toBe(422);
    expect(world.log.stopped).toContain('two different trees of size 200');
    expect(await world.log.contradictions()).toHaveLength(1);
    expect((await said(await world.post('/add-checkpoint', await checkpointBody(world, 200, 300))))[0]).toBe(403);
    expect((await said(await world.post('/add-entries', await uploadBody(world, 200, 200))))[0]).toBe(403);
    expect(world.log.published?.size).toBe(200);
  });

  it('stops following a log whose older tree is not the beginning of what is here', async () => {
    const world = await pushWorld(300);
    await push(world, 300);
    const lie = await world.served.note(START_SECONDS, { size: 77, rootHash: asHash(new Uint8Array(32).fill(9)) });
    const body = await checkpointBody(world, 0, 77, { note: lie });
    // The text has the sizes before the trees; what the note proves is kept all the same.
    expect(await said(await world.post('/add-checkpoint', body))).toEqual([409, '300\n']);
    expect(world.log.stopped).toContain('not the beginning');
    expect(await world.log.contradictions()).toHaveLength(1);
  });

  it('takes an honest older tree for a matter of sizes', async () => {
    const world = await pushWorld(300);
    await push(world, 300);
    expect(await said(await world.post('/add-checkpoint', await checkpointBody(world, 0, 77)))).toEqual([409, '300\n']);
    expect(world.log.stopped).toBeUndefined();
  });

  it('refuses more bytes than a request can have, and another method', async () => {
    const world = await pushWorld(3);
    expect((await world.post('/add-checkpoint', new Uint8Array(300_000))).status).toBe(413);
    const app = mirrorUploadApp(world.mirror);
    expect((await app.request('/add-checkpoint')).status).toBe(405);
  });
});

describe('add-entries', () => {
  it.each([1, 255, 256, 257, 512, 700, 3000])(
    'takes a log of %i entries, and the copy is the log byte for byte',
    async (size) => {
      const world = await pushWorld(size);
      await world.post('/add-checkpoint', await checkpointBody(world, 0, size));
      const response = await world.post('/add-entries', await uploadBody(world, 0, size));
      const lines = await response.text();
      expect(response.status).toBe(200);
      expect(response.headers.get('accept-encoding')).toContain('gzip');
      expect(lines.split('\n').filter((line) => line.startsWith(`— ${MIRROR_NAME} `))).toHaveLength(2);
      expect(new TextDecoder().decode(world.log.published!.note).endsWith(lines)).toBe(true);
      expect(await differences(world, world.log)).toEqual([]);
    },
  );

  it('answers where to go on to a prefix, and to one that breaks off', async () => {
    const world = await pushWorld(700);
    await world.post('/add-checkpoint', await checkpointBody(world, 0, 700));
    const partial = await world.post('/add-entries', await uploadBody(world, 0, 700, 1));
    expect(partial.headers.get('content-type')).toBe('text/x.tlog.mirror-info');
    expect(await said(partial)).toEqual([202, '700\n256\n\n']);
    const whole = await uploadBody(world, 256, 700);
    expect(await said(await world.post('/add-entries', whole.subarray(0, -1)))).toEqual([202, '700\n512\n\n']);
    expect(world.log.published).toBeUndefined();
    expect((await said(await world.post('/add-entries', await uploadBody(world, 512, 700))))[0]).toBe(200);
    expect(world.log.published?.size).toBe(700);
  });

  it.each<[string, (world: PushWorld) => Promise<Uint8Array>, number, string?]>([
    ['an empty body', () => Promise.resolve(new Uint8Array(0)), 400],
    ['a header that is cut off', (world) => uploadBody(world, 0, 300).then((body) => body.subarray(0, 20)), 400],
    ['no package at all', (world) => Promise.resolve(header(world.served.origin, 0, 300)), 400],
    [
      'a first package that is cut off',
      (world) => uploadBody(world, 0, 300).then((body) => body.subarray(0, 700)),
      400,
    ],
    ['a start above its end', (world) => Promise.resolve(header(world.served.origin, 301, 300)), 400],
    ['a log that is not mirrored', () => Promise.resolve(header('log.example/other', 0, 300)), 404],
    ['an origin that is too long', () => Promise.resolve(header('x'.repeat(60_000), 0, 300)), 404],
    ['an end that was never pending', (world) => uploadBody(world, 0, 299), 409, '300\n0\n\n'],
    [
      'an end beyond all trees',
      (world) => Promise.resolve(header(world.served.origin, 0, 2n ** 64n - 1n)),
      409,
      '300\n0\n\n',
    ],
    ['a start above the next entry', (world) => uploadBody(world, 256, 300), 409, '300\n0\n\n'],
    ['nothing to upload, with everything missing', (world) => uploadBody(world, 300, 300), 409, '300\n0\n\n'],
    ['an entry that is another', (world) => uploadBody(world, 0, 300).then((body) => changed(body, 41)), 422],
    [
      'a proof hash that is another',
      (world) => uploadBody(world, 0, 300).then((body) => changed(body, body.length - 1)),
      422,
    ],
    [
      'more hashes than a proof can have',
      async (world) => {
        const entries = world.served.entries.slice(0, 256).flatMap((entry) => [uintBytes(entry.length, 2), entry]);
        return concat(header(world.served.origin, 0, 300), ...entries, Uint8Array.of(64), new Uint8Array(64 * 32));
      },
      422,
    ],
  ])('answers to %s', async (_what, bodyOf, status, text) => {
    const world = await pushWorld(300);
    await world.post('/add-checkpoint', await checkpointBody(world, 0, 300));
    const response = await world.post('/add-entries', await bodyOf(world));
    const [gotStatus, gotText] = await said(response);
    expect([gotStatus, gotText]).toEqual([status, text ?? gotText]);
    expect(response.headers.get('accept-encoding')).toContain('gzip');
    expect(world.log.published).toBeUndefined();
  });

  it('answers 422 before any checkpoint, and keeps what was proven before a package that is not', async () => {
    const world = await pushWorld(700);
    expect((await said(await world.post('/add-entries', await uploadBody(world, 0, 700))))[0]).toBe(422);
    await world.post('/add-checkpoint', await checkpointBody(world, 0, 700));
    const body = await uploadBody(world, 0, 700);
    expect((await said(await world.post('/add-entries', changed(body, body.length - 1))))[0]).toBe(422);
    expect(world.log.nextEntry).toBe(512);
  });

  it('takes an older pending checkpoint, but none below the mirror checkpoint', async () => {
    const world = await pushWorld(700);
    for (const [old, size] of [
      [0, 100],
      [100, 300],
      [300, 600],
      [600, 700],
    ] as const) {
      await world.post('/add-checkpoint', await checkpointBody(world, old, size));
    }
    expect((await said(await world.post('/add-entries', await uploadBody(world, 0, 300))))[0]).toBe(200);
    expect(world.log.published?.size).toBe(300);
    expect(await said(await world.post('/add-entries', await uploadBody(world, 100, 100)))).toEqual([
      409,
      '700\n300\n\n',
    ]);
    // From the middle of a bundle on, over entries that are there already.
    expect((await said(await world.post('/add-entries', await uploadBody(world, 290, 700))))[0]).toBe(200);
    expect(await differences(world, world.log)).toEqual([]);
  });

  it('forgets pending checkpoints that are long gone, never the mirror checkpoint', async () => {
    const world = await pushWorld(60);
    await push(world, 1);
    for (let size = 2; size <= 40; size++) {
      await world.post('/add-checkpoint', await checkpointBody(world, size - 1, size));
    }
    expect(await said(await world.post('/add-entries', await uploadBody(world, 1, 10)))).toEqual([409, '40\n1\n\n']);
    expect((await said(await world.post('/add-entries', await uploadBody(world, 1, 1))))[0]).toBe(200);
    expect((await said(await world.post('/add-entries', await uploadBody(world, 1, 38))))[0]).toBe(200);
  });

  it('refuses many entries that are there already', async () => {
    const world = await pushWorld(9000);
    await push(world, 9000);
    expect(await said(await world.post('/add-entries', await uploadBody(world, 0, 9000, 1)))).toEqual([
      409,
      '9000\n9000\n\n',
    ]);
  });

  it('takes gzip, and no other compression or type', async () => {
    const world = await pushWorld(300);
    await world.post('/add-checkpoint', await checkpointBody(world, 0, 300));
    const body = await uploadBody(world, 0, 300);
    expect((await world.post('/add-entries', body, { 'Content-Encoding': 'br' })).status).toBe(415);
    expect((await world.post('/add-entries', body, { 'Content-Type': 'text/plain' })).status).toBe(415);
    const zipped = new Uint8Array(gzipSync(body));
    expect((await world.post('/add-entries', zipped.subarray(0, 40), { 'Content-Encoding': 'gzip' })).status).toBe(400);
    expect((await world.post('/add-entries', zipped, { 'Content-Encoding': 'gzip' })).status).toBe(200);
  });

  it('takes a body in the smallest chunks, and one that stops in the middle as its prefix', async () => {
    const world = await pushWorld(700, { bodyMillis: 50 });
    await world.post('/add-checkpoint', await checkpointBody(world, 0, 700));
    const body = await uploadBody(world, 0, 700);
    let sent = 0;
    const slow = new ReadableStream({
      pull: (controller) => {
        if (sent >= body.length - 10) return new Promise(() => undefined);
        controller.enqueue(body.slice(sent, Math.min(sent + 7, body.length - 10)));
        sent += 7;
        return undefined;
      },
    });
    expect(await said(await world.post('/add-entries', slow))).toEqual([202, '700\n512\n\n']);
  });

  it('takes no more of a body after its time, however steadily it comes', async () => {
    let millis = 0;
    const world = await pushWorld(1200, { uploadMillis: 1000, monotonicMillis: () => millis });
    await world.post('/add-checkpoint', await checkpointBody(world, 0, 1200));
    const body = await uploadBody(world, 0, 1200);
    let sent = 0;
    // There is always a little more to be read, and the time of all of it is three times what an upload may take.
    const steady = new ReadableStream({
      pull: (controller) => {
        const step = Math.ceil(body.length / 300);
        millis += 10;
        if (sent >= body.length) controller.close();
        else controller.enqueue(body.slice(sent, sent + step));
        sent += step;
      },
    });
    const [status, text] = await said(await world.post('/add-entries', steady));
    expect(status).toBe(202);
    expect(text).toBe('1200\n256\n\n');
    expect(sent).toBeLessThan(body.length / 2);
  });

  it('lets nobody keep the others out', async () => {
    let source = 'a';
    const world = await pushWorld(300, { bodyMillis: 200, sourceOf: () => source });
    await world.post('/add-checkpoint', await checkpointBody(world, 0, 300));
    const waiting = [1, 2, 3].map(() => world.post('/add-entries', hanging()));
    expect((await world.post('/add-entries', hanging())).status).toBe(503);
    source = 'b';
    expect((await world.post('/add-entries', await uploadBody(world, 0, 300))).status).toBe(200);
    expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([400, 400, 400]);
    source = 'a';
    expect((await world.post('/add-entries', await uploadBody(world, 300, 300))).status).toBe(200);
  });

  it('takes uploads of several senders at once', async () => {
    const world = await pushWorld(2000);
    await world.post('/add-checkpoint', await checkpointBody(world, 0, 2000));
    const body = await uploadBody(world, 0, 2000);
    const answers = await Promise.all([1, 2, 3].map(() => world.post('/add-entries', body)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(await differences(world, world.log)).toEqual([]);
  });
});

describe('the pushing client', () => {
  it('brings a mirror up to a log, over and over, and verifies its word', async () => {
    const world = await pushWorld(20_000);
    for (const size of [1, 255, 300, 9000, 9000, 20_000]) {
      const lines = await push(world, size);
      expect(lines.split('\n').filter(Boolean)).toHaveLength(2);
      expect(world.log.published?.size).toBe(size);
    }
    const app = mirrorApp(world.mirror);
    const hash = world.mirror.logs[0]!.originHash;
    const response = await app.request(`/${hash}/tile/entries/000`);
    expect(response.headers.get('cache-control')).toContain('immutable');
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(world.served.resource('tile/entries/000'));
    expect((await app.request(`/${hash}/tile/entries/x001/000`)).status).toBe(404);
    const etag = (await app.request(`/${hash}/checkpoint`)).headers.get('etag')!;
    expect((await app.request(`/${hash}/checkpoint`, { headers: { 'If-None-Match': etag } })).status).toBe(304);
  }, 120_000);

  it('does not believe a mirror that signs nothing, or with other keys', async () => {
    const world = await pushWorld(300);
    const verifiers = [
      checkpointVerifier(fixedSigner('other.example', SIGNATURE_TYPE.cosignatureEd25519).vkey, nodeCrypto),
    ];
    const options = {
      url: 'http://mirror.invalid/',
      head: headOf(world.served, await world.served.note(START_SECONDS), 300),
      reader: httpReader({ url: 'http://log.invalid/', fetch: world.served.fetch }),
      fetch: fetchOf(world),
      hasher: nodeHasher,
    };
    await expect(pushToMirror({ ...options, verifiers })).rejects.toMatchObject({ code: 'quorum-not-met' });
    await expect(
      pushToMirror({ ...options, verifiers, fetch: () => Promise.resolve(new Response('', { status: 200 })) }),
    ).rejects.toMatchObject({ code: 'malformed' });
    await expect(pushToMirror({ ...options, verifiers, fetch: standing })).rejects.toMatchObject({
      code: 'bad-response',
    });
  });
});

describe('the names of a mirror', () => {
  it('are nobody else’s', () => {
    const signer = testMirrorSigner({ seconds: 0 }, 'log.example/test');
    const { verifiers } = new ServedLog([]);
    expect(() => signer.assertDistinct('log.example/test', verifiers)).toThrow(/name of mirror/);
    const other = testMirrorSigner({ seconds: 0 });
    expect(() => other.assertDistinct('log.example/test', verifiers)).not.toThrow();
  });
});

const hanging = (): ReadableStream => new ReadableStream({ pull: () => new Promise<void>(() => undefined) });

/** Says that it took something, and stays where it is. */
const standing: Fetch = (url) =>
  Promise.resolve(url.endsWith('add-checkpoint') ? new Response('') : new Response('300\n0\n\n', { status: 202 }));
