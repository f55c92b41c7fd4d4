// A thread that verifies: a packed block of jobs in, one byte a job out (1 = the signature holds).

import { parentPort, workerData } from 'node:worker_threads';
import { makeNodeCrypto } from './suite.ts';
import { unpackJobs } from './packed.ts';

const { cachedKeys }: { readonly cachedKeys?: number } = workerData ?? {};
const { suite, verifySync } = makeNodeCrypto(cachedKeys === undefined ? {} : { cachedKeys });

async function verifyBlock(block: ArrayBuffer): Promise<Uint8Array<ArrayBuffer>> {
  const jobs = unpackJobs(block);
  const results = new Uint8Array(jobs.length);
  for (const [i, job] of jobs.entries()) {
    const holds = verifySync(job) ?? (await suite.mldsa44.verify(job.publicKey, job.message, job.signature));
    results[i] = holds ? 1 : 0;
  }
  return results;
}

// Blocks are answered in the order in which they came, which is how the pool tells them apart.
let last: Promise<void> = Promise.resolve();
parentPort?.on('message', (block: ArrayBuffer) => {
  last = last.then(async () => {
    const results = await verifyBlock(block);
    parentPort?.postMessage(results.buffer, [results.buffer]);
  });
});
