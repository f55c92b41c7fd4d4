// Rules between the fields of the records that admission rests on: policies, key events, memberships, log events.

import { describe as group, expect, test } from 'vitest';
import { describe, recordFromJson, subjectOf } from '../../src/record/index.ts';
import {
  changed,
  expectRefused,
  expectTaken,
  full,
  KEY,
  KEY_TWO,
  plain,
  REF,
  type Draft,
  type Fields,
  type Key,
} from '../support/drafts.ts';
import { ORIGIN, VKEY } from '../support/records.ts';

const genesis = full('policy');
const withRoot = (keys: readonly Key[], threshold = 1): Draft => changed(genesis, { root: { threshold, keys } });
const withRoles = (...roles: readonly Fields[]): Draft => changed(genesis, { roles });
const withRequire = (...require: readonly Fields[]): Draft => changed(genesis, { require });
const chainHead = (namespace: string): Fields => ({ namespace, sequence: 1, leafHash: REF });
const heartbeat = (...namespaces: readonly string[]): Draft =>
  plain('log-event', { heartbeat: { size: 1, rootHash: REF, heads: namespaces.map(chainHead) } });

group('the admission chain', () => {
  test.each(['policy', 'key-event', 'site', 'membership'] as const)('links every %s but a first one', (type) => {
    const record = full(type);
    // Only a first policy says what the log is.
    const on = (change: Fields): Draft => changed(record, { ...(type === 'policy' && { log: undefined }), ...change });
    expectTaken(on({ sequence: 1, prev: undefined }));
    expectTaken(on({ sequence: 2, prev: REF }));
    expectRefused(on({ sequence: 1, prev: REF }), '', 'sequence 1 is the first entry of its chain', 'in schema');
    expectRefused(on({ sequence: 2, prev: undefined }), 'prev', 'sequence 2 follows another entry', 'in schema');
    expectRefused(on({ sequence: 0, prev: undefined }), 'sequence', '0 is not an integer from 1', 'in schema');
  });
});

group('a policy', () => {
  const log = { origin: ORIGIN, vkeys: [VKEY], statementKeys: [KEY] };

  test('that says what the log is states its rules and root keys, and is the first', () => {
    expectRefused(changed(genesis, { rules: undefined }), 'rules', 'is missing beside log', 'in schema');
    expectRefused(changed(genesis, { root: undefined }), 'root', 'is missing beside log', 'in schema');
    expectRefused(changed(genesis, { sequence: 2, prev: REF }), 'log', 'only its first policy', 'in schema');
    expectRefused(changed(genesis, { rules: 'v2' }), 'rules', '"v2" is not one of v1', 'in schema');
  });

  test('binds keys that are named by the origin', () => {
    const foreign = VKEY.replace(ORIGIN, 'other.example');
    expectRefused(
      changed(genesis, { log: { ...log, vkeys: [VKEY, foreign] } }),
      'log.vkeys[1]',
      '"other.example"',
      'beyond schema',
    );
    expectRefused(
      changed(genesis, { log: { ...log, channelHead: VKEY } }),
      'log.channelHead',
      `"${ORIGIN}/channel"`,
      'beyond schema',
    );
    expectRefused(
      changed(genesis, { log: { ...log, vkeys: [VKEY, VKEY] } }),
      'log.vkeys[1]',
      'stands there twice',
      'in schema',
    );
    expectRefused(changed(genesis, { log: { ...log, origin: 'a b' } }), 'log.origin', 'is no origin', 'in schema');
    for (const vkey of [
      'x',
      'a+b',
      `a b+530d903a+${'A'.repeat(43)}=`,
      `a+530d903+${'A'.repeat(43)}=`,
      'a+530d903a+*',
    ]) {
      expectRefused(changed(genesis, { log: { ...log, vkeys: [vkey] } }), 'log.vkeys[0]', 'is no vkey', 'in schema');
    }
  });

  test('takes only keys that are sound and that their ids belong to', () => {
    expectTaken(withRoot([KEY, KEY_TWO], 2));
    expectRefused(withRoot([{ kid: REF, key: KEY.key }]), 'root.keys[0].kid', 'not the thumbprint', 'beyond schema');
    expectRefused(withRoot([KEY, KEY]), 'root.keys[1]', 'stands there twice', 'in schema');
    expectRefused(withRoot([KEY], 2), 'root.threshold', '2 of 1 keys can never sign', 'beyond schema');
    expectRefused(withRoot([KEY], 0), 'root.threshold', '0 is not an integer from 1 to 64', 'in schema');
    const weak = `a30101200621582001${'00'.repeat(31)}`;
    expectRefused(withRoot([{ kid: REF, key: weak }]), 'root.keys[0].key', 'is no key', 'beyond schema');
    expectRefused(withRoot([{ kid: REF, key: 'a0' }]), 'root.keys[0].key', 'is no key', 'beyond schema');
    expectRefused(
      withRoot([{ kid: REF, key: '00'.repeat(129) }]),
      'root.keys[0].key',
      'is not 2 to 256 lower',
      'in schema',
    );
  });

  test('has each role once, never one that it cannot make, and never more signers than keys', () => {
    expectTaken(withRoles({ role: 'a', types: ['build'] }, { role: 'b', types: ['build', 'review'], threshold: 3 }));
    expectRefused(
      withRoles({ role: 'a', types: ['build'] }, { role: 'a', types: ['site'] }),
      'roles[1]',
      'twice',
      'beyond schema',
    );
    for (const role of ['root', 'log']) {
      expectRefused(withRoles({ role, types: ['build'] }), 'roles[0].role', 'that no policy makes', 'in schema');
    }
    for (const type of ['policy', 'membership', 'log-event', 'treaty']) {
      expectRefused(withRoles({ role: 'a', types: [type] }), 'roles[0].types[0]', 'is not one of', 'in schema');
    }
    expectRefused(
      withRoles({ role: 'a', types: ['build'], keys: [REF], threshold: 2 }),
      'roles[0].threshold',
      '2 of 1',
      'beyond schema',
    );
    expectRefused(
      withRoles({ role: 'a', types: ['build'], keys: [REF, REF] }),
      'roles[0].keys[1]',
      'twice',
      'in schema',
    );
    expectRefused(withRoles({ role: 'A', types: ['build'] }), 'roles[0].role', 'is not 1 to 63', 'in schema');
  });

  test('requires optional fields that the type has, each type once', () => {
    expectTaken(
      withRequire({ type: 'build', fields: ['source', 'reproducible'] }, { type: 'rebuild', fields: ['obtained'] }),
    );
    expectRefused(
      withRequire({ type: 'build', fields: ['sauce'] }),
      'require[0].fields[0]',
      '"sauce" is none of',
      'in schema',
    );
    expectRefused(
      withRequire({ type: 'build', fields: ['product'] }),
      'require[0].fields[0]',
      'none of the optional',
      'in schema',
    );
    expectRefused(
      withRequire({ type: 'build', fields: ['approvals'] }),
      'require[0].fields[0]',
      'none of the',
      'in schema',
    );
    expectRefused(withRequire({ type: 'site', fields: ['source'] }), 'require[0].fields[0]', 'of a site', 'in schema');
    expectRefused(
      withRequire({ type: 'build', fields: ['source', 'source'] }),
      'require[0].fields[1]',
      'twice',
      'in schema',
    );
    const build = { type: 'build', fields: ['source'] };
    expectRefused(withRequire(build, build), 'require[1]', 'stands there twice', 'beyond schema');
  });

  test('states a parameter when it states any', () => {
    expectRefused(changed(genesis, { parameters: {} }), 'parameters', 'states none of them', 'in schema');
    expectRefused(
      changed(genesis, { parameters: { rebuildDays: 0 } }),
      'parameters.rebuildDays',
      '0 is not',
      'in schema',
    );
    expectTaken(changed(genesis, { parameters: { removalPercent: 0 } }));
  });

  test('may say nothing but where it stands: then only root keys sign', () => {
    const nothing = plain('policy', { sequence: 1 });
    expectTaken(nothing);
    expect(describe(recordFromJson(nothing))).toBe('Policy (number 1 of its chain): only the root keys may sign.');
  });
});

group('a key event', () => {
  const add = { sequence: 1, action: 'add', ...KEY, role: 'release' };

  test('brings a key where one joins, and nothing about it where one leaves', () => {
    expectTaken(plain('key-event', add));
    expectTaken(plain('key-event', { ...add, action: 'rotate', previousKid: REF }));
    for (const action of ['revoke', 'compromised']) expectTaken(plain('key-event', { sequence: 1, action, kid: REF }));
    for (const field of ['key', 'role'] as const) {
      expectRefused(plain('key-event', { ...add, [field]: undefined }), field, 'is missing: add', 'in schema');
    }
    const joining = { key: KEY.key, role: 'a', site: 'a', validFrom: '2026-01-01T00:00:00Z', previousKid: REF };
    for (const [field, value] of Object.entries(joining)) {
      const leaves = { sequence: 1, action: 'revoke', kid: KEY.kid, [field]: value };
      expectRefused(plain('key-event', leaves), field, 'is not said of a key that leaves (revoke)', 'in schema');
    }
  });

  test('has the key whose place is taken with rotate, and only then; never the key itself', () => {
    expectRefused(plain('key-event', { ...add, previousKid: REF }), 'previousKid', 'with rotate', 'in schema');
    expectRefused(plain('key-event', { ...add, action: 'rotate' }), 'previousKid', 'with rotate', 'in schema');
    const itself = { ...add, action: 'rotate', previousKid: KEY.kid };
    expectRefused(plain('key-event', itself), 'previousKid', 'is the key itself', 'beyond schema');
  });

  test('has an id that belongs to the key, and times in order', () => {
    expectRefused(plain('key-event', { ...add, kid: REF }), 'kid', 'is not the thumbprint', 'beyond schema');
    const times = { validFrom: '2026-01-02T00:00:00Z', validUntil: '2026-01-01T00:00:00Z' };
    expectRefused(plain('key-event', { ...add, ...times }), 'validUntil', 'is before validFrom', 'beyond schema');
    expectTaken(plain('key-event', { ...add, ...times, validUntil: times.validFrom }));
  });

  test('says since when with compromised only', () => {
    const since = { sequence: 1, kid: REF, compromisedSince: '2026-01-01T00:00:00Z' };
    expectTaken(plain('key-event', { ...since, action: 'compromised' }));
    expectRefused(
      plain('key-event', { ...since, action: 'revoke' }),
      'compromisedSince',
      'compromised only',
      'in schema',
    );
    expectRefused(
      plain('key-event', { ...add, compromisedSince: since.compromisedSince }),
      'compromisedSince',
      'only',
      'in schema',
    );
  });
});

group('a membership', () => {
  const admit = { sequence: 1, action: 'admit', namespace: 'b', vendor: 'B', root: { threshold: 1, keys: [KEY] } };

  test('names vendor and root keys where one joins, and nothing where one leaves', () => {
    expectTaken(plain('membership', admit));
    expectTaken(plain('membership', { sequence: 1, action: 'leave', namespace: 'b' }));
    for (const field of ['vendor', 'root'] as const) {
      expectRefused(plain('membership', { ...admit, [field]: undefined }), field, 'is missing', 'in schema');
    }
    for (const field of ['vendor', 'root'] as const) {
      const leave = { sequence: 1, action: 'leave', namespace: 'b', [field]: admit[field] };
      expectRefused(plain('membership', leave), field, 'of a namespace that leaves', 'in schema');
    }
    expectRefused(plain('membership', { ...admit, namespace: 'B' }), 'namespace', 'is not 1 to 63', 'in schema');
  });
});

group('a log event', () => {
  test('is exactly one thing', () => {
    expectRefused(plain('log-event', {}), '', 'here it says none', 'in schema');
    const two = { shutdown: { finalSize: 1 }, keyRotation: { vkeys: [VKEY] } };
    expectRefused(plain('log-event', two), '', 'here it says keyRotation and shutdown', 'in schema');
  });

  test('names chain heads by namespace, ascending, so that they have one form', () => {
    expectTaken(heartbeat('a', 'a-b', 'b'));
    const words = 'does not follow the namespace before it';
    expectRefused(heartbeat('b', 'a'), 'heartbeat.heads[1].namespace', words, 'beyond schema');
    expectRefused(heartbeat('a', 'a'), 'heartbeat.heads[1].namespace', words, 'beyond schema');
    expectTaken(heartbeat(...Array.from({ length: 256 }, (_, i) => `n${String(i).padStart(3, '0')}`)));
  });

  test('of any kind has a subject and a sentence', () => {
    const said = [
      { heartbeat: { size: 4096, rootHash: REF, heads: [chainHead('a'), chainHead('b')] } },
      { keyRotation: { vkeys: [VKEY] } },
      { shutdown: { finalSize: 1000, successor: { origin: 'b/2', vkeys: [VKEY] } } },
      { shutdown: { finalSize: 1000 } },
      { successorOf: { origin: 'a/1', size: 1000, rootHash: REF, checkpointDigest: { sha256: REF } } },
      { incident: { incidentId: 'I/1', summary: 'a clock was wrong', from: '2026-01-01T00:00:00Z' } },
    ].map((fields) => recordFromJson(plain('log-event', fields)));
    expect(said.map(subjectOf)).toEqual([
      'vendor/log-event/heartbeat/4096',
      'vendor/log-event/key-rotation',
      'vendor/log-event/shutdown',
      'vendor/log-event/shutdown',
      'vendor/log-event/successor-of/a%2F1',
      'vendor/log-event/incident/I%2F1',
    ]);
    expect(said.map(describe)).toEqual([
      'Heartbeat at size 4,096: the heads of 2 admission chains.',
      'The log signs with 1 key from here on: log.example/2026+530d903a.',
      'The log ends with 1,000 entries; b/2 follows it.',
      'The log ends with 1,000 entries.',
      'The log follows a/1, which ended with 1,000 entries.',
      'Incident I/1 from 2026-01-01: a clock was wrong.',
    ]);
  });
});
