import { beforeEach, describe, expect, test } from 'vitest';
import { nodeCrypto, nodeHasher } from '../../../src/adapters/node-crypto.ts';
import { utf8 } from '../../../src/bytes.ts';
import { Checker } from '../../../src/client/check/checker.ts';
import type { CheckerOptions } from '../../../src/client/check/checker.ts';
import type { FileVerdict } from '../../../src/client/check/judge.ts';
import { LimmatError } from '../../../src/errors.ts';
import { portableHasher } from '../../../src/merkle/hash.ts';
import { CheckWorld, keyOf, VENDOR } from '../../support/check-world.ts';
import type { Answered } from '../../support/check-world.ts';
import { digestOf } from '../../support/shipped.ts';

let world: CheckWorld;

const checker = (options: Partial<CheckerOptions> = {}): Checker =>
  new Checker({
    reader: world.reader,
    trust: world.trust(),
    nowSeconds: () => world.nowSeconds,
    crypto: nodeCrypto,
    hasher: nodeHasher,
    ...options,
  });

const check = async (content: string, options: Partial<CheckerOptions> = {}): Promise<FileVerdict> => {
  await world.publish();
  return checker(options).check(digestOf(utf8(content)));
};

const codes = ({ says }: FileVerdict): string[] => says.map(({ code }) => code);

beforeEach(() => {
  world = new CheckWorld();
});

const proofs = (): string[] => world.asked.filter((path) => path.endsWith('/proof'));

describe('many files of many records', () => {
  const NAMES = Array.from({ length: 20 }, (_, i) => `file ${i}`);
  const digests = NAMES.map((name) => digestOf(utf8(name)));

  beforeEach(async () => {
    for (const [i, name] of NAMES.entries()) await world.build(String(i), name);
    await world.publish();
  });

  test('come with their bundle, with the verdicts that their proofs give', async () => {
    const verdicts = await checker().checkAll(digests);
    expect(proofs()).toEqual([]);
    expect(world.asked.filter((path) => path.startsWith('tile/entries/'))).toHaveLength(1);
    for (const [i, digest] of digests.entries()) expect(verdicts[i]).toEqual(await checker().check(digest));
    expect(proofs()).toHaveLength(NAMES.length);
  });

  test('the bundle is read once, however many lookups want it at once or one after the other', async () => {
    const it = checker();
    await Promise.all([0, 1].map((part) => it.checkAll(digests.slice(10 * part, 10 * part + 10))));
    const bundles = world.asked.filter((path) => path.startsWith('tile/entries/'));
    expect([bundles.length, proofs().length]).toEqual([1, 0]);
    world.asked.length = 0;
    const other = checker();
    for (const digest of digests) await other.check(digest);
    expect(world.asked.filter((path) => path.startsWith('tile/entries/'))).toHaveLength(1);
    expect(proofs().length).toBeLessThan(8);
  });

  test('a bundle with changed bytes is not believed: each entry is proven alone', async () => {
    const honest = await checker().checkAll(digests);
    for (const at of [0, 1, 50, 700, 3000]) {
      world.tamper = (path, bytes) => (path.startsWith('tile/entries/') ? bytes.with(at, bytes[at]! ^ 1) : bytes);
      expect(await checker().checkAll(digests)).toEqual(honest);
    }
  });

  test('an entry that is logged with another key’s signature is refused with its reason', async () => {
    const artifacts = [{ digest: { sha256: digestOf(utf8('forged')) } }];
    const forged = { ...keyOf(VENDOR), sign: (message: Uint8Array) => keyOf('Mallory').sign(message) };
    const fields = { product: 'Shield', channel: 'stable', version: '99', platform: 'linux', artifacts };
    await world.add('build', fields, VENDOR, 'acme', forged);
    await world.publish();
    const verdicts = await checker().checkAll([...digests, digestOf(utf8('forged'))]);
    expect(verdicts.slice(0, -1).every(({ verdict }) => verdict === 'logged')).toBe(true);
    expect(verdicts.at(-1)).toMatchObject({ verdict: 'bad-citation' });
    expect(verdicts.at(-1)!.says[0]!.detail).toContain('bad-signature');
  });

  test('a checkpoint that contradicts what is remembered is proof against the log', async () => {
    const it = checker();
    await it.check(digests[0]!);
    world.log.entries[3] = utf8('something else');
    await world.publish();
    const verdicts = await checker({ remembered: it.remembered }).checkAll(digests.slice(5));
    expect(new Set(verdicts.map(({ verdict }) => verdict))).toEqual(new Set(['two-histories']));
  });
});

describe('what is said of a file', () => {
  test('of one that is logged, by whom, and that it is the newest by the channel head', async () => {
    await world.build('1', 'old');
    await world.build('2', 'new', 'beside it');
    const verdict = await check('new');
    expect(verdict).toMatchObject({ verdict: 'logged', grade: 'remark' });
    expect(codes(verdict)).toEqual(['logged', 'dissent-not-proven', 'newest', 'not-recalled-in-channel']);
    expect(verdict.records).toMatchObject([
      { index: 1, issuer: VENDOR, counts: true, standing: 'newest', channel: 'acme/Shield/build:linux/stable' },
    ]);
    expect(codes(await check('old'))).toEqual(['logged', 'dissent-not-proven', 'older', 'not-recalled-in-channel']);
  });

  test('of one that no record names: that the log says so, and that this proves nothing', async () => {
    await world.build('1', 'old');
    const verdict = await check('other');
    expect(verdict).toMatchObject({ verdict: 'not-logged', grade: 'finding', records: [] });
    expect(verdict.says[0]!.detail).toContain('proves no absence');
  });

  test('of one that a stranger logged', async () => {
    await world.add(
      'build',
      {
        product: 'Shield',
        version: '1',
        channel: 'stable',
        platform: 'linux',
        artifacts: [{ digest: { sha256: digestOf(utf8('x')) } }],
      },
      'Somebody',
    );
    expect(await check('x')).toMatchObject({
      verdict: 'unknown-issuer',
      grade: 'finding',
      records: [{ counts: false }],
    });
    await world.build('2', 'x');
    expect(await check('x')).toMatchObject({ verdict: 'logged', records: [{ counts: false }, { counts: true }] });
  });

  test('of one that is logged as something that is not expected', async () => {
    await world.build('1', 'x');
    const verdict = await check('x', { trust: world.trust('expect product Sword') });
    expect(verdict).toMatchObject({ verdict: 'unexpected-record', records: [{ refusal: 'wrong-product' }] });
  });

  test('rebuilt by k of n, the vendor, strangers and outdated words apart', async () => {
    const build = await world.build('1', 'x');
    await world.rebuild(build, VENDOR);
    await world.rebuild(build, 'Nobody knows');
    await world.rebuild(build, 'University', 'mismatch');
    expect(await check('x', { requireRebuilds: 1 })).toMatchObject({ verdict: 'dissent', grade: 'finding' });
    await world.rebuild(build, 'University', 'match-normalised');
    const one = await check('x', { requireRebuilds: 2 });
    expect(codes(one)).toContain('rebuilt');
    expect(one.verdict).toBe('too-few-rebuilds');
    await world.rebuild(build, 'Rebuilders Inc');
    const two = await check('x', { requireRebuilds: 2 });
    expect(two.verdict).toBe('logged');
    expect(two.says.find(({ code }) => code === 'rebuilt')!.detail).toBe('2 of 2: Rebuilders Inc, University');
    expect(two.records[0]!.rebuilds.filter(({ counts }) => counts).map(({ index }) => index)).toEqual([4, 5]);
  });

  test('a stranger’s dissent is told and is no finding', async () => {
    await world.rebuild(await world.build('1', 'x'), 'Nobody knows', 'mismatch');
    const verdict = await check('x');
    expect([verdict.verdict, codes(verdict).includes('stranger-dissent')]).toEqual(['logged', true]);
  });

  test.each([
    ['recall', 'recalled'],
    ['retract', 'retracted'],
  ] as const)('%s is a finding', async (kind, code) => {
    await world.retract(await world.build('1', 'x'), kind);
    expect(await check('x')).toMatchObject({ verdict: code, grade: 'finding' });
  });

  test('what another record stands in for is told', async () => {
    const build = await world.build('1', 'x');
    await world.build('2', 'y');
    await world.retract(build, 'supersede');
    const verdict = await check('x');
    expect([verdict.verdict, codes(verdict).includes('superseded')]).toEqual(['logged', true]);
  });

  test('nobody of another namespace takes a record back', async () => {
    await world.retract(await world.build('1', 'x'), 'recall', 'rival');
    world.head = (head) => ({ ...head, minimumSequence: 0 });
    expect((await check('x')).verdict).toBe('logged');
  });

  test('a recall that the log keeps back is seen by the channel head', async () => {
    await world.retract(await world.build('1', 'x'), 'recall');
    world.lie = (answer) => ({ ...answer, items: answer.items.map((item: object) => ({ ...item, takenBack: [] })) });
    expect((await check('x')).verdict).toBe('below-minimum');
  });
});

const inItem =
  (change: object) =>
  (answer: Answered): unknown => ({ ...answer, items: [{ ...answer.items[0], ...change }] });

describe('a log that lies', () => {
  beforeEach(async () => {
    const build = await world.build('1', 'x');
    await world.rebuild(build, 'University');
    await world.build('2', 'y');
    await world.retract(build, 'correct');
  });

  const lies: readonly (readonly [string, (answer: Answered) => unknown, string])[] = [
    ['names another entry', inItem({ index: 2 }), 'bad-citation'],
    ['names an entry of another type', inItem({ index: 1 }), 'bad-citation'],
    ['names an entry that is not there', inItem({ index: 99 }), 'not-checked'],
    ['names no index', inItem({ index: '0' }), 'not-checked'],
    ['names a negative index', inItem({ index: -1 }), 'not-checked'],
    ['names a rebuild that is a build', inItem({ rebuilds: [{ index: 2 }] }), 'bad-citation'],
    ['names the same build as its rebuild', inItem({ rebuilds: [{ index: 0 }] }), 'bad-citation'],
    ['says that rebuilds are no list', inItem({ rebuilds: 'many' }), 'not-checked'],
    ['answers no list', () => ({ items: {} }), 'not-checked'],
    ['answers null', () => null, 'not-checked'],
    ['answers about another digest', (answer) => ({ ...answer, digest: '00'.repeat(32) }), 'not-checked'],
    ['never comes to an end', (answer) => ({ ...answer, next: '1' }), 'not-checked'],
  ];
  test.each(lies)('%s', async (_, lie, code) => {
    world.lie = lie;
    expect((await check('x')).verdict).toBe(code);
  });

  test('what it says beside the indexes is not looked at', async () => {
    const honest = await check('x');
    world.lie = (answer) => ({
      ...answer,
      size: 1e9,
      items: answer.items.map((item) => ({
        ...item,
        leafHash: 'AAAA',
        type: 'avdb-release',
        record: { issuer: 'Nobody' },
        proof: 'http://elsewhere.example/',
        channel: { newest: { index: 2 }, head: '/elsewhere' },
        rebuilds: item.rebuilds!.map((rebuild: object) => ({ ...rebuild, verdict: 'mismatch', match: false })),
        takenBack: item.takenBack!.map((taken: object) => ({ ...taken, kind: 'recall' })),
      })),
    });
    expect(await check('x')).toEqual(honest);
    expect(world.asked.some((path) => path.includes('elsewhere'))).toBe(false);
  });

  test('it has no lookups at all: that is no word about the file', async () => {
    world.tamper = (path, honest) => (path.includes('artifacts') ? null : honest);
    expect(await check('x')).toMatchObject({ verdict: 'not-checked', grade: 'trouble' });
  });

  test('every changed byte of a proof file is seen, or changes nothing', async () => {
    const honest = await check('x');
    const proof = world.proof(0)!;
    // Some of each part; the notes’ own tests change every byte.
    for (let at = 0; at < proof.length; at += 251) {
      world.tamper = (path, bytes) => {
        if (path !== 'api/v1/entries/0/proof') return bytes;
        const changed = bytes.slice();
        changed[at]! ^= 1;
        return changed;
      };
      const verdict = await check('x');
      if (verdict.verdict === 'logged') expect(verdict).toEqual(honest);
      else expect([at, verdict.grade]).toEqual([at, 'finding']);
    }
  });

  test('the proof is of another entry', async () => {
    world.tamper = (path, honest) => (path === 'api/v1/entries/0/proof' ? world.proof(2)! : honest);
    expect((await check('x')).verdict).toBe('bad-citation');
  });

  test('a record with the vendor’s name and another key’s signature', async () => {
    const artifacts = [{ digest: { sha256: digestOf(utf8('forged')) } }];
    const real = keyOf(VENDOR);
    const forged = { ...real, sign: (message: Uint8Array) => keyOf('Mallory').sign(message) };
    const fields = { product: 'Shield', channel: 'stable', version: '3', platform: 'linux', artifacts };
    await world.add('build', fields, VENDOR, 'acme', forged);
    const verdict = await check('forged');
    expect(verdict).toMatchObject({ verdict: 'bad-citation', grade: 'finding' });
    expect(verdict.says[0]!.detail).toContain('bad-signature');
  });

  test('two heads of one size with two roots are proof', async () => {
    await world.publish();
    const it = checker();
    expect((await it.check(digestOf(utf8('x')))).grade).toBe('remark');
    world.log.entries[3] = utf8('something else');
    await world.publish();
    const said = { verdict: 'two-histories', grade: 'proof' };
    expect(await it.check(digestOf(utf8('y')))).toMatchObject(said);
    expect(await checker({ remembered: it.remembered }).check(digestOf(utf8('x')))).toMatchObject(said);
    expect((await checker().check(digestOf(utf8('x')))).grade).toBe('remark');
  });
});

describe('channel heads', () => {
  const RECALL = 'recall-not-proven';
  const NEWEST = 'newest-not-proven';
  beforeEach(async () => {
    await world.build('1', 'x');
    await world.build('2', 'y');
  });

  const notProven = async (options: Partial<CheckerOptions> = {}, isAsked = true): Promise<string | undefined> => {
    const free = await check('x', { ...options, requireHeads: false });
    expect([free.verdict, free.grade]).toEqual(['logged', 'remark']);
    expect(codes(free)).toEqual(['logged', 'dissent-not-proven', NEWEST, RECALL]);
    const verdict = await check('x', options);
    expect(codes(verdict)).toEqual([...(isAsked ? ['no-channel-head'] : []), ...codes(free)]);
    expect(verdict.grade).toBe(isAsked ? 'suspicion' : 'remark');
    return verdict.says.find(({ code }) => code === NEWEST)!.detail;
  };

  test('without one nothing is said that needs it, and where the trust file has a key for it that is the verdict', async () => {
    world.tamper = (path, honest) => (path.endsWith('/head') ? null : honest);
    expect(await notProven()).toContain('not-found');
  });

  test('one that is past its time, from the future, or of another channel or key says nothing', async () => {
    world.head = (head) => ({
      ...head,
      issuedSeconds: head.issuedSeconds - 9e5,
      validUntilSeconds: head.issuedSeconds - 8e5,
    });
    expect(await notProven()).toContain('channel-expired');
    world.head = (head) => ({
      ...head,
      issuedSeconds: head.issuedSeconds + 9e5,
      validUntilSeconds: head.issuedSeconds + 10e5,
    });
    expect(await notProven()).toContain('from-the-future');
    world.head = (head) => ({ ...head, channel: 'acme/Sword/build:linux/stable' });
    expect(await notProven()).toContain('wrong-channel');
    world.head = (head) => head;
    const keys = { ...world.trust(), channelKeys: new Map() };
    expect(await notProven({ trust: keys }, false)).toContain('unknown-log');
  });

  test('one that goes back behind what was seen is a finding', async () => {
    await world.publish();
    const first = checker();
    await first.check(digestOf(utf8('x')));
    world.head = (head) => ({
      ...head,
      index: 0,
      sequence: 0,
      leafHash: portableHasher.leafHash(world.log.entries[0]!),
    });
    world.headSize = 1;
    world.nowSeconds += 10;
    const verdict = await check('x', { rememberedChannels: first.rememberedChannels });
    expect([verdict.verdict, verdict.grade]).toEqual(['channel-rollback', 'finding']);
  });

  test('one that names an older record as the newest of the same tree convicts the log', async () => {
    world.head = (head) => ({
      ...head,
      index: 0,
      sequence: 0,
      leafHash: portableHasher.leafHash(world.log.entries[0]!),
    });
    expect(await check('y')).toMatchObject({ verdict: 'two-histories', grade: 'proof' });
  });

  test('a given one is judged by, and none is fetched', async () => {
    world.headSize = 1;
    const given = await world.channelHead('acme/Shield/build:linux/stable');
    world.headSize = undefined;
    const verdict = await check('y', { channelHeads: [given] });
    expect(codes(verdict)).toEqual(['logged', 'dissent-not-proven', 'ahead', RECALL]);
    expect(world.asked.filter((path) => path.endsWith('/head'))).toEqual([]);
    await expect(check('y', { channelHeads: [utf8('not one')] })).rejects.toThrow(LimmatError);
  });

  test('one is fetched once, and an entry once, however many files ask', async () => {
    await world.build('3', 'a', 'b', 'c');
    await world.publish();
    const it = checker();
    await Promise.all(['a', 'b', 'c', 'x'].map((content) => it.check(digestOf(utf8(content)))));
    expect(world.asked.filter((path) => path.endsWith('/head'))).toHaveLength(1);
    expect(world.asked.filter((path) => path.endsWith('/proof'))).toHaveLength(2);
  });
});
