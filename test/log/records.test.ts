import { describe, expect, it } from 'vitest';
import { nodeCrypto } from '../../src/adapters/node-crypto.ts';
import { toHex, utf8 } from '../../src/bytes.ts';
import { CommittedState } from '../../src/log/committed-state.ts';
import { Quotas } from '../../src/log/quota.ts';
import { validate } from '../../src/log/validate.ts';
import { portableHasher } from '../../src/merkle/hash.ts';
import { createStatement, parseStatement, statementSigner } from '../../src/record/statement.ts';
import { memoryStorage } from '../../src/adapters/memory.ts';
import { checkLog } from '../support/check-log.ts';
import { firstStatements, genesisOptions } from '../support/admitted-log.ts';
import { T0 } from '../support/admission-world.ts';
import { build, openRecordsLog, words } from '../support/records-log.ts';

const POLICY = {
  roles: [{ role: 'submitter', types: ['build'], products: ['scanner'], issuers: ['acme.example'] }],
} as const;

/** A log whose submitter signs builds of one product, in one issuer's name. */
async function openStrictLog() {
  const first = await firstStatements(genesisOptions({ policy: POLICY }), T0);
  return openRecordsLog({ first, refreshIntervalMillis: 86_400_000 });
}

/** The statement with its last signature byte changed. */
function damagedSignature(statement: Uint8Array): Uint8Array {
  return statement.with(statement.length - 1, statement.at(-1)! ^ 1);
}

describe('a log that takes records', () => {
  it('takes what the policy permits, from Ed25519 and P-256 keys', async () => {
    const { log, clock, first, chain } = await openStrictLog();
    const statements = [await chain.addKey('p256'), await build('1.0'), await build('1.1', { by: 'p256' })];
    expect(words(await log.append(statements))).toEqual([2, 3, 4]);
    await clock.advance(1000);
    await checkLog(log, [...first, ...statements]);
  });

  it.each([
    ['unknown-key', () => build('2', { by: 'stranger' })],
    ['not-admitted', () => build('2', { product: 'other' })],
    ['not-admitted', () => build('2', { issuer: 'other.example' })],
    ['not-admitted', () => build('2', { namespace: 'elsewhere' })],
    ['iat-out-of-window', () => build('2', { iatSeconds: T0 - 86_401 })],
    ['iat-out-of-window', () => build('2', { iatSeconds: T0 + 86_401 })],
    ['malformed', () => Promise.resolve(utf8('no statement'))],
    ['malformed', () => Promise.resolve(new Uint8Array(0))],
    ['entry-too-large', () => Promise.resolve(new Uint8Array(65_536))],
    ['bad-signature', async () => damagedSignature(await build('2'))],
  ] as const)('refuses with %s and leaves the others in (%#)', async (code, make) => {
    const { log } = await openStrictLog();
    expect(words(await log.append([await make(), await build('1')]))).toEqual([code, 2]);
    expect(log.counters.refusedByCode.get(code)).toBe(1);
  });

  it('says of a refusal the rule, the field, what was found and what would be accepted', async () => {
    const { log } = await openStrictLog();
    const [other, stranger] = await log.append([
      await build('2', { product: 'other' }),
      await build('2', { by: 'stranger' }),
    ]);
    expect(other).toMatchObject({
      error: {
        code: 'not-admitted',
        details: { rule: 'D15', field: 'product', found: expect.stringContaining('other') },
      },
    });
    expect(stranger).toMatchObject({
      error: {
        code: 'unknown-key',
        details: { rule: 'D15', field: 'kid', command: expect.stringContaining('limmat submitter add') },
      },
    });
  });

  it('answers the first index for the same leaf even when a rule would refuse it today', async () => {
    const { log, clock, chain } = await openStrictLog();
    const statement = await build('1');
    expect(words(await log.append([statement]))).toEqual([2]);
    await log.append([await chain.revoke('submitter')]);
    expect(await log.append([statement])).toMatchObject([{ ok: true, index: 2, duplicate: true }]);
    expect(words(await log.append([await build('2')]))).toEqual(['not-admitted']);
    await clock.advance(3 * 86_400_000);
    expect(await log.append([statement])).toMatchObject([{ ok: true, index: 2, duplicate: true }]);
  });

  it('refuses a second signature over a statement, in one batch and later, with the first index', async () => {
    const { log, chain } = await openStrictLog();
    await log.append([await chain.addKey('p256')]);
    // P-256 signatures of OpenSSL are randomised: the same statement signed twice is two leaves.
    const randomised = statementSigner(portableHasher.sha256(utf8('p256')), -9, nodeCrypto);
    const { record } = parseStatement(await build('1'));
    const again = (): Promise<Uint8Array> =>
      createStatement({ ...record, issuer: 'acme.example', iatSeconds: T0 }, randomised);
    const [first, second, third] = [await again(), await again(), await again()];
    expect(toHex(first)).not.toBe(toHex(second));
    expect(await log.append([first, second])).toMatchObject([
      { ok: true, index: 3 },
      { ok: false, error: { code: 'already-logged', details: { index: 3 } } },
    ]);
    expect(await log.append([third])).toMatchObject([
      { ok: false, error: { code: 'already-logged', details: { index: 3 } } },
    ]);
  });

  it('asks at its place again whether a key is in force that was so when the signature was verified', async () => {
    // The key is revoked between validation, which sees it alive, and sequencing.
    let meanwhile: (() => Promise<unknown>) | undefined;
    const crypto = {
      ...nodeCrypto,
      verifyMany: async (jobs: Parameters<typeof nodeCrypto.verifyMany>[0]) => {
        const verdicts = await nodeCrypto.verifyMany(jobs);
        const before = meanwhile;
        meanwhile = undefined;
        await before?.();
        return verdicts;
      },
    };
    const { log, chain } = await openRecordsLog({ crypto });
    const revoke = await chain.revoke('submitter');
    meanwhile = () => log.append([revoke]);
    const results = await log.append([await build('1')]);
    expect(results).toMatchObject([{ error: { code: 'not-admitted', details: { rule: 'D16', field: 'kid' } } }]);
    expect(log.status().head.size).toBe(3);
  });
});

it('every truncation and every changed byte of a statement is refused, and never crashes', async () => {
  const { log, medium } = await openStrictLog();
  await log.close();
  const storage = memoryStorage({ medium });
  const context = {
    hasher: portableHasher,
    crypto: nodeCrypto,
    committed: new CommittedState(() => storage),
    quotas: new Quotas({}),
    nowSeconds: T0,
    monotonicMillis: 0,
    iatWindowSeconds: 86_400,
  };
  const statement = await build('1');
  const broken: Uint8Array[] = [];
  for (let i = 0; i < statement.length; i++) {
    broken.push(statement.slice(0, i));
    for (const flip of [0x01, 0x80, 0xff]) broken.push(statement.with(i, statement[i]! ^ flip));
  }
  let unverified = 0;
  for (const [i, outcome] of (await validate(broken, context)).entries()) {
    if ('code' in outcome) expect(outcome.code, `variant ${i}`).not.toBe('internal');
    else {
      // Its key or namespace is unknown here: the signature is verified only if the rules let it in.
      expect(outcome.record, `variant ${i}`).toMatchObject({ isVerified: false });
      unverified++;
    }
  }
  expect(unverified).toBeLessThan(200);
  // Each of them in a log: none gets in, and what is right does.
  const test = await openStrictLog();
  const results = await test.log.append([...broken, statement]);
  expect(results.flatMap((result) => (result.ok ? [result.index] : []))).toEqual([2]);
  expect(test.log.counters.refusedByCode.get('internal')).toBeUndefined();
});
