// Where several keys sign together: what one of them can do alone with approvals that are public, as all entries are.

import { beforeAll, describe, expect, it } from 'vitest';
import { utf8 } from '../../src/bytes.ts';
import { nodeHasher } from '../../src/adapters/node-crypto.ts';
import { parseStatement } from '../../src/record/index.ts';
import type { FieldsOf } from '../../src/record/index.ts';
import { firstStatements, genesisOptions } from '../support/admitted-log.ts';
import { T0, sign } from '../support/admission-world.ts';
import type { SignOptions } from '../support/admission-world.ts';
import { openRecordsLog, words } from '../support/records-log.ts';
import type { RecordsLog } from '../support/records-log.ts';

const ISSUER = 'acme.example';
let test: RecordsLog;

function fieldsOf(version: string): FieldsOf<'build'> {
  const artifacts = [{ digest: { sha256: nodeHasher.sha256(utf8(version)) } }];
  return { product: 'scanner', version, channel: 'stable', platform: 'linux-x64', artifacts };
}

function signed(by: string, fields: FieldsOf<'build'>, options: SignOptions): Promise<Uint8Array> {
  return sign(by, 'acme', 'build', fields, { issuer: ISSUER, ...options }, true);
}

/** Appends one entry; gives its index or the code of its refusal. */
async function append(entry: Promise<Uint8Array>): Promise<number | string> {
  return words(await test.log.append([await entry]))[0]!;
}

describe('in a role of which two keys sign', () => {
  let old: Uint8Array;
  let copied: FieldsOf<'build'>;

  beforeAll(async () => {
    const policy = { roles: [{ role: 'release', types: ['build'], threshold: 2 }] } as const;
    const [genesis] = await firstStatements(genesisOptions({ policy }), T0);
    test = await openRecordsLog({ first: [genesis!] });
    for (const name of ['a', 'b', 'c']) {
      expect(words(await test.log.append([await test.chain.addKey(name, 'release')]))).toEqual([expect.any(Number)]);
    }
    old = await signed('a', fieldsOf('1'), { approvals: ['b'] });
    const { record } = parseStatement(old);
    if (record.type !== 'build') throw new Error('not a build');
    copied = record.fields;
  });

  it('a build gets in with one approval and not without', async () => {
    expect(await append(signed('a', fieldsOf('1'), {}))).toBe('not-admitted');
    expect(words(await test.log.append([old]))).toEqual([4]);
    expect(await append(signed('b', fieldsOf('2'), { iat: T0 + 1, approvals: ['a'] }))).toBe(5);
  });

  it('one key alone cannot log the old build again, with the approval that it had, as the newest', async () => {
    expect(await append(signed('a', copied, { iat: T0 + 2 }))).toBe('bad-signature');
    expect(await append(signed('c', copied, { iat: T0 }))).toBe('bad-signature');
    expect(await append(signed('a', copied, { issuer: 'Acme AG' }))).toBe('bad-signature');
  });

  it('the very statement that was approved is the one that is there', async () => {
    expect(await append(signed('a', copied, {}))).toBe(4);
    expect(test.log.status().head.size).toBe(6);
  });
});
