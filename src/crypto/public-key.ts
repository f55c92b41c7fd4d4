// Which public keys and signatures are of the one accepted form. Shared by every implementation, so that two of them
// can never judge the same bytes differently: a log and its monitors must agree on every signature.

import { ed25519 } from '@noble/curves/ed25519.js';
import { p256 } from '@noble/curves/nist.js';
import { compareBytes, fromHex, toHex } from '../bytes.ts';
import { LimmatError } from '../errors.ts';
import { SIZES } from './suite.ts';
import type { AlgorithmName } from './suite.ts';

// The y coordinates, little-endian, of the points whose order divides 8. With such a key anybody can make a signature
// that holds for many messages, with the identity for every message; honest key generation never yields one.
const SMALL_ORDER_Y: ReadonlySet<string> = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
]);

/**
 * True when 32 bytes may be an Ed25519 public key: y is below p = 2^255 - 19, as RFC 8032 §5.1.3 demands and some
 * libraries do not check, and the point is not of small order. Says nothing about being on the curve.
 */
export function isStrictEd25519Key(publicKey: Uint8Array): boolean {
  if (publicKey.length !== SIZES.Ed25519.publicKeySize) return false;
  const y = publicKey.slice();
  y[31] = y[31]! % 128;
  // p = ed ff … ff 7f
  if (y[31] === 0x7f && y[0]! >= 0xed && y.subarray(1, 31).every((byte) => byte === 0xff)) return false;
  return !SMALL_ORDER_Y.has(toHex(y));
}

/**
 * True when the R of an Ed25519 signature is no point of small order, nor an encoding that the equation never gives.
 * OpenSSL 3.5 and libsodium refuse such an R and OpenSSL 3.0 and Go do not; no signer ever makes one.
 */
export function hasStrictR(signature: Uint8Array): boolean {
  return isStrictEd25519Key(signature.subarray(0, SIZES.Ed25519.publicKeySize));
}

/** n of P-256 (FIPS 186-4, D.1.2.3). */
const P256_ORDER: bigint = p256.Point.Fn.ORDER;
const P256_HALF_ORDER: Uint8Array = fromHex((P256_ORDER / 2n).toString(16).padStart(64, '0'))!;

/** True when 32 bytes are a P-256 secret: a big-endian number d with 0 < d < n. */
export function isP256Scalar(secret: Uint8Array): boolean {
  if (secret.length !== SIZES['ECDSA-P256'].secretSize) return false;
  const d = BigInt(`0x${toHex(secret)}`);
  return d > 0n && d < P256_ORDER;
}

/** True when r ‖ s has s ≤ n/2: of the two signatures (r, s) and (r, n - s) that always hold together, the one taken. */
export function isLowS(signature: Uint8Array): boolean {
  return signature.length === 64 && compareBytes(signature.subarray(32), P256_HALF_ORDER) <= 0;
}

/** The same signature in its low-S form; r ‖ s of 64 bytes in, r ‖ s of 64 bytes out. */
export function toLowS(signature: Uint8Array): Uint8Array {
  if (isLowS(signature)) return signature.slice();
  const s = P256_ORDER - BigInt(`0x${toHex(signature.subarray(32))}`);
  const out = signature.slice();
  out.set(fromHex(s.toString(16).padStart(64, '0'))!, 32);
  return out;
}

/**
 * LimmatError `bad-key` unless these bytes are a public key that signatures may be checked with: the right length, on
 * the curve, in its one encoding and not of small order. Meant for the moment when a key becomes trusted.
 */
export function checkPublicKey(algorithm: AlgorithmName, publicKey: Uint8Array): void {
  const { publicKeySize } = SIZES[algorithm];
  if (publicKey.length !== publicKeySize) {
    throw new LimmatError('bad-key', `${algorithm} public key has ${publicKey.length} bytes, not ${publicKeySize}`);
  }
  if (algorithm === 'Ed25519') {
    if (!isStrictEd25519Key(publicKey)) {
      throw new LimmatError('bad-key', 'Ed25519 public key is of small order or not in its canonical encoding');
    }
    onCurve(algorithm, () => ed25519.Point.fromBytes(publicKey, false));
  } else if (algorithm === 'ECDSA-P256') {
    onCurve(algorithm, () => p256.Point.fromBytes(publicKey).assertValidity());
  }
  // Every 1312 bytes are an ML-DSA-44 public key (FIPS 204, pkDecode).
}

function onCurve(algorithm: AlgorithmName, decode: () => unknown): void {
  try {
    decode();
  } catch (cause) {
    throw new LimmatError('bad-key', `${algorithm} public key is not a point on the curve`, { cause });
  }
}
