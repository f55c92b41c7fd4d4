// Signing and verifying with statement keys. The primitives come from the crypto suite that is passed in.

import { LimmatError } from '../errors.ts';
import { isLowS, toLowS } from '../crypto/public-key.ts';
import { algorithmOf, type CryptoSuite, type VerifyJob } from '../crypto/suite.ts';
import { coseAlgorithm, type CoseAlg } from './algorithm.ts';
import { coseKey, thumbprint, type CoseKey } from './key.ts';

export type { VerifyJob };

/** Whatever can sign a statement: a key in memory, a hardware module, a command. */
export interface StatementSigner {
  readonly alg: CoseAlg;
  readonly key: CoseKey;
  /** The key's thumbprint, 32 bytes. */
  readonly kid: Uint8Array;
  /** A signature of the algorithm's size over the Sig_structure; for ESP256 r‖s, either s. */
  sign(toBeSigned: Uint8Array): Promise<Uint8Array>;
}

/** A signer with a secret key in memory (32 bytes: the Ed25519 seed, or the P-256 scalar). */
export function statementSigner(secret: Uint8Array, alg: CoseAlg, crypto: CryptoSuite): StatementSigner {
  const algorithm = algorithmOf(crypto, coseAlgorithm(alg)!.name);
  const kept = secret.slice();
  return externalSigner(coseKey(alg, algorithm.publicKey(kept)), (message) => algorithm.sign(kept, message));
}

/** A signer whose secret is elsewhere. What `sign` gives is brought to low s, and must have the algorithm's size. */
export function externalSigner(key: CoseKey, sign: (toBeSigned: Uint8Array) => Promise<Uint8Array>): StatementSigner {
  const row = coseAlgorithm(key.alg)!;
  return Object.freeze({
    alg: key.alg,
    key,
    kid: thumbprint(key),
    sign: async (toBeSigned: Uint8Array) => {
      const signature = await sign(toBeSigned);
      if (signature.length !== row.signatureSize) {
        throw new LimmatError(
          'bad-key',
          `signer gave ${signature.length} bytes, not the ${row.signatureSize} of ${row.title}`,
        );
      }
      return row.name === 'ECDSA-P256' ? toLowS(signature) : signature;
    },
  });
}

/** What was signed, with which algorithm, and the signature: the parts of a statement that verifying needs. */
export interface Signed {
  readonly alg: CoseAlg;
  readonly toBeSigned: Uint8Array;
  readonly signature: Uint8Array;
}

/**
 * `malformed` unless the signature has the algorithm's one form: its size, and for ESP256 s ≤ n/2. (r, n - s) holds
 * wherever (r, s) does, so without this everyone could make a second leaf of a logged statement.
 */
export function checkSignatureForm(alg: CoseAlg, signature: Uint8Array): void {
  const row = coseAlgorithm(alg)!;
  if (signature.length !== row.signatureSize) {
    throw new LimmatError(
      'malformed',
      `${row.title} signature has ${signature.length} bytes, not ${row.signatureSize}`,
    );
  }
  if (row.name === 'ECDSA-P256' && !isLowS(signature)) {
    throw new LimmatError('malformed', `${row.title} signature is not in its low-s form`);
  }
}

/** The job that checks this signature; `bad-signature` when the key is for another algorithm than the statement's. */
export function verifyJob(signed: Signed, key: CoseKey): VerifyJob {
  const row = coseAlgorithm(key.alg)!;
  if (signed.alg !== key.alg) {
    throw new LimmatError('bad-signature', `statement says algorithm ${signed.alg}, the key is for ${key.alg}`);
  }
  return { algorithm: row.name, publicKey: key.publicKey, message: signed.toBeSigned, signature: signed.signature };
}

/** True when the signature is the key's. */
export async function verifySigned(signed: Signed, key: CoseKey, crypto: CryptoSuite): Promise<boolean> {
  if (signed.alg !== key.alg) return false;
  const algorithm = algorithmOf(crypto, coseAlgorithm(key.alg)!.name);
  return algorithm.verify(key.publicKey, signed.toBeSigned, signed.signature);
}
