// Replay: whoever has the entries comes to the log's own state, and finds what should not be there.

import { describe, expect, test } from 'vitest';

import { toHex, utf8 } from '../../../src/bytes.ts';
import { portableCrypto } from '../../../src/crypto/index.ts';
import { portableHasher } from '../../../src/merkle/hash.ts';
import { ADMISSION_SPACE } from '../../../src/record/admission.ts';
import { replay } from '../../../src/record/admission/replay.ts';
import { AdmissionState, StateDigest, stateDigest } from '../../../src/record/admission/state.ts';
import { parseStatement } from '../../../src/record/statement.ts';
import type { FieldsOf } from '../../../src/record/types.ts';
import { KEY_SPACE } from '../../../src/storage.ts';
import { AdmissionWorld, genesis, publicKey, rootKeys, sign, T0 } from '../../support/admission-world.ts';

const verifyMany = portableCrypto.verifyMany.bind(portableCrypto);
const digestOf = (world: AdmissionWorld): string => toHex(stateDigest(world.state, portableHasher));

const build = (version: string, byte: number): FieldsOf<'build'> => ({
  product: 'av',
  version,
  channel: 'stable',
  platform: 'linux',
  artifacts: [{ digest: { sha256: new Uint8Array(32).fill(byte) } }],
});

/** A log with real signatures: genesis by two of two root keys, a key, a release. */
async function honestLog(): Promise<AdmissionWorld> {
  const world = new AdmissionWorld();
  const add = async (bytes: Promise<Uint8Array>): Promise<void> => {
    expect(world.append(await bytes)).toMatchObject({ admitted: true });
  };
  const two = { approvals: ['root2'] };
  const roles = [{ role: 'release', types: ['build'] as const }];
  await add(sign('root', 'log', 'policy', genesis({ roles }, rootKeys(2, 'root', 'root2')), two, true));
  const prev = portableHasher.leafHash(world.leaves[0]!);
  const event = { sequence: 2, prev, action: 'add' as const, ...publicKey('p256'), role: 'release' };
  await add(sign('root', 'log', 'key-event', event, two, true));
  await add(sign('p256', 'log', 'build', build('1', 1), {}, true));
  return world;
}

describe('a replay', () => {
  test('of an honest log finds nothing and comes to its root and its state', async () => {
    const world = await honestLog();
    const result = await replay(world.leaves, { verifyMany });
    expect(result.findings).toEqual([]);
    expect(result.size).toBe(3);
    expect(toHex(result.rootHash)).toBe(toHex(world.roots.at(3)));
    expect(toHex(result.digest)).toBe(digestOf(world));
  });

  test('finds every entry that should not be there, and goes on as if it were not', async () => {
    const world = await honestLog();
    const unsigned = await sign('p256', 'log', 'build', build('2', 2));
    const stranger = await sign('nobody', 'log', 'build', build('2', 2), {}, true);
    const noApproval = world.leaves[0]!;
    const later = await sign('p256', 'log', 'build', build('3', 3), {}, true);
    const entries = [...world.leaves, stranger, unsigned, utf8('no statement'), noApproval, later];
    const { findings, digest } = await replay(entries, { verifyMany });
    expect(findings).toMatchObject([
      { index: 3, kind: 'inadmissible', refusal: { rule: 'D15', field: 'kid' } },
      { index: 4, kind: 'invalid' },
      { index: 5, kind: 'invalid', code: 'malformed' },
      { index: 6, kind: 'repeated' },
    ]);
    const clean = await replay([...world.leaves, later]);
    expect(clean.findings).toEqual([]);
    // The same history, but for the index at which the last build stands.
    expect(toHex(clean.digest)).not.toBe(toHex(digest));
  });

  test('refuses an approval that was made for another record', async () => {
    const world = await honestLog();
    const prev = portableHasher.leafHash(world.leaves[1]!);
    const event = { sequence: 3, prev, action: 'add' as const, ...publicKey('k'), role: 'release' };
    const good = await sign('root', 'log', 'key-event', event, { approvals: ['root2'] }, true);
    expect((await replay([...world.leaves, good], { verifyMany })).findings).toEqual([]);
    const other = { ...event, validUntil: T0 + 1000 };
    const approvals = parseStatement(good).record.fields.approvals!;
    const moved = await sign('root', 'log', 'key-event', { ...other, approvals }, {}, true);
    expect((await replay([...world.leaves, moved], { verifyMany })).findings).toMatchObject([
      { index: 3, kind: 'invalid', code: 'bad-signature' },
    ]);
    const again = await sign('root', 'log', 'key-event', { ...event, approvals }, { iat: T0 + 1 }, true);
    expect((await replay([...world.leaves, again], { verifyMany })).findings).toMatchObject([
      { index: 3, kind: 'invalid', code: 'bad-signature' },
    ]);
  });
});

const pair = (key: string, value: string) => ({ key, value: utf8(value) });

describe('the digest of a state', () => {
  test('is that of its pairs in key order, whatever order they were written in', () => {
    const [a, b] = [new AdmissionState(), new AdmissionState()];
    a.apply([pair('x', '1'), pair('y', '2')]);
    b.apply([pair('y', '0'), pair('x', '1'), pair('z', '3'), pair('y', '2'), { key: 'z', value: null }]);
    expect(toHex(stateDigest(a, portableHasher))).toBe(toHex(stateDigest(b, portableHasher)));
    b.apply([pair('z', '')]);
    expect(toHex(stateDigest(a, portableHasher))).not.toBe(toHex(stateDigest(b, portableHasher)));
  });

  test('tells where a key ends and its value begins, and takes keys in order only', () => {
    const [a, b] = [new StateDigest(portableHasher), new StateDigest(portableHasher)];
    a.add('xy', utf8('z'));
    b.add('x', utf8('yz'));
    expect(toHex(a.digest)).not.toBe(toHex(b.digest));
    expect(() => a.add('xy', utf8(''))).toThrow(RangeError);
  });

  test('is over the key space that the store knows as admission’s', () => {
    expect(ADMISSION_SPACE).toBe(KEY_SPACE.admission);
  });
});
