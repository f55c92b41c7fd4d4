// Each domain rule, with a case just inside and one just outside of it.

import { describe, expect, test } from 'vitest';
import { utf8 } from '../../../src/bytes.ts';
import { portableHasher } from '../../../src/merkle/hash.ts';
import type { FieldsOf } from '../../../src/record/types.ts';
import { kid } from '../../support/admission-world.ts';
import { DAY, DomainWorld, T0, rules } from './world.ts';

const digest = (text: string): { sha256: Uint8Array } => ({ sha256: portableHasher.sha256(utf8(text)) });

function build(version: string, more: Partial<FieldsOf<'build'>> = {}, file = version): FieldsOf<'build'> {
  const artifacts = [{ digest: digest(file) }];
  return { product: 'Shield', version, channel: 'stable', platform: 'linux', artifacts, ...more };
}

const counts = (removed: number): FieldsOf<'avdb-release'>['counts'] => ({ total: 100, added: removed, removed });

type Release = FieldsOf<'avdb-release'>;

/** A stream of releases, each following the one before it. */
class Stream {
  readonly #world: DomainWorld;
  readonly #channel: string;
  #sequence = 0;
  #last: Uint8Array | undefined;

  constructor(world: DomainWorld, channel = 'stable') {
    this.#world = world;
    this.#channel = channel;
  }

  /** Logs the next release; gives what is found about it. */
  async next(more: Partial<Release> = {}, iat = T0): Promise<string[]> {
    const sequence = ++this.#sequence;
    const fields: Release = {
      product: 'Shield',
      database: 'main',
      channel: this.#channel,
      sequence,
      ...(this.#last !== undefined && { prev: this.#last }),
      contentDigest: digest(`content ${sequence}`),
      counts: { total: 100 },
      ...more,
    };
    const found = await this.#world.log('ci', 'avdb-release', fields, { iat });
    this.#last = this.#world.last;
    return found.map(({ rule }) => rule);
  }
}

describe('builds', () => {
  test('D02: one file in two builds is a note, once a build', async () => {
    const world = await DomainWorld.begin();
    expect(await world.log('ci', 'build', build('1'))).toEqual([]);
    expect(await world.log('ci', 'build', build('2'))).toEqual([]);
    expect(rules(await world.log('ci', 'build', build('1', { platform: 'mac' })))).toEqual([`D02 ${world.size - 1}`]);
    // The same identity again, with another field, is the same build.
    expect(await world.log('ci', 'build', build('1', { startedAt: T0 }))).toEqual([]);
  });

  test.each([
    [undefined, 30],
    [3, 3],
  ])('D05: with rebuildDays %s a build has %i days to be rebuilt', async (rebuildDays, days) => {
    const world = await DomainWorld.begin(rebuildDays === undefined ? undefined : { rebuildDays });
    await world.log('ci', 'build', build('never'));
    const index = world.size - 1;
    await world.log('ci', 'build', build('in time'));
    await world.log('lab', 'rebuild', { build: world.last, result: 'match' }, { iat: T0 + days * DAY });
    await world.log('ci', 'build', build('late'));
    await world.log('lab', 'rebuild', { build: world.last, result: 'match' }, { iat: T0 + days * DAY + 1 });
    await world.log('ci', 'build', build('not at all', { reproducible: { kind: 'no' } }));
    await world.log('ci', 'build', build('taken back'));
    await world.log('ci', 'retraction', { target: world.last, kind: 'retract' });
    expect(await world.tick(T0 + days * DAY)).toEqual([]);
    const found = await world.tick(T0 + days * DAY + 1);
    expect(rules(found).toSorted()).toEqual([`D05 ${index}`, `D05 ${index + 3}`]);
    expect(found[0]!.values['days']).toBe(days);
    expect(await world.tick(T0 + 10 * days * DAY)).toEqual([]);
  });

  test('D06: a mismatch is found, and so are those who disagree with it', async () => {
    const world = await DomainWorld.begin();
    await world.log('ci', 'build', build('1'));
    const ref = world.last;
    expect(await world.log('lab', 'rebuild', { build: ref, result: 'inconclusive' })).toEqual([]);
    expect(await world.log('lab', 'rebuild', { build: ref, result: 'match-normalised' })).toEqual([]);
    const match = world.size - 1;
    const [found] = await world.log('lab2', 'rebuild', { build: ref, result: 'mismatch' });
    expect(found).toMatchObject({ rule: 'D06', index: match + 1, values: { other: match, issuer: 'lab2' } });
    const again = await world.log('lab', 'rebuild', { build: ref, result: 'match' });
    expect(again).toMatchObject([{ rule: 'D06', values: { other: match + 1 } }]);
  });

  test('D14: one version has the same files in every channel, but for a part of the customers', async () => {
    const world = await DomainWorld.begin();
    await world.log('ci', 'build', build('1'));
    expect(rules(await world.log('ci', 'build', build('1', { channel: 'beta' })))).toEqual([`D02 ${world.size - 1}`]);
    const other = await world.log('ci', 'build', build('1', { channel: 'canary' }, 'another file'));
    expect(other).toMatchObject([{ rule: 'D14', values: { channel: 'canary', other: 'stable' } }]);
    const audience = { kind: 'segment', segment: 'lab', reason: 'a test' } as const;
    expect(await world.log('ci', 'build', build('1', { channel: 'lab', audience }, 'a third file'))).toEqual([]);
  });

  test('D30: a product that was rebuilt exactly stays reproducible', async () => {
    const world = await DomainWorld.begin();
    const no = { reproducible: { kind: 'no' } } as const;
    await world.log('ci', 'build', build('1'));
    await world.log('lab', 'rebuild', { build: world.last, result: 'match-normalised' });
    expect(await world.log('ci', 'build', build('2', no))).toEqual([]);
    await world.log('ci', 'build', build('3'));
    await world.log('lab', 'rebuild', { build: world.last, result: 'match' });
    expect(await world.log('ci', 'build', build('4', { ...no, product: 'Other' }))).toEqual([]);
    expect(await world.log('ci', 'build', build('5', no))).toMatchObject([
      { rule: 'D30', values: { rebuild: world.size - 3 } },
    ]);
  });
});

describe('streams', () => {
  test('D09: times of production and versions go on', async () => {
    const stream = new Stream(await DomainWorld.begin());
    expect(await stream.next({ producedAt: T0, versionText: '8.10.1' })).toEqual([]);
    expect(await stream.next({ producedAt: T0, versionText: '8.10.1' })).toEqual([]);
    expect(await stream.next({ producedAt: T0 - 1, versionText: '8.10.2' })).toEqual(['D09']);
    expect(await stream.next({ versionText: '8.9' })).toEqual(['D09']);
    expect(await stream.next({ versionText: 'of a Monday' })).toEqual([]);
    expect(await stream.next({ versionText: 'a' })).toEqual([]);
  });

  test.each([
    [undefined, 3 * 3600],
    [DAY, 3 * DAY],
  ])('D11: with cadenceSeconds %s a stream may be silent for %i s', async (cadenceSeconds, limit) => {
    const world = await DomainWorld.begin(cadenceSeconds === undefined ? undefined : { cadenceSeconds });
    const stream = new Stream(world);
    await stream.next();
    await stream.next({}, T0 + limit);
    expect(await world.tick(T0 + 2 * limit)).toEqual([]);
    expect(rules(await world.tick(T0 + 2 * limit + 1))).toEqual([`D11 ${world.size - 1}`]);
    expect(await world.tick(T0 + 3 * limit)).toEqual([]);
    // After the next release it is waited for again.
    await stream.next({}, T0 + 4 * limit);
    expect(await world.tick(T0 + 5 * limit)).toEqual([]);
    expect(rules(await world.tick(T0 + 5 * limit + 1))).toEqual([`D11 ${world.size - 1}`]);
  });

  test('D11: what is valid until a time has a successor by then', async () => {
    const world = await DomainWorld.begin({ cadenceSeconds: 100 * DAY });
    const stream = new Stream(world);
    await stream.next({ validUntil: T0 + 5 });
    await stream.next({ validUntil: T0 + 50 }, T0 + 5);
    expect(await world.tick(T0 + 50)).toEqual([]);
    expect(rules(await world.tick(T0 + 51))).toEqual([`D11 ${world.size - 1}`]);
  });

  test('D27: a stream that ends says so', async () => {
    for (const reason of [undefined, 'end-of-life'] as const) {
      const world = await DomainWorld.begin({ cadenceSeconds: 10 * DAY });
      const stream = new Stream(world);
      await stream.next();
      await stream.next({}, T0 + DAY);
      const index = world.size - 1;
      if (reason !== undefined) await world.log('ci', 'retraction', { target: world.last, kind: 'retract', reason });
      expect(await world.tick(T0 + 31 * DAY)).toEqual([]);
      const found = rules(await world.tick(T0 + 31 * DAY + 1)).toSorted();
      expect(found).toEqual(reason === undefined ? [`D11 ${index}`, `D27 ${index}`] : []);
    }
  });

  test.each([
    [undefined, 10],
    [0, 0],
    [50, 50],
  ])('D12: with removalPercent %s a release may remove %i of 100', async (removalPercent, limit) => {
    const world = await DomainWorld.begin(removalPercent === undefined ? undefined : { removalPercent });
    const stream = new Stream(world);
    await stream.next();
    expect(await stream.next({ counts: counts(limit) })).toEqual([]);
    expect(await stream.next({ counts: counts(limit + 1) })).toEqual(['D12']);
    // Where nothing is said of removals, the total says it.
    expect(await stream.next({ counts: { total: 100 - limit } })).toEqual([]);
  });

  test('D13: content comes back only where that is said', async () => {
    const stream = new Stream(await DomainWorld.begin());
    const first = { contentDigest: digest('content 1') };
    expect(await stream.next()).toEqual([]);
    expect(await stream.next(first)).toEqual([]);
    expect(await stream.next()).toEqual([]);
    expect(await stream.next(first)).toEqual(['D13']);
    expect(await stream.next()).toEqual([]);
    expect(await stream.next({ ...first, rollback: { toSequence: 4, reason: 'wrong' } })).toEqual([]);
  });

  test.each([
    [undefined, DAY],
    [60, 60],
  ])('D14: with skewSeconds %s channels are at most %i s apart, with one content', async (skewSeconds, limit) => {
    const world = await DomainWorld.begin(skewSeconds === undefined ? undefined : { skewSeconds });
    const [stable, beta] = [new Stream(world), new Stream(world, 'beta')];
    const same = { versionText: '7' };
    for (let i = 0; i < 4; i++) await stable.next(same);
    expect(await beta.next(same, T0 + limit)).toEqual([]);
    expect(await beta.next(same, T0 + limit + 1)).toEqual(['D14']);
    expect(await beta.next({ ...same, contentDigest: digest('another') })).toEqual(['D14']);
    // Channels that count by themselves have other content under one number.
    const other = await beta.next({ versionText: '8', contentDigest: digest('a third') });
    expect(other).toEqual(skewSeconds === undefined ? [] : ['D14']);
  });
});

test('D16: what a key signed since it was compromised is in doubt, and nothing from before', async () => {
  for (const [since, entries] of [
    [T0 + 11, 0],
    [T0 + 10, 1],
    [T0 + 5, 2],
    [T0 + 4, 3],
  ] as const) {
    const world = await DomainWorld.begin();
    for (const [i, iat] of [T0 + 4, T0 + 10, T0 + 5].entries()) await world.log('old', 'build', build(`${i}`), { iat });
    await world.log('ci', 'build', build('ours'), { iat: T0 + 100 });
    const found = await world.link('key-event', { action: 'compromised', kid: kid('old'), compromisedSince: since });
    expect(found.map(({ rule, values }) => [rule, values['entries']])).toEqual(entries === 0 ? [] : [['D16', entries]]);
  }
});

type Relocation = FieldsOf<'relocation'>;

function relocation(action: Relocation['action'], more: Partial<Relocation> = {}): Relocation {
  return { relocationId: 'r1', action, activity: 'store', regions: ['150'], to: [{ country: 'CH' }], ...more };
}

describe('promises and places', () => {
  test('D18: a relocation is complete by its deadline', async () => {
    for (const [completedAt, isFound] of [
      [T0 + DAY, false],
      [T0 + DAY + 1, true],
      [undefined, true],
    ] as const) {
      const world = await DomainWorld.begin();
      await world.log('ci', 'relocation', relocation('plan', { deadline: T0 + DAY }));
      const effective = { effectiveAt: completedAt ?? T0 };
      await world.log('ci', 'relocation', relocation(completedAt === undefined ? 'start' : 'complete', effective));
      expect(await world.tick(T0 + DAY)).toEqual([]);
      expect(rules(await world.tick(T0 + DAY + 1))).toEqual(isFound ? [`D18 ${world.size - 1}`] : []);
    }
  });

  test('D18: a deadline that is put off is found, and counted; an earlier one is not', async () => {
    const world = await DomainWorld.begin();
    const change = (days: number) => world.log('ci', 'relocation', relocation('change', { deadline: T0 + days * DAY }));
    expect(await change(10)).toEqual([]);
    expect(await change(10)).toEqual([]);
    expect(await change(9)).toEqual([]);
    expect(await change(11)).toMatchObject([{ rule: 'D18', values: { times: 1 } }]);
    expect(await change(12)).toMatchObject([{ rule: 'D18', values: { times: 2 } }]);
    expect(await world.tick(T0 + 11 * DAY + 1)).toEqual([]);
    expect(rules(await world.tick(T0 + 12 * DAY + 1))).toEqual([`D18 ${world.size - 1}`]);
  });

  test('D18, D20: a promise is kept by the step that it names, for the regions that it names', async () => {
    const promise: FieldsOf<'commitment'> = {
      commitmentId: 'p1',
      kind: 'relocation',
      subject: 'Customers’ files move to Zurich.',
      activities: ['store'],
      regions: ['021', 'US', 'SG'],
      deadline: T0 + DAY,
    };
    for (const [regions, action, expected] of [
      [['021', 'SG'], 'complete', []],
      [['021', 'SG'], 'milestone', ['D18']],
      [['021'], 'complete', ['D20']],
      [undefined, 'complete', ['D18', 'D20']],
    ] as const) {
      const world = await DomainWorld.begin();
      await world.log('ci', 'commitment', promise);
      const own = regions === undefined ? relocation(action, { regions: ['AU'] }) : relocation(action, { regions });
      await world.log('ci', 'relocation', own);
      expect(await world.tick(T0 + DAY)).toEqual([]);
      expect((await world.tick(T0 + DAY + 1)).map(({ rule }) => rule).toSorted()).toEqual(expected);
    }
  });

  test('D19: what was moved is put elsewhere only where that is said, and then found', async () => {
    const world = await DomainWorld.begin();
    await world.log('ci', 'relocation', relocation('complete'));
    const other = (more: Partial<Relocation>) => relocation('start', { relocationId: 'r2', ...more });
    const elsewhere = { to: [{ country: 'RU' }] };
    expect(await world.log('ci', 'relocation', other({}))).toEqual([]);
    expect(await world.log('ci', 'relocation', other({ relocationId: 'r3', ...elsewhere, regions: ['US'] }))).toEqual(
      [],
    );
    expect(await world.log('ci', 'relocation', other({ relocationId: 'r4', ...elsewhere, activity: 'sign' }))).toEqual(
      [],
    );
    const plan = { ...other({ relocationId: 'r5', ...elsewhere }), action: 'plan' } as const;
    expect(await world.log('ci', 'relocation', plan)).toEqual([]);
    const back = other({ relocationId: 'r6', ...elsewhere, regions: ['DE'] });
    expect(await world.log('ci', 'relocation', back)).toMatchObject([{ rule: 'D19', values: { completed: 'r1' } }]);
  });

  test('D19: work that was moved is not done where it was, after both places had it', async () => {
    const world = await DomainWorld.begin();
    for (const siteId of ['here', 'there']) {
      await world.link('site', { siteId, kinds: ['build', 'signing'], country: siteId === 'here' ? 'CH' : 'RU' }, 'ci');
    }
    const moved = { activity: 'assemble', to: [{ site: 'here' }], dualRunUntil: T0 + DAY } as const;
    const { regions: _all, ...work } = relocation('complete', moved);
    await world.log('ci', 'relocation', { ...work, originDeletion: { claimedAt: T0 } });
    const made = (version: string, site: string, finishedAt: number) =>
      world.log('ci', 'build', build(version, { buildSite: site, signSite: 'there', finishedAt }));
    expect(await made('1', 'there', T0 + DAY)).toEqual([]);
    expect(await made('2', 'here', T0 + DAY + 1)).toEqual([]);
    expect(await made('3', 'there', T0 + DAY + 1)).toMatchObject([{ rule: 'D19', values: { activity: 'assemble' } }]);
  });

  test('D19: what both places had is deleted where it came from', async () => {
    for (const originDeletion of [undefined, { claimedAt: T0 }]) {
      const world = await DomainWorld.begin();
      await world.log('ci', 'relocation', relocation('complete', { dualRunUntil: T0 + DAY }));
      const more = originDeletion === undefined ? {} : { originDeletion };
      await world.log('ci', 'relocation', relocation('milestone', more));
      expect(await world.tick(T0 + DAY)).toEqual([]);
      expect((await world.tick(T0 + DAY + 1)).map(({ rule }) => rule)).toEqual(
        originDeletion === undefined ? ['D19'] : [],
      );
    }
  });

  test.each([
    [undefined, 90],
    [5, 5],
  ])('D21: with supervisionDays %s what is supervised is attested within %i days', async (supervisionDays, days) => {
    for (const kind of ['refs', 'range', 'range before', 'nothing'] as const) {
      const world = await DomainWorld.begin(supervisionDays === undefined ? undefined : { supervisionDays });
      await world.log('ci', 'relocation', relocation('start', { supervisedBy: 'an auditor' }));
      const index = world.size - 1;
      const to = kind === 'range' ? index + 1 : index;
      const range = { from: 0, to, size: world.size, rootHash: world.world.roots.at(world.size) };
      const supervision = { supervisionId: 's1', kind: 'supervised-relocation', result: 'conform' } as const;
      if (kind === 'refs') await world.log('lab', 'supervision', { ...supervision, refs: [world.last] });
      else if (kind !== 'nothing') await world.log('lab', 'supervision', { ...supervision, range });
      expect(await world.tick(T0 + days * DAY)).toEqual([]);
      const isFound = kind === 'nothing' || kind === 'range before';
      expect(rules(await world.tick(T0 + days * DAY + 1))).toEqual(isFound ? [`D21 ${index}`] : []);
    }
  });

  test('D28: two words about one relocation of one issuer, unless one changes or replaces the other', async () => {
    const first = relocation('complete', { effectiveAt: T0, deadline: T0 + DAY });
    for (const [second, expected] of [
      [first, []],
      [{ ...first, effectiveAt: T0 + 1 }, ['D28']],
      [{ ...first, deadline: T0 + DAY - 1 }, ['D28']],
      [{ ...first, to: [{ country: 'DE' }] }, ['D19', 'D28']],
      [{ ...first, action: 'change', deadline: T0 + DAY - 1 }, []],
      [{ ...first, action: 'milestone', effectiveAt: T0 + 1 }, []],
    ] as const satisfies readonly (readonly [Relocation, readonly string[]])[]) {
      const world = await DomainWorld.begin();
      await world.log('ci', 'relocation', first);
      const found = await world.log('ci', 'relocation', { ...second, scopePercent: 100 });
      expect(found.map(({ rule }) => rule).toSorted()).toEqual(expected);
    }
    const world = await DomainWorld.begin();
    await world.log('ci', 'relocation', first);
    await world.log('ci', 'retraction', { target: world.last, kind: 'retract' });
    expect(await world.log('ci', 'relocation', { ...first, effectiveAt: T0 + 1 })).toEqual([]);
    const others = { ...first, effectiveAt: T0 + 2 };
    expect(await world.log('ci', 'relocation', others, { issuer: 'A newspaper' })).toEqual([]);
  });
});
