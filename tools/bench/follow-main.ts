// The follow bench's process: reads a whole log as a monitor would, every entry verified.

import { text } from 'node:stream/consumers';

import { nodeHasher } from '../../src/adapters/node-crypto.ts';
import { follow, httpReader } from '../../src/client/index.ts';
import { nodeGet } from '../../src/node/http-get.ts';
import { keysOfData } from '../support/log-keys.ts';
import type { FollowJob, FollowReport } from './read.ts';

const job: FollowJob = JSON.parse(await text(process.stdin));
const { origin, verifiers } = keysOfData(job.dataDir);
const startedAt = performance.now();
let entries = 0;
for await (const batch of follow({
  reader: httpReader({ url: job.url, get: nodeGet() }),
  origin,
  verifiers,
  hasher: nodeHasher,
})) {
  entries += batch.entries.length;
}
const report: FollowReport = { entries, seconds: (performance.now() - startedAt) / 1000 };
process.stdout.write(`${JSON.stringify(report)}\n`);
