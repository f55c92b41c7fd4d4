import { beforeEach, expect, test } from 'vitest';
import { nodeCrypto, nodeHasher } from '../../../src/adapters/node-crypto.ts';
import { toHex, utf8 } from '../../../src/bytes.ts';
import type { FileVerdict } from '../../../src/client/check/judge.ts';
import { formatIndexRow, IndexReading, parseIndexLine } from '../../../src/client/check/own-index.ts';
import { CheckWorld, keyOf, PRODUCT, VENDOR } from '../../support/check-world.ts';
import { digestOf } from '../../support/shipped.ts';

let world: CheckWorld;

beforeEach(() => {
  world = new CheckWorld();
});

/** What an index of all entries says of these files. */
const check = async (contents: readonly string[], ...lines: readonly string[]): Promise<FileVerdict[]> => {
  const trust = world.trust(...lines);
  const digests = contents.map((content) => digestOf(utf8(content)));
  const reading = new IndexReading(new Set(digests.map(toHex)), { trust, crypto: nodeCrypto, hasher: nodeHasher });
  for (const [index, leaf] of world.log.entries.entries()) {
    const row = formatIndexRow(leaf, index);
    const line = row === undefined ? undefined : parseIndexLine(row);
    if (line !== undefined && 'leaf' in line) await reading.take(line);
  }
  return digests.map((digest) => reading.judge(digest, 'all', { expected: trust.expected, requireRebuilds: 0 }));
};
const codesOf = async (content: string, ...lines: readonly string[]): Promise<string[]> => {
  const [verdict] = await check([content], ...lines);
  return verdict!.says.map(({ code }) => code);
};
const buildIn = (channel: string, content: string, by = VENDOR, namespace = 'acme') => {
  const artifacts = [{ digest: { sha256: digestOf(utf8(content)) } }];
  return world.add('build', { ...PRODUCT, channel, version: '1', platform: 'linux', artifacts }, by, namespace);
};
const release = (sequence: number, content: string): Promise<Uint8Array> =>
  world.add('avdb-release', {
    ...PRODUCT,
    database: 'main',
    sequence,
    ...(sequence > 1 && { first: true }),
    contentDigest: { sha256: digestOf(utf8(content)) },
    counts: { total: 1 },
  });

test('a recall in a channel that is not expected, or under an old key of the vendor, is one of the file', async () => {
  await world.retract(await buildIn('beta', 'x'), 'recall');
  await world.retract(await buildIn('stable', 'y', 'Acme, with an old key'), 'recall');
  await world.build('1', 'x', 'y', 'z');
  for (const content of ['x', 'y']) expect((await codesOf(content, 'expect channel stable'))[0]).toBe('recalled');
  expect(await codesOf('z', 'expect channel stable')).toEqual(['logged', 'no-dissent', 'newest', 'not-recalled']);
});

test('a stranger’s recall of its own record is told, and the file is not said to be recalled nowhere', async () => {
  await world.retract(await buildIn('stable', 'x', 'Mallory', 'mallory'), 'recall', 'mallory', 'Mallory');
  await world.build('1', 'x');
  expect(await codesOf('x')).toEqual(['logged', 'stranger-recall', 'no-dissent', 'newest']);
});

test('a rebuild that was taken back neither confirms nor dissents', async () => {
  for (const [content, result] of [
    ['x', 'match'],
    ['y', 'mismatch'],
  ] as const) {
    const rebuild = await world.rebuild(await world.build(content, content), 'University', result);
    expect((await codesOf(content)).includes(result === 'match' ? 'rebuilt' : 'dissent')).toBe(true);
    await world.retract(rebuild, 'retract', 'rebuilders', 'University');
    const codes = await codesOf(content);
    expect(codes).toContain('no-dissent');
    expect(codes).not.toContain('rebuilt');
  }
});

test('entries that name an issuer and are not signed by it are told of, not left out', async () => {
  const forged = { ...keyOf(VENDOR), sign: (message: Uint8Array) => keyOf('Mallory').sign(message) };
  const artifacts = [{ digest: { sha256: digestOf(utf8('x')) } }];
  const fields = { ...PRODUCT, version: '9', platform: 'linux', artifacts };
  await world.add('build', fields, VENDOR, 'acme', forged);
  expect(await codesOf('x')).toEqual(['bad-citation']);
  const build = await world.build('1', 'y');
  await world.add('rebuild', { build, result: 'match' }, VENDOR, 'rebuilders', forged);
  expect(await codesOf('y')).toEqual(['bad-citation']);
});

test('a stream that goes back, as no honest log takes it, proves nothing about the newest', async () => {
  await release(1, 'a');
  await release(7, 'b');
  expect(await codesOf('b')).toContain('newest');
  await release(3, 'c');
  for (const content of ['a', 'b', 'c']) expect(await codesOf(content)).toContain('newest-not-proven');
});

test('each file gets its own records, of many that share them', async () => {
  const shared = Array.from({ length: 30 }, (_, i) => `file ${i}`);
  await world.build('1', ...shared, shared[0]!);
  await world.retract(await world.build('2', shared[3]!), 'recall');
  const verdicts = await check([...shared, 'none']);
  const recalled = verdicts.filter(({ verdict }) => verdict === 'recalled').map(({ sha256 }) => sha256);
  expect(recalled).toEqual([toHex(digestOf(utf8(shared[3]!)))]);
  expect(verdicts.at(-1)!.verdict).toBe('not-logged');
  expect(verdicts[0]!.records.map(({ index }) => index)).toEqual([0]);
});
