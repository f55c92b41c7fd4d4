// Lookups over HTTP: form of the answers, pages that follow each other, and what is refused. What is found, the model of
// test/log/lookup decides.

import { beforeAll, describe, expect, test } from 'vitest';
import { lookupApp } from '../../../src/adapters/http/index.ts';
import { fromBase64, toHex } from '../../../src/bytes.ts';
import { LookupQueries } from '../../../src/log/lookup.ts';
import { formatTime } from '../../../src/record/time.ts';
import { T0 } from '../../support/admission-world.ts';
import { chooseSeed, seededRandom } from '../../support/random.ts';
import { DAY, digestOf, History } from '../../log/lookup/history.ts';

interface Item {
  readonly index: number;
  readonly leafHash: string;
  readonly type: string;
  readonly proof: string;
  readonly time: string;
  readonly record: { readonly namespace: string; readonly fields: Readonly<Record<string, unknown>> };
  readonly [more: string]: unknown;
}
interface List {
  readonly size: number;
  readonly items: readonly Item[];
  readonly next?: string;
  readonly [more: string]: unknown;
}

const index = (item: Item): number => item.index;
const seed = chooseSeed();

describe(`lookups over HTTP (seed ${seed})`, () => {
  let history: History;
  let ask: (body: string, headers?: Record<string, string>) => Promise<Response>;
  let get: (path: string) => Promise<{ status: number; body: List; headers: Headers }>;

  beforeAll(async () => {
    history = await History.of(seededRandom(seed), 150);
    const app = lookupApp(new LookupQueries(history.source), { nowMillis: () => (T0 + 9 * DAY) * 1000 });
    ask = async (body, headers = { 'Content-Type': 'text/plain; charset=utf-8' }) => {
      return app.request('/api/v1/artifacts', { method: 'POST', headers, body });
    };
    get = async (path) => {
      const response = await app.request(path);
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- looked at by the tests
      return { status: response.status, body: (await response.json()) as List, headers: response.headers };
    };
  });

  /** Every item, following `next`. */
  async function all(path: string): Promise<Item[]> {
    const items: Item[] = [];
    for (let after = ''; ;) {
      const { status, body } = await get(`${path}${path.includes('?') ? '&' : '?'}limit=3${after}`);
      expect(status).toBe(200);
      items.push(...body.items);
      if (body.next === undefined) return items;
      after = `&after=${body.next}`;
    }
  }

  test('an item has its index, leaf hash, proof, time and record', async () => {
    const digest = toHex(digestOf(2));
    const { body, headers } = await get(`/api/v1/artifacts/${digest}`);
    expect(headers.get('cache-control')).toBe('no-cache');
    expect(body).toMatchObject({ digest, size: history.publishedSize });
    expect(body.items.map(index)).toEqual(history.naive(Infinity).artifact(digestOf(2)));
    for (const item of body.items) {
      const at = item.index;
      expect(fromBase64(item.leafHash)).toEqual(history.entries[at]!.leafHash);
      expect(item).toMatchObject({
        type: 'build',
        proof: `/api/v1/entries/${at}/proof`,
        time: `/api/v1/entries/${at}/time`,
        record: { type: 'build', issuer: item.record.namespace },
        channel: { namespace: item.record.namespace, product: 'av', stream: expect.stringMatching(/^build:/) },
      });
      expect(item['rebuilds']).toEqual(
        history
          .naive(Infinity)
          .rebuilds(at)
          .map((said): unknown => {
            const [by, verdict] = said.split(' ');
            return expect.objectContaining({ index: Number(by), verdict, match: verdict!.startsWith('match') });
          }),
      );
    }
  });

  test('many digests are answered in their order with the indexes of what a lookup of each finds', async () => {
    const digests = [2, 0, 5, 2, 999, 1, 3].map((n) => toHex(digestOf(n)));
    const response = await ask(digests.join('\n'));
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/x-ndjson']);
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
    const lines = (await response.text()).trimEnd().split('\n');
    expect(lines).toHaveLength(digests.length);
    for (const [i, line] of lines.entries()) {
      const { items, next } = (await get(`/api/v1/artifacts/${digests[i]}?limit=20`)).body;
      const named = (list: unknown): unknown =>
        Array.isArray(list)
          ? list.map((one: Item) => {
              const fate = one['takenBack'];
              return { index: one.index, ...(Array.isArray(fate) && fate.length > 0 && { takenBack: named(fate) }) };
            })
          : 0;
      const indexes = items.map((item) => ({
        index: item.index,
        rebuilds: named(item['rebuilds']),
        takenBack: named(item['takenBack']),
      }));
      expect(JSON.parse(line)).toEqual({
        digest: digests[i],
        size: history.publishedSize,
        items: indexes,
        ...(next !== undefined && { next }),
      });
    }
  });

  test.each([
    ['', 400, 'malformed'],
    ['\n', 400, 'malformed'],
    [`${'AA'.repeat(32)}\n`, 400, 'malformed'],
    [`${'aa'.repeat(32)}\r\n`, 400, 'malformed'],
    [`${'aa'.repeat(32)}\n\n`, 400, 'malformed'],
    [`${'aa'.repeat(32)}\n`.repeat(1001), 413, 'body-too-large'],
  ])('digests as %j… are refused', async (body, status, code) => {
    const response = await ask(body);
    expect([response.status, JSON.parse(await response.text()).code]).toEqual([status, code]);
  });

  test('a thousand digests are taken, and only as text', async () => {
    const body = `${'aa'.repeat(32)}\n`.repeat(1000);
    expect((await (await ask(body)).text()).split('\n')).toHaveLength(1001);
    expect((await ask(body, { 'Content-Type': 'application/json' })).status).toBe(415);
  });

  test('a digest that no record names has an empty answer', async () => {
    const { status, body } = await get(`/api/v1/artifacts/${'00'.repeat(32)}`);
    expect(status).toBe(200);
    expect(body.items).toEqual([]);
  });

  test('pages follow each other', async () => {
    const model = history.naive(Infinity);
    const builds = await all('/api/v1/builds?namespace=acme&product=a%2Fb&channel=beta');
    expect(builds.map(index)).toEqual(
      model.builds({ namespace: 'acme', product: 'a/b', channel: 'beta' }).toReversed(),
    );
    expect((await all('/api/v1/builds?rebuilt=none')).map(index)).toEqual(model.notRebuilt());
    const releases = await all('/api/v1/releases?namespace=acme&product=av&database=main&channel=stable');
    expect(releases.map(index)).toEqual(model.releases('acme', 'av', 'main', 'stable').toReversed());
    expect((await all('/api/v1/commitments')).map(index)).toEqual(model.commitments());
    expect((await all('/api/v1/changes?since=20&namespace=vigil')).map(index)).toEqual(model.changes(20, 'vigil'));
    const [first] = model.builds({});
    const rebuilds = await all(`/api/v1/rebuilds?build=${toHex(history.entries[first!]!.leafHash)}`);
    expect(rebuilds.map((item) => `${item.index} ${String(item['verdict'])}`)).toEqual(model.rebuilds(first!));
  });

  test('relocations are as of the end of a day, or of now', async () => {
    const day = formatTime(T0 + 3 * DAY).slice(0, 10);
    const end = Date.parse(`${day}T23:59:59Z`) / 1000;
    const found = await all(`/api/v1/relocations?region=US&activity=store&asOf=${day}`);
    const states = found.map((one) => `${one.index}`).toSorted();
    const naive = history.naive(Infinity).relocations(end, 'US', undefined, 'store');
    expect(states).toEqual(naive.map((step) => step.slice(0, step.indexOf(' '))).toSorted());
    for (const { regionMatch, since } of found) {
      expect(['same', 'contains', 'part', 'overlaps']).toContain(regionMatch);
      expect(Date.parse(String(since)) / 1000).toBeLessThanOrEqual(end);
    }
    expect((await get('/api/v1/relocations')).body).toMatchObject({ asOf: formatTime(T0 + 9 * DAY) });
  });

  test.each([
    ['/api/v1/artifacts/ABCD', 'no SHA-256'],
    [`/api/v1/artifacts/${'AA'.repeat(32)}`, 'lowercase'],
    [`/api/v1/artifacts/${'aa'.repeat(32)}?verbose=1`, 'there is no parameter'],
    ['/api/v1/builds', 'namespace and product'],
    ['/api/v1/builds?namespace=acme&product=av&os=linux', 'there is no parameter'],
    ['/api/v1/builds?rebuilt=some', 'must be none'],
    ['/api/v1/builds?rebuilt=none&version=1', 'namespace and product only'],
    ['/api/v1/builds?namespace=Acme&product=av', 'must be a namespace'],
    ['/api/v1/releases?namespace=acme', 'is missing'],
    ['/api/v1/relocations?region=Europe', 'ISO 3166'],
    ['/api/v1/relocations?asOf=2020-02-30', 'must be a day'],
    ['/api/v1/relocations?after=00', 'next'],
    ['/api/v1/rebuilds?build=00', '64 lowercase'],
    ['/api/v1/changes?product=av', 'namespace'],
    ['/api/v1/changes?limit=0', 'at least 1'],
    ['/api/v1/changes?limit=101', 'at most 100'],
    ['/api/v1/changes?after=281474976710656', 'below 2^48'],
    ['/api/v1/changes?since=1&since=2', '2 times'],
  ])('%s is refused', async (path, reason) => {
    const { status, body } = await get(path);
    expect(status).toBe(400);
    expect(body).toMatchObject({ code: 'bad-parameter' });
    expect(String(body['detail'])).toContain(reason);
  });

  test('rebuilds of what is not in the log, and lookups in a log of any bytes, are not found', async () => {
    const { status } = await get(`/api/v1/rebuilds?build=${'00'.repeat(32)}`);
    expect(status).toBe(404);
    const open = await lookupApp(undefined).request('/api/v1/commitments');
    expect(open.status).toBe(404);
    expect(await open.json()).toMatchObject({ code: 'not-found' });
  });
});
