// The signature algorithms with native code: 14 times noble's speed for Ed25519 with node:crypto and 25 times with
// libsodium, 35 times for P-256.

import { hash, sign, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { portableCrypto } from '../../crypto/portable.ts';
import { hasStrictR, isLowS, toLowS } from '../../crypto/public-key.ts';
import { SIZES } from '../../crypto/suite.ts';
import type { AlgorithmName, CryptoSuite, SignatureAlgorithm, VerifyJob } from '../../crypto/suite.ts';
import { LimmatError } from '../../errors.ts';
import { KeyCache, hasNativeMldsa44, rawPublicKey } from './keys.ts';
import { openLibsodium } from './libsodium.ts';
import type { VerifyDetached } from './libsodium.ts';

/** Most verifications in one go before other work gets its turn: 64 × 60 µs is about 4 ms. */
const VERIFY_SLICE = 64;

/** A suite with its own key cache, and beside it the synchronous verify that worker threads use. */
export interface NativeSuite {
  readonly suite: CryptoSuite;
  /** The answer of the algorithm's verify, at once; undefined when this runtime has no native one. */
  readonly verifySync: (job: VerifyJob) => boolean | undefined;
}

export interface NodeCryptoOptions {
  /** Leaves ML-DSA-44 to JavaScript, as on a runtime that lacks it. */
  readonly mldsa44?: 'portable';
  /** Leaves Ed25519 to OpenSSL, as where libsodium is not installed. */
  readonly ed25519?: 'openssl';
  /** Imported public keys that are kept: more than there are signers to be verified in turn. */
  readonly cachedKeys?: number;
}

/** What verifying looks up: imported keys, and libsodium's verify where there is one. */
interface Verifier {
  readonly keys: KeyCache;
  readonly ed25519: VerifyDetached | undefined;
}

/** Makes a suite. */
export function makeNodeCrypto(options: NodeCryptoOptions = {}): NativeSuite {
  const keys = new KeyCache(options.cachedKeys);
  const verifier: Verifier = { keys, ed25519: options.ed25519 === 'openssl' ? undefined : openLibsodium() };
  const nativeMldsa44 = options.mldsa44 !== 'portable' && hasNativeMldsa44();
  const verifySync = (job: VerifyJob): boolean | undefined =>
    job.algorithm === 'ML-DSA-44' && !nativeMldsa44 ? undefined : verifyNative(verifier, job);
  const verifyJob = (job: VerifyJob): boolean | Promise<boolean> =>
    verifySync(job) ?? portableCrypto.mldsa44.verify(job.publicKey, job.message, job.signature);

  const suite: CryptoSuite = Object.freeze({
    ed25519: nativeAlgorithm('Ed25519', verifier),
    p256: nativeAlgorithm('ECDSA-P256', verifier),
    mldsa44: nativeMldsa44 ? nativeAlgorithm('ML-DSA-44', verifier) : portableCrypto.mldsa44,
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

function nativeAlgorithm(name: AlgorithmName, verifier: Verifier): SignatureAlgorithm {
  const sizes = SIZES[name];
  const { keys } = verifier;
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
      Promise.resolve(verifyNative(verifier, { algorithm: name, publicKey, message, signature })),
  });
}

// The digest is always named for EC keys: with null Node would pick one by itself.
function signNative(algorithm: AlgorithmName, key: KeyObject, message: Uint8Array): Uint8Array {
  if (algorithm !== 'ECDSA-P256') return new Uint8Array(sign(null, message, key));
  return toLowS(new Uint8Array(sign('sha256', message, { key, dsaEncoding: 'ieee-p1363' })));
}

function verifyNative({ keys, ed25519 }: Verifier, { algorithm, publicKey, message, signature }: VerifyJob): boolean {
  const key = keys.publicKey(algorithm, publicKey);
  if (key === undefined || signature.length !== SIZES[algorithm].signatureSize) return false;
  if (algorithm === 'Ed25519') {
    if (ed25519 !== undefined) return ed25519(signature, message, publicKey);
    return hasStrictR(signature) && verify(null, message, key, signature);
  }
  if (algorithm !== 'ECDSA-P256') return verify(null, message, key, signature);
  return isLowS(signature) && verify('sha256', message, { key, dsaEncoding: 'ieee-p1363' }, signature);
}
