import { describe, expect, it } from 'vitest';
import { nodeCrypto } from '../../src/adapters/node-crypto.ts';
import { toHex, utf8 } from '../../src/bytes.ts';
import { validate } from '../../src/log/validate.ts';
import { portableHasher } from '../../src/merkle/hash.ts';
import { createStatement, statementSigner } from '../../src/record/statement.ts';
import type { StatementSigner } from '../../src/record/statement.ts';
import { submitterList } from '../../src/record/submitters.ts';
import type { Submitter, SubmitterList } from '../../src/record/submitters.ts';
import { checkLog } from '../support/check-log.ts';
import { TestClock, fixedSeed, openTestLog } from '../support/test-log.ts';

const vendor = statementSigner(fixedSeed(7), -19, nodeCrypto);
const p256 = statementSigner(fixedSeed(8), -9, nodeCrypto);
const stranger = statementSigner(fixedSeed(9), -19, nodeCrypto);
const nowSeconds = Math.floor(new TestClock().wallMillis / 1000);

function submitter(signer: StatementSigner, overrides: Partial<Submitter> = {}): Submitter {
  const scope = { types: ['build'], namespaces: ['vendor'], products: ['scanner'] };
  return { kid: toHex(signer.kid), name: 'vendor.example', key: signer.key, addedAt: 0, ...scope, ...overrides };
}

function build(
  signer: StatementSigner,
  overrides: { version?: string; product?: string; namespace?: string; iatSeconds?: number } = {},
): Promise<Uint8Array> {
  const { version = '1.0', product = 'scanner', namespace = 'vendor', iatSeconds = nowSeconds } = overrides;
  const artifacts = [{ name: 'scanner.tar', digest: { sha256: fixedSeed(3) } }];
  const fields = { product, version, channel: 'stable', platform: 'linux-x64', artifacts };
  return createStatement({ type: 'build', namespace, issuer: 'vendor.example', iatSeconds, fields }, signer);
}

/** The statement with its last signature byte changed. */
function damagedSignature(statement: Uint8Array): Uint8Array {
  return statement.with(statement.length - 1, statement.at(-1)! ^ 1);
}

const list = submitterList([submitter(vendor), submitter(p256)]);

describe('a log that takes records', () => {
  it('takes what the list permits, from Ed25519 and P-256 keys', async () => {
    const { log, clock } = await openTestLog({ submitters: () => list });
    const statements = [await build(vendor), await build(p256, { version: '1.1' })];
    expect(await log.append(statements)).toMatchObject([{ index: 0 }, { index: 1 }]);
    await clock.advance(1000);
    await checkLog(log, statements);
  });

  it.each([
    ['unknown-key', () => build(stranger)],
    ['not-permitted', () => build(vendor, { product: 'other' })],
    ['not-permitted', () => build(vendor, { namespace: 'elsewhere' })],
    ['iat-out-of-window', () => build(vendor, { iatSeconds: nowSeconds - 86_401 })],
    ['iat-out-of-window', () => build(vendor, { iatSeconds: nowSeconds + 86_401 })],
    ['malformed', () => Promise.resolve(utf8('no statement'))],
    ['malformed', () => Promise.resolve(new Uint8Array(0))],
    ['entry-too-large', () => Promise.resolve(new Uint8Array(65_536))],
    ['bad-signature', async () => damagedSignature(await build(vendor))],
  ] as const)('refuses with %s and leaves the others in (%#)', async (code, make) => {
    const { log } = await openTestLog({ submitters: () => list });
    const results = await log.append([await make(), await build(vendor)]);
    expect(results).toMatchObject([
      { ok: false, error: { code } },
      { ok: true, index: 0 },
    ]);
    expect(log.counters.refusedByCode.get(code)).toBe(1);
  });

  it('answers the first index for the same leaf even when a rule would refuse it today', async () => {
    let current: SubmitterList = list;
    const { log, clock } = await openTestLog({ submitters: () => current });
    const statement = await build(vendor);
    await log.append([statement]);
    await clock.advance(3 * 86_400_000);
    expect(await log.append([statement])).toMatchObject([{ ok: true, index: 0, duplicate: true }]);
    current = submitterList([]);
    expect(await log.append([statement])).toMatchObject([{ ok: true, index: 0, duplicate: true }]);
  });

  it('refuses a second signature over a statement, in one batch and later, with the first index', async () => {
    const { log } = await openTestLog({ submitters: () => list });
    // P-256 signatures of OpenSSL are randomised: the same statement signed twice is two leaves.
    const [first, second, third] = [await build(p256), await build(p256), await build(p256)];
    expect(toHex(first)).not.toBe(toHex(second));
    expect(await log.append([first, second])).toMatchObject([
      { ok: true, index: 0 },
      { ok: false, error: { code: 'already-logged', details: { index: 0 } } },
    ]);
    expect(await log.append([third])).toMatchObject([
      { ok: false, error: { code: 'already-logged', details: { index: 0 } } },
    ]);
  });

  it('checks again under the list in force when the entry gets its place', async () => {
    let current: SubmitterList = list;
    // The list changes between validation, which sees the full one, and sequencing.
    const crypto = {
      ...nodeCrypto,
      verifyMany: async (jobs: Parameters<typeof nodeCrypto.verifyMany>[0]) => {
        const verdicts = await nodeCrypto.verifyMany(jobs);
        current = submitterList([submitter(p256)]);
        return verdicts;
      },
    };
    const { log } = await openTestLog({ submitters: () => current, crypto });
    expect(await log.append([await build(vendor)])).toMatchObject([{ ok: false, error: { code: 'unknown-key' } }]);
    expect(log.status().head.size).toBe(0);
  });
});

it('every truncation and every changed byte of a statement is refused, and never crashes', async () => {
  const statement = await build(vendor);
  const context = {
    hasher: portableHasher,
    crypto: nodeCrypto,
    submitters: list,
    nowSeconds,
    iatWindowSeconds: 86_400,
  };
  const broken: Uint8Array[] = [];
  for (let i = 0; i < statement.length; i++) {
    broken.push(statement.slice(0, i));
    for (const flip of [0x01, 0x80, 0xff]) broken.push(statement.with(i, statement[i]! ^ flip));
  }
  const outcomes = await validate(broken, context);
  for (const [i, outcome] of outcomes.entries()) {
    expect(outcome, `variant ${i}`).toHaveProperty('code');
    if ('code' in outcome) expect(outcome.code).not.toBe('internal');
  }
});
