import { encode } from 'cbor-x/index-no-eval';
import { describe, expect, it } from 'vitest';
import { toBase64, utf8 } from '../../../src/bytes.ts';
import { isLimmatError, LimmatError } from '../../../src/errors.ts';
import { parseBundleForm, parseCborSequence, parseLines } from '../../../src/adapters/http/batch.ts';
import type { BatchItem } from '../../../src/adapters/http/batch.ts';
import { portableHasher } from '../../../src/merkle/hash.ts';
import { formatEntryBundle } from '../../../src/merkle/tile.ts';
import { opaqueEntries } from '../../support/test-log.ts';
import { appOf, buildStatement, overriding, problem, refusal, serve } from './support.ts';

const cbor = (entries: readonly Uint8Array[]): Uint8Array<ArrayBuffer> =>
  new Uint8Array(Buffer.concat(entries.map((entry) => encode(Buffer.from(entry)))));
const lines = (entries: readonly Uint8Array[]): Uint8Array<ArrayBuffer> =>
  new Uint8Array(Buffer.from(entries.map((entry) => `${JSON.stringify(toBase64(entry))}\n`).join('')));
const bundle = (entries: readonly Uint8Array[]): Uint8Array<ArrayBuffer> => new Uint8Array(formatEntryBundle(entries));

const FORMS = [
  { type: 'application/octet-stream', format: bundle, parse: parseBundleForm },
  { type: 'application/cbor-seq', format: cbor, parse: parseCborSequence },
  { type: 'application/x-ndjson', format: lines, parse: parseLines },
] as const;

function batch(type: string, body: BodyInit): RequestInit {
  return { method: 'POST', body, headers: { 'content-type': type } };
}

async function linesOf(response: Response): Promise<Record<string, unknown>[]> {
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('application/x-ndjson');
  const text = await response.text();
  expect(text.endsWith('\n')).toBe(true);
  return text
    .trimEnd()
    .split('\n')
    .map((line): Record<string, unknown> => JSON.parse(line));
}

/** What a parser makes of a body; anything but a LimmatError is a crash. */
function outcomeOf(parse: (body: Uint8Array) => BatchItem[], body: Uint8Array): BatchItem[] | LimmatError {
  try {
    return parse(body);
  } catch (error) {
    if (isLimmatError(error)) return error;
    throw error;
  }
}

describe.each(FORMS)('a batch as $type', ({ type, format, parse }) => {
  it('answers one line an entry, in order, and marks what was there before', async () => {
    const { ask } = await serve(2);
    const entries = [...opaqueEntries(0, 1), ...opaqueEntries(5, 7)];
    const answer = await linesOf(await ask('/api/v1/batch', batch(`${type}; charset=x`, format(entries))));
    const hashes = entries.map((entry) => toBase64(portableHasher.leafHash(entry)));
    expect(answer).toEqual([
      { index: 0, leafHash: hashes[0], duplicate: true },
      { index: 2, leafHash: hashes[1] },
      { index: 3, leafHash: hashes[2] },
    ]);
  });

  it('takes 4,096 entries and refuses one more', async () => {
    const { ask } = await serve();
    const full = await ask('/api/v1/batch', batch(type, format(opaqueEntries(0, 4096))));
    expect((await linesOf(full)).at(-1)).toMatchObject({ index: 4095 });
    const response = await ask('/api/v1/batch', batch(type, format(opaqueEntries(0, 4097))));
    expect(response.status).toBe(413);
    expect(await problem(response)).toMatchObject({ code: 'too-many-entries', limit: 4096 });
  });

  it('refuses a body over 16 MiB, an empty one and a compressed one', async () => {
    const { ask } = await serve();
    const large = batch(type, new Uint8Array(16 * 1024 * 1024 + 1));
    expect(await problem(await ask('/api/v1/batch', large))).toMatchObject({
      code: 'body-too-large',
      limit: 16_777_216,
    });
    expect(await refusal(ask('/api/v1/batch', batch(type, '')))).toBe('400 malformed');
    const gzip = { method: 'POST', body: 'x', headers: { 'content-type': type, 'content-encoding': 'gzip' } };
    expect(await refusal(ask('/api/v1/batch', gzip))).toBe('415 unsupported-media-type');
  });

  it('judges each entry alone', async () => {
    const { ask, clock } = await serve(0, { admission: 'records' });
    const nowSeconds = Math.floor(clock.nowMillis() / 1000);
    const good = await buildStatement('1.0', nowSeconds);
    const forged = good.slice();
    forged[forged.length - 1]! ^= 1;
    const entries = [utf8('nothing'), good, new Uint8Array(0), forged, await buildStatement('1.1', nowSeconds)];
    const answer = await linesOf(await ask('/api/v1/batch', batch(type, format(entries))));
    expect(answer.map((line) => line['code'] ?? line['index'])).toEqual([
      'malformed',
      2,
      'malformed',
      'bad-signature',
      3,
    ]);
    expect(answer[3]).toHaveProperty('detail');
    expect(answer[3]).toHaveProperty('kid');
  });

  it('meets every truncation and every changed byte without a crash', () => {
    const body = format([utf8('first'), utf8('second entry'), new Uint8Array(300)]);
    for (let length = 0; length < body.length; length++) {
      const result = outcomeOf(parse, body.slice(0, length));
      if (!(result instanceof LimmatError)) expect(result.length).toBeLessThanOrEqual(3);
    }
    for (let at = 0; at < body.length; at++) {
      for (const flip of [1, 0x20, 0x80, 0xff]) {
        const changed = body.slice();
        changed[at]! ^= flip;
        outcomeOf(parse, changed);
      }
    }
  });
});

describe('the framing of a batch', () => {
  it('is the content type that says which, and another one is refused by name', async () => {
    const { ask } = await serve();
    for (const type of ['application/json', 'text/plain', 'application/cbor', 'application/octet-streams', '']) {
      const response = await ask('/api/v1/batch', batch(type, 'x'));
      expect(response.status).toBe(415);
      expect((await problem(response))['detail']).toContain('application/cbor-seq');
    }
  });

  it('is refused as a whole where it breaks, with the place', async () => {
    const { ask } = await serve();
    const cut = bundle([utf8('one'), utf8('two')]).slice(0, -1);
    const response = await ask('/api/v1/batch', batch('application/octet-stream', cut));
    expect(await problem(response)).toMatchObject({ code: 'malformed', entry: 1, offset: 5, size: 9 });
    for (const hex of ['5f4101ff', '9f', 'ff', '1c', '58', '5affffffff00', '81'.repeat(20_000)]) {
      const body = new Uint8Array(Buffer.from(hex, 'hex'));
      const answer = await ask('/api/v1/batch', batch('application/cbor-seq', body));
      expect(await refusal(answer), hex.slice(0, 20)).toBe('400 malformed');
    }
    const notUtf8 = batch('application/x-ndjson', Uint8Array.of(0x22, 0xff, 0x22));
    expect(await refusal(ask('/api/v1/batch', notUtf8))).toBe('400 malformed');
    expect(await refusal(ask('/api/v1/batch?wait=published', notUtf8))).toBe('400 bad-parameter');
  });

  it('is byte strings of definite length, and any other item refuses the whole CBOR sequence by its number', async () => {
    const { ask, log } = await serve();
    // After h'61': 1, -1, "a", [h'61'], {}, tag 24, tag 57343 (records of another codec), null, 1.0, h'' in parts, a long head
    for (const item of [
      '01',
      '20',
      '6161',
      '814161',
      'a0',
      'd8184161',
      'd9dfff8319dfe081616101',
      'f6',
      'f93c00',
      '5fff',
      '580161',
    ]) {
      const body = new Uint8Array(Buffer.from(`4161${item}`, 'hex'));
      const answer = await ask('/api/v1/batch', batch('application/cbor-seq', body));
      expect(await problem(answer), item).toMatchObject({ code: 'malformed', status: 400, entry: 1, offset: 2 });
    }
    expect(log.status().head.size).toBe(0);
  });

  it('costs nothing to refuse: a large bignum, deep nesting, many items', async () => {
    const { ask } = await serve();
    const size = 1024 * 1024;
    const bignum = new Uint8Array(size).fill(0xff);
    bignum.set([0xc2, 0x5a, 0, 0x0f, 0xff, 0xfa]);
    const started = performance.now();
    for (const body of [
      bignum,
      ...[0x81, 0x9f, 0xa1, 0xc2, 0xd8, 0x5f, 0x00].map((byte) => new Uint8Array(size).fill(byte)),
    ]) {
      const answer = ask('/api/v1/batch', batch('application/cbor-seq', body));
      expect(await refusal(answer), `0x${body[0]!.toString(16)}`).toBe('400 malformed');
    }
    expect(performance.now() - started).toBeLessThan(1000);
  });

  it('does not matter to lines that are not bytes', async () => {
    const { ask } = await serve();
    const ndjson = `"YQ=="\n{}\n"YQ"\n"Y Q="\nYQ==\n"Yg==" \r\n\n"Y\\u0051=="\n"+/+="`;
    const answer = await linesOf(await ask('/api/v1/batch', batch('application/x-ndjson', ndjson)));
    expect(answer.map((line) => line['code'] ?? line['index'])).toEqual([
      0,
      'malformed',
      'malformed',
      'malformed',
      'malformed',
      1,
      'malformed',
      0,
      'malformed',
    ]);
  });

  it('takes an entry of 65,535 bytes and refuses a larger one alone', async () => {
    const { ask } = await serve();
    const entries = [new Uint8Array(65_535), new Uint8Array(65_536), utf8('small')];
    for (const { type, format } of FORMS.slice(1)) {
      const answer = await linesOf(await ask('/api/v1/batch', batch(type, format(entries))));
      expect(answer[0]).toMatchObject({ index: 0 });
      expect(answer[1]).toMatchObject({ code: 'entry-too-large', size: 65_536, limit: 65_535 });
      expect(answer[2]).toMatchObject({ index: 1 });
    }
  });

  it('takes nothing when the log takes nothing', async () => {
    const { log } = await serve();
    const full = new LimmatError('queue-full', 'full', { retryAfterSeconds: 1 });
    const app = appOf(overriding(log, { append: () => Promise.reject(full) }));
    const response = app.request('/api/v1/batch', batch('application/octet-stream', bundle([utf8('a')])));
    expect(await refusal(response)).toBe('503 queue-full');
  });
});
