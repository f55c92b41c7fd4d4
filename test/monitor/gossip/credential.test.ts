import { describe, expect, it } from 'vitest';
import { nodeCrypto } from '../../../src/adapters/node-crypto.ts';
import { fromBase64, toBase64, utf8, utf8Text } from '../../../src/bytes.ts';
import { isLimmatError } from '../../../src/errors.ts';
import {
  RequestWindow,
  checkAnswer,
  openRequest,
  signAnswer,
  signRequest,
} from '../../../src/monitor/gossip/credential.ts';
import type { SignedRequest } from '../../../src/monitor/gossip/credential.ts';
import { MAX_REMEMBERED_REQUESTS, REQUEST_WINDOW_SECONDS } from '../../../src/monitor/gossip/limits.ts';
import { monitorSigner, monitorVerifier } from '../../../src/monitor/monitor-key.ts';
import type { MonitorSigner } from '../../../src/monitor/monitor-key.ts';
import { SIGNATURE_TYPE, generateSignerKey } from '../../../src/note/key.ts';
import { testKey } from '../../support/notes.ts';
import { errorOf } from '../../support/tile-source.ts';

const NOW = 1_790_000_000;
const signerOf = (name: string, fill: number): MonitorSigner =>
  monitorSigner(testKey(name, SIGNATURE_TYPE.ed25519, fill, nodeCrypto), nodeCrypto);
const alice = signerOf('monitor.example/alice', 1);
const bob = signerOf('monitor.example/bob', 2);
const mallory = signerOf('monitor.example/mallory', 3);
const peers = [{ verifier: monitorVerifier(alice.vkey, nodeCrypto) }];
const REQUEST: SignedRequest = { method: 'POST', path: '/gossip/v1/exchange', body: utf8('{}') };

let count = 0;
const randomBytes = (length: number): Uint8Array => new Uint8Array(length).fill(++count);
const sign = (from: MonitorSigner, to: MonitorSigner = bob, request = REQUEST, nowSeconds = NOW): Promise<string> =>
  signRequest(from, to, request, nodeCrypto, { nowSeconds, randomBytes });
const open = (credential: string, request = REQUEST, nowSeconds = NOW): ReturnType<typeof openRequest> =>
  openRequest(credential, request, { self: bob, peers, crypto: nodeCrypto, nowSeconds });

async function codeOf(run: () => unknown): Promise<string> {
  const error = await errorOf(run);
  if (!isLimmatError(error)) throw error;
  return error.code;
}

/** The credential with its note changed. */
function changed(credential: string, change: (note: string) => string): string {
  return toBase64(utf8(change(utf8Text(fromBase64(credential)!)!)));
}

const request = (nonce: number, timeSeconds: number): Parameters<RequestWindow['take']>[0] => ({
  peer: undefined,
  nonce: String(nonce),
  timeSeconds,
});

describe('a signed request', () => {
  it('names its sender to the receiver', async () => {
    const opened = await open(await sign(alice));
    expect(opened.peer).toBe(peers[0]);
    expect(opened.timeSeconds).toBe(NOW);
  });

  it('is a note over method, path, body, time and receiver', async () => {
    const note = utf8Text(fromBase64(await sign(alice))!)!;
    expect(note.split('\n\n')[0]!.split('\n')).toEqual([
      'limmat/gossip-request/v1',
      `to monitor.example/bob+${bob.keyId.toString(16).padStart(8, '0')}`,
      'POST /gossip/v1/exchange',
      'body RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=',
      'time 1790000000',
      expect.stringMatching(/^nonce [A-Za-z0-9+/]{22}==$/),
    ]);
  });

  it('is refused for any other body, path, method or receiver', async () => {
    const credential = await sign(alice);
    for (const other of [{ body: utf8('{} ') }, { path: '/gossip/v1/evidence' }, { method: 'PUT' }]) {
      expect(await codeOf(() => open(credential, { ...REQUEST, ...other }))).toBe('not-permitted');
    }
    expect(await codeOf(async () => open(await sign(alice, mallory)))).toBe('not-permitted');
  });

  it('is refused when it is of no peer, or says so falsely', async () => {
    expect(await codeOf(async () => open(await sign(mallory)))).toBe('unknown-key');
    // Mallory's signature under Alice's name and key id, and Alice's own over another text.
    const forged = changed(await sign(mallory), (note) => {
      const line = note.split('— ')[1]!;
      const signature = fromBase64(line.split(' ')[1]!.trim())!.slice(4);
      const id = Uint8Array.of(...[24, 16, 8, 0].map((shift) => Math.floor(alice.keyId / 2 ** shift) % 256));
      return `${note.split('— ')[0]!}— ${alice.name} ${toBase64(Uint8Array.of(...id, ...signature))}\n`;
    });
    expect(await codeOf(() => open(forged))).toBe('bad-signature');
    const older = changed(await sign(alice), (note) => note.replace(`time ${NOW}`, `time ${NOW + 1}`));
    expect(await codeOf(() => open(older))).toBe('bad-signature');
  });

  it('is refused with a second signature, without a time, or with another nonce', async () => {
    const credential = await sign(alice);
    const twice = changed(credential, (note) => `${note}${note.slice(note.indexOf('— '))}`);
    expect(await codeOf(() => open(twice))).toBe('unknown-key');
    for (const [from, to] of [
      [/time .*\n/, ''],
      [/time .*\n/, 'time 01790000000\n'],
      [/time .*\n/, 'time -1\n'],
      [/nonce .*\n/, 'nonce AAAA\n'],
      [/nonce .*\n/, 'nonce \n'],
      [/limmat\/gossip-request\/v1/, 'limmat/gossip-answer/v1'],
    ] as const) {
      const code = await codeOf(() => open(changed(credential, (note) => note.replace(from, to))));
      expect(['not-permitted', 'malformed'], String(from)).toContain(code);
    }
  });

  it('is taken within five minutes of its time, and not outside', async () => {
    const credential = await sign(alice);
    for (const seconds of [-REQUEST_WINDOW_SECONDS, 0, REQUEST_WINDOW_SECONDS]) {
      await open(credential, REQUEST, NOW + seconds);
    }
    for (const seconds of [-REQUEST_WINDOW_SECONDS - 1, REQUEST_WINDOW_SECONDS + 1]) {
      expect(await codeOf(() => open(credential, REQUEST, NOW + seconds))).toBe('not-permitted');
    }
  });

  it('is refused as garbage, without a look at what is too long', async () => {
    for (const garbage of [
      '',
      '!',
      'AAAA',
      toBase64(utf8('no note')),
      toBase64(Uint8Array.of(0xff)),
      'A'.repeat(4100),
    ]) {
      expect(await codeOf(() => open(garbage)), garbage.slice(0, 20)).toBe('malformed');
    }
  });

  it('is taken once', async () => {
    const window = new RequestWindow();
    const opened = await open(await sign(alice));
    window.take(opened, NOW);
    expect(await codeOf(() => window.take(opened, NOW + 10))).toBe('not-permitted');
    window.take(await open(await sign(alice)), NOW + 10);
  });

  it('is remembered within bounds: a peer that sends too many waits', async () => {
    const window = new RequestWindow();
    for (let i = 0; i < MAX_REMEMBERED_REQUESTS; i++) window.take(request(i, NOW), NOW);
    expect(await codeOf(() => window.take(request(-1, NOW), NOW))).toBe('queue-full');
    // What the time alone refuses by now makes room.
    window.take(request(-1, NOW + 400), NOW + REQUEST_WINDOW_SECONDS + 1);
    expect(await codeOf(() => window.take(request(-1, NOW + 400), NOW + 400))).toBe('not-permitted');
  });
});

describe('a signed answer', () => {
  const answer = { request: 'cred', status: 200, body: utf8('{}') };
  const verifier = monitorVerifier(bob.vkey, nodeCrypto);
  const check = (credential: string, about = answer): Promise<void> =>
    checkAnswer(credential, about, { self: alice, peer: verifier, crypto: nodeCrypto });

  it('is for one request, status, body and asker', async () => {
    const credential = await signAnswer(bob, alice, answer, nodeCrypto);
    await check(credential);
    for (const other of [{ request: 'other' }, { status: 204 }, { body: utf8('[]') }]) {
      expect(await codeOf(() => check(credential, { ...answer, ...other }))).toBe('not-permitted');
    }
    expect(await codeOf(async () => check(await signAnswer(bob, mallory, answer, nodeCrypto)))).toBe('not-permitted');
  });

  it('is by the peer that was asked', async () => {
    expect(await codeOf(async () => check(await signAnswer(mallory, alice, answer, nodeCrypto)))).toBe('unknown-key');
    expect(await codeOf(async () => check(await sign(alice)))).toBe('not-permitted');
    expect(await codeOf(() => check('AAAA'))).toBe('malformed');
  });
});

describe("a monitor's key", () => {
  it('is an Ed25519 key of notes', async () => {
    const other = generateSignerKey('m', SIGNATURE_TYPE.cosignatureEd25519, (length) => new Uint8Array(length).fill(9));
    expect(await codeOf(() => monitorSigner(other, nodeCrypto))).toBe('bad-key');
    const note = await alice.sign('any text\n');
    expect(await monitorVerifier(alice.vkey, nodeCrypto).open(note)).toBe('any text\n');
    expect(await codeOf(() => monitorVerifier(bob.vkey, nodeCrypto).open(note))).toBe('unknown-key');
    expect(await codeOf(() => monitorVerifier(alice.vkey, nodeCrypto).open(note.replace('any', 'one')))).toBe(
      'bad-signature',
    );
  });
});
