// The algorithms in JavaScript alone (noble): what browsers and Workers use, and the reference that native
// implementations are compared with.

import { ed25519 } from '@noble/curves/ed25519.js';
import { p256 } from '@noble/curves/nist.js';
import { sha256, sha512 } from '@noble/hashes/sha2.js';
import { ml_dsa44 as mldsa44 } from '@noble/post-quantum/ml-dsa.js';
import { concat, equalBytes, toHex } from '../bytes.ts';
import { LimmatError } from '../errors.ts';
import { hasStrictR, isLowS, isStrictEd25519Key } from './public-key.ts';
import { SIZES, algorithmOf } from './suite.ts';
import type { AlgorithmName, CryptoSuite, SignatureAlgorithm, VerifyJob } from './suite.ts';

function littleEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x${toHex(bytes.toReversed())}`);
}

/**
 * RFC 8032 §5.1.7 in its strict reading: A and S in range, neither A nor R of small order, then the encoding of
 * [S]B - [k]A equals R byte for byte, the check that OpenSSL and libsodium make. Noble's own verify multiplies by the cofactor first and so accepts signatures
 * that those refuse; two monitors would then disagree about one entry.
 */
function verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (!isStrictEd25519Key(publicKey) || !hasStrictR(signature)) return false;
  const { Point } = ed25519;
  const s = littleEndian(signature.subarray(32));
  if (s >= Point.Fn.ORDER) return false;
  const point = Point.fromBytes(publicKey, false);
  const r = signature.subarray(0, 32);
  const k = littleEndian(sha512(concat(r, publicKey, message))) % Point.Fn.ORDER;
  return equalBytes(Point.BASE.multiplyUnsafe(s).subtract(point.multiplyUnsafe(k)).toBytes(), r);
}

/** What one algorithm brings; the wrapper below adds the checks that all share. */
interface Primitive {
  publicKey(secret: Uint8Array): Uint8Array;
  sign(secret: Uint8Array, message: Uint8Array): Uint8Array;
  /** Called with a key and a signature of the right lengths; may throw for what it cannot decode. */
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
}

const PRIMITIVES: Readonly<Record<AlgorithmName, Primitive>> = {
  Ed25519: {
    publicKey: (secret) => ed25519.getPublicKey(secret),
    sign: (secret, message) => ed25519.sign(message, secret),
    verify: verifyEd25519,
  },
  'ECDSA-P256': {
    publicKey: (secret) => p256.getPublicKey(secret, false),
    sign: (secret, message) => p256.sign(message, secret, { lowS: true }),
    verify: (publicKey, message, signature) =>
      isLowS(signature) && p256.verify(signature, message, publicKey, { lowS: true }),
  },
  'ML-DSA-44': {
    publicKey: (secret) => mldsa44.keygen(secret).publicKey,
    // Hedged: noble mixes fresh randomness in, so two signatures over one message differ (FIPS 204 §3.4).
    sign: (secret, message) => mldsa44.sign(message, mldsa44.keygen(secret).secretKey),
    verify: (publicKey, message, signature) => mldsa44.verify(signature, message, publicKey),
  },
};

function portableAlgorithm(name: AlgorithmName): SignatureAlgorithm {
  const primitive = PRIMITIVES[name];
  const sizes = SIZES[name];
  const withSecret = (secret: Uint8Array, use: () => Uint8Array): Uint8Array => {
    try {
      return use();
    } catch (cause) {
      const found = secret.length === sizes.secretSize ? 'out of range' : `${secret.length} bytes long`;
      throw new LimmatError('bad-key', `${name} secret of ${sizes.secretSize} bytes expected, this one is ${found}`, {
        cause,
      });
    }
  };
  return Object.freeze({
    name,
    ...sizes,
    publicKey: (secret: Uint8Array) => withSecret(secret, () => primitive.publicKey(secret)),
    // oxlint-disable-next-line require-await -- a throw must become a rejection
    sign: async (secret: Uint8Array, message: Uint8Array) => withSecret(secret, () => primitive.sign(secret, message)),
    verify: (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) =>
      Promise.resolve(verifyOne(primitive, sizes, publicKey, message, signature)),
  });
}

function verifyOne(
  primitive: Primitive,
  sizes: { readonly publicKeySize: number; readonly signatureSize: number },
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (publicKey.length !== sizes.publicKeySize || signature.length !== sizes.signatureSize) return false;
  try {
    return primitive.verify(publicKey, message, signature);
  } catch {
    // Noble throws for points off the curve and numbers out of range: such a signature is not the key's.
    return false;
  }
}

/** The portable suite. Slow beside native code: about 1,000 Ed25519 verifications a second on one core. */
export const portableCrypto: CryptoSuite = Object.freeze({
  ed25519: portableAlgorithm('Ed25519'),
  p256: portableAlgorithm('ECDSA-P256'),
  mldsa44: portableAlgorithm('ML-DSA-44'),
  sha256: (data: Uint8Array) => sha256(data),
  verifyMany: verifyInTurn,
});

async function verifyInTurn(jobs: readonly VerifyJob[]): Promise<boolean[]> {
  const results: boolean[] = [];
  for (const { algorithm, publicKey, message, signature } of jobs) {
    results.push(await algorithmOf(portableCrypto, algorithm).verify(publicKey, message, signature));
  }
  return results;
}
