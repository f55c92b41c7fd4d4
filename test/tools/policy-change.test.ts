// What `limmat submitter` and `limmat namespace` compose, judged by admission itself.

import { readFileSync } from 'node:fs';

import * as v from 'valibot';
import { describe, expect, test } from 'vitest';

import { namespaceJson } from '../../src/adapters/http/namespaces-app.ts';
import { toHex } from '../../src/bytes.ts';
import { SUBMITTED_TYPES } from '../../src/node/genesis.ts';
import { namespaceInForce } from '../../src/record/admission/in-force.ts';
import { parseStatement, recordFromJson } from '../../src/record/index.ts';
import type { FieldsOf, LimmatRecord } from '../../src/record/index.ts';
import { NAMESPACE } from '../../tools/support/admission-desk.ts';
import type { NamespaceJson } from '../../tools/support/admission-desk.ts';
import { signLink, writeForOthers } from '../../tools/support/admission-sign.ts';
import {
  admission,
  grantChange,
  leaving,
  linkAfter,
  nextPolicy,
  policyInForce,
  revocation,
} from '../../tools/support/policy-change.ts';
import type { Grant } from '../../tools/support/policy-change.ts';
import { kid, publicKey, signer } from '../support/admission-world.ts';
import { workbench } from './workbench.ts';
import { AdmittedLog, genesisOptions, signed } from '../support/admitted-log.ts';

const T = 1_800_000_000;

function publicKeyJson(name: string): object {
  const { kid: id, key } = publicKey(name);
  return { kid: toHex(id), key: toHex(key) };
}

const inForce = async (log: AdmittedLog, name = 'acme'): Promise<NamespaceJson> =>
  v.parse(
    NAMESPACE,
    JSON.parse(JSON.stringify(namespaceJson((await namespaceInForce(log.admissionState.bind(log), name))!))),
  );

function policyOf(log: AdmittedLog, { policy }: NamespaceJson): FieldsOf<'policy'> | undefined {
  const record = policy && parseStatement(log.leaves[policy.index]!).record;
  return record?.type === 'policy' ? record.fields : undefined;
}

const grant = (name: string, more: Partial<Grant> = {}): Grant => ({
  key: signer(name).key,
  role: undefined,
  types: SUBMITTED_TYPES,
  issuer: 'acme.example',
  products: undefined,
  ...more,
});

/** Logs the change that lets the key in, signed by these root keys; the types of the entries that it took. */
async function allow(log: AdmittedLog, wanted: Grant, name = 'acme', roots = ['root']): Promise<string[]> {
  const found = await inForce(log, name);
  const change = grantChange(found, policyOf(log, found), wanted);
  if (change === undefined) return [];
  const signers = roots.map(signer);
  const first = change.policy ?? change.keyEvent(found.chain);
  const links = [await signLink(first, signers, name)];
  if (change.policy !== undefined) {
    const prev = { sequence: linkAfter(found.chain).sequence, leafHash: links[0]!.leafHash };
    links.push(await signLink(change.keyEvent(prev), signers, name));
  }
  for (const result of await log.append(links.map(({ bytes }) => bytes))) if (!result.ok) throw result.error;
  return links.map(({ bytes }) => parseStatement(bytes).type);
}

async function take(log: AdmittedLog, record: LimmatRecord, ...roots: string[]): Promise<void> {
  const { bytes } = await signLink(record, roots.map(signer), record.namespace);
  for (const result of await log.append([bytes])) if (!result.ok) throw result.error;
}

const build = (version: string, product = 'Shield', namespace = 'acme'): LimmatRecord => ({
  type: 'build',
  namespace,
  fields: {
    product,
    version,
    channel: 'stable',
    platform: 'any',
    artifacts: [{ name: 'a', digest: { sha256: kid(version) } }],
  },
});

async function may(log: AdmittedLog, name: string, record: LimmatRecord, issuer?: string): Promise<boolean> {
  const [result] = await log.append([await signed(record, name, T, issuer)]);
  return result!.ok;
}

describe('a key that is let in', () => {
  test('joins the role that allows just this, in one entry', async () => {
    const log = await AdmittedLog.open();
    expect(await allow(log, grant('second', { types: [...SUBMITTED_TYPES].toReversed() }))).toEqual(['key-event']);
    expect(await may(log, 'second', build('1'))).toBe(true);
    expect(await allow(log, grant('second'))).toEqual([]);
  });

  test('gets a role of its own where none allows just this, and nobody loses one by it', async () => {
    const policy = {
      roles: [
        { role: 'release', types: ['build'], threshold: 1 },
        { role: 'office', types: ['site'] },
      ],
      require: [{ type: 'rebuild', fields: ['source'] }],
      parameters: { deltaLimit: 3, rebuildDays: 30 },
    } as const;
    const log = await AdmittedLog.open(genesisOptions({ policy }));
    const narrow = grant('second', { types: ['build'], products: ['Shield'] });
    expect(await allow(log, narrow)).toEqual(['policy', 'key-event']);
    expect(await may(log, 'second', build('1'))).toBe(true);
    expect(await may(log, 'second', build('2', 'Other'))).toBe(false);
    expect(await may(log, 'second', build('2'), 'somebody')).toBe(false);
    expect(await may(log, 'submitter', build('3', 'Other'))).toBe(true);
    // A third one with the same scope joins the second one's role, one with another gets the next.
    expect(await allow(log, { ...narrow, key: signer('third').key })).toEqual(['key-event']);
    expect(await allow(log, grant('fourth', { types: ['commitment'] }))).toEqual(['policy', 'key-event']);
    const found = await inForce(log);
    expect(found.roles.map(({ role, keys }) => [role, keys.length])).toEqual([
      ['release', 1],
      ['office', 0],
      ['submitter', 2],
      ['submitter-2', 1],
    ]);
    expect(policyOf(log, found)).toMatchObject({ require: policy.require, parameters: policy.parameters });
    for (const [i, name] of ['submitter', 'second', 'third'].entries()) {
      expect(await may(log, name, build(`4.${i}`)), name).toBe(true);
    }
  });

  test('joins the role that is named, and no role that is not there', async () => {
    const log = await AdmittedLog.open();
    expect(await allow(log, grant('second', { role: 'submitter' }))).toEqual(['key-event']);
    await expect(allow(log, grant('third', { role: 'office' }))).rejects.toMatchObject({
      code: 'usage',
      message: 'the policy of acme has no role "office"; it has submitter',
    });
  });

  test('is not one that was revoked: that one stays dead', async () => {
    const log = await AdmittedLog.open();
    await allow(log, grant('second'));
    await take(log, revocation(await inForce(log), toHex(kid('second'))), 'root');
    expect(await may(log, 'second', build('1'))).toBe(false);
    await expect(allow(log, grant('second'))).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringMatching(/^key [0-9a-f]{64} is dead in acme since entry 3, and stays so/),
    });
  });

  test('gets no new role while a role has fewer keys than have to sign: no policy can say that again', async () => {
    const policy = { roles: [{ role: 'release', types: ['build'], threshold: 2 }] } as const;
    const log = await AdmittedLog.open(genesisOptions({ policy }));
    await expect(allow(log, grant('second'))).rejects.toMatchObject({ code: 'usage' });
    expect(await allow(log, grant('second', { role: 'release' }))).toEqual(['key-event']);
    expect(await allow(log, grant('third'))).toEqual(['policy', 'key-event']);
  });
});

describe('a namespace', () => {
  test('joins with root keys of its own, that decide in it alone, k of n together, and leaves by its own word', async () => {
    const log = await AdmittedLog.open();
    const root = ['zeta-1', 'zeta-2', 'zeta-3'].map((name) => signer(name).key);
    await take(
      log,
      admission(await inForce(log), { namespace: 'zeta', vendor: 'Zeta AG', root, threshold: 2 }),
      'root',
    );
    const zeta = build('1', 'Shield', 'zeta');
    await expect(allow(log, grant('second'), 'zeta', ['root'])).rejects.toThrow();
    await expect(allow(log, grant('second'), 'zeta', ['zeta-1'])).rejects.toThrow();
    expect(await allow(log, grant('second'), 'zeta', ['zeta-1', 'zeta-3'])).toEqual(['policy', 'key-event']);
    expect(await may(log, 'second', zeta)).toBe(true);
    expect(await may(log, 'second', build('1'))).toBe(false);
    await take(log, leaving(await inForce(log, 'zeta'), 'zeta'), 'zeta-2', 'zeta-3');
    expect(await inForce(log, 'zeta')).toMatchObject({ leftAt: 6 });
    expect(await may(log, 'second', build('2', 'Shield', 'zeta'))).toBe(false);
  });
});

test('what too few root keys cannot sign is written for the others: they approve that record, and it is admitted', async () => {
  const log = await AdmittedLog.open();
  const before = await inForce(log);
  const root = { threshold: 2, keys: ['root', 'other'].map((name) => publicKeyJson(name)) };
  await take(log, nextPolicy(before, { ...policyInForce(before, policyOf(log, before)), root }), 'root');
  const found = await inForce(log);
  const change = grantChange(found, policyOf(log, found), grant('second'))!;
  const { file, lines } = writeForOthers(change.keyEvent(found.chain), found, [signer('root')], 'acme', workbench());
  expect(lines.join('\n')).toMatch(
    / sign key-event --fields \S+acme-key-event-4\.json .*--issuer acme --signer [0-9a-f]{64} --signed-at \S+Z .*--approve --out 1\.approval\n/,
  );
  expect(lines.join('\n')).toContain(` --signer ${toHex(kid('root'))} `);
  const fields: unknown = JSON.parse(readFileSync(file, 'utf8'));
  const record = recordFromJson({ type: 'key-event', namespace: 'acme', fields });
  await expect(take(log, record, 'root')).rejects.toThrow('A04');
  await take(log, record, 'other', 'root');
  expect(await may(log, 'second', build('1'))).toBe(true);
});

describe('a policy', () => {
  test('that is printed and logged again changes nothing, and a role without keys keeps its own', async () => {
    const parameters = { deltaLimit: 3 };
    const policy = { roles: [{ role: 'release', types: ['build'] }], parameters } as const;
    const log = await AdmittedLog.open(genesisOptions({ policy }));
    const before = await inForce(log);
    const printed = policyInForce(before, policyOf(log, before));
    expect(printed).toEqual({
      roles: [{ role: 'release', types: ['build'], keys: [toHex(kid('submitter'))] }],
      parameters,
    });
    await take(log, nextPolicy(before, printed), 'root');
    const after = await inForce(log);
    expect(policyInForce(after, policyOf(log, after))).toEqual(printed);
    const wider = {
      roles: [
        { role: 'release', types: ['build', 'commitment'] },
        { role: 'office', types: ['site'] },
      ],
    };
    await take(log, nextPolicy(after, wider), 'root');
    expect((await inForce(log)).roles.map(({ role, keys }) => [role, keys.length])).toEqual([
      ['release', 1],
      ['office', 0],
    ]);
    expect(await may(log, 'submitter', build('1'))).toBe(true);
    expect(() => nextPolicy(after, { ...wider, sequence: 9 })).toThrow('leave it out');
  });
});
