// Channel heads: what the log signs about each channel is what its entries say, a client that holds one finds out whoever
// withholds newer ones, and nothing is signed that the published tree does not have.

import { describe, expect, test } from 'vitest';

import { toHex, utf8 } from '../../src/bytes.ts';
import { checkChannel, openChannel } from '../../src/client/channel-check.ts';
import { NO_CHANNELS } from '../../src/client/channel-state.ts';
import type { RememberedChannels } from '../../src/client/channel-state.ts';
import { LimmatError, isLimmatError } from '../../src/errors.ts';
import type { ChannelFacts, ChannelHeads } from '../../src/log/channel-heads.ts';
import { asHash, portableHasher } from '../../src/merkle/hash.ts';
import { falseChannelHead } from '../../src/monitor/evidence/make.ts';
import { verifyEvidence } from '../../src/monitor/evidence/verify.ts';
import { channelHeadVerifier, openChannelHead } from '../../src/note/channel-head.ts';
import type { ChannelHeadSigner } from '../../src/note/channel-head.ts';
import { parseVerifierKey } from '../../src/note/key.ts';
import { portableCrypto } from '../../src/crypto/portable.ts';
import { channelPlace } from '../../src/record/channel.ts';
import { parseStatement } from '../../src/record/statement.ts';
import { AdmissionWorld } from '../support/admission-world.ts';
import {
  BUILDS,
  RELEASES,
  START,
  channelGenesis,
  channelHistory,
  channelSigner,
  headsOf,
  naiveFacts,
} from '../support/channel-world.ts';
import { ORIGIN } from '../support/records.ts';
import { RfcTree } from '../support/rfc-tree.ts';

const world = await channelHistory();
const SIZE = world.size;
const DAY = 86_400;
const trust = {
  channelKeys: new Map([[ORIGIN, [parseVerifierKey(channelSigner().vkey)]]]),
  clockSkewSeconds: 60,
};

/** Entry `index` as a client has proven it in the tree of `size`. */
const logged = (index: number, size: number) => ({
  statement: parseStatement(world.leaves[index]!),
  index,
  leafHash: portableHasher.leafHash(world.leaves[index]!),
  head: { origin: ORIGIN, size, rootHash: world.roots.at(size) },
});

async function codeOf(work: Promise<unknown> | (() => unknown)): Promise<string> {
  try {
    await (typeof work === 'function' ? work() : work);
    return 'none';
  } catch (error) {
    if (isLimmatError(error)) return error.code;
    throw error;
  }
}

describe('a channel head', () => {
  test('says of each published tree what its entries say, to the letter', async () => {
    const now = { size: SIZE, at: START };
    const { heads } = headsOf(world, now, { validityMillis: 7_200_000 });
    const said: string[] = [];
    for (now.size = 2; now.size <= SIZE; now.size++, now.at += 60) {
      for (const channel of [RELEASES, BUILDS]) {
        const head = await heads.head(channel).then(
          (issued) => issued.head,
          () => undefined,
        );
        if (head === undefined) continue;
        expect([head.size, toHex(head.rootHash)]).toEqual([now.size, toHex(world.roots.at(now.size))]);
        expect([head.issuedSeconds, head.validUntilSeconds]).toEqual([now.at, now.at + 7200]);
        said.push(
          `${now.size} ${channel === BUILDS ? 'build' : 'release'} ${head.sequence} of ${head.index} ≥ ${head.minimumSequence}`,
        );
      }
    }
    expect(said).toEqual([
      '2 release 1 of 1 ≥ 0',
      '3 release 1 of 1 ≥ 0',
      '3 build 2 of 2 ≥ 0',
      '4 release 2 of 3 ≥ 0',
      '4 build 2 of 2 ≥ 0',
      '5 release 2 of 3 ≥ 0',
      '5 build 2 of 2 ≥ 0',
      '6 release 2 of 3 ≥ 3',
      '6 build 2 of 2 ≥ 0',
      '7 release 3 of 6 ≥ 3',
      '7 build 2 of 2 ≥ 0',
      '8 release 3 of 6 ≥ 3',
      '8 build 7 of 7 ≥ 0',
      '9 release 3 of 6 ≥ 3',
      '9 build 7 of 7 ≥ 3',
      '10 release 4 of 9 ≥ 3',
      '10 build 7 of 7 ≥ 3',
      '11 release 4 of 9 ≥ 5',
      '11 build 7 of 7 ≥ 3',
    ]);
  });

  test('lets a client use every record that it may use, and no other, whatever tree it was proven in', async () => {
    const now = { size: SIZE, at: START };
    const { heads } = headsOf(world, now);
    const facts = naiveFacts(world.leaves);
    for (now.size = 4; now.size <= SIZE; now.size++) {
      for (const channel of [RELEASES, BUILDS]) {
        const { note, head } = await heads.head(channel);
        const { current } = await openChannel({ channelHeadFile: note, origin: ORIGIN, trust, nowSeconds: now.at });
        const recalled = (await facts.recalled(channel, now.size)).map(({ leafHash }) => leafHash);
        for (let index = 1; index < SIZE; index++) {
          const place = channelPlace(parseStatement(world.leaves[index]!).record, index);
          if (place?.channel !== channel) continue;
          for (const proofSize of [index + 1, SIZE]) {
            const record = logged(index, proofSize);
            const isRecalled = recalled.some((hash) => toHex(hash) === toHex(record.leafHash));
            const expected = isRecalled ? 'recalled' : place.sequence < head.minimumSequence ? 'below-minimum' : 'none';
            expect(await codeOf(() => checkChannel(record, current, recalled))).toBe(expected);
            if (expected !== 'none') continue;
            const standing = index >= now.size ? 'ahead' : index === head.index ? 'newest' : 'older';
            expect(checkChannel(record, current, recalled).standing).toBe(standing);
          }
        }
      }
    }
  });

  test('issued one after another is never a step back, and an older one after a newer is refused or changes nothing', async () => {
    const now = { size: 4, at: START };
    const { heads } = headsOf(world, now, { refreshMillis: 60_000 });
    const notes: Uint8Array[] = [];
    let remembered: RememberedChannels = NO_CHANNELS;
    const take = (channelHeadFile: Uint8Array) =>
      openChannel({ channelHeadFile, origin: ORIGIN, trust, remembered, nowSeconds: now.at });
    // Two of three steps are in the second of the one before: checkpoints come that fast.
    for (let step = 0; now.size <= SIZE; step++) {
      const { note } = await heads.head(RELEASES);
      notes.push(note);
      ({ remembered } = await take(note));
      if (step % 3 === 0) now.at += 61;
      else now.size++;
      if (now.size > SIZE) break;
    }
    const codes = await Promise.all(notes.map((note) => codeOf(take(note))));
    // Releases 2 and 3 are older sequences or minima; what says the same as the newest is no step back.
    expect(new Set(codes)).toEqual(new Set(['channel-rollback', 'none']));
    expect(codes.at(-1)).toBe('none');
    expect(codes.indexOf('none')).toBe(codes.lastIndexOf('channel-rollback') + 1);
  });

  test('is not to be believed after its time, so that nobody is kept on an old one', async () => {
    const { heads } = headsOf(world, { size: SIZE, at: START });
    const { note } = await heads.head(BUILDS);
    const at = (nowSeconds: number) =>
      codeOf(openChannel({ channelHeadFile: note, origin: ORIGIN, trust, nowSeconds }));
    expect([await at(START + DAY), await at(START + DAY + 1)]).toEqual(['none', 'channel-expired']);
  });
});

const notesOf = async (heads: ChannelHeads): Promise<Uint8Array> => (await heads.head(RELEASES)).note;

describe('a head is kept', () => {
  test('until the published tree grows, or it is older than the refresh: then it is renewed, though nothing is released', async () => {
    const now = { size: 8, at: START };
    const { heads, signed } = headsOf(world, now, { refreshMillis: 600_000 });
    const first = await notesOf(heads);
    now.at += 599;
    expect(await notesOf(heads)).toBe(first);
    now.at += 1;
    const { head, note } = await heads.head(RELEASES);
    expect([head.size, head.issuedSeconds, head.validUntilSeconds]).toEqual([8, START + 600, START + 600 + DAY]);
    now.size = 9;
    expect(await notesOf(heads)).not.toBe(note);
    expect(signed()).toBe(3);
  });

  test('for a third of its validity at most, however long the refresh is', async () => {
    const now = { size: 8, at: START };
    const { heads, signed } = headsOf(world, now, { validityMillis: 3_000_000, refreshMillis: 90_000_000 });
    await notesOf(heads);
    now.at += 999;
    await notesOf(heads);
    expect(signed()).toBe(1);
    now.at += 1;
    await notesOf(heads);
    expect(signed()).toBe(2);
  });

  test('while the log signs no time: it is not dated by a clock that the guard does not know', async () => {
    const now = { size: 8, at: START };
    const { heads } = headsOf(world, now);
    const first = await notesOf(heads);
    // A new process, before its first checkpoint: the same bytes.
    expect(await notesOf(headsOf(world, now).heads)).toEqual(first);
  });

  test('once for all who ask in the same moment', async () => {
    const now = { size: 8, at: START };
    const { heads, signed } = headsOf(world, now);
    const all = await Promise.all(Array.from({ length: 8 }, () => notesOf(heads)));
    expect([new Set(all).size, signed()]).toEqual([1, 1]);
    now.size = 9;
    const next = await Promise.all(Array.from({ length: 8 }, () => notesOf(heads)));
    expect([new Set(next).size, signed()]).toEqual([1, 2]);
  });
});

describe('nothing is signed', () => {
  test('before there is a checkpoint over a record', async () => {
    expect(await codeOf(headsOf(world, { size: 0, at: START }).heads.head(RELEASES))).toBe('no-checkpoint');
    const { heads } = headsOf(world, { size: 4, at: START }, { published: () => undefined });
    expect(await codeOf(heads.head(RELEASES))).toBe('no-checkpoint');
  });

  test('about a channel of which nothing is published, and it is signed once something is', async () => {
    const now = { size: 2, at: START };
    const { heads, signed } = headsOf(world, now);
    for (const channel of [BUILDS, 'vendor/Shield 2/build:linux/beta', 'nothing']) {
      expect(await codeOf(heads.head(channel))).toBe('not-found');
    }
    expect(signed()).toBe(0);
    now.size = 3;
    expect((await heads.head(BUILDS)).head.sequence).toBe(2);
  });

  test.each([
    ['names another key', channelSigner(41).vkey],
    ['names none', undefined],
  ])('with a key when the genesis %s', async (_what, vkey) => {
    const other = new AdmissionWorld();
    await other.log('root', 'vendor', 'policy', channelGenesis(vkey));
    const leaves = [other.leaves[0]!, ...world.leaves.slice(1)];
    const { heads, signed } = headsOf(world, { size: 4, at: START }, { entry: async (index) => leaves[index]! });
    expect(await codeOf(heads.assertNamed())).toBe('bad-key');
    expect(await codeOf(heads.head(RELEASES))).toBe('bad-key');
    expect(signed()).toBe(0);
  });

  const facts = naiveFacts(world.leaves);
  const newest = async (...given: Parameters<ChannelFacts['newest']>) => (await facts.newest(...given))!;
  test.each<[string, Partial<ChannelFacts>]>([
    ['another leaf', { newest: async (...g) => ({ ...(await newest(...g)), leafHash: new Uint8Array(32) }) }],
    ['another place', { newest: async (...g) => ({ ...(await newest(...g)), index: 2 }) }],
    ['an entry of no channel', { newest: async (...g) => ({ ...(await newest(...g)), index: 4 }) }],
    ['a higher sequence', { newest: async (...g) => ({ ...(await newest(...g)), sequence: 5 }) }],
    ['a recall of what is not there', { recalled: async () => [{ leafHash: new Uint8Array(32), sequence: 4 }] }],
  ])('when the state names %s: a damaged row does not convict the log', async (_what, change) => {
    const { heads, signed } = headsOf(world, { size: 7, at: START }, { facts: { ...facts, ...change } });
    expect(await codeOf(heads.head(RELEASES))).toBe('store-corrupt');
    expect(signed()).toBe(0);
  });

  test('that a client would refuse, whatever the key answers', async () => {
    const other = channelSigner(41);
    const signer: ChannelHeadSigner = { ...channelSigner(), sign: (head) => other.sign(head) };
    const { heads } = headsOf(world, { size: 7, at: START }, { signer });
    expect(await codeOf(heads.head(RELEASES))).toBe('log-signature-missing');
    const garbage = { ...channelSigner(), sign: async () => utf8('hello\n') };
    expect(await codeOf(headsOf(world, { size: 7, at: START }, { signer: garbage }).heads.head(RELEASES))).toBe(
      'malformed',
    );
  });
});

test('a head that leaves out the newest record is caught: anyone who has that record convicts the log', async () => {
  const facts = naiveFacts(world.leaves);
  // A log that goes on signing the state of six entries over the tree of ten.
  const lying: ChannelFacts = { ...facts, newest: (channel) => facts.newest(channel, 6), recalled: async () => [] };
  const { note } = await headsOf(world, { size: 10, at: START }, { facts: lying }).heads.head(RELEASES);
  const { current } = await openChannel({ channelHeadFile: note, origin: ORIGIN, trust, nowSeconds: START });
  expect(await codeOf(() => checkChannel(logged(6, 10), current))).toBe('false-channel-head');
  const tree = new RfcTree(world.leaves.map((leaf) => portableHasher.leafHash(leaf)));
  const log = {
    origin: ORIGIN,
    verifiers: [],
    channelVerifiers: [channelHeadVerifier(channelSigner().vkey, portableCrypto)],
  };
  const evidence = await falseChannelHead(log, note, {
    index: 6,
    leaf: world.leaves[6]!,
    inclusion: tree.path(6, 0, 10).map(asHash),
  });
  expect((await verifyEvidence(evidence, [log])).kind).toBe('false-channel-head');
});

test('the list has every channel of the published tree, page by page', async () => {
  const now = { size: SIZE, at: START };
  const { heads } = headsOf(world, now);
  const { size, items, next } = await heads.list(undefined, 100);
  expect([size, next]).toEqual([SIZE, undefined]);
  expect(items.map(({ channel, newest }) => [channel, newest.index])).toEqual([
    [RELEASES, 9],
    [BUILDS, 7],
  ]);
  const pages = [await heads.list(undefined, 1), await heads.list(RELEASES, 1), await heads.list(BUILDS, 1)];
  expect(pages.map((page) => [page.items.map(({ channel }) => channel), page.next])).toEqual([
    [[RELEASES], RELEASES],
    [[BUILDS], BUILDS],
    [[], undefined],
  ]);
  now.size = 2;
  expect((await heads.list(undefined, 100)).items.map(({ channel }) => channel)).toEqual([RELEASES]);
  const opened = await openChannelHead((await heads.head(RELEASES)).note, [
    channelHeadVerifier(heads.vkey, portableCrypto),
  ]);
  expect(opened.head.channel).toBe(RELEASES);
});

test('a log that must not sign makes no new head, and goes on serving the one that it has', async () => {
  const now = { size: SIZE, at: START };
  let isStopped = false;
  const { heads, signed } = headsOf(world, now, {
    assertSigning: () => {
      if (isStopped) throw new LimmatError('signed-elsewhere', 'stopped');
    },
  });
  const [first, second] = (await heads.list(undefined, 2)).items;
  const made = await heads.head(first!.channel);
  isStopped = true;
  expect(await heads.head(first!.channel)).toEqual(made);
  await expect(heads.head(second!.channel)).rejects.toMatchObject({ code: 'signed-elsewhere' });
  expect(signed()).toBe(1);
});
