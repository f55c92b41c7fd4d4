// Who may log what: genesis, roles, keys, approvals, chains, memberships, what the log says of itself.

import { beforeEach, describe, expect, test } from 'vitest';

import { portableHasher, type Hash } from '../../../src/merkle/hash.ts';
import { keyKey } from '../../../src/record/admission/keys.ts';
import { keyValue } from '../../../src/record/admission/values.ts';
import type { FieldsOf } from '../../../src/record/types.ts';
import { AdmissionWorld, genesis, kid, publicKey, rootKeys, sign, T0 } from '../../support/admission-world.ts';

const hash = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);

function build(version: string, more: Partial<FieldsOf<'build'>> = {}): FieldsOf<'build'> {
  const digest = { sha256: new Uint8Array(32).fill(version.length) };
  return { product: 'av', version, channel: 'stable', platform: 'linux', artifacts: [{ digest }], ...more };
}

const ROLES: NonNullable<FieldsOf<'policy'>['roles']> = [
  { role: 'release', types: ['build', 'avdb-release'], products: ['av', 'fw'], sites: ['zrh'], issuers: ['Vendor AG'] },
  { role: 'keys', types: ['key-event', 'site'] },
  { role: 'careful', types: ['build'], products: ['boot'], threshold: 2 },
];

let world: AdmissionWorld;
let head: Hash;

/** The next link of the namespace "log". */
let sequence: number;
const link = (): { sequence: number; prev: Uint8Array } => ({ sequence: sequence + 1, prev: head });
async function grow(fields: FieldsOf<'key-event'>, by = 'root'): Promise<void> {
  head = await world.log(by, 'log', 'key-event', fields);
  sequence += 1;
}
const add = (name: string, role: string, more: Partial<FieldsOf<'key-event'>> = {}): FieldsOf<'key-event'> => ({
  ...link(),
  action: 'add',
  ...publicKey(name),
  role,
  ...more,
});

const at0 = async (by: string, fields: FieldsOf<'policy'>, approvals: string[] = []): Promise<string> =>
  new AdmissionWorld().verdict(by, 'log', 'policy', fields, { approvals });

const join = (namespace: string): FieldsOf<'membership'> => ({
  ...link(),
  action: 'admit',
  namespace,
  vendor: 'Other AG',
  root: rootKeys(1, `${namespace}-root`),
});
const leave = (namespace: string): FieldsOf<'membership'> => ({ ...link(), action: 'leave', namespace });
async function member(fields: FieldsOf<'membership'>): Promise<void> {
  head = await world.log('root', 'log', 'membership', fields);
  sequence += 1;
}

beforeEach(async () => {
  world = new AdmissionWorld();
  head = await world.log('root', 'log', 'policy', genesis({ roles: ROLES }));
  sequence = 1;
  await grow(add('rel', 'release'));
  await grow(add('admin', 'keys'));
});

describe('entry 0', () => {
  test('is a genesis signed by root keys that it names, as many as it says', async () => {
    expect(await at0('root', genesis())).toBe('admitted');
    expect(await at0('other', genesis())).toBe('A01 kid');
    expect(await at0('root', { sequence: 1 })).toBe('A01 typ');
    const two = genesis({}, rootKeys(2, 'root', 'root2'));
    expect(await at0('root', two)).toBe('A01 approvals');
    expect(await at0('root', two, ['other'])).toBe('A01 kid');
    expect(await at0('root', two, ['root2'])).toBe('admitted');
    const three = genesis({}, rootKeys(2, 'root', 'root2', 'root3'));
    expect(await at0('root', three, ['root2', 'root3'])).toBe('A01 approvals');
  });

  test('is nothing else, and is there once', async () => {
    expect(await new AdmissionWorld().verdict('root', 'log', 'build', build('1'))).toBe('A01 typ');
    expect(await world.verdict('root', 'log', 'policy', genesis())).toBe('A03 sequence');
  });
});

describe('the admission chain', () => {
  test('goes on with the next number and the leaf before it, and with nothing else', async () => {
    const next = add('k', 'release');
    expect(await world.verdict('root', 'log', 'key-event', next)).toBe('admitted');
    expect(await world.verdict('root', 'log', 'key-event', { ...next, sequence: sequence + 2 })).toBe('A03 sequence');
    expect(await world.verdict('root', 'log', 'key-event', { ...next, prev: hash(9) })).toBe('A03 sequence');
    expect(await world.verdict('root', 'log', 'key-event', { ...next, sequence })).toBe('A03 sequence');
  });

  test('is told what would be accepted', async () => {
    const decision = world.judge(await sign('root', 'log', 'key-event', { ...add('k', 'release'), prev: hash(9) }));
    expect(decision).toMatchObject({ rule: 'A03', field: 'sequence', found: `4 with prev ${'09'.repeat(32)}` });
    expect(decision.admitted ? '' : decision.expected).toContain('sequence 4 and prev ');
  });
});

describe('a role', () => {
  test('signs its types for its products, issuers and sites', async () => {
    expect(await world.verdict('rel', 'log', 'build', build('1'))).toBe('admitted');
    expect(await world.verdict('rel', 'log', 'build', build('1', { product: 'fw' }))).toBe('admitted');
    expect(await world.verdict('rel', 'log', 'build', build('1', { product: 'boot' }))).toBe('D15 product');
    expect(await world.verdict('rel', 'log', 'build', build('1'), { issuer: 'Vendor' })).toBe('D15 iss');
    expect(await world.verdict('rel', 'log', 'build', build('1', { buildSite: 'svo' }))).toBe('D17 buildSite');
    expect(await world.verdict('rel', 'log', 'build', build('1', { signSite: 'svo' }))).toBe('D17 signSite');
    expect(await world.verdict('admin', 'log', 'build', build('1'))).toBe('D15 typ');
    expect(await world.verdict('nobody', 'log', 'build', build('1'))).toBe('D15 kid');
  });

  test('needs as many keys as its threshold says, each in force and each once', async () => {
    await grow(add('a', 'careful'));
    await grow(add('b', 'careful'));
    const boot = build('1', { product: 'boot' });
    expect(await world.verdict('a', 'log', 'build', boot)).toBe('A04 approvals');
    expect(await world.verdict('a', 'log', 'build', boot, { approvals: ['rel'] })).toBe('A04 approvals');
    expect(await world.verdict('a', 'log', 'build', boot, { approvals: ['a'] })).toBe('A04 approvals[0].kid');
    expect(await world.verdict('a', 'log', 'build', boot, { approvals: ['nobody'] })).toBe('D15 approvals[0].kid');
    expect(await world.verdict('a', 'log', 'build', boot, { approvals: ['b'] })).toBe('admitted');
    // One approval too many could be left out again: the same decision as another leaf.
    await grow(add('c', 'careful'));
    expect(await world.verdict('a', 'log', 'build', boot, { approvals: ['b', 'c'] })).toBe('A04 approvals');
    expect(await world.verdict('a', 'log', 'build', boot, { approvals: ['c'] })).toBe('admitted');
    expect(await world.verdict('rel', 'log', 'build', build('1'), { approvals: ['a'] })).toBe('A04 approvals');
    await grow({ ...link(), action: 'revoke', kid: kid('b') });
    expect(await world.verdict('a', 'log', 'build', boot, { approvals: ['b'] })).toBe('D16 approvals[0].kid');
  });

  test('ends with a policy that does not state it, and keys that a new policy does not list are out', async () => {
    const policy = { ...link(), roles: [{ role: 'release', types: ['build'] as const, keys: [kid('new')] }] };
    head = await world.log('root', 'log', 'policy', policy);
    sequence += 1;
    expect(await world.verdict('rel', 'log', 'build', build('1'))).toBe('D15 kid');
    expect(await world.verdict('new', 'log', 'build', build('1'))).toBe('D15 kid');
    await grow(add('new', 'release'));
    expect(await world.verdict('new', 'log', 'build', build('1'))).toBe('admitted');
    expect(await world.verdict('admin', 'log', 'key-event', add('k', 'release'))).toBe('D15 kid');
  });

  test('that has ended is forgotten, so that what is kept of a key does not grow with each policy', async () => {
    const rolesOf = (name: string) => keyValue.parse(world.state.get(keyKey('log', kid(name)))!).roles;
    for (const name of ['a', 'b', 'c']) {
      const roles = [name, `${name}2`].map((role) => ({ role, types: ['build'] as const, keys: [kid('rel')] }));
      head = await world.log('root', 'log', 'policy', { ...link(), roles });
      sequence += 1;
    }
    expect([...rolesOf('rel')]).toEqual([
      ['c', sequence],
      ['c2', sequence],
    ]);
    // Those that a policy has nothing to do with stay; of a key that it does not list, what ended goes when it joins again.
    await grow(add('admin', 'c'));
    expect([...rolesOf('admin')]).toEqual([['c', sequence]]);
    await grow(add('root', 'c'));
    head = await world.log('root', 'log', 'policy', {
      ...link(),
      roles: [{ role: 'd', types: ['build'], keys: [kid('root')] }],
    });
    sequence += 1;
    expect([...rolesOf('root')]).toEqual([
      ['d', sequence],
      ['root', 1],
    ]);
  });

  test('of the root keys is everything but what the log says of itself', async () => {
    expect(await world.verdict('root', 'log', 'build', build('1'))).toBe('admitted');
    const incident = { incident: { incidentId: 'i', summary: 's' } };
    expect(await world.verdict('root', 'log', 'log-event', incident)).toBe('D15 kid');
    expect(await world.verdict('log', 'log', 'log-event', incident)).toBe('admitted');
    expect(await world.verdict('log', 'log', 'build', build('1'))).toBe('D15 kid');
  });
});

describe('a key', () => {
  test('is dead from the entry that says so, for ever', async () => {
    await grow({ ...link(), action: 'compromised', kid: kid('rel') }, 'admin');
    expect(await world.verdict('rel', 'log', 'build', build('1'))).toBe('D16 kid');
    expect(await world.verdict('root', 'log', 'key-event', add('rel', 'release'))).toBe('D16 kid');
    const policy = { ...link(), roles: [{ role: 'r', types: ['build'] as const, keys: [kid('rel')] }] };
    expect(await world.verdict('root', 'log', 'policy', policy)).toBe('D16 roles');
    const revoke = { ...link(), action: 'revoke' as const };
    expect(await world.verdict('root', 'log', 'key-event', { ...revoke, kid: kid('rel') })).toBe('D16 kid');
    expect(await world.verdict('root', 'log', 'key-event', { ...revoke, kid: kid('nobody') })).toBe('D16 kid');
  });

  test('that is rotated makes room for the new one', async () => {
    const rotate = { ...add('rel2', 'release'), action: 'rotate' as const };
    expect(await world.verdict('admin', 'log', 'key-event', { ...rotate, previousKid: kid('admin') })).toBe(
      'D16 previousKid',
    );
    await grow({ ...rotate, previousKid: kid('rel') }, 'admin');
    expect(await world.verdict('rel', 'log', 'build', build('1'))).toBe('D16 kid');
    expect(await world.verdict('rel2', 'log', 'build', build('1'))).toBe('admitted');
  });

  test('signs within its time, at its site and by its algorithm', async () => {
    await grow(add('p256', 'keys', { validFrom: T0, validUntil: T0 + 10 }));
    for (const [iat, verdict] of [
      [T0 - 1, 'D15 iat'],
      [T0, 'admitted'],
      [T0 + 10, 'admitted'],
      [T0 + 11, 'D15 iat'],
    ] as const) {
      expect(await world.verdict('p256', 'log', 'key-event', add('k', 'release'), { iat })).toBe(verdict);
    }
    const zrh = { siteId: 'zrh', kinds: ['build', 'signing'] as const, country: 'CH' };
    head = await world.log('admin', 'log', 'site', { ...link(), ...zrh });
    sequence += 1;
    await grow(add('here', 'release', { site: 'zrh' }));
    await grow(add('there', 'release', { site: 'svo' }));
    expect(await world.verdict('here', 'log', 'build', build('1', { signSite: 'zrh' }))).toBe('admitted');
    expect(await world.verdict('there', 'log', 'build', build('1', { signSite: 'zrh' }))).toBe('D17 signSite');
  });

  test('keeps the limits with which its bytes came, whatever later events say', async () => {
    const limits = { site: 'zrh', validFrom: T0, validUntil: T0 + 10 };
    await grow(add('k', 'release', limits));
    const again = (more: Partial<FieldsOf<'key-event'>>) =>
      world.verdict('admin', 'log', 'key-event', { ...add('k', 'careful'), ...more });
    expect(await again({ site: 'svo' })).toBe('D16 site');
    expect(await again({ validFrom: T0 - 1 })).toBe('D16 validFrom');
    expect(await again({ validUntil: T0 + 11 })).toBe('D16 validUntil');
    expect(await again({ action: 'rotate', previousKid: kid('rel'), role: 'release', site: 'svo' })).toBe('D16 site');
    expect(await again(limits)).toBe('admitted');
    await grow(add('k', 'keys'), 'admin');
    const site = { ...link(), siteId: 'zrh', kinds: ['build'] as const, country: 'CH' };
    expect(await world.verdict('k', 'log', 'site', site, { iat: T0 + 10 })).toBe('admitted');
    expect(await world.verdict('k', 'log', 'site', site, { iat: T0 + 11 })).toBe('D15 iat');
    expect(await world.verdict('k', 'log', 'build', build('1', { signSite: 'svo' }))).toBe('D17 signSite');
    // A key that came without limits gets none later.
    expect(await world.verdict('root', 'log', 'key-event', add('rel', 'keys', { site: 'zrh' }))).toBe('D16 site');
    // One that a policy lists has no bytes yet, and so no limits.
    const roles = [...ROLES.slice(1), { ...ROLES[0]!, keys: [kid('listed')] }];
    head = await world.log('root', 'log', 'policy', { ...link(), roles });
    sequence += 1;
    expect(await world.verdict('root', 'log', 'key-event', add('listed', 'release', limits))).toBe('admitted');
  });

  test('joins a role that there is', async () => {
    expect(await world.verdict('admin', 'log', 'key-event', add('k', 'releases'))).toBe('D15 role');
  });
});

describe('root keys', () => {
  test('alone sign policies, and make and end root and log keys', async () => {
    expect(await world.verdict('admin', 'log', 'policy', link())).toBe('A05 kid');
    expect(await world.verdict('admin', 'log', 'key-event', add('k', 'root'))).toBe('A05 role');
    expect(await world.verdict('admin', 'log', 'key-event', add('k', 'log'))).toBe('A05 role');
    const revoke = { ...link(), action: 'revoke' as const };
    expect(await world.verdict('admin', 'log', 'key-event', { ...revoke, kid: kid('log') })).toBe('A05 kid');
    expect(await world.verdict('root', 'log', 'key-event', { ...revoke, kid: kid('log') })).toBe('admitted');
  });

  test('are changed by as many of the old ones as the threshold says, in one leaf', async () => {
    head = await world.log('root', 'log', 'policy', { ...link(), root: rootKeys(2, 'r1', 'r2', 'r3') });
    sequence += 1;
    const next = { ...link(), root: rootKeys(1, 'r4') };
    expect(await world.verdict('root', 'log', 'policy', next)).toBe('A05 kid');
    expect(await world.verdict('r1', 'log', 'policy', next)).toBe('A04 approvals');
    expect(await world.verdict('r1', 'log', 'policy', next, { approvals: ['r3'] })).toBe('admitted');
    expect(await world.verdict('r1', 'log', 'policy', next, { approvals: ['root'] })).toBe('A04 approvals');
    expect(await world.verdict('r1', 'log', 'policy', next, { approvals: ['r2', 'r3'] })).toBe('A04 approvals');
    expect(await world.verdict('r1', 'log', 'policy', next, { approvals: ['r2', 'log'] })).toBe('A04 approvals');
  });

  test('never become fewer than have to sign', async () => {
    const revoke = { ...link(), action: 'revoke' as const, kid: kid('root') };
    expect(await world.verdict('root', 'log', 'key-event', revoke)).toBe('A06 kid');
    const rotate = { ...add('root2', 'root'), action: 'rotate' as const, previousKid: kid('root') };
    expect(await world.verdict('root', 'log', 'key-event', rotate)).toBe('admitted');
    await grow(add('root2', 'root'));
    expect(await world.verdict('root', 'log', 'key-event', { ...revoke, ...link() })).toBe('admitted');
  });
});

describe('a namespace', () => {
  test('is not in the log until its membership is', async () => {
    expect(await world.verdict('acme-root', 'acme', 'build', build('1'))).toBe('A02 sub');
    await member(join('acme'));
    expect(await world.verdict('acme-root', 'acme', 'build', build('1'))).toBe('admitted');
    expect(await world.verdict('acme-root', 'acme', 'policy', { sequence: 1 })).toBe('admitted');
    expect(await world.verdict('root', 'acme', 'build', build('1'))).toBe('D15 kid');
    expect(await world.verdict('acme-root', 'log', 'build', build('1'))).toBe('D15 kid');
  });

  test('joins once, by the root keys of the log', async () => {
    await member(join('acme'));
    expect(await world.verdict('root', 'log', 'membership', join('acme'))).toBe('A07 namespace');
    expect(await world.verdict('root', 'log', 'membership', join('log'))).toBe('A07 namespace');
    expect(await world.verdict('admin', 'log', 'membership', join('b'))).toBe('A05 kid');
    const { prev: _, ...first } = { ...join('b'), sequence: 1 };
    expect(await world.verdict('acme-root', 'acme', 'membership', first)).toBe('A07 namespace');
  });

  test('leaves by its own word or the log’s, and is closed then, its entries still there to refer to', async () => {
    await member(join('acme'));
    await member(join('b'));
    const ref = await world.log('acme-root', 'acme', 'build', build('1'));
    const own = { sequence: 1, action: 'leave' as const, namespace: 'acme' };
    expect(await world.verdict('b-root', 'b', 'membership', own)).toBe('A07 namespace');
    await world.log('acme-root', 'acme', 'membership', own);
    await member(leave('b'));
    expect(await world.verdict('acme-root', 'acme', 'build', build('2'))).toBe('A02 sub');
    expect(await world.verdict('b-root', 'b', 'build', build('2'))).toBe('A02 sub');
    expect(await world.verdict('root', 'log', 'membership', leave('b'))).toBe('A07 namespace');
    expect(await world.verdict('root', 'log', 'membership', leave('log'))).toBe('A07 namespace');
    expect(await world.verdict('root', 'log', 'membership', join('acme'))).toBe('A07 namespace');
    const rebuild = { build: ref, result: 'match' as const };
    expect(await world.verdict('root', 'log', 'rebuild', rebuild, { issuer: 'Someone' })).toBe('admitted');
  });
});

describe('what the log says of itself', () => {
  test('heartbeats name the heads of the chains in one of its own trees', async () => {
    const size = world.size;
    const rootHash = world.roots.at(size);
    const headOf = { namespace: 'log', sequence, leafHash: head };
    const beat = (more: object) => ({ heartbeat: { size, rootHash, heads: [headOf], ...more } });
    expect(await world.verdict('log', 'log', 'log-event', beat({}))).toBe('admitted');
    expect(await world.verdict('log', 'log', 'log-event', beat({ size: size + 1 }))).toBe('A08 heartbeat.size');
    expect(await world.verdict('log', 'log', 'log-event', beat({ rootHash: hash(1) }))).toBe('A08 heartbeat.rootHash');
    const earlier = { namespace: 'log', sequence: 1, leafHash: portableHasher.leafHash(world.leaves[0]!) };
    expect(await world.verdict('log', 'log', 'log-event', beat({ heads: [earlier] }))).toBe('A08 heartbeat.heads[0]');
    const wrong = { ...headOf, leafHash: hash(2) };
    expect(await world.verdict('log', 'log', 'log-event', beat({ heads: [wrong] }))).toBe('A08 heartbeat.heads[0]');
    await grow(add('k', 'release'));
    expect(await world.verdict('log', 'log', 'log-event', beat({}))).toBe('admitted');
    const later = { ...headOf, sequence, leafHash: head };
    expect(await world.verdict('log', 'log', 'log-event', beat({ heads: [later] }))).toBe('A08 heartbeat.heads[0]');
  });

  test('its end is approved by the root keys, and nothing comes after', async () => {
    const end = { shutdown: { finalSize: world.size + 2 } };
    expect(await world.verdict('log', 'log', 'log-event', end)).toBe('A04 approvals');
    const options = { approvals: ['root'] };
    expect(await world.verdict('log', 'log', 'log-event', { shutdown: { finalSize: world.size } }, options)).toBe(
      'A09 shutdown.finalSize',
    );
    expect(await world.verdict('log', 'log', 'log-event', end, { approvals: ['admin', 'root'] })).toBe('A04 approvals');
    const incident = { incident: { incidentId: 'i', summary: 's' } };
    expect(await world.verdict('log', 'log', 'log-event', incident, options)).toBe('A04 approvals');
    await world.log('log', 'log', 'log-event', end, options);
    expect(await world.verdict('log', 'log', 'log-event', { shutdown: { finalSize: 99 } }, options)).toBe(
      'A09 shutdown',
    );
    await world.log('rel', 'log', 'build', build('1'));
    expect(await world.verdict('rel', 'log', 'build', build('22'))).toBe('A09 typ');
  });
});

test('fields that a policy requires are there', async () => {
  const require = [
    { type: 'build' as const, fields: ['source'] },
    { type: 'site' as const, fields: ['openedAt'] },
  ];
  head = await world.log('root', 'log', 'policy', { ...link(), require });
  sequence += 1;
  expect(await world.verdict('root', 'log', 'build', build('1'))).toBe('D03 source');
  const site = { ...link(), siteId: 'zrh', kinds: ['build'] as const, country: 'CH' };
  expect(await world.verdict('root', 'log', 'site', site)).toBe('A10 openedAt');
  expect(await world.verdict('root', 'log', 'site', { ...site, openedAt: T0 })).toBe('admitted');
});
