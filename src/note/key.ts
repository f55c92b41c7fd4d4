// Keys as text: vkeys (C2SP signed-note, "Verifier keys") and skeys, as golang.org/x/mod/sumdb/note writes them.

import { concat, fromBase64, fromHex, readUint, toBase64, toHex, uintBytes, utf8 } from '../bytes.ts';
import { portableCrypto } from '../crypto/portable.ts';
import { checkPublicKey } from '../crypto/public-key.ts';
import { SIZES, algorithmOf } from '../crypto/suite.ts';
import type { CryptoSuite } from '../crypto/suite.ts';
import { LimmatError } from '../errors.ts';
import { MAX_COSIGNED_NAME_BYTES } from './cosignature.ts';
import { isKeyName } from './note.ts';
import { SIGNATURE_TYPE, signatureTypeOf } from './signature-type.ts';
import type { SignatureType, SignatureTypeByte } from './signature-type.ts';

export { SIGNATURE_TYPE } from './signature-type.ts';
export type { SignatureTypeByte } from './signature-type.ts';

/** A public key with the name that its signature lines carry. */
export interface VerifierKey {
  readonly name: string;
  /** A number below 2^32. */
  readonly keyId: number;
  readonly type: SignatureTypeByte;
  readonly publicKey: Uint8Array;
  /** The key as text, as it was read or would be written. */
  readonly vkey: string;
}

/** A secret key with its name. */
export interface SignerKey {
  readonly name: string;
  /** The key id of the public key that belongs to it. */
  readonly keyId: number;
  readonly type: SignatureTypeByte;
  /** The 32-byte seed. */
  readonly secret: Uint8Array;
}

// A longer text is no key of a supported type: ML-DSA-44's public key is 1752 characters of base64. Names are short.
const MAX_KEY_TEXT = 4096;

/** The recommended key id: the first four bytes of SHA-256(name ‖ newline ‖ type ‖ public key), as a number. */
export function keyIdFor(name: string, type: number, publicKey: Uint8Array): number {
  const digest = portableCrypto.sha256(concat(utf8(`${name}\n`), uintBytes(type, 1), publicKey));
  return readUint(digest, 0, 4)!;
}

/** A key id as text: eight lowercase hexadecimal digits. */
export function formatKeyId(keyId: number): string {
  return toHex(uintBytes(keyId, 4));
}

/**
 * A verifier key's parts. LimmatError `bad-key` unless the text is a vkey of a supported type, its key id is the
 * recommended one, and its public key is sound (`checkPublicKey`).
 *
 * ```text
 * example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k
 * ```
 */
export function parseVerifierKey(vkey: string): VerifierKey {
  const { name, keyId, row, key } = splitKey('verifier key', vkey);
  checkPublicKey(row.algorithm, key);
  checkKeyId('verifier key', name, keyId, keyIdFor(name, row.type, key));
  return Object.freeze({ name, keyId, type: row.type, publicKey: key, vkey });
}

/** The vkey text of a public key. LimmatError `bad-key` when the name or the key cannot be in one. */
export function formatVerifierKey(key: {
  readonly name: string;
  readonly type: SignatureTypeByte;
  readonly publicKey: Uint8Array;
}): string {
  const { name, type, publicKey } = key;
  const keyId = formatKeyId(keyIdFor(name, type, publicKey));
  return parseVerifierKey(`${name}+${keyId}+${toBase64(concat(uintBytes(type, 1), publicKey))}`).vkey;
}

const SKEY_PREFIX = 'PRIVATE+KEY+';

/**
 * A signer key's parts. LimmatError `bad-key` unless the text is an skey of a supported type and its key id is that of
 * its public key, which the crypto suite computes. No message repeats any of the text.
 *
 * ```text
 * PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz
 * ```
 */
export function parseSignerKey(skey: string, crypto: CryptoSuite = portableCrypto): SignerKey {
  if (!skey.startsWith(SKEY_PREFIX)) throw new LimmatError('bad-key', `signer key does not start with ${SKEY_PREFIX}`);
  const { name, keyId, row, key } = splitKey('signer key', skey.slice(SKEY_PREFIX.length));
  const { secretSize } = SIZES[row.algorithm];
  if (key.length !== secretSize) {
    throw new LimmatError(
      'bad-key',
      `signer key of type ${row.label} has ${key.length} secret bytes, not ${secretSize}`,
    );
  }
  const publicKey = algorithmOf(crypto, row.algorithm).publicKey(key);
  checkKeyId('signer key', name, keyId, keyIdFor(name, row.type, publicKey));
  return Object.freeze({ name, keyId, type: row.type, secret: key });
}

/** The skey text of a secret key. */
export function formatSignerKey(key: SignerKey): string {
  const secret = toBase64(concat(uintBytes(key.type, 1), key.secret));
  return `${SKEY_PREFIX}${key.name}+${formatKeyId(key.keyId)}+${secret}`;
}

/**
 * A new secret key. randomBytes(n) gives n bytes from a source fit for keys. LimmatError `bad-key` when the name
 * is no key name, or for a timestamped type is longer than 255 bytes.
 */
export function generateSignerKey(
  name: string,
  type: SignatureTypeByte,
  randomBytes: (length: number) => Uint8Array,
  crypto: CryptoSuite = portableCrypto,
): SignerKey {
  const row = rowOf('signer key', type);
  checkName('signer key', name, row);
  const secret = randomBytes(SIZES[row.algorithm].secretSize).slice();
  const publicKey = algorithmOf(crypto, row.algorithm).publicKey(secret);
  return Object.freeze({ name, keyId: keyIdFor(name, type, publicKey), type, secret });
}

/** The verifier key that belongs to a signer key. */
export function verifierKeyOf(key: SignerKey, crypto: CryptoSuite = portableCrypto): VerifierKey {
  const publicKey = algorithmOf(crypto, rowOf('signer key', key.type).algorithm).publicKey(key.secret);
  return parseVerifierKey(formatVerifierKey({ name: key.name, type: key.type, publicKey }));
}

/** name "+" key id "+" base64(type ‖ key); the name has no plus sign, so the first two separate. */
function splitKey(
  what: string,
  text: string,
): { readonly name: string; readonly keyId: number; readonly row: SignatureType; readonly key: Uint8Array } {
  if (text.length > MAX_KEY_TEXT) throw new LimmatError('bad-key', `${what} has more than ${MAX_KEY_TEXT} characters`);
  const [, name, keyIdText, keyText] = /^([^+]+)\+([^+]*)\+(.*)$/su.exec(text) ?? [];
  if (name === undefined || keyIdText === undefined || keyText === undefined) {
    throw new LimmatError('bad-key', `${what} is not of the form name+hash+base64`);
  }
  const id = fromHex(keyIdText);
  if (id === undefined || id.length !== 4)
    throw new LimmatError('bad-key', `${what}: hash is not 8 lowercase hex digits`);
  const bytes = fromBase64(keyText);
  if (bytes === undefined || bytes.length === 0) throw new LimmatError('bad-key', `${what} is not canonical base64`);
  const row = rowOf(what, bytes[0]!);
  checkName(what, name, row);
  return { name, keyId: readUint(id, 0, 4)!, row, key: bytes.slice(1) };
}

function rowOf(what: string, type: number): SignatureType {
  const row = signatureTypeOf(type);
  if (row === undefined) {
    const known = Object.values(SIGNATURE_TYPE).map((byte) => `0x0${byte}`);
    throw new LimmatError(
      'bad-key',
      `${what}: signature type 0x${type.toString(16).padStart(2, '0')} is none of ${known.join(', ')}`,
    );
  }
  return row;
}

function checkName(what: string, name: string, row: SignatureType): void {
  if (!isKeyName(name))
    throw new LimmatError('bad-key', `${what}: name is empty or has a space, plus or control character`);
  const { length } = utf8(name);
  if (row.timestamped && length > MAX_COSIGNED_NAME_BYTES) {
    throw new LimmatError('bad-key', `${what}: name has ${length} bytes, more than ${MAX_COSIGNED_NAME_BYTES}`);
  }
}

function checkKeyId(what: string, name: string, keyId: number, expected: number): void {
  if (keyId === expected) return;
  throw new LimmatError(
    'bad-key',
    `${what} of ${name} says hash ${formatKeyId(keyId)}, but its key has ${formatKeyId(expected)}`,
  );
}
