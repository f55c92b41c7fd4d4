// What could a log say so that a file looks better than it is? One test for each such lie, by what it takes: an answer that
// leaves something out, a second history, entries that no honest log takes, and names that are not who they say.

import { beforeEach, describe, expect, test } from 'vitest';
import { nodeCrypto, nodeHasher } from '../../../src/adapters/node-crypto.ts';
import { toBase64, utf8 } from '../../../src/bytes.ts';
import { Checker } from '../../../src/client/check/checker.ts';
import type { CheckerOptions } from '../../../src/client/check/checker.ts';
import type { FileVerdict } from '../../../src/client/check/judge.ts';
import { parseTrust } from '../../../src/client/trust.ts';
import { formatCoseKey } from '../../../src/cose/key.ts';
import { LimmatError } from '../../../src/errors.ts';
import { CheckWorld, keyOf, PRODUCT, VENDOR } from '../../support/check-world.ts';
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
const detailOf = ({ says }: FileVerdict, wanted: string): string | undefined =>
  says.find(({ code }) => code === wanted)?.detail;
const buildIn = (channel: string, version: string, content: string, by = VENDOR, namespace = 'acme') => {
  const artifacts = [{ digest: { sha256: digestOf(utf8(content)) } }];
  return world.add('build', { ...PRODUCT, channel, version, platform: 'linux', artifacts }, by, namespace);
};
/** The log leaves these entries out of its answer. */
const hide = (...indexes: readonly number[]): void => {
  const isShown = ({ index }: { readonly index?: number }): boolean => !indexes.includes(index!);
  const inner = (list: readonly object[] | undefined): object[] =>
    (list ?? []).filter(isShown).map((item: { takenBack?: readonly object[] }) => ({
      ...item,
      ...(item.takenBack !== undefined && { takenBack: item.takenBack.filter(isShown) }),
    }));
  world.lie = (answer: Answered) => ({
    ...answer,
    items: answer.items.filter(isShown).map((item) => {
      return { ...item, rebuilds: inner(item.rebuilds), takenBack: inner(item.takenBack) };
    }),
  });
};

/** What the log shows of a history in which its first entry is another one. */
const other = async (more: number): Promise<CheckWorld> => {
  const second = new CheckWorld();
  second.log.entries.push(utf8('something else'), ...world.log.entries.slice(1));
  for (let i = 0; i < more; i++) await second.build(`9${i}`, `more ${i}`);
  await second.publish();
  return second;
};

const issuer = (key: string, name: string): string => `issuer ${toBase64(formatCoseKey(keyOf(key).key))} ${name}`;

const trustOf = (...lines: readonly string[]) => parseTrust(world.trustText(undefined, ...lines));

const flood = (count: number, from = 0) => ({
  items: [{ index: 0, rebuilds: Array.from({ length: count }, (_, i) => ({ index: from + i })) }],
});

/** The log says that this entry takes the file's records back. */
const alsoAbout = (index: number) => (answer: Answered) => ({
  ...answer,
  items: answer.items.map((item) => ({ ...item, takenBack: [...item.takenBack!, { index }] })),
});

const noTiles = () => Promise.reject(new LimmatError('not-found', 'no tiles'));

beforeEach(() => {
  world = new CheckWorld();
});

describe('left out', () => {
  test('the release to another channel, where the file was recalled: the head of one channel does not clear the file', async () => {
    const beta = await buildIn('beta', '1', 'x');
    await world.build('1', 'x');
    await world.retract(beta, 'recall');
    expect((await check('x')).verdict).toBe('recalled');
    hide(0, 2);
    const verdict = await check('x');
    expect(codes(verdict)).toEqual(['logged', 'dissent-not-proven', 'newest', 'not-recalled-in-channel']);
    expect(detailOf(verdict, 'not-recalled-in-channel')).toContain(
      'acme/Shield/build:linux/stable, by the channel head',
    );
    expect(detailOf(verdict, 'newest')).toContain('acme/Shield/build:linux/stable');
  });

  test('a channel of which no head is known: then of the file nothing is said about recalls', async () => {
    await buildIn('beta', '1', 'x');
    await world.build('1', 'x');
    world.tamper = (path, honest) => (path.includes('/beta/head') ? null : honest);
    expect(codes(await check('x', { requireHeads: false }))).toContain('recall-not-proven');
    expect((await check('x')).verdict).toBe('no-channel-head');
  });

  test('the build, so that no rebuilds of it are asked for', async () => {
    await world.build('1', 'x');
    await world.add('source-snapshot', {
      product: 'Shield',
      version: '1',
      archiveDigest: { sha256: digestOf(utf8('x')) },
    });
    hide(0);
    expect((await check('x')).verdict).toBe('logged');
    const verdict = await check('x', { requireRebuilds: 1 });
    expect([verdict.verdict, verdict.grade]).toEqual(['too-few-rebuilds', 'finding']);
  });

  test('that a rebuilder took its word back: it is not proven, and said so', async () => {
    await world.rebuild(await world.build('1', 'x'), 'University');
    await world.retract(
      await world.rebuild(await world.build('2', 'y'), 'University'),
      'retract',
      'rebuilders',
      'University',
    );
    const honest = await check('y');
    expect(codes(honest)).not.toContain('rebuilt');
    expect(honest.records[0]!.rebuilds).toMatchObject([{ counts: false, takenBack: true }]);
    expect((await check('y', { requireRebuilds: 1 })).verdict).toBe('too-few-rebuilds');
    hide(4);
    expect(codes(await check('y'))).toEqual(expect.arrayContaining(['rebuilt', 'dissent-not-proven']));
  });

  test('the head of the channel, or all newer ones: exit 5 and not a remark', async () => {
    await world.build('1', 'x');
    await world.publish();
    const old = await world.channelHead('acme/Shield/build:linux/stable');
    await world.build('2', 'y');
    for (const given of [null, old, utf8('not one')]) {
      world.tamper = (path, honest) => (path.endsWith('/head') ? given : honest);
      world.nowSeconds += given === old ? 200_000 : 0;
      const verdict = await check('x');
      expect([verdict.verdict, verdict.grade]).toEqual(['no-channel-head', 'suspicion']);
      expect(codes(verdict)).toContain('recall-not-proven');
    }
  });

  test('a head that cannot be fetched is trouble, as a log is that cannot be asked', async () => {
    await world.build('1', 'x');
    await world.publish();
    const { reader } = world;
    const resource: typeof reader.resource = (path, max, question) =>
      path.endsWith('/head')
        ? Promise.reject(new LimmatError('network', 'no answer'))
        : reader.resource(path, max, question);
    const verdict = await checker({ reader: { ...reader, resource } }).check(digestOf(utf8('x')));
    expect([verdict.verdict, verdict.grade]).toEqual(['channel-not-checked', 'trouble']);
    expect(codes(verdict)).toEqual(expect.arrayContaining(['logged', 'newest-not-proven', 'recall-not-proven']));
  });
});

describe('a second history', () => {
  const NAMES = ['x', 'y', 'z'];
  beforeEach(async () => {
    for (const [i, name] of NAMES.entries()) await world.build(String(i), name);
    await world.publish();
  });

  test('each entry comes with the tree that suits it, of two sizes', async () => {
    const second = await other(2);
    world.tamper = (path, honest) => {
      return path === 'api/v1/entries/1/proof' ? second.proof(1)! : honest;
    };
    const verdicts = await checker({
      reader: { ...world.reader, read: (paths) => second.reader.read(paths) },
    }).checkAll(NAMES.map((name) => digestOf(utf8(name))));
    expect(verdicts.map(({ verdict }) => verdict)).toContain('two-histories');
  });

  test('a later run sees another past under a larger tree', async () => {
    const first = checker();
    await first.check(digestOf(utf8('y')));
    const before = first.remembered;
    const second = await other(3);
    const it = checker({ reader: second.reader, remembered: before });
    expect(await it.check(digestOf(utf8('y')))).toMatchObject({ verdict: 'two-histories', grade: 'proof' });
    await world.build('4', 'w');
    world.nowSeconds += 1;
    await world.publish();
    expect((await checker({ remembered: before }).check(digestOf(utf8('w')))).verdict).toBe('logged');
    // It does not get off by keeping its tiles back.
    const silent = checker({ remembered: before, reader: { ...world.reader, read: noTiles } });
    expect((await silent.check(digestOf(utf8('w')))).verdict).toBe('not-checked');
  });

  test('the channel head is of a tree of its own', async () => {
    for (const size of [2, 3]) {
      world.headSize = size;
      world.head = (head) => ({ ...head, rootHash: nodeHasher.leafHash(utf8('a root')) });
      expect(await check('x')).toMatchObject({ verdict: 'two-histories', grade: 'proof' });
    }
  });

  test('the channel head is of entries that no checkpoint has: it is none', async () => {
    const checkpoint = world.log.checkpoint!;
    const old = world.proof(2)!;
    await world.build('4', 'unpublished');
    await world.publish();
    world.tamper = (path, honest) => {
      if (path === 'checkpoint') return checkpoint;
      return path === 'api/v1/entries/2/proof' ? old : honest;
    };
    const verdict = await checker().check(digestOf(utf8('z')));
    expect([verdict.verdict, verdict.grade]).toEqual(['no-channel-head', 'suspicion']);
    expect(detailOf(verdict, 'no-channel-head')).toContain('not-published');
  });
});

describe('what only a log that breaks its rules takes', () => {
  test('a stranger’s word that a rebuilder takes its dissent back', async () => {
    const dissent = await world.rebuild(await world.build('1', 'x'), 'University', 'mismatch');
    await world.retract(dissent, 'retract', 'rebuilders', 'Mallory');
    expect((await check('x')).verdict).toBe('dissent');
    await world.retract(dissent, 'retract', 'rebuilders', 'Rebuilders Inc');
    expect((await check('x')).verdict).toBe('dissent');
    await world.retract(dissent, 'retract', 'rebuilders', 'University');
    expect((await check('x')).verdict).toBe('logged');
  });

  test('a retraction of another namespace', async () => {
    const dissent = await world.rebuild(await world.build('1', 'x'), 'University', 'mismatch');
    await world.retract(dissent, 'retract', 'acme', 'University');
    expect((await check('x')).verdict).toBe('dissent');
  });

  test('a retraction of a retraction, and one of another file’s rebuild, are not about the file', async () => {
    const build = await world.build('1', 'x');
    const recall = await world.retract(build, 'recall');
    await world.retract(recall, 'retract');
    world.lie = alsoAbout(2);
    expect((await check('x')).verdict).toBe('bad-citation');
    await world.retract(
      await world.rebuild(await world.build('2', 'y'), 'University'),
      'retract',
      'rebuilders',
      'University',
    );
    world.lie = alsoAbout(5);
    expect((await check('x')).verdict).toBe('bad-citation');
  });
});

describe('one rebuilder is one', () => {
  test('under two names with one key, under one name with two keys, and over both', async () => {
    const build = await world.build('1', 'x');
    const rebuild = (name: string, key = name) =>
      world.add('rebuild', { build, result: 'match' }, name, 'rebuilders', keyOf(key));
    await rebuild('University');
    await rebuild('Second Name', 'University');
    await rebuild('Second Name', 'New Key');
    await rebuild('Third Name', 'New Key');
    const trust = trustOf(
      issuer('New Key', 'Third Name'),
      issuer('New Key', 'Second Name'),
      issuer('University', 'Second Name'),
    );
    const verdict = await check('x', { trust, requireRebuilds: 2 });
    expect(verdict.verdict).toBe('too-few-rebuilds');
    expect(detailOf(verdict, 'rebuilt')).toBe('1 of 1: Third Name');
    await rebuild('Rebuilders Inc');
    expect((await check('x', { trust, requireRebuilds: 2 })).verdict).toBe('logged');
  });

  test('its last word counts, under whichever of its names', async () => {
    const build = await world.build('1', 'x');
    await world.rebuild(build, 'University');
    await world.add('rebuild', { build, result: 'mismatch' }, 'Second Name', 'rebuilders', keyOf('University'));
    const verdict = await check('x', { trust: trustOf(issuer('University', 'Second Name')) });
    expect([verdict.verdict, codes(verdict).includes('rebuilt')]).toEqual(['dissent', false]);
  });

  test('the vendor is none, under another of its names, in its own namespace, or by another build of the file', async () => {
    const build = await world.build('1', 'x');
    await world.add('rebuild', { build, result: 'match' }, 'Acme Labs', 'rebuilders', keyOf(VENDOR));
    await world.add('rebuild', { build, result: 'match' }, 'University', 'acme', keyOf('University'));
    const friendly = await buildIn('stable', '1', 'x', 'Rebuilders Inc', 'rebuilders');
    await world.rebuild(friendly, VENDOR);
    const verdict = await check('x', { trust: trustOf(issuer(VENDOR, 'Acme Labs')), requireRebuilds: 1 });
    expect([verdict.verdict, codes(verdict).includes('rebuilt')]).toEqual(['too-few-rebuilds', false]);
  });

  test('a build that a rebuilder has signed does not count where the trust file names it as a rebuilder', async () => {
    await buildIn('stable', '1', 'x', 'Rebuilders Inc', 'rebuilders');
    const own = world.trust();
    expect((await check('x', { trust: own })).verdict).toBe('logged');
    const issuers = own.issuers.map((one) =>
      one.iss === 'Rebuilders Inc' ? { ...one, role: 'rebuilder' as const } : one,
    );
    expect((await check('x', { trust: { ...own, issuers } })).verdict).toBe('unknown-issuer');
  });

  test('a rebuilder whose earlier word was another is no stranger', async () => {
    const build = await world.build('1', 'x');
    await world.rebuild(build, 'University', 'mismatch');
    await world.rebuild(build, 'University');
    expect(codes(await check('x'))).not.toContain('stranger-dissent');
  });
});

describe('recalls of records that do not count', () => {
  test('of the vendor, as something else than is expected: it is the file all the same', async () => {
    const beta = await buildIn('beta', '1', 'x');
    await world.build('1', 'x');
    await world.retract(beta, 'recall');
    const trust = world.trust('expect channel stable');
    expect(await check('x', { trust })).toMatchObject({ verdict: 'recalled', grade: 'finding' });
  });

  test('of the vendor’s namespace, under a key that the trust file does not have', async () => {
    const old = await buildIn('stable', '1', 'x', 'Acme, with an old key');
    await world.build('1', 'x');
    await world.retract(old, 'recall');
    expect((await check('x')).verdict).toBe('recalled');
  });

  test('of a stranger: told, and nobody can have a vendor’s file refused that way', async () => {
    const theirs = await buildIn('stable', '1', 'x', 'Mallory', 'mallory');
    await world.build('1', 'x');
    await world.retract(theirs, 'recall', 'mallory', 'Mallory');
    const verdict = await check('x');
    expect(verdict.verdict).toBe('logged');
    expect(codes(verdict)).toEqual(expect.arrayContaining(['stranger-recall', 'recall-not-proven']));
  });
});

test('a dissent behind a hundred rebuilds of strangers is found', async () => {
  const build = await world.build('1', 'x');
  for (let i = 0; i < 101; i++) await world.rebuild(build, `Stranger ${i % 3}`);
  await world.rebuild(build, 'University', 'mismatch');
  world.lie = (answer) => ({
    ...answer,
    items: answer.items.map((item) => ({ ...item, rebuilds: item.rebuilds!.slice(0, 100), more: true })),
  });
  expect((await check('x')).verdict).toBe('dissent');
  expect(world.asked.filter((path) => path.startsWith('api/v1/rebuilds'))).toHaveLength(3);
  world.tamper = (path, honest) => (path.startsWith('api/v1/rebuilds') ? utf8('{"items":[],"next":"1"}') : honest);
  expect((await check('x')).verdict).toBe('not-checked');
});

describe('answers without end', () => {
  beforeEach(async () => {
    for (let i = 0; i < 8; i++) await world.build(String(i), `file ${i}`);
  });

  test('of one file: refused before anything of it is fetched', async () => {
    world.lie = (answer) => ({ ...answer, ...flood(5000) });
    expect(await check('file 0')).toMatchObject({ verdict: 'not-checked', grade: 'trouble' });
    expect(world.asked).toEqual(['api/v1/artifacts']);
  });

  test('page after page', async () => {
    let page = 0;
    world.lie = (answer) => ({ ...answer, ...flood(300, 300 * page++), next: `${page}` });
    expect((await check('file 0')).verdict).toBe('not-checked');
    expect(page).toBeLessThan(20);
  });

  test('of many files together: those within the bound are checked', async () => {
    const digests = Array.from({ length: 8 }, (_, i) => digestOf(utf8(`file ${i}`)));
    let files = 0;
    world.lie = (answer) => (++files > 2 ? { ...answer, ...flood(4000, 4000 * files) } : answer);
    await world.publish();
    const verdicts = await checker().checkAll(digests);
    expect(verdicts.slice(0, 2).map(({ verdict }) => verdict)).toEqual(['logged', 'logged']);
    expect(new Set(verdicts.slice(2).map(({ verdict }) => verdict))).toEqual(new Set(['not-checked']));
    expect(detailOf(verdicts[7]!, 'not-checked')).toContain('for 8 files');
  });
});
