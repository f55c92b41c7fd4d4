// Threads that sign. An ML-DSA-44 signature takes half a millisecond, in which the thread that called can serve others; in
// blocks on threads of our own it costs a third less than one at a time on libuv's. For Ed25519 the way there costs more
// than it saves.

import type { KeyObject } from 'node:crypto';
import type { SignatureAlgorithm } from '../../crypto/suite.ts';
import { KeyCache } from './keys.ts';
import { Threads, workerUrlOf } from './threads.ts';

/** Messages to sign, each with the position of its key in `keys`. */
export interface SigningBlock {
  readonly keys: readonly KeyObject[];
  readonly jobs: readonly { readonly key: number; readonly message: Uint8Array }[];
}

interface Job {
  readonly key: KeyObject;
  readonly secret: Uint8Array;
  readonly message: Uint8Array;
}

export interface SigningThreads {
  /** The algorithm with its sign on these threads. */
  readonly algorithm: SignatureAlgorithm;
  /** Answers what was asked, then ends the threads. Later calls fail with `shutting-down`. */
  close(): Promise<void>;
}

/**
 * Threads that sign with ML-DSA-44 keys as `here` does; they come up with the first work. RangeError unless threads is an
 * integer of 1 or more.
 */
export function createSigningThreads(
  here: SignatureAlgorithm,
  options: { readonly threads: number; readonly workerUrl?: URL },
): SigningThreads {
  const { threads: count, workerUrl = workerUrlOf('sign-worker') } = options;
  const keys = new KeyCache();
  const threads = new Threads<Job, Uint8Array, readonly Uint8Array[]>({
    threads: count,
    workerUrl,
    name: 'limmat-sign',
    // 4 ms of work, and answers that do not wait for much longer.
    maxBlock: 8,
    minBlock: 2,
    pack: (jobs) => {
      const distinct = [...new Set(jobs.map(({ key }) => key))];
      const block: SigningBlock = {
        keys: distinct,
        jobs: jobs.map(({ key, message }) => ({ key: distinct.indexOf(key), message })),
      };
      return { message: block, given: [] };
    },
    unpack: (signatures) => signatures,
    here: (jobs) => Promise.all(jobs.map(({ secret, message }) => here.sign(secret, message))),
  });
  const sign = async (secret: Uint8Array, message: Uint8Array): Promise<Uint8Array> => {
    const key = keys.secret(here.name, secret);
    // It says what is wrong with the secret.
    if (key === undefined) return here.sign(secret, message);
    const [signature] = await threads.run([{ key, secret, message }]);
    return signature!;
  };
  return Object.freeze({ algorithm: Object.freeze({ ...here, sign }), close: () => threads.close() });
}
