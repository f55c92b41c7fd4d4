import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fromBase64, fromHex, toHex } from '../../src/bytes.ts';
import { encodeCbor, type CborKey, type CborValue } from '../../src/cose/cbor.ts';
import { coseKey, parseCoseKey } from '../../src/cose/key.ts';
import { decodeLeaf, decodeProtected, decodeSign1, encodeLeaf, sigStructure } from '../../src/cose/sign1.ts';
import { checkSignatureForm, externalSigner, statementSigner, verifyJob, verifySigned } from '../../src/cose/signer.ts';
import { portableCrypto, toLowS } from '../../src/crypto/index.ts';
import { portableHasher } from '../../src/merkle/hash.ts';
import { sharedVectors } from '../support/vectors.ts';

const header = encodeCbor(new Map<CborKey, CborValue>([[1, -19]]));
const payload = Uint8Array.of(0xa0);
const signature = new Uint8Array(64).fill(9);
const leaf = encodeLeaf(header, payload, signature);

const malformed = expect.objectContaining({ code: 'malformed' });

describe('COSE_Sign1', () => {
  it('is taken apart in general and in leaf form alike', () => {
    const general = decodeSign1(leaf);
    const parts = decodeLeaf(leaf);
    expect(toHex(leaf)).toBe(`d28443a10132a041a05840${'09'.repeat(64)}`);
    expect(general.protected).toEqual(new Map([[1, -19]]));
    expect(general.unprotected.size).toBe(0);
    expect([parts.protectedBytes, parts.payload, parts.signature]).toEqual([header, payload, signature]);
    expect([general.protectedBytes, general.payload, general.signature]).toEqual([header, payload, signature]);
    expect(toHex(parts.toBeSigned)).toBe('846a5369676e61747572653143a101324041a0');
    expect(sigStructure(header, payload)).toEqual(parts.toBeSigned);
  });

  it('covers the same bytes whatever the lengths of its parts', () => {
    for (const length of [1, 23, 24, 255, 256, 60_000]) {
      const parts = decodeLeaf(encodeLeaf(header, new Uint8Array(length), signature));
      expect(parts.toBeSigned).toEqual(sigStructure(header, new Uint8Array(length)));
      expect(parts.payload).toHaveLength(length);
    }
  });

  it('signs the empty protected header as a zero-length string', () => {
    expect(sigStructure(Uint8Array.of(0xa0), payload)).toEqual(sigStructure(new Uint8Array(0), payload));
    expect(decodeProtected(new Uint8Array(0)).size).toBe(0);
    expect(decodeProtected(Uint8Array.of(0xa0)).size).toBe(0);
  });

  it('may be detached in general, never in a leaf', () => {
    const detached = fromHex(`d28443a10132a0f65840${'09'.repeat(64)}`)!;
    expect(decodeSign1(detached).payload).toBeNull();
    expect(() => decodeLeaf(detached)).toThrow('detached');
  });

  it.each([
    ['no tag', '8443a10132a041a04100'],
    ['tag 17', 'd18443a10132a041a04100'],
    ['three elements', 'd28343a10132a041a0'],
    ['five elements', 'd28543a10132a041a0410000'],
    ['a map instead of an array', 'd2a0'],
    ['a protected header that is not bytes', 'd284a10132a041a04100'],
    ['a protected header that is not a map', 'd2844180a041a04100'],
    ['a protected header with a label twice', 'd28445a201320132a041a04100'],
    ['an unprotected header that is not a map', 'd28443a101328041a04100'],
    ['a label in both headers', 'd28443a10132a1013241a04100'],
    ['a payload that is a map', 'd28443a10132a0a04100'],
    ['a signature that is not bytes', 'd28443a10132a041a000'],
    ['bytes left over', 'd28443a10132a041a0410000'],
  ])('is refused with %s', (_desc, hex) => {
    expect(() => decodeSign1(fromHex(hex)!)).toThrow(malformed);
  });

  it.each([
    ['an unprotected header', 'd28443a10132a104410041a04100'],
    ['a longer tag head', 'd8128443a10132a041a04100'],
    ['a longer array head', 'd2980443a10132a041a04100'],
    ['a longer string head', 'd2845803a10132a041a04100'],
    ['a string in parts', 'd2845f43a10132ffa041a04100'],
    ['no signature', 'd28443a10132a041a0'],
    ['bytes left over', 'd28443a10132a041a0410000'],
  ])('is no leaf with %s', (_desc, hex) => {
    expect(() => decodeLeaf(fromHex(hex)!)).toThrow(malformed);
  });

  it('refuses every truncation, and what it accepts after a change is exactly what it was given', () => {
    for (let i = 0; i < leaf.length; i++) {
      expect(() => decodeLeaf(leaf.subarray(0, i))).toThrow(malformed);
      for (const step of [1, 0x20, 0x80]) {
        const changed = leaf.slice();
        changed[i] = (changed[i]! + step) % 256;
        try {
          const parts = decodeLeaf(changed);
          expect(encodeLeaf(parts.protectedBytes, parts.payload, parts.signature)).toEqual(changed);
        } catch (error) {
          expect(error).toMatchObject({ code: 'malformed' });
        }
      }
    }
  });
});

describe('statement keys', () => {
  const secret = new Uint8Array(32).fill(5);
  const message = sigStructure(header, payload);

  it.each([-19, -9] as const)('sign and verify with algorithm %i', async (alg) => {
    const signer = statementSigner(secret, alg, portableCrypto);
    const signed = { alg, toBeSigned: message, signature: await signer.sign(message) };
    checkSignatureForm(alg, signed.signature);
    expect(await verifySigned(signed, signer.key, portableCrypto)).toBe(true);
    expect(await portableCrypto.verifyMany([verifyJob(signed, signer.key)])).toEqual([true]);
    expect(await verifySigned({ ...signed, toBeSigned: header }, signer.key, portableCrypto)).toBe(false);
  });

  it('verify nothing that says another algorithm', async () => {
    const signer = statementSigner(secret, -19, portableCrypto);
    const signed = { alg: -9, toBeSigned: message, signature: await signer.sign(message) } as const;
    expect(await verifySigned(signed, signer.key, portableCrypto)).toBe(false);
    expect(() => verifyJob(signed, signer.key)).toThrow(expect.objectContaining({ code: 'bad-signature' }));
  });

  it('elsewhere may give either s, and are held to the signature size', async () => {
    const inner = statementSigner(secret, -9, portableCrypto);
    const low = await inner.sign(message);
    const n = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
    const s = n - BigInt(`0x${toHex(low.subarray(32))}`);
    const high = fromHex(toHex(low.subarray(0, 32)) + s.toString(16).padStart(64, '0'))!;
    expect(() => checkSignatureForm(-9, high)).toThrow('low-s');
    const elsewhere = externalSigner(inner.key, () => Promise.resolve(high));
    expect(await elsewhere.sign(message)).toEqual(low);
    expect(elsewhere.kid).toEqual(inner.kid);
    const short = externalSigner(inner.key, () => Promise.resolve(new Uint8Array(70)));
    await expect(short.sign(message)).rejects.toMatchObject({ code: 'bad-key' });
    expect(() => checkSignatureForm(-19, new Uint8Array(63))).toThrow('Ed25519 signature has 63 bytes, not 64');
  });
});

const WG = sharedVectors('cose-wg-examples');

/** These COSE working group vectors sign with EdDSA and ES256 on our two curves; the rest use curves that we have not. */
describe.skipIf(WG === undefined)('COSE working group examples', () => {
  const files =
    WG === undefined ? [] : readdirSync(WG, { recursive: true, encoding: 'utf8' }).filter((f) => f.endsWith('.json'));
  let verified = 0;
  let refused = 0;

  it.each(files.toSorted())('%s', async (file) => {
    const vector = JSON.parse(readFileSync(join(WG!, file), 'utf8'));
    const single = vector.input.sign0;
    if (single === undefined) return;
    const bytes = fromHex(vector.output.cbor.toLowerCase())!;
    const { key } = single;
    const field = (name: string): Uint8Array =>
      key[`${name}_hex`] === undefined ? base64Url(key[name]) : fromHex(key[`${name}_hex`].toLowerCase())!;
    const isPoint = key.crv === 'P-256';
    // ES512 with a P-256 key is a combination that statements do not have.
    if ((!isPoint && key.crv !== 'Ed25519') || single.alg === 'ES512') return;
    const publicKey = isPoint ? Uint8Array.of(4, ...field('x'), ...field('y')) : field('x');
    const outcome = async (): Promise<boolean> => {
      const message = decodeSign1(bytes);
      // Of the deprecated polymorphic algorithms only these vectors remain: the key decides here, never in src.
      const alg = message.protected.get(1) ?? message.unprotected.get(1);
      if (alg !== (isPoint ? -7 : -8)) return false;
      const toBeSigned = sigStructure(message.protectedBytes, message.payload!);
      if (single.external === undefined && vector.fail !== true) {
        expect(toHex(toBeSigned).toUpperCase()).toBe(vector.intermediates.ToBeSign_hex.toUpperCase());
      }
      if (isPoint) return portableCrypto.p256.verify(publicKey, toBeSigned, toLowS(message.signature));
      return portableCrypto.ed25519.verify(publicKey, toBeSigned, message.signature);
    };
    // Untagged messages and data outside the message are not what leaves are made of.
    const expected = vector.fail !== true && bytes[0] === 0xd2 && single.external === undefined;
    const result = await outcome().catch((error: unknown) => {
      expect(error).toMatchObject({ code: 'malformed' });
      return false;
    });
    expect(result).toBe(expected);
    if (expected) verified += 1;
    else refused += 1;
  });

  it('ran cases of both outcomes', () => {
    expect(verified).toBeGreaterThanOrEqual(5);
    expect(refused).toBeGreaterThanOrEqual(5);
  });
});

const DRAFT = sharedVectors('profile-draft');

describe.skipIf(DRAFT === undefined)('profile vectors', () => {
  const vector = DRAFT === undefined ? undefined : JSON.parse(readFileSync(join(DRAFT, 'eddsa-sha256.json'), 'utf8'));

  it('have leaves that are taken apart, signed and hashed as they say', async () => {
    const key = parseCoseKey(fromHex(vector.issuerCoseKeyHex)!);
    const signer = statementSigner(fromHex(vector.issuerSeedHex)!, -19, portableCrypto);
    expect(signer.key).toEqual(coseKey(-19, key.publicKey));
    let stripped = 0;
    expect(vector.statements.length).toBeGreaterThan(0);
    for (const statement of vector.statements) {
      const entry = fromHex(statement.entryHex)!;
      const parts = decodeLeaf(entry);
      expect(toHex(parts.protectedBytes)).toBe(statement.protectedHex);
      expect(toHex(parts.toBeSigned)).toBe(statement.sigStructureHex);
      expect(await signer.sign(parts.toBeSigned)).toEqual(parts.signature);
      expect(await verifySigned({ alg: -19, ...parts }, key, portableCrypto)).toBe(true);
      expect(toHex(portableHasher.leafHash(entry))).toBe(statement.leafHashHex);
      if (statement.submittedWithUnprotectedHex === undefined) continue;
      stripped += 1;
      const submitted = fromHex(statement.submittedWithUnprotectedHex)!;
      expect(() => decodeLeaf(submitted)).toThrow('unprotected header is not the empty map');
      const loose = decodeSign1(submitted);
      expect(encodeLeaf(loose.protectedBytes, loose.payload!, loose.signature)).toEqual(entry);
    }
    expect(stripped).toBeGreaterThan(0);
  });

  it('have receipts that are taken apart and verified under the service key', async () => {
    const key = parseCoseKey(fromHex(vector.tsCoseKeyHex)!);
    expect(vector.receipts.length).toBeGreaterThan(0);
    for (const receipt of vector.receipts) {
      const message = decodeSign1(fromHex(receipt.receiptHex)!);
      expect(message.payload).toBeNull();
      const toBeSigned = sigStructure(message.protectedBytes, fromHex(receipt.rootHex)!);
      expect(toHex(toBeSigned)).toBe(receipt.sigStructureHex);
      expect(await verifySigned({ alg: -19, toBeSigned, signature: message.signature }, key, portableCrypto)).toBe(
        true,
      );
    }
  });
});

function base64Url(text: string): Uint8Array {
  const standard = text.replaceAll('-', '+').replaceAll('_', '/');
  return fromBase64(standard.padEnd(Math.ceil(standard.length / 4) * 4, '='))!;
}
