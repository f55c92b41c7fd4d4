// A pool of threads that verify. Two threads with a synchronous verify reach twice one thread's rate, better
// than libuv's thread pool does.

import type { CryptoSuite, SignatureAlgorithm, VerifyJob } from '../../crypto/suite.ts';
import { packJobs } from './packed.ts';
import { makeNodeCrypto } from './suite.ts';
import { Threads, workerUrlOf } from './threads.ts';

/** Threads that verify signatures; stands in for the verifyMany of a suite: `{...nodeCrypto, verifyMany}`. */
export interface VerifierPool {
  /** As CryptoSuite.verifyMany. Calls of the same moment share blocks, so many small ones are as good as a large one. */
  readonly verifyMany: CryptoSuite['verifyMany'];
  /** The algorithm with its verify on these threads. */
  readonly within: (algorithm: SignatureAlgorithm) => SignatureAlgorithm;
  /** Answers what was asked, then ends the threads. Later calls fail with `shutting-down`. */
  close(): Promise<void>;
}

export interface VerifierPoolOptions {
  readonly threads: number;
  readonly workerUrl?: URL;
  /** Imported public keys that each thread keeps: more than there are signers to be verified in turn. */
  readonly cachedKeys?: number;
}

/** Starts a pool; its threads come up with the first work. RangeError unless threads is an integer of 1 or more. */
export function createVerifierPool(options: VerifierPoolOptions): VerifierPool {
  const { threads, workerUrl = workerUrlOf('verify-worker'), cachedKeys } = options;
  const { suite } = makeNodeCrypto(cachedKeys === undefined ? {} : { cachedKeys });
  const pool = new Threads<VerifyJob, boolean, ArrayBuffer>({
    threads,
    workerUrl,
    workerData: { cachedKeys },
    name: 'limmat-verify',
    // 128 × 60 µs is 8 ms, against 50 µs for the message.
    maxBlock: 128,
    minBlock: 4,
    pack: (jobs) => {
      const block = packJobs(jobs);
      return { message: block, given: [block] };
    },
    unpack: (reply, count) => {
      const bytes = new Uint8Array(reply);
      return Array.from({ length: count }, (_, i) => bytes[i] === 1);
    },
    here: (jobs) => suite.verifyMany(jobs),
  });
  const verifyMany = (jobs: readonly VerifyJob[]): Promise<boolean[]> => pool.run(jobs);
  return Object.freeze({
    verifyMany,
    within: (algorithm: SignatureAlgorithm): SignatureAlgorithm => ({
      ...algorithm,
      verify: async (publicKey, message, signature) => {
        const [holds] = await verifyMany([{ algorithm: algorithm.name, publicKey, message, signature }]);
        return holds === true;
      },
    }),
    close: () => pool.close(),
  });
}
