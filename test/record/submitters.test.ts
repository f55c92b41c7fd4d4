import { describe, expect, it } from 'vitest';
import { toHex } from '../../src/bytes.ts';
import { coseKey, thumbprintHex } from '../../src/cose/key.ts';
import { portableCrypto } from '../../src/crypto/index.ts';
import { createStatement, parseStatement, type Statement } from '../../src/record/statement.ts';
import {
  addSubmitter,
  formatSubmitters,
  parseSubmitters,
  permits,
  removeSubmitter,
  signatureJob,
  submitterList,
  type Submitter,
} from '../../src/record/submitters.ts';
import { FULL_RECORDS, P256_SIGNER, SIGNER } from '../support/records.ts';

const HEAD = { issuer: 'vendor.example', iatSeconds: 1_783_765_031 } as const;

const ONE: Submitter = {
  kid: toHex(SIGNER.kid),
  name: 'vendor.example',
  key: SIGNER.key,
  types: ['build', 'relocation'],
  namespaces: ['vendor'],
  products: ['endpoint-security'],
  addedAt: 1_783_765_031,
};
const TWO: Submitter = { ...ONE, kid: toHex(P256_SIGNER.kid), key: P256_SIGNER.key, types: ['*'], products: ['*'] };
const LIST = submitterList([ONE, TWO]);

async function statement(index: number, signer = SIGNER, issuer: string = HEAD.issuer): Promise<Statement> {
  return parseStatement(await createStatement({ ...FULL_RECORDS[index]!, ...HEAD, issuer }, signer));
}

describe('a submitter list', () => {
  it('is written and read both ways, byte for byte', () => {
    const text = formatSubmitters(LIST);
    expect(parseSubmitters(text)).toEqual(LIST);
    expect(formatSubmitters(parseSubmitters(text))).toBe(text);
    expect(JSON.parse(text)).toMatchObject({
      format: 'limmat-submitters/v1',
      submitters: [
        { kid: ONE.kid, key: expect.stringMatching(/^a301012006215820/), addedAt: '2026-07-11T10:17:11Z' },
        {},
      ],
    });
    expect(parseSubmitters(formatSubmitters(submitterList([]))).submitters).toEqual([]);
  });

  it('gains, changes and loses submitters', () => {
    const one = addSubmitter(submitterList([]), ONE);
    expect(addSubmitter(one, TWO)).toEqual(LIST);
    const changed = addSubmitter(LIST, { ...ONE, types: ['*'] });
    expect(changed.submitters.map(({ types }) => types)).toEqual([['*'], ['*']]);
    expect(removeSubmitter(LIST, TWO.kid)).toEqual(one);
    expect(() => removeSubmitter(one, TWO.kid)).toThrow(expect.objectContaining({ code: 'not-found' }));
  });

  it.each([
    ['no JSON', '{', 'bad-config'],
    ['another format', '{"format":"x","submitters":[]}', 'bad-config'],
    ['a member too many', '{"format":"limmat-submitters/v1","submitters":[],"x":1}', 'bad-config'],
    ['a row without a name', formatSubmitters(LIST).replace(/"name": "vendor.example",/, ''), 'bad-config'],
    ['a row with an empty list', formatSubmitters(LIST).replace(/"build",\s+"relocation"/, ''), 'bad-config'],
    ['an unknown type', formatSubmitters(LIST).replace('"build"', '"bild"'), 'bad-config'],
    ['a key that is none', formatSubmitters(LIST).replace('a301012006215820', 'a301012006215821'), 'bad-config'],
    ['a key with another id', formatSubmitters(LIST).replace(ONE.kid, '00'.repeat(32)), 'bad-config'],
    ['a key in capitals', formatSubmitters(LIST).replace(ONE.kid, ONE.kid.toUpperCase()), 'bad-config'],
  ])('is refused with %s', (_desc, text, code) => {
    expect(() => parseSubmitters(text)).toThrow(expect.objectContaining({ code }));
  });

  it('has each key once, and no weak one', () => {
    expect(() => submitterList([ONE, ONE])).toThrow(`key ${ONE.kid} is listed twice`);
    const identity = new Uint8Array(32);
    identity[0] = 1;
    const key = coseKey(-19, identity);
    expect(() => submitterList([{ ...ONE, key, kid: thumbprintHex(key) }])).toThrow(
      expect.objectContaining({ code: 'bad-key' }),
    );
  });

  it('permits what a key is listed for', async () => {
    expect(permits(LIST, await statement(0))).toBeUndefined();
    expect(permits(LIST, await statement(1, P256_SIGNER))).toBeUndefined();
  });

  it('asks for the product only of records that are about one', async () => {
    expect(permits(LIST, await statement(3))).toBeUndefined();
  });

  it.each([
    ['iss', 'other.example', 'vendor.example', {}, 'other.example'],
    ['type', 'build', 'avdb-release, commitment', { types: ['avdb-release', 'commitment'] }, HEAD.issuer],
    ['namespace', 'vendor', 'other', { namespaces: ['other'] }, HEAD.issuer],
    ['product', 'endpoint-security', 'firewall', { products: ['firewall'] }, HEAD.issuer],
  ])('refuses another %s, naming both values', async (field, value, allowed, change, issuer) => {
    const refusal = permits(submitterList([{ ...ONE, ...change }]), await statement(0, SIGNER, issuer));
    expect(refusal).toMatchObject({ code: 'not-permitted', details: { kid: ONE.kid, field, value, allowed } });
    expect(refusal!.message).toContain(value);
    expect(refusal!.message).toContain(allowed);
    expect(refusal!.message).toMatch(/limmat submitter add .* --namespace /);
  });

  it('refuses an unknown key, naming it and the command that would admit it', async () => {
    const refusal = permits(submitterList([TWO]), await statement(0));
    expect(refusal).toMatchObject({ code: 'unknown-key', details: { kid: ONE.kid } });
    expect(refusal!.message).toContain('limmat submitter add');
    expect(refusal!.message).toContain(ONE.kid);
    const known = await statement(0);
    expect(() => signatureJob(known, submitterList([TWO]))).toThrow(expect.objectContaining({ code: 'unknown-key' }));
  });

  it('gives the signature check of a statement, with the key from the list', async () => {
    const jobs = [signatureJob(await statement(0), LIST), signatureJob(await statement(1, P256_SIGNER), LIST)];
    expect(await portableCrypto.verifyMany(jobs)).toEqual([true, true]);
  });
});
