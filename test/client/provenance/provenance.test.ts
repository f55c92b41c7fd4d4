import { X509Certificate, createPublicKey } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { fromBase64, toBase64, toHex, utf8, utf8Text } from '../../../src/bytes.ts';
import { preAuthEncoding, signersOf } from '../../../src/client/provenance/dsse.ts';
import { parseProvenance, verifyEnvelope } from '../../../src/client/provenance/provenance.ts';
import type { Provenance } from '../../../src/client/provenance/provenance.ts';
import { coseKey, type CoseKey } from '../../../src/cose/index.ts';
import { portableCrypto } from '../../../src/crypto/portable.ts';
import { isLimmatError } from '../../../src/errors.ts';
import { sharedVectors } from '../../support/vectors.ts';
import { SHA256, bundle, dsseSigner, envelope, statement, toDer } from './samples.ts';

const parse = (value: unknown): Provenance => parseProvenance(utf8(JSON.stringify(value)));

const states = {
  subjects: new Set([SHA256]),
  builderId: 'https://ci.example/runner@v3',
  buildType: 'https://ci.example/workflow/v1',
  startedAt: Date.parse('2026-07-11T10:16:37Z') / 1000,
  finishedAt: Date.parse('2026-07-11T10:20:00Z') / 1000,
  dependencies: [
    { uri: 'git+https://git.example/app@refs/tags/v1', sha256: undefined, gitCommit: '9'.repeat(40) },
    { uri: 'pkg:deb/zlib', sha256: '12'.repeat(32), gitCommit: undefined },
    { uri: undefined, sha256: '12'.repeat(32), gitCommit: undefined },
  ],
};
const ed25519 = dsseSigner('Ed25519', 1);
const p256 = dsseSigner('ECDSA-P256', 2);
const stranger = dsseSigner('Ed25519', 3);

describe('the three forms say the same', () => {
  test('a bare statement', () => {
    expect(parse(statement())).toEqual({ form: 'statement', states, envelope: undefined });
  });

  test('a DSSE envelope, whose unknown members and key ids mean nothing', async () => {
    const good = await envelope(statement(), [ed25519, p256]);
    good.signatures[0]!.keyid = 'whatever';
    const provenance = parse({ ...good, later: [] });
    expect([provenance.form, provenance.states]).toEqual(['dsse', states]);
    expect(provenance.envelope!.signatures).toHaveLength(2);
  });

  test('a sigstore bundle', async () => {
    const provenance = parse(bundle(await envelope(statement(), [p256])));
    expect([provenance.form, provenance.states]).toEqual(['sigstore-bundle', states]);
  });

  test('base64 is standard or URL-safe, never both', async () => {
    // With these the two alphabets differ.
    const good = await envelope({ ...statement(), x: '???>>>~~~' }, [ed25519]);
    expect(good.payload).toMatch(/[+/]/);
    const urlSafe = good.payload.replaceAll('+', '-').replaceAll('/', '_');
    expect(parse({ ...good, payload: urlSafe }).states).toEqual(states);
    for (const payload of [`${urlSafe}+/+/`, good.payload.replaceAll('=', ''), `${good.payload} `, 'YR==', 7]) {
      expect(() => parse({ ...good, payload })).toThrow(/payload/);
    }
  });
});

const verify = (value: unknown, keys: readonly CoseKey[]): Promise<readonly CoseKey[]> =>
  verifyEnvelope(parse(value), keys, portableCrypto);

describe('signatures', () => {
  test('hold for the keys that signed, each once', async () => {
    const twice = await envelope(statement(), [ed25519, ed25519, p256]);
    expect(await verify(twice, [p256.key, stranger.key, ed25519.key])).toEqual([p256.key, ed25519.key]);
    expect(await verify(bundle(await envelope(statement(), [p256])), [p256.key])).toEqual([p256.key]);
  });

  test('of P-256 may be in DER, with either s', async () => {
    const good = await envelope(statement(), [p256]);
    const raw = fromBase64(good.signatures[0]!.sig)!;
    const order = BigInt('0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551');
    const high = raw.slice();
    high.set(Buffer.from((order - BigInt(`0x${toHex(raw.subarray(32))}`)).toString(16).padStart(64, '0'), 'hex'), 32);
    for (const signature of [raw, high, toDer(raw), toDer(high)]) {
      expect(await verify({ ...good, signatures: [{ sig: toBase64(signature) }] }, [p256.key])).toHaveLength(1);
    }
    const der = toDer(raw);
    for (let at = 0; at < der.length; at++) {
      const spoiled = der.with(at, (der[at]! + 1) % 256);
      await expect(verify({ ...good, signatures: [{ sig: toBase64(spoiled) }] }, [p256.key])).rejects.toThrow('key');
      const cut = { sig: toBase64(at === 0 ? Uint8Array.of(0) : der.subarray(0, at)) };
      await expect(verify({ ...good, signatures: [cut] }, [p256.key])).rejects.toThrow('key');
    }
  });

  test('of another key, over other bytes, or none at all are refused', async () => {
    const good = await envelope(statement(), [ed25519]);
    const other = await envelope({ ...statement(), x: 1 }, [ed25519]);
    const cases: [unknown, string][] = [
      [await envelope(statement(), [stranger]), 'no signature of the DSSE envelope is of this key'],
      [{ ...good, payload: other.payload }, 'no signature of the DSSE envelope is of this key'],
      [bundle({ ...good, payload: other.payload }), 'no signature of the envelope of the sigstore bundle'],
      [statement(), 'a bare in-toto statement, which nobody signed'],
    ];
    for (const [value, message] of cases) {
      const error = await verify(value, [ed25519.key]).catch((thrown: unknown) => thrown);
      expect([isLimmatError(error, 'bad-signature'), String(error)]).toEqual([true, expect.stringContaining(message)]);
    }
  });
});

/** The value with another one at this path. */
function replaced(whole: unknown, [name, ...rest]: readonly string[], value: unknown): unknown {
  if (name === undefined) return value;
  const members = new Map<string, unknown>(Object.entries(Object(whole)));
  return Object.fromEntries(members.set(name, replaced(members.get(name), rest, value)));
}

const DEFINITION = 'predicate.buildDefinition';
const refused: readonly (readonly [path: string, value: unknown, message: string])[] = [
  ['_type', 'https://in-toto.io/Statement/v0.1', '_type is "https://in-toto.io/Statement/v0.1", not'],
  ['predicateType', 'https://slsa.dev/provenance/v0.2', 'predicateType is "https://slsa.dev/provenance/v0.2"'],
  ['predicateType', 'https://cyclonedx.org/bom', 'only https://slsa.dev/provenance/v1 says how'],
  ['predicate', undefined, 'predicate is not an object'],
  [DEFINITION, [], `${DEFINITION} is not an object`],
  [`${DEFINITION}.buildType`, '', 'buildType is not a text'],
  [`${DEFINITION}.resolvedDependencies`, {}, 'resolvedDependencies is not a list'],
  [`${DEFINITION}.resolvedDependencies`, [null], 'resolvedDependencies[0] is not an object'],
  [
    `${DEFINITION}.resolvedDependencies`,
    [{ digest: { sha256: 'AB' } }],
    'resolvedDependencies[0].digest.sha256 is "AB"',
  ],
  ['predicate.runDetails.builder.id', 7, 'builder.id is not a text'],
  ['predicate.runDetails.metadata', null, 'metadata is not an object'],
  ['predicate.runDetails.metadata.startedOn', '2026-07-11T12:16:37+02:00', 'startedOn is "2026-07-11T12:16:37+02:00"'],
  ['predicate.runDetails.metadata.startedOn', '2026-02-30T12:16:37Z', 'startedOn is'],
  ['predicate.runDetails.metadata.startedOn', '2026-07-12T00:00:00Z', 'finishedOn is before its startedOn'],
  ['predicate.runDetails.metadata.finishedOn', 1_800_000_000, 'finishedOn is 1800000000'],
  ['subject', [], 'subject is not a list of what was built'],
  ['subject', [{ name: 'x' }], 'subject[0].digest is not a set of digests'],
  ['subject', [{ digest: {} }], 'subject[0].digest is not a set of digests'],
  ['subject', [{ digest: { sha256: SHA256.toUpperCase() } }], 'not 64 lowercase hexadecimal digits'],
  ['subject', [{ digest: { sha512: 'ab' } }], 'no subject has a SHA-256'],
  ['subject', Array.from({ length: 4097 }, () => ({ digest: { sha256: SHA256 } })), 'it has 4097 subjects'],
];
test.each(refused)('a statement with another %s (%j) is refused', (path, value, message) => {
  expect(() => parse(replaced(statement(), path.split('.'), value))).toThrow(message);
});

test('other forms are refused with what is wrong about them', async () => {
  const good = await envelope(statement(), [ed25519]);
  const cases: [unknown, string][] = [
    [[], 'is not a JSON object'],
    [{}, 'is neither an in-toto statement nor a DSSE envelope nor a sigstore bundle'],
    [{ ...good, ...statement() }, 'has _type and payloadType, so it could be read in two ways'],
    [{ ...good, payloadType: 'text/plain' }, 'carries "text/plain", not application/vnd.in-toto+json'],
    [{ ...good, payload: toBase64(utf8('[]')) }, 'carries no JSON object'],
    [{ ...good, payload: toBase64(utf8('{"a":1,"a":2}')) }, 'the payload of the envelope has the member "a" twice'],
    [{ ...good, signatures: [] }, 'has no signatures'],
    [{ ...good, signatures: [{}] }, 'has a signature without a "sig" in base64'],
    [{ ...good, signatures: [{ sig: '' }] }, 'has a signature without a "sig" in base64'],
    [{ ...good, signatures: Array.from({ length: 17 }, () => good.signatures[0]) }, 'has 17 signatures'],
    [
      { ...bundle(good), mediaType: 'application/vnd.dev.sigstore.bundle+json;version=0.1' },
      'a bundle of another kind',
    ],
    [{ ...bundle(good), verificationMaterial: undefined }, 'without verificationMaterial'],
    [{ ...bundle(good), messageSignature: {} }, 'with both a messageSignature and a dsseEnvelope'],
    [{ ...bundle(good), dsseEnvelope: undefined, messageSignature: {} }, 'it says nothing of a build'],
    [{ ...bundle(good), dsseEnvelope: undefined }, 'without a dsseEnvelope'],
    [bundle({ ...good, signatures: [good.signatures[0], good.signatures[0]] }), 'has 2 signatures, not 1'],
  ];
  for (const [value, message] of cases) expect(() => parse(value), message).toThrow(message);
  expect(() => parseProvenance(new Uint8Array(4 * 1024 * 1024 + 1))).toThrow('above the limit');
});

test('no truncation of a bundle is read', async () => {
  const text = JSON.stringify(bundle(await envelope(statement(), [p256])));
  for (let end = 0; end < text.length; end++) {
    expect(() => parseProvenance(utf8(text.slice(0, end)))).toThrow(/^the provenance/);
  }
});

const dsse = sharedVectors('dsse');
test.runIf(dsse)('the vector of the DSSE specification holds', async () => {
  const vector = JSON.parse(readFileSync(join(dsse!, 'dsse-v1.0.2.json'), 'utf8'));
  const { payloadType } = vector;
  const payload = utf8(vector.payloadUtf8);
  expect(utf8Text(preAuthEncoding({ payloadType, payload }))).toBe(vector.pae);
  const coordinates = [vector.key.X, vector.key.Y].map((n) => BigInt(n).toString(16).padStart(64, '0')).join('');
  const key = coseKey(-9, new Uint8Array(Buffer.from(`04${coordinates}`, 'hex')));
  const signatures = [fromBase64(vector.sig)!];
  expect(await signersOf({ payloadType, payload, signatures }, [key], portableCrypto)).toEqual([key]);
  expect(await signersOf({ payloadType: 'x', payload, signatures }, [key], portableCrypto)).toEqual([]);
});

const sigstore = sharedVectors('sigstore-conformance');
describe.runIf(sigstore)('bundles of sigstore', () => {
  const fileOf = (name: string): string => join(sigstore!, name, 'bundle.sigstore.json');
  const names = sigstore === undefined ? [] : readdirSync(sigstore).filter((name) => existsSync(fileOf(name)));

  /** The key in the certificate; whether the certificate is to be believed is not asked here. */
  function certified(name: string): CoseKey {
    const { rawBytes } = JSON.parse(readFileSync(fileOf(name), 'utf8')).verificationMaterial.certificate;
    const { x, y } = createPublicKey(
      new X509Certificate(Buffer.from(rawBytes, 'base64')).publicKey.export({ type: 'spki', format: 'pem' }),
    ).export({ format: 'jwk' });
    return coseKey(
      -9,
      new Uint8Array(Buffer.concat([Buffer.of(4), Buffer.from(x!, 'base64url'), Buffer.from(y!, 'base64url')])),
    );
  }

  test.each(names)('%s', async (name) => {
    const bytes = new Uint8Array(readFileSync(fileOf(name)));
    if (!utf8Text(bytes)!.includes('dsseEnvelope')) {
      expect(() => parseProvenance(bytes)).toThrow(/it says nothing of a build|is a bundle of another kind/);
      return;
    }
    const provenance = parseProvenance(bytes);
    // SHA-256 of a.txt, as their README says.
    expect([...provenance.states.subjects]).toEqual([
      'a0cfc71271d6e278e57cd332ff957c3f7043fdda354c4cbb190a30d56efa01bf',
    ]);
    expect(provenance.states.builderId).toMatch(/^https:\/\/github\.com\//);
    expect(await verifyEnvelope(provenance, [certified(name)], portableCrypto)).toHaveLength(1);
    await expect(verifyEnvelope(provenance, [p256.key], portableCrypto)).rejects.toThrow('is of this key');
  });

  test('are there with and without a statement', () => {
    expect(names.length).toBeGreaterThanOrEqual(8);
  });
});
