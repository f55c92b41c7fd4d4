// The shape of the cryptography that everything else is given: three signature algorithms and one hash. A portable
// implementation is in portable.ts; a native one fills the same shape (adapters/node-crypto.ts). No part looks for a
// faster primitive by itself.

/** The algorithms, by the names that keys and errors use. */
export type AlgorithmName = 'Ed25519' | 'ECDSA-P256' | 'ML-DSA-44';

/** One signature algorithm over raw keys and signatures of fixed length. */
export interface SignatureAlgorithm {
  readonly name: AlgorithmName;
  /** Bytes of a secret: an Ed25519 or ML-DSA-44 seed, a P-256 scalar; 32 for all three. */
  readonly secretSize: number;
  /** Bytes of a public key. */
  readonly publicKeySize: number;
  /** Bytes of a signature. */
  readonly signatureSize: number;
  /** The public key of a secret. LimmatError `bad-key` when the secret is none. */
  publicKey(secret: Uint8Array): Uint8Array;
  /** A signature over the message, `signatureSize` bytes. LimmatError `bad-key` when the secret is none. */
  sign(secret: Uint8Array, message: Uint8Array): Promise<Uint8Array>;
  /** True when the signature is the key's over the message. Never throws: a key or signature of a bad form is false. */
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): Promise<boolean>;
}

/** One signature to check, for `verifyMany`. */
export interface VerifyJob {
  readonly algorithm: AlgorithmName;
  readonly publicKey: Uint8Array;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
}

/** All the cryptography that limmat uses, as one value that is passed in. */
export interface CryptoSuite {
  /** RFC 8032: secret = 32-byte seed, public key 32 bytes, signature 64 bytes; strict (see portable.ts). */
  readonly ed25519: SignatureAlgorithm;
  /** ES256 (RFC 9053 §2.1): public key = 0x04 ‖ x ‖ y, signature = r ‖ s with s ≤ n/2, made and accepted so only. */
  readonly p256: SignatureAlgorithm;
  /** FIPS 204 ML-DSA-44, pure, empty context: secret = 32-byte seed, public key 1312 bytes, signature 2420 bytes. */
  readonly mldsa44: SignatureAlgorithm;
  /** SHA-256, 32 bytes. */
  sha256(data: Uint8Array): Uint8Array;
  /** The answers of `verify` for these jobs, in order. */
  verifyMany(jobs: readonly VerifyJob[]): Promise<boolean[]>;
}

/** The suite's algorithm of that name. */
export function algorithmOf(suite: CryptoSuite, name: AlgorithmName): SignatureAlgorithm {
  if (name === 'Ed25519') return suite.ed25519;
  return name === 'ECDSA-P256' ? suite.p256 : suite.mldsa44;
}

/** Lengths in bytes, shared by every implementation. */
export const SIZES = Object.freeze({
  Ed25519: Object.freeze({ secretSize: 32, publicKeySize: 32, signatureSize: 64 }),
  'ECDSA-P256': Object.freeze({ secretSize: 32, publicKeySize: 65, signatureSize: 64 }),
  'ML-DSA-44': Object.freeze({ secretSize: 32, publicKeySize: 1312, signatureSize: 2420 }),
});
