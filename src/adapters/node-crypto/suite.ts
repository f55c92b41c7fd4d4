// The signature algorithms with node:crypto: 14 times noble's speed for Ed25519, 35 times for P-256.

import { hash, sign, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { portableCrypto } from '../../crypto/portable.ts';
import { isLowS, toLowS } from '../../crypto/public-key.ts';
import { SIZES } from '../../crypto/suite.ts';
import type { AlgorithmName, CryptoSuite, SignatureAlgorithm, VerifyJob } from '../../crypto/suite.ts';
import { LimmatError } from '../../errors.ts';
import { KeyCache, hasNativeMldsa44, rawPublicKey } from './keys.ts';

/** Most verifications in one go before other work gets its turn: 64 × 60 µs is about 4 ms. */
const VERIFY_SLICE = 64;

/** A suite with its own key cache, and beside it the synchronous verify that worker threads use. */
export interface NativeSuite {
  readonly suite: CryptoSuite;
  /** The answer of the algorithm's verify, at once; undefined when this runtime has no native one. */
  readonly verifySync: (job: VerifyJob) => boolean | undefined;
}

/** Makes a suite. `mldsa44: 'portable'` leaves ML-DSA-44 to JavaScript as on a runtime that lacks it. */
export function makeNodeCrypto(options: { readonly mldsa44?: 'portable' } = {}): NativeSuite {
  const keys = new KeyCache();
  const nativeMldsa44 = options.mldsa44 !== 'portable' && hasNativeMldsa44();
  const verifySync = (job: VerifyJob): boolean | undefined =>
    job.algorithm === 'ML-DSA-44' && !nativeMldsa44 ? undefined : verifyNative(keys, job);
  const verifyJob = (job: VerifyJob): boolean | Promise<boolean> =>
    verifySync(job) ?? portableCrypto.mldsa44.verify(job.publicKey, job.message, job.signature);

  const suite: CryptoSuite = Object.freeze({
    ed25519: nativeAlgorithm('Ed25519', keys),
    p256: nativeAlgorithm('ECDSA-P256', keys),
    mldsa44: nativeMldsa44 ? nativeAlgorithm('ML-DSA-44', keys) : portableCrypto.mldsa44,
    sha256: (data: Uint8Array) => new Uint8Array(hash('sha256', data, 'buffer')),
    verifyMany: async (jobs: readonly VerifyJob[]): Promise<boolean[]> => {
      const results: boolean[] = [];
      for (const job of jobs) {
        if (results.length > 0 && results.length % VERIFY_SLICE === 0) await new Promise(setImmediate);
        results.push(await verifyJob(job));
      }
      return results;
    },
  });
  return { suite, verifySync };
}

function nativeAlgorithm(name: AlgorithmName, keys: KeyCache): SignatureAlgorithm {
  const sizes = SIZES[name];
  const secretKey = (secret: Uint8Array): KeyObject => {
    const key = keys.secret(name, secret);
    if (key !== undefined) return key;
    const found = secret.length === sizes.secretSize ? 'out of range' : `${secret.length} bytes long`;
    throw new LimmatError('bad-key', `${name} secret of ${sizes.secretSize} bytes expected, this one is ${found}`);
  };
  return Object.freeze({
    name,
    ...sizes,
    publicKey: (secret: Uint8Array) => rawPublicKey(name, secretKey(secret)),
    // oxlint-disable-next-line require-await -- a throw must become a rejection
    sign: async (secret: Uint8Array, message: Uint8Array) => signNative(name, secretKey(secret), message),
    verify: (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) =>
      Promise.resolve(verifyNative(keys, { algorithm: name, publicKey, message, signature })),
  });
}

// The digest is always named for EC keys: with null Node would pick one by itself.
function signNative(algorithm: AlgorithmName, key: KeyObject, message: Uint8Array): Uint8Array {
  if (algorithm !== 'ECDSA-P256') return new Uint8Array(sign(null, message, key));
  return toLowS(new Uint8Array(sign('sha256', message, { key, dsaEncoding: 'ieee-p1363' })));
}

function verifyNative(keys: KeyCache, { algorithm, publicKey, message, signature }: VerifyJob): boolean {
  const key = keys.publicKey(algorithm, publicKey);
  if (key === undefined || signature.length !== SIZES[algorithm].signatureSize) return false;
  if (algorithm !== 'ECDSA-P256') return verify(null, message, key, signature);
  return isLowS(signature) && verify('sha256', message, { key, dsaEncoding: 'ieee-p1363' }, signature);
}
