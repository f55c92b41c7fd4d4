// Channel heads over HTTP: the path of each channel, whatever its names are, and the list that leads there.

import { beforeAll, describe, expect, test } from 'vitest';

import { channelApp, serverApp } from '../../../src/adapters/http/index.ts';
import type { App } from '../../../src/adapters/http/index.ts';
import { portableCrypto } from '../../../src/crypto/portable.ts';
import { channelHeadVerifier, openChannelHead } from '../../../src/note/channel-head.ts';
import { buildChannel, channelHeadPath, channelNames, channelOf } from '../../../src/record/channel.ts';
import type { AdmissionWorld } from '../../support/admission-world.ts';
import { BUILDS, RELEASES, START, channelHistory, channelSigner, headsOf } from '../../support/channel-world.ts';
import { jsonOf, problem, refusal } from './support.ts';

const ODD = buildChannel('vendor', { product: 'a/b %2F', platform: 'é ?#&:+', channel: '100%' });

let world: AdmissionWorld;
const now = { size: 0, at: START };
let app: App;
const ask = async (path: string, init?: RequestInit): Promise<Response> => app.request(path, init);
const urlOf = (channel: string): string => `/${channelHeadPath(channel)}`;

beforeAll(async () => {
  world = await channelHistory();
  await world.log('root', 'vendor', 'build', {
    product: 'a/b %2F',
    version: '1',
    channel: '100%',
    platform: 'é ?#&:+',
    artifacts: [{ digest: { sha256: new Uint8Array(32) } }],
  });
  now.size = world.size;
  app = serverApp({ mounts: [{ prefix: '', app: channelApp(headsOf(world, now).heads) }] });
});

const channelOfNote = async (response: Response): Promise<string> => {
  expect(response.status).toBe(200);
  const note = new Uint8Array(await response.arrayBuffer());
  const { head } = await openChannelHead(note, [channelHeadVerifier(channelSigner().vkey, portableCrypto)]);
  return head.channel;
};

describe('the head of a channel', () => {
  test('is a signed text that a cache asks about again', async () => {
    const response = await ask(urlOf(RELEASES));
    expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(response.headers.get('cache-control')).toBe('no-cache');
    const etag = response.headers.get('etag')!;
    expect(await channelOfNote(response)).toBe(RELEASES);
    expect((await ask(urlOf(RELEASES), { headers: { 'if-none-match': etag } })).status).toBe(304);
    expect((await ask(urlOf(BUILDS), { headers: { 'if-none-match': etag } })).status).toBe(200);
    now.at += 3600;
    expect((await ask(urlOf(RELEASES), { headers: { 'if-none-match': etag } })).status).toBe(200);
  });

  test('is at its names, each one step of the path, whatever characters they have', async () => {
    expect(urlOf(RELEASES)).toBe('/api/v1/channels/vendor/Shield%202/avdb-release:main%2Fv1/stable/head');
    for (const channel of [RELEASES, BUILDS, ODD]) expect(await channelOfNote(await ask(urlOf(channel)))).toBe(channel);
    // What is escaped in a channel is percent-encoded in a path anyway.
    expect(await channelOfNote(await ask(`/api/v1/channels/${RELEASES}/head`))).toBe(RELEASES);
    const spelled = urlOf(RELEASES).replace('%2F', '%2f').replace('stable', '%73table');
    expect(await channelOfNote(await ask(spelled))).toBe(RELEASES);
  });

  test('works under a prefix', async () => {
    const mounted = serverApp({ mounts: [{ prefix: '/logs/one', app: channelApp(headsOf(world, now).heads) }] });
    expect(await channelOfNote(await mounted.request(`/logs/one${urlOf(ODD)}`))).toBe(ODD);
  });

  test.each([
    ['an unknown channel', '/api/v1/channels/vendor/Shield%202/build:linux/beta/head', '404 not-found'],
    ['another case', urlOf(BUILDS).replace('linux', 'Linux'), '404 not-found'],
    ['a name escaped twice', urlOf(RELEASES).replace('%2F', '%252F'), '404 not-found'],
    ['an empty step', '/api/v1/channels/vendor//build:linux/stable/head', '404 not-found'],
    ['too few steps', '/api/v1/channels/vendor/build:linux/stable/head', '404 not-found'],
    ['too many steps', '/api/v1/channels/vendor/Shield%202/build:linux/stable/x/head', '404 not-found'],
    ['no percent encoding', urlOf(BUILDS).replace('linux', 'li%nux'), '400 bad-parameter'],
    ['no UTF-8', urlOf(BUILDS).replace('linux', 'li%ffnux'), '400 bad-parameter'],
    ['a query', `${urlOf(BUILDS)}?size=3`, '400 bad-parameter'],
  ])('is refused for %s', async (_what, path, expected) => {
    expect(await refusal(ask(path))).toBe(expected);
  });

  test('that was never published is told from one that is not there by its code', async () => {
    const before = now.size;
    now.size = 0;
    const empty = serverApp({ mounts: [{ prefix: '', app: channelApp(headsOf(world, now).heads) }] });
    expect(await refusal(empty.request(urlOf(BUILDS)))).toBe('503 no-checkpoint');
    now.size = before;
  });
});

describe('the list of channels', () => {
  interface List {
    readonly size: number;
    readonly items: readonly { readonly channel: string; readonly head: string; readonly newest: object }[];
    readonly next?: string;
  }

  test('leads to the head of each, and to the proof of its newest record, page by page', async () => {
    const whole = await jsonOf<List>(await ask('/api/v1/channels'));
    expect(whole.size).toBe(world.size);
    expect(whole.next).toBeUndefined();
    expect(whole.items.map(({ channel }) => channel).toSorted()).toEqual([RELEASES, BUILDS, ODD].toSorted());
    for (const { channel, head } of whole.items) expect(await channelOfNote(await ask(head))).toBe(channel);
    expect(whole.items.find(({ channel }) => channel === BUILDS)?.newest).toMatchObject({
      index: 7,
      sequence: 7,
      proof: '/api/v1/entries/7/proof',
    });
    const paged: string[] = [];
    for (let after: string | undefined = undefined, pages = 0; pages < 9; pages++) {
      const cursor: string = after === undefined ? '' : `&after=${encodeURIComponent(after)}`;
      const page: List = await jsonOf<List>(await ask(`/api/v1/channels?limit=2${cursor}`));
      paged.push(...page.items.map(({ channel }) => channel));
      after = page.next;
      if (after === undefined) break;
    }
    expect(paged).toEqual(whole.items.map(({ channel }) => channel));
  });

  test.each(['limit=0', 'limit=101', 'limit=x', 'after=', 'after=vendor/x', 'after=a/b/c/%2541', 'product=x'])(
    'refuses ?%s',
    async (query) => {
      expect(await refusal(ask(`/api/v1/channels?${query}`))).toBe('400 bad-parameter');
    },
  );
});

test('a log without a key for them says so', async () => {
  const without = serverApp({ mounts: [{ prefix: '', app: channelApp(undefined) }] });
  for (const path of ['/api/v1/channels', urlOf(BUILDS)]) {
    const answer = await problem(await without.request(path));
    expect([answer['code'], answer['detail']]).toEqual([
      'not-found',
      expect.stringContaining('signs no channel heads'),
    ]);
  }
});

test('names and channels are two ways of writing the same', () => {
  for (const channel of [RELEASES, BUILDS, ODD]) expect(channelOf(channelNames(channel)!)).toBe(channel);
  for (const text of ['', 'a/b/c', 'a/b/c/d/e', 'a//c/d', 'a/b/c/%41', 'a/b/c/%2f']) {
    expect(channelNames(text)).toBeUndefined();
    expect(() => channelHeadPath(text)).toThrow(RangeError);
  }
});
