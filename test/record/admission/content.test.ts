// What records say of one another: references, identities, streams, sites, independence, supervision, retraction.

import { beforeEach, describe, expect, test } from 'vitest';

import { toHex } from '../../../src/bytes.ts';
import type { Hash } from '../../../src/merkle/hash.ts';
import type { FieldsOf } from '../../../src/record/types.ts';
import { AdmissionWorld, genesis, kid, publicKey, sign, T0 } from '../../support/admission-world.ts';

const hash = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
const digest = (byte: number): { sha256: Uint8Array } => ({ sha256: hash(byte) });

let world: AdmissionWorld;
let head: Hash;
let sequence: number;

const link = (): { sequence: number; prev: Uint8Array } => ({ sequence: sequence + 1, prev: head });

async function site(siteId: string, kinds: FieldsOf<'site'>['kinds'], more: object = {}): Promise<void> {
  head = await world.log('root', 'log', 'site', { ...link(), siteId, kinds, country: 'CH', ...more });
  sequence += 1;
}

async function policy(more: Partial<FieldsOf<'policy'>>): Promise<void> {
  head = await world.log('root', 'log', 'policy', { ...link(), ...more });
  sequence += 1;
}

beforeEach(async () => {
  world = new AdmissionWorld();
  head = await world.log('root', 'log', 'policy', genesis());
  sequence = 1;
});

const build = (version: string, more: Partial<FieldsOf<'build'>> = {}): FieldsOf<'build'> => ({
  product: 'av',
  version,
  channel: 'stable',
  platform: 'linux',
  artifacts: [{ digest: digest(1) }],
  ...more,
});
const snapshot = (more: Partial<FieldsOf<'source-snapshot'>> = {}): FieldsOf<'source-snapshot'> => ({
  product: 'av',
  version: '1',
  treeDigest: digest(2),
  ...more,
});
const verdict: AdmissionWorld['verdict'] = (...args) => world.verdict(...args);

const release = (n: number, more: Partial<FieldsOf<'avdb-release'>> = {}): FieldsOf<'avdb-release'> => ({
  product: 'av',
  database: 'daily',
  channel: 'stable',
  sequence: n,
  contentDigest: digest(n),
  counts: { total: 100 },
  ...more,
});

const gap = (from: number) => ({ from, to: 9, reason: 'the build failed' });

const firstRelease = (): Promise<Hash> => world.log('root', 'log', 'avdb-release', release(7, { first: true }));

const builtAt = (more: object) => verdict('root', 'log', 'build', build('1', { buildSite: 'zrh', ...more }));

const take = (target: Uint8Array, kind: FieldsOf<'retraction'>['kind'], replacement?: Uint8Array) => ({
  target,
  kind,
  ...(replacement && { replacement }),
});

describe('references', () => {
  test('of a build lead to the source of this product and version, logged before', async () => {
    const other = await world.log('root', 'log', 'source-snapshot', snapshot({ version: '2' }));
    const source = await world.log('root', 'log', 'source-snapshot', snapshot());
    const first = await world.log('root', 'log', 'build', build('1', { source }));
    expect(await verdict('root', 'log', 'build', build('1', { source: hash(9) }))).toBe('D03 source');
    expect(await verdict('root', 'log', 'build', build('1', { source: first }))).toBe('D03 source');
    expect(await verdict('root', 'log', 'build', build('1', { source: other }))).toBe('D04 source');
    expect(await verdict('root', 'log', 'build', build('2', { source: other, previous: first }))).toBe('admitted');
    expect(await verdict('root', 'log', 'build', build('2', { previous: source }))).toBe('D25 previous');
    expect(await verdict('root', 'log', 'build', build('2', { previous: hash(9) }))).toBe('D25 previous');
  });

  test('of every other type lead to entries of the right type', async () => {
    const source = await world.log('root', 'log', 'source-snapshot', snapshot());
    const built = await world.log('root', 'log', 'build', build('1'));
    const someone = { issuer: 'Someone' };
    const rebuild = { build: built, result: 'match' as const };
    expect(await verdict('root', 'log', 'rebuild', { ...rebuild, build: source }, someone)).toBe('D25 build');
    expect(await verdict('root', 'log', 'rebuild', { ...rebuild, build: hash(9) }, someone)).toBe('D25 build');
    const relocation = { relocationId: 'r', action: 'plan' as const, activity: 'store' as const };
    expect(await verdict('root', 'log', 'relocation', relocation)).toBe('admitted');
    expect(await verdict('root', 'log', 'relocation', { ...relocation, supervisor: built })).toBe('D25 supervisor');
    const moved = { ...relocation, from: [{ country: 'RU' }], to: [{ site: 'zrh' }] };
    expect(await verdict('root', 'log', 'relocation', moved)).toBe('D25 to[0].site');
    const promise = { commitmentId: 'c', kind: 'process' as const, subject: 's', from: [{ site: 'zrh' }] };
    expect(await verdict('root', 'log', 'commitment', promise)).toBe('D25 from[0].site');
    expect(await verdict('root', 'log', 'source-snapshot', snapshot({ heldAt: ['zrh'] }))).toBe('D25 heldAt[0]');
    await site('zrh', ['data-centre']);
    expect(await verdict('root', 'log', 'relocation', moved)).toBe('admitted');
    expect(await verdict('root', 'log', 'commitment', promise)).toBe('admitted');
    expect(await verdict('root', 'log', 'source-snapshot', snapshot({ heldAt: ['zrh'] }))).toBe('admitted');
  });
});

describe('one identity', () => {
  test('of a build has one set of artifacts, in whatever order', async () => {
    const [a, b, c] = [1, 2, 3].map((byte) => ({ digest: digest(byte) }));
    await world.log('root', 'log', 'build', build('1', { artifacts: [a!, b!] }));
    expect(await verdict('root', 'log', 'build', build('1', { artifacts: [b!, a!] }))).toBe('admitted');
    expect(await verdict('root', 'log', 'build', build('1', { artifacts: [a!, b!, a!] }))).toBe('admitted');
    expect(await verdict('root', 'log', 'build', build('1', { artifacts: [a!] }))).toBe('D01 artifacts');
    expect(await verdict('root', 'log', 'build', build('1', { artifacts: [a!, c!] }))).toBe('D01 artifacts');
    expect(await verdict('root', 'log', 'build', build('2', { artifacts: [a!, c!] }))).toBe('admitted');
    expect(await verdict('root', 'log', 'build', build('1', { channel: 'beta', artifacts: [c!] }))).toBe('admitted');
  });

  test('of a source has one tree and one archive, of which the second may be stated later', async () => {
    await world.log('root', 'log', 'source-snapshot', snapshot());
    expect(await verdict('root', 'log', 'source-snapshot', snapshot({ treeDigest: digest(3) }))).toBe('D01 treeDigest');
    await world.log('root', 'log', 'source-snapshot', snapshot({ archiveDigest: digest(4) }));
    const other = snapshot({ archiveDigest: digest(5) });
    expect(await verdict('root', 'log', 'source-snapshot', other)).toBe('D01 archiveDigest');
  });
});

describe('a stream of releases', () => {
  test('begins at 1 or says that it ran before, and begins once', async () => {
    expect(await verdict('root', 'log', 'avdb-release', release(7, { prev: hash(1) }))).toBe('D08 sequence');
    expect(await verdict('root', 'log', 'avdb-release', release(1))).toBe('admitted');
    await firstRelease();
    expect(await verdict('root', 'log', 'avdb-release', release(8, { first: true }))).toBe('D08 sequence');
    expect(await verdict('root', 'log', 'avdb-release', release(1))).toBe('D08 sequence');
    expect(await verdict('root', 'log', 'avdb-release', release(1, { channel: 'beta' }))).toBe('admitted');
  });

  test('goes on with the next number and the release before it, or states the gap', async () => {
    const prev = await firstRelease();
    expect(await verdict('root', 'log', 'avdb-release', release(8, { prev }))).toBe('admitted');
    expect(await verdict('root', 'log', 'avdb-release', release(7, { prev }))).toBe('D08 sequence');
    expect(await verdict('root', 'log', 'avdb-release', release(8, { prev: hash(3) }))).toBe('D08 sequence');
    expect(await verdict('root', 'log', 'avdb-release', release(10, { prev }))).toBe('D08 sequence');
    expect(await verdict('root', 'log', 'avdb-release', release(10, { prev, gap: gap(8) }))).toBe('admitted');
    expect(await verdict('root', 'log', 'avdb-release', release(10, { prev, gap: gap(9) }))).toBe('D08 gap.from');
    expect(await verdict('root', 'log', 'avdb-release', release(10, { prev, gap: gap(7) }))).toBe('D08 gap.from');
  });

  test('tells whoever is refused which prev and sequence it expects', async () => {
    const prev = await firstRelease();
    const decision = world.judge(await sign('root', 'log', 'avdb-release', release(10, { prev })));
    expect(decision).toMatchObject({ rule: 'D08', field: 'sequence' });
    const expected = `sequence 8 with prev ${toHex(prev)}, or a gap from 8 to 9 with a reason`;
    expect(decision.admitted ? '' : decision.expected).toBe(expected);
  });

  test('has counts that add up, where both steps are stated', async () => {
    const prev = await firstRelease();
    const counted = (total: number, added: number, removed: number) =>
      release(8, { prev, counts: { total, added, removed } });
    expect(await verdict('root', 'log', 'avdb-release', counted(105, 10, 5))).toBe('admitted');
    expect(await verdict('root', 'log', 'avdb-release', counted(106, 10, 5))).toBe('D12 counts.total');
    expect(await verdict('root', 'log', 'avdb-release', release(8, { prev, counts: { total: 5, added: 1 } }))).toBe(
      'admitted',
    );
  });

  test('has counts that add up to the last one, also where their sum is above 2^53', async () => {
    const most = Number.MAX_SAFE_INTEGER;
    const prev = await world.log('root', 'log', 'avdb-release', release(7, { first: true, counts: { total: most } }));
    const counted = (total: number, added: number, removed: number) =>
      verdict('root', 'log', 'avdb-release', release(8, { prev, counts: { total, added, removed } }));
    expect(await counted(most, 2, 2)).toBe('admitted');
    expect(await counted(most - 1, 2, 2)).toBe('D12 counts.total');
    expect(await counted(most, most, most)).toBe('admitted');
    expect(await counted(most - 1, most, most)).toBe('D12 counts.total');
    expect(await counted(0, 0, most)).toBe('admitted');
    expect(await counted(1, 0, most)).toBe('D12 counts.total');
  });

  test('has deltas to the release right before, which stands, and not more than the policy lets follow', async () => {
    expect(await verdict('root', 'log', 'avdb-release', release(1, { kind: 'delta' }))).toBe('D10 kind');
    await policy({ parameters: { deltaLimit: 1 } });
    let prev = await firstRelease();
    const delta = (n: number, baseSequence: number) => release(n, { prev, kind: 'delta', baseSequence });
    expect(await verdict('root', 'log', 'avdb-release', delta(8, 6))).toBe('D10 baseSequence');
    prev = await world.log('root', 'log', 'avdb-release', delta(8, 7));
    expect(await verdict('root', 'log', 'avdb-release', delta(9, 8))).toBe('D10 kind');
    const full = release(9, { prev, kind: 'full' });
    prev = await world.log('root', 'log', 'avdb-release', full);
    expect(await verdict('root', 'log', 'avdb-release', delta(10, 9))).toBe('admitted');
    await world.log('root', 'log', 'retraction', { target: prev, kind: 'recall' });
    expect(await verdict('root', 'log', 'avdb-release', delta(10, 9))).toBe('D10 kind');
    expect(await verdict('root', 'log', 'avdb-release', release(10, { prev, kind: 'full' }))).toBe('admitted');
    const again = release(10, { prev, contentDigest: digest(9) });
    expect(await verdict('root', 'log', 'avdb-release', again)).toBe('D23 contentDigest');
  });

  test('goes back to the content that its rollback names', async () => {
    const one = await firstRelease();
    const prev = await world.log('root', 'log', 'avdb-release', release(8, { prev: one }));
    const back = (toSequence: number, byte: number) =>
      release(9, { prev, contentDigest: digest(byte), rollback: { toSequence, reason: 'false positives' } });
    expect(await verdict('root', 'log', 'avdb-release', back(7, 7))).toBe('admitted');
    expect(await verdict('root', 'log', 'avdb-release', back(7, 6))).toBe('D13 contentDigest');
    expect(await verdict('root', 'log', 'avdb-release', back(6, 7))).toBe('D13 rollback.toSequence');
    expect(await verdict('root', 'log', 'avdb-release', release(9, { prev, contentDigest: digest(7) }))).toBe(
      'admitted',
    );
  });
});

describe('sites', () => {
  test('are in the log, for what happened there, and open then', async () => {
    expect(await builtAt({})).toBe('D25 buildSite');
    await site('zrh', ['build'], { openedAt: T0, closedAt: T0 + 100 });
    expect(await builtAt({})).toBe('admitted');
    expect(await builtAt({ signSite: 'zrh' })).toBe('D17 signSite');
    expect(await builtAt({ finishedAt: T0 - 1 })).toBe('D17 buildSite');
    expect(await builtAt({ finishedAt: T0 + 99 })).toBe('admitted');
    expect(await builtAt({ finishedAt: T0 + 100 })).toBe('D17 buildSite');
    await site('zrh', ['build', 'signing'], { openedAt: T0 });
    expect(await builtAt({ finishedAt: T0 + 100, signSite: 'zrh' })).toBe('admitted');
  });

  test('of reviews are transparency centres, and what was looked at is in the log', async () => {
    await site('zrh', ['build']);
    const review = { reviewId: 'r', site: 'zrh', reviewerClass: 'partner' as const };
    expect(await verdict('root', 'log', 'review', review)).toBe('D29 site');
    await site('tc', ['transparency-centre'], { openedAt: T0 });
    const at = (more: object) => verdict('root', 'log', 'review', { ...review, site: 'tc', ...more });
    expect(await at({})).toBe('admitted');
    expect(await at({ startedAt: T0 - 1 })).toBe('D29 site');
    expect(await at({ refs: [hash(9)] })).toBe('D29 refs[0]');
    expect(await at({ refs: [head] })).toBe('admitted');
  });
});

describe('others', () => {
  const roles: FieldsOf<'policy'>['roles'] = [{ role: 'others', types: ['rebuild', 'supervision', 'retraction'] }];
  beforeEach(async () => {
    await policy({ roles });
    const key = publicKey('other');
    head = await world.log('root', 'log', 'key-event', { ...link(), action: 'add', ...key, role: 'others' });
    sequence += 1;
  });

  test('verify and supervise what neither their key nor their organisation has signed', async () => {
    const built = await world.log('root', 'log', 'build', build('1'));
    const rebuild = { build: built, result: 'match' as const };
    expect(await verdict('other', 'log', 'rebuild', rebuild)).toBe('D07 build');
    expect(await verdict('root', 'log', 'rebuild', rebuild, { issuer: 'Someone' })).toBe('D07 build');
    expect(await verdict('other', 'log', 'rebuild', rebuild, { issuer: 'Someone' })).toBe('admitted');
    const audit = { supervisionId: 's', kind: 'audit' as const, result: 'conform' as const, refs: [built] };
    expect(await verdict('other', 'log', 'supervision', audit)).toBe('D07 refs[0]');
    expect(await verdict('other', 'log', 'supervision', audit, { issuer: 'Someone' })).toBe('admitted');
    const lost = { ...audit, refs: [built, hash(9)] };
    expect(await verdict('other', 'log', 'supervision', lost, { issuer: 'Someone' })).toBe('D25 refs[1]');
  });

  test('attest ranges of this log’s own trees', async () => {
    const size = world.size - 1;
    const attest = (more: object) =>
      verdict('other', 'log', 'supervision', {
        supervisionId: 's',
        kind: 'audit',
        result: 'conform',
        range: { from: 0, to: 1, size, rootHash: world.roots.at(size), ...more },
      });
    expect(await attest({})).toBe('admitted');
    expect(await attest({ rootHash: hash(1) })).toBe('D21 range.rootHash');
    expect(await attest({ size: world.size })).toBe('D21 range.rootHash');
    expect(await attest({ size: world.size + 1 })).toBe('D21 range.size');
  });

  test('keep their word: only they take it back', async () => {
    const built = await world.log('root', 'log', 'build', build('1'));
    const rebuild = { build: built, result: 'mismatch' as const };
    const target = await world.log('other', 'log', 'rebuild', rebuild, { issuer: 'Someone' });
    const back = { target, kind: 'retract' as const };
    expect(await verdict('root', 'log', 'retraction', back)).toBe('D23 iss');
    expect(await verdict('other', 'log', 'retraction', back, { issuer: 'Third' })).toBe('D23 iss');
    expect(await verdict('other', 'log', 'retraction', back, { issuer: 'Someone' })).toBe('admitted');
  });
});

describe('retractions', () => {
  test('are of entries of the namespace that say something, by their issuer or the root keys', async () => {
    const target = await world.log('root', 'log', 'build', build('1'), { issuer: 'Sister AG' });
    expect(await verdict('root', 'log', 'retraction', take(target, 'retract'))).toBe('admitted');
    expect(await verdict('root', 'log', 'retraction', take(hash(9), 'retract'))).toBe('D23 target');
    expect(await verdict('root', 'log', 'retraction', take(head, 'retract'))).toBe('D23 target');
    const first = await world.log('root', 'log', 'retraction', take(target, 'retract'));
    expect(await verdict('root', 'log', 'retraction', take(first, 'retract'))).toBe('D23 target');
  });

  test('go one way: superseded, retracted, recalled', async () => {
    const target = await world.log('root', 'log', 'build', build('1'));
    const other = await world.log('root', 'log', 'build', build('2'));
    const third = await world.log('root', 'log', 'build', build('3'));
    await world.log('root', 'log', 'retraction', take(target, 'supersede', other));
    expect(await verdict('root', 'log', 'retraction', take(target, 'correct', third))).toBe('D23 kind');
    expect(await verdict('root', 'log', 'retraction', take(other, 'supersede', target))).toBe('D23 replacement');
    expect(await verdict('root', 'log', 'retraction', take(other, 'supersede', head))).toBe('D23 replacement');
    await world.log('root', 'log', 'retraction', take(target, 'retract'));
    expect(await verdict('root', 'log', 'retraction', take(target, 'retract'))).toBe('D23 kind');
    await world.log('root', 'log', 'retraction', take(target, 'recall'));
    expect(await verdict('root', 'log', 'retraction', take(target, 'recall'))).toBe('D23 kind');
  });

  test('that recall a build keep its files from being released again', async () => {
    const target = await world.log('root', 'log', 'build', build('1'));
    await world.log('root', 'log', 'retraction', take(target, 'recall'));
    expect(await verdict('root', 'log', 'build', build('2'))).toBe('D23 artifacts');
    expect(await verdict('root', 'log', 'build', build('2', { artifacts: [{ digest: digest(2) }] }))).toBe('admitted');
  });

  test('of a source leave nothing to build on', async () => {
    const source = await world.log('root', 'log', 'source-snapshot', snapshot());
    await world.log('root', 'log', 'retraction', take(source, 'retract'));
    expect(await verdict('root', 'log', 'build', build('1', { source }))).toBe('D23 source');
  });

  test('stay within the products of their role', async () => {
    const keys = [kid('av-team')];
    await policy({ roles: [{ role: 'av', types: ['build', 'retraction'], products: ['av'], keys }] });
    head = await world.log('root', 'log', 'key-event', {
      ...link(),
      action: 'add',
      ...publicKey('av-team'),
      role: 'av',
    });
    sequence += 1;
    const own = await world.log('root', 'log', 'build', build('1'));
    const other = await world.log('root', 'log', 'build', build('1', { product: 'fw' }));
    expect(await verdict('av-team', 'log', 'retraction', take(own, 'recall'))).toBe('admitted');
    expect(await verdict('av-team', 'log', 'retraction', take(other, 'recall'))).toBe('D23 target');
    expect(await verdict('av-team', 'log', 'retraction', take(own, 'recall'), { issuer: 'X' })).toBe('D23 iss');
  });
});
