// The signature algorithms of statements: one row each (RFC 9864 §2; key types RFC 9053 §7). Both fix the curve and
// the hash. The polymorphic EdDSA (-8) and ES256 (-7) are not accepted: the key would decide what they mean.

/** Ed25519 is -19, ESP256 (ECDSA on P-256 with SHA-256) is -9. */
export type CoseAlg = -19 | -9;

export interface CoseAlgorithm {
  readonly alg: CoseAlg;
  /** As the COSE registry writes it. */
  readonly title: string;
  /** Its name in the crypto suite. */
  readonly name: 'Ed25519' | 'ECDSA-P256';
  /** COSE_Key: key type (label 1) and curve (label -1). */
  readonly kty: number;
  readonly crv: number;
  /** In the suite's form: 32 bytes, or 65 bytes uncompressed. */
  readonly publicKeySize: number;
  readonly signatureSize: number;
}

const ED25519: CoseAlgorithm = Object.freeze({
  alg: -19,
  title: 'Ed25519',
  name: 'Ed25519',
  kty: 1,
  crv: 6,
  publicKeySize: 32,
  signatureSize: 64,
});

const ESP256: CoseAlgorithm = Object.freeze({
  alg: -9,
  title: 'ESP256',
  name: 'ECDSA-P256',
  kty: 2,
  crv: 1,
  publicKeySize: 65,
  signatureSize: 64,
});

export const COSE_ALGORITHMS: readonly CoseAlgorithm[] = Object.freeze([ED25519, ESP256]);

/** The row of a COSE algorithm number, or undefined when statements do not use it. */
export function coseAlgorithm(alg: unknown): CoseAlgorithm | undefined {
  return alg === -19 ? ED25519 : alg === -9 ? ESP256 : undefined;
}
