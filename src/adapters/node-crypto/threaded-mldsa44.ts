// ML-DSA-44 on Node's own threads (libuv's): a signature takes half a millisecond, in which the thread that called can serve
// others. For Ed25519 the way there costs more than it saves.

import { sign, verify } from 'node:crypto';
import { LimmatError } from '../../errors.ts';
import type { SignatureAlgorithm } from '../../crypto/suite.ts';
import type { KeyCache } from './keys.ts';

/**
 * The algorithm with sign and verify on other threads, at most `threads` at a time: the same threads write files, and must
 * not be kept from it.
 */
export function threadedMldsa44(here: SignatureAlgorithm, keys: KeyCache, threads: number): SignatureAlgorithm {
  const run = atMost(threads);
  return Object.freeze({
    ...here,
    sign: (secret: Uint8Array, message: Uint8Array): Promise<Uint8Array> => {
      const key = keys.secret('ML-DSA-44', secret);
      // It says what is wrong with the secret.
      if (key === undefined) return here.sign(secret, message);
      return run<Uint8Array>((done, fail) =>
        sign(null, message, key, (error, signature) => {
          if (error === null) done(new Uint8Array(signature));
          else fail(new LimmatError('internal', 'ML-DSA-44 could not sign', { cause: error }));
        }),
      );
    },
    verify: (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): Promise<boolean> => {
      const key = keys.publicKey('ML-DSA-44', publicKey);
      if (key === undefined || signature.length !== here.signatureSize) return Promise.resolve(false);
      return run<boolean>((done, fail) =>
        verify(null, message, key, signature, (error, holds) => {
          if (error === null) done(holds);
          else fail(new LimmatError('internal', 'ML-DSA-44 could not verify', { cause: error }));
        }),
      );
    },
  });
}

type Job<T> = (done: (value: T) => void, fail: (error: LimmatError) => void) => void;

/** Runs jobs, at most so many at a time, in the order in which they came. */
function atMost(limit: number): <T>(job: Job<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let running = 0;
  const next = (): void => {
    running--;
    waiting.shift()?.();
  };
  return <T>(job: Job<T>): Promise<T> =>
    new Promise<T>((resolve, reject) => {
      const start = (): void => {
        running++;
        job(
          (value) => {
            next();
            resolve(value);
          },
          (error) => {
            next();
            reject(error);
          },
        );
      };
      if (running < limit) start();
      else waiting.push(start);
    });
}
