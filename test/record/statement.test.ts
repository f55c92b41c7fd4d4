import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { equalBytes, fromHex, toHex } from '../../src/bytes.ts';
import { decodeLeaf, encodeLeaf } from '../../src/cose/sign1.ts';
import { parseCoseKey, thumbprint } from '../../src/cose/key.ts';
import { algorithmOf, portableCrypto } from '../../src/crypto/index.ts';
import { isLimmatError } from '../../src/errors.ts';
import { portableHasher } from '../../src/merkle/hash.ts';
import { approvalJob, approvalsOf } from '../../src/record/approval.ts';
import {
  createStatement,
  mediaType,
  fileDigests,
  parseStatement,
  statementSigner,
  statementToJson,
  verifySigned,
} from '../../src/record/statement.ts';
import {
  RECORD_TYPES,
  recordFromJson,
  recordToJson,
  subjectOf,
  type LimmatRecord,
  type RecordJson,
} from '../../src/record/types.ts';
import { statementVectors } from '../support/make-statement-vectors.ts';
import { FULL_RECORDS, P256_SIGNER, SIGNER, UNSIGNED } from '../support/records.ts';

interface Vectors {
  readonly secretHex: string;
  readonly coseKeyHex: string;
  readonly kidHex: string;
  readonly approverCoseKeyHex: string;
  readonly issuer: string;
  readonly iatSeconds: number;
  readonly good: readonly {
    readonly desc: string;
    readonly record: RecordJson;
    readonly subject: string;
    readonly statementHex: string;
    readonly leafHashHex: string;
  }[];
  readonly bad: readonly { readonly desc: string; readonly code: string; readonly statementHex: string }[];
}

const file = readFileSync(join(import.meta.dirname, '..', 'vectors', 'statements.json'), 'utf8');
const vectors: Vectors = JSON.parse(file);

const HEAD = { issuer: 'vendor.example', iatSeconds: 1_783_765_031 } as const;
const digest = { sha256: new Uint8Array(32).fill(1) };
const BUILD: LimmatRecord = {
  type: 'build',
  namespace: 'debian',
  fields: { product: '2vcard', version: '0.6-4', channel: 'bookworm', platform: 'all', artifacts: [{ digest }] },
};

function codeOf(bytes: Uint8Array): string {
  try {
    parseStatement(bytes);
    return 'accepted';
  } catch (error) {
    if (isLimmatError(error)) return error.code;
    throw error;
  }
}

describe('the vectors of an independent generator', () => {
  const signer = statementSigner(fromHex(vectors.secretHex)!, -19, portableCrypto);

  it('are the ones that it writes now', () => {
    expect(statementVectors()).toBe(file);
  });

  it('have the key id of the key', () => {
    expect(toHex(thumbprint(signer.key))).toBe(vectors.kidHex);
    expect(toHex(signer.kid)).toBe(vectors.kidHex);
  });

  it.each(vectors.good)('hold $desc, parsed and created byte for byte', async (vector) => {
    const bytes = fromHex(vector.statementHex)!;
    const statement = parseStatement(bytes);
    expect(recordToJson(statement.record)).toEqual(vector.record);
    expect(statement).toMatchObject({
      alg: -19,
      iss: vectors.issuer,
      iat: vectors.iatSeconds,
      sub: vector.subject,
      type: vector.record.type,
      namespace: vector.record.namespace,
    });
    expect(toHex(statement.kid)).toBe(vectors.kidHex);
    expect(await verifySigned(statement, signer.key, portableCrypto)).toBe(true);
    expect(toHex(portableHasher.leafHash(statement.bytes))).toBe(vector.leafHashHex);
    const record = recordFromJson(vector.record);
    const created = await createStatement(
      { ...record, issuer: vectors.issuer, iatSeconds: vectors.iatSeconds },
      signer,
    );
    expect(toHex(created)).toBe(vector.statementHex);
  });

  it('have every record type, and approvals that hold', async () => {
    expect(new Set(vectors.good.map(({ record }) => record.type))).toEqual(new Set(RECORD_TYPES));
    const key = parseCoseKey(fromHex(vectors.approverCoseKeyHex)!);
    const held = await Promise.all(
      vectors.good.map(async (vector) => {
        const statement = parseStatement(fromHex(vector.statementHex)!);
        const jobs = approvalsOf(statement.record).map((approval) => approvalJob(statement, approval, key));
        const verified = jobs.map(({ publicKey, message, signature }) =>
          algorithmOf(portableCrypto, 'Ed25519').verify(publicKey, message, signature),
        );
        return Promise.all(verified);
      }),
    );
    expect(held.flat()).toEqual([true, true]);
  });

  it.each(vectors.bad)('are refused with $desc', ({ statementHex, code }) => {
    expect(codeOf(fromHex(statementHex)!)).toBe(code);
  });
});

describe('a statement', () => {
  it.each(FULL_RECORDS)('of type $type says what was signed', async (record) => {
    for (const signer of [SIGNER, P256_SIGNER]) {
      const bytes = await createStatement({ ...record, ...HEAD }, signer);
      const statement = parseStatement(bytes);
      expect(statement.record).toEqual(record);
      expect(statement.sub).toBe(subjectOf(record));
      expect([statement.iss, statement.iat, statement.alg]).toEqual([HEAD.issuer, HEAD.iatSeconds, signer.alg]);
      expect(statement.kid).toEqual(signer.kid);
      expect(await verifySigned(statement, signer.key, portableCrypto)).toBe(true);
      const parts = decodeLeaf(bytes);
      expect([statement.payload, statement.toBeSigned]).toEqual([parts.payload, parts.toBeSigned]);
    }
  });

  it.each(FULL_RECORDS)(
    'of type $type is refused at every truncation, and accepted only as what it says',
    async (record) => {
      const good = await createStatement({ ...record, ...HEAD }, UNSIGNED);
      for (let length = 0; length < good.length; length++) {
        expect(codeOf(good.subarray(0, length))).toMatch(/^(malformed|bad-record)$/);
      }
      for (let i = 0; i < good.length; i++) {
        for (const step of [1, 0x20, 0xff]) {
          const changed = good.slice();
          changed[i] = (changed[i]! + step) % 256;
          try {
            const { protectedBytes, payload, signature } = decodeLeaf(parseStatement(changed).bytes);
            expect(equalBytes(encodeLeaf(protectedBytes, payload, signature), changed)).toBe(true);
          } catch (error) {
            expect(isLimmatError(error, 'malformed') || isLimmatError(error, 'bad-record')).toBe(true);
          }
        }
      }
    },
  );

  it('is never mistaken for one by random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (tail) => {
        expect(codeOf(Uint8Array.of(0xd2, 0x84, ...tail))).toBe('malformed');
      }),
    );
  });

  it('is refused when it is too large, with both numbers, before anything is signed', async () => {
    const artifacts = Array.from({ length: 64 }, () => ({ name: 'n'.repeat(256), digest, signatureDigest: digest }));
    const dependencies = Array.from({ length: 256 }, () => digest);
    const fields = { ...BUILD.fields, artifacts, dependencies };
    const small = await createStatement({ type: 'build', namespace: 'debian', fields, ...HEAD }, UNSIGNED);
    expect(small.length).toBeGreaterThan(30_000);
    expect(codeOf(new Uint8Array(65_536))).toBe('entry-too-large');
    expect(codeOf(new Uint8Array(65_535))).toBe('malformed');
    expect(() => parseStatement(new Uint8Array(65_536))).toThrow('entry of 65536 bytes is larger than 65535');
    const regions = Array.from({ length: 256 }, () => 'CH');
    const places = Array.from({ length: 64 }, () => ({ site: 'ä'.repeat(128), name: 'ö'.repeat(128) }));
    let asked = false;
    const signer = { ...UNSIGNED, sign: () => ((asked = true), Promise.resolve(new Uint8Array(64))) };
    const large = { commitmentId: 'c', kind: 'process', subject: 'x', regions, from: places, to: places } as const;
    await expect(
      createStatement({ type: 'commitment', namespace: 'v', fields: large, ...HEAD }, signer),
    ).rejects.toMatchObject({ code: 'entry-too-large', details: { limit: 65_535 } });
    expect(asked).toBe(false);
  });

  it.each([
    ['no issuer', { issuer: '' }, 'iss'],
    ['a time that is not whole', { iatSeconds: 1.5 }, 'iat'],
    ['a time after the year 9999', { iatSeconds: 253_402_300_800 }, 'iat'],
    ['a namespace with a slash', { namespace: 'a/b' }, 'namespace'],
    ['a field of another kind', { fields: { ...BUILD.fields, version: '' } }, 'version'],
  ])('is not created with %s', async (_desc, change, field) => {
    await expect(createStatement({ ...BUILD, ...HEAD, ...change }, SIGNER)).rejects.toMatchObject({
      code: 'bad-record',
      details: { field },
    });
  });

  it('names the field and both values when its subject is not what the payload says', () => {
    const vector = vectors.bad.find(({ desc }) => desc === 'the subject of another build')!;
    expect(() => parseStatement(fromHex(vector.statementHex)!)).toThrow(
      'statement header: sub "debian/build/2vcard/0.6-5/bookworm/all" is not what the payload says: "debian/build/2vcard/0.6-4/bookworm/all"',
    );
  });

  it('refuses the twin of an ESP256 signature', async () => {
    const bytes = await createStatement({ ...BUILD, ...HEAD }, P256_SIGNER);
    const { protectedBytes, payload, signature } = decodeLeaf(bytes);
    const n = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
    const s = (n - BigInt(`0x${toHex(signature.subarray(32))}`)).toString(16).padStart(64, '0');
    const twin = encodeLeaf(protectedBytes, payload, fromHex(toHex(signature.subarray(0, 32)) + s)!);
    expect(codeOf(twin)).toBe('malformed');
  });

  it('is shown as JSON with its header', async () => {
    const statement = parseStatement(await createStatement({ ...BUILD, ...HEAD }, SIGNER));
    expect(JSON.parse(JSON.stringify(statementToJson(statement)))).toEqual({
      ...recordToJson(BUILD),
      subject: 'debian/build/2vcard/0.6-4/bookworm/all',
      issuer: 'vendor.example',
      keyId: toHex(SIGNER.kid),
      algorithm: 'Ed25519',
      signedAt: '2026-07-11T10:17:11Z',
    });
  });

  it('has its type in the media type', () => {
    expect(mediaType('avdb-release')).toBe('application/vnd.limmat.avdb-release.v1+cbor');
  });
});

describe('the artifacts of a record', () => {
  it('are its files, and the content of a release before them', () => {
    expect(fileDigests(BUILD)).toContainEqual(digest.sha256);
    const withFiles = FULL_RECORDS.filter((record) => fileDigests(record).length > 0).map(({ type }) => type);
    expect(withFiles).toEqual(['build', 'avdb-release', 'source-snapshot']);
    const release = FULL_RECORDS.find((record) => record.type === 'avdb-release')!;
    const files = (release.fields.artifacts ?? []).map((artifact) => artifact.digest.sha256);
    expect(fileDigests(release)).toEqual([release.fields.contentDigest.sha256, ...files]);
    expect(fileDigests(release)).toContainEqual(new Uint8Array(32).fill(13));
  });
});
