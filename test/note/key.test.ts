import { describe, expect, test } from 'vitest';
import { concat, fromHex, toBase64, toHex, utf8 } from '../../src/bytes.ts';
import { portableCrypto } from '../../src/crypto/portable.ts';
import { isLimmatError } from '../../src/errors.ts';
import {
  SIGNATURE_TYPE,
  formatSignerKey,
  formatVerifierKey,
  generateSignerKey,
  keyIdFor,
  parseSignerKey,
  parseVerifierKey,
  verifierKeyOf,
} from '../../src/note/key.ts';
import { smallOrderKeys } from '../support/crypto-contract.ts';
import { testKey } from '../support/notes.ts';

/** C2SP signed-note, "Example". */
const VKEY = 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k';
/** golang.org/x/mod/sumdb/note, package example: a key pair that everybody knows. */
const GO_SKEY = 'PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz';
const GO_VKEY = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
const TYPES = Object.values(SIGNATURE_TYPE);

const badKey = expect.objectContaining({ code: 'bad-key' });

describe('verifier keys', () => {
  test('read and write the specification’s example', () => {
    const key = parseVerifierKey(VKEY);
    expect(key).toMatchObject({ name: 'example.com/foo', keyId: 0x530d903a, type: 1, vkey: VKEY });
    expect(formatVerifierKey(key)).toBe(VKEY);
  });

  test.each(TYPES)('read what they write, for type %i', (type) => {
    const key = verifierKeyOf(testKey('Zürich.example/λ', type, 5));
    expect(parseVerifierKey(key.vkey)).toEqual(key);
    expect(key.keyId).toBe(keyIdFor(key.name, type, key.publicKey));
    const [, id] = key.vkey.split('+');
    const digest = portableCrypto.sha256(concat(utf8('Zürich.example/λ\n'), Uint8Array.of(type), key.publicKey));
    expect(id).toBe(toHex(digest.subarray(0, 4)));
  });

  test('one public key has another id for each type', () => {
    const ids = [SIGNATURE_TYPE.ed25519, SIGNATURE_TYPE.cosignatureEd25519].map((type) => testKey('a', type, 5).keyId);
    expect(new Set(ids).size).toBe(2);
  });

  test.each([
    ['nothing', ''],
    ['one part', 'example.com/foo'],
    ['two parts', 'example.com/foo+530d903a'],
    ['no name', VKEY.replace('example.com/foo', '')],
    ['a space in the name', VKEY.replace('example', 'exam ple')],
    ['a newline after it', `${VKEY}\n`],
    ['a newline in the name', VKEY.replace('example', 'exam\nple')],
    ['an upper-case id', VKEY.replace('530d903a', '530D903A')],
    ['a short id', VKEY.replace('530d903a', '530d903')],
    ['a wrong id', VKEY.replace('530d903a', '530d903b')],
    ['another name with the same id', VKEY.replace('foo', 'bar')],
    ['no key', 'a+530d903a+'],
    ['an unknown type', VKEY.replace('+Aeky', '+Beky')],
    ['the reserved type 0', VKEY.replace('+Aeky', '+AOky')],
    ['stray bits', VKEY.replace('U2k', 'U2l')],
    ['a short key', VKEY.slice(0, -4)],
    ['4097 characters', `${'a'.repeat(4097 - VKEY.length)}${VKEY}`],
    ['a secret key', GO_SKEY],
  ])('refuse %s', (_what, vkey) => {
    expect(() => parseVerifierKey(vkey)).toThrow(badKey);
  });

  test('refuse public keys of small order, though the id is right', () => {
    for (const publicKey of smallOrderKeys()) {
      for (const type of [SIGNATURE_TYPE.ed25519, SIGNATURE_TYPE.cosignatureEd25519]) {
        expect(() => formatVerifierKey({ name: 'a', type, publicKey })).toThrow(badKey);
      }
    }
  });

  test('meet every truncation and every changed character with bad-key', () => {
    for (const vkey of [VKEY, verifierKeyOf(testKey('w', SIGNATURE_TYPE.mldsa44, 1)).vkey]) {
      const step = vkey.length > 1000 ? 41 : 1;
      for (let i = 0; i < vkey.length; i += step) {
        expect(() => parseVerifierKey(vkey.slice(0, i))).toThrow(badKey);
        const changed = vkey.slice(0, i) + (vkey[i] === '1' ? '2' : '1') + vkey.slice(i + 1);
        expect(() => parseVerifierKey(changed), changed.slice(0, 80)).toThrow(badKey);
      }
    }
  });

  test('cosigner names of 255 bytes are the longest', () => {
    for (const type of [SIGNATURE_TYPE.cosignatureEd25519, SIGNATURE_TYPE.mldsa44]) {
      expect(testKey('n'.repeat(255), type, 1).name).toHaveLength(255);
      expect(() => testKey('n'.repeat(256), type, 1)).toThrow('256 bytes, more than 255');
    }
    expect(testKey('n'.repeat(256), SIGNATURE_TYPE.ed25519, 1).name).toHaveLength(256);
  });
});

describe('signer keys', () => {
  test('read and write what Go’s note package writes', () => {
    const key = parseSignerKey(GO_SKEY);
    expect(key).toMatchObject({ name: 'PeterNeumann', keyId: 0xc74f20a3, type: 1 });
    expect(formatSignerKey(key)).toBe(GO_SKEY);
    expect(verifierKeyOf(key).vkey).toBe(GO_VKEY);
  });

  test.each(TYPES)('read what they write, for type %i', (type) => {
    const key = testKey('example.com/key', type, 200);
    const skey = formatSignerKey(key);
    expect(skey).toBe(
      `PRIVATE+KEY+example.com/key+${verifierKeyOf(key).vkey.split('+')[1]}+${toBase64(concat(Uint8Array.of(type), key.secret))}`,
    );
    expect(parseSignerKey(skey)).toEqual(key);
  });

  test('come from the random bytes that are given, copied', () => {
    const random = fromHex('11'.repeat(32))!;
    const key = generateSignerKey('a', SIGNATURE_TYPE.ed25519, () => random);
    random.fill(0);
    expect(toHex(key.secret)).toBe('11'.repeat(32));
    expect(() => generateSignerKey('a b', SIGNATURE_TYPE.ed25519, () => random)).toThrow(badKey);
    expect(() => generateSignerKey('a', SIGNATURE_TYPE.ed25519, () => random.subarray(1))).toThrow(badKey);
  });

  test('refuse what is wrong, without repeating the secret', () => {
    const secretPart = GO_SKEY.split('+').at(-1)!;
    const wrong = [
      '',
      GO_VKEY,
      GO_SKEY.slice(12),
      GO_SKEY.replace('PRIVATE', 'private'),
      GO_SKEY.replace('c74f20a3', 'c74f20a4'),
      GO_SKEY.replace('Peter', 'Pieter'),
      GO_SKEY.replace('+AYEK', '+BIEK'),
      GO_SKEY.replace('+AYEK', '+BoEK'),
      `${GO_SKEY}\n`,
      `PRIVATE+KEY+a+00000000+${toBase64(Uint8Array.of(1, 2, 3))}`,
      ...Array.from({ length: GO_SKEY.length }, (_, i) => GO_SKEY.slice(0, i)),
      ...Array.from({ length: GO_SKEY.length }, (_, i) => `${GO_SKEY.slice(0, i)}-${GO_SKEY.slice(i + 1)}`),
    ];
    for (const skey of wrong) {
      let caught: unknown;
      try {
        parseSignerKey(skey);
      } catch (error) {
        caught = error;
      }
      // A dash in the name alone gives another name, whose id is another too.
      expect(isLimmatError(caught, 'bad-key'), skey).toBe(true);
      if (isLimmatError(caught)) expect(caught.message).not.toContain(secretPart.slice(4, 12));
    }
  });
});
