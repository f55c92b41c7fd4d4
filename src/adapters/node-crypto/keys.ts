// KeyObjects from raw keys: DER headers in front of the bytes, and a bounded cache, because importing a key costs
// about as much as half an Ed25519 verification.

import { createPrivateKey, createPublicKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { concat, equalBytes, fromHex } from '../../bytes.ts';
import { isP256Scalar, isStrictEd25519Key } from '../../crypto/public-key.ts';
import { SIZES } from '../../crypto/suite.ts';
import type { AlgorithmName } from '../../crypto/suite.ts';

interface DerForm {
  /** What stands before the raw public key in its SubjectPublicKeyInfo (RFC 5280). */
  readonly spki: Uint8Array;
  /** What stands before and after the raw secret, and the container's name. */
  readonly secretHead: Uint8Array;
  readonly secretTail: Uint8Array;
  readonly secretType: 'pkcs8' | 'sec1';
}

const DER: Readonly<Record<AlgorithmName, DerForm>> = {
  // RFC 8410: id-Ed25519 1.3.101.112
  Ed25519: {
    spki: fromHex('302a300506032b6570032100')!,
    secretHead: fromHex('302e020100300506032b657004220420')!,
    secretTail: new Uint8Array(0),
    secretType: 'pkcs8',
  },
  // RFC 5480 and RFC 5915: id-ecPublicKey, prime256v1; the secret without its public key, which OpenSSL computes.
  'ECDSA-P256': {
    spki: fromHex('3059301306072a8648ce3d020106082a8648ce3d030107034200')!,
    secretHead: fromHex('30310201010420')!,
    secretTail: fromHex('a00a06082a8648ce3d030107')!,
    secretType: 'sec1',
  },
  // RFC 9881: id-ml-dsa-44 2.16.840.1.101.3.4.3.17; the secret in its seed form, [0] of 32 bytes.
  'ML-DSA-44': {
    spki: fromHex('30820532300b06096086480165030403110382052100')!,
    secretHead: fromHex('3034020100300b060960864801650304031104228020')!,
    secretTail: new Uint8Array(0),
    secretType: 'pkcs8',
  },
};

/**
 * Most public keys kept, unless told otherwise. A log sees a few submitters and a monitor a few logs; 1,024 Ed25519 keys take about 1 MB,
 * and whoever sends more distinct keys only pays for the import each time.
 */
export const DEFAULT_CACHED_KEYS = 1024;

/** Imports keys and remembers them. One belongs to each suite; what it holds changes speed, never an answer. */
export class KeyCache {
  readonly #maxKeys: number;
  // null = these bytes are no key. Two generations: when the young one is full it becomes the old one, so that
  // nothing is evicted key by key and what is in use stays.
  #young = new Map<string, KeyObject | null>();
  #old = new Map<string, KeyObject | null>();
  // Secrets are found by the array that holds them, never by a copy of their bytes in a string.
  readonly #secrets = new WeakMap<Uint8Array, { readonly bytes: Uint8Array; readonly key: KeyObject }>();

  constructor(maxKeys: number = DEFAULT_CACHED_KEYS) {
    this.#maxKeys = maxKeys;
  }

  /** The KeyObject of a raw public key, or undefined when the bytes are none. */
  publicKey(algorithm: AlgorithmName, publicKey: Uint8Array): KeyObject | undefined {
    // Each algorithm's keys have another length, so the bytes alone are the cache key.
    if (publicKey.length !== SIZES[algorithm].publicKeySize) return undefined;
    const id = Buffer.from(publicKey.buffer, publicKey.byteOffset, publicKey.length).toString('latin1');
    let key = this.#young.get(id);
    if (key !== undefined) return key ?? undefined;
    key = this.#old.get(id);
    if (key === undefined) key = importPublicKey(algorithm, publicKey) ?? null;
    if (this.#young.size >= this.#maxKeys / 2) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(id, key);
    return key ?? undefined;
  }

  /** The KeyObject of a raw secret, or undefined when the bytes are none. */
  secret(algorithm: AlgorithmName, secret: Uint8Array): KeyObject | undefined {
    const cached = this.#secrets.get(secret);
    if (cached?.key.asymmetricKeyType === KEY_TYPE[algorithm] && equalBytes(cached.bytes, secret)) return cached.key;
    const key = importSecret(algorithm, secret);
    if (key !== undefined) this.#secrets.set(secret, { bytes: secret.slice(), key });
    return key;
  }
}

const KEY_TYPE: Readonly<Record<AlgorithmName, string>> = {
  Ed25519: 'ed25519',
  'ECDSA-P256': 'ec',
  'ML-DSA-44': 'ml-dsa-44',
};

/** The raw public key of a secret's KeyObject. */
export function rawPublicKey(algorithm: AlgorithmName, secret: KeyObject): Uint8Array {
  const spki = createPublicKey(secret).export({ format: 'der', type: 'spki' });
  return new Uint8Array(spki.subarray(spki.length - SIZES[algorithm].publicKeySize));
}

function importPublicKey(algorithm: AlgorithmName, publicKey: Uint8Array): KeyObject | undefined {
  if (algorithm === 'Ed25519' && !isStrictEd25519Key(publicKey)) return undefined;
  // 0x04 = uncompressed; OpenSSL would also take the hybrid forms 0x06 and 0x07.
  if (algorithm === 'ECDSA-P256' && publicKey[0] !== 0x04) return undefined;
  try {
    const key = Buffer.from(concat(DER[algorithm].spki, publicKey));
    return createPublicKey({ key, format: 'der', type: 'spki' });
  } catch {
    // The length and the header are right, so it is the point that OpenSSL refuses.
    return undefined;
  }
}

function importSecret(algorithm: AlgorithmName, secret: Uint8Array): KeyObject | undefined {
  if (secret.length !== SIZES[algorithm].secretSize) return undefined;
  // OpenSSL takes every 32 bytes as a scalar, 0 and what is not below n too.
  if (algorithm === 'ECDSA-P256' && !isP256Scalar(secret)) return undefined;
  const { secretHead, secretTail, secretType } = DER[algorithm];
  const key = Buffer.from(concat(secretHead, secret, secretTail));
  return createPrivateKey({ key, format: 'der', type: secretType });
}

/**
 * True when this runtime has ML-DSA-44 natively (Node 24 with OpenSSL 3.5 has, Node 20 has not). Found out by importing
 * a key: "unsupported" means no, any other failure is one.
 */
export function hasNativeMldsa44(): boolean {
  try {
    return importSecret('ML-DSA-44', new Uint8Array(32))?.asymmetricKeyType === KEY_TYPE['ML-DSA-44'];
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_OSSL_UNSUPPORTED') return false;
    throw error;
  }
}
