// The mirror bench's process: a mirror as `limmat mirror` runs it, in a directory of its own.

import { text } from 'node:stream/consumers';

import { nodeCrypto } from '../../src/adapters/node-crypto.ts';
import { createMirror } from '../../src/node/mirror/data.ts';
import { openMirror, readMirrorSettings } from '../../src/node/mirror/open.ts';
import { residentMegabytes } from './machine.ts';
import type { MirrorJob, MirrorReport } from './mirror.ts';

/** Memory is read so often while the copying goes on. */
const SAMPLE_MILLIS = 100;

const job: MirrorJob = JSON.parse(await text(process.stdin));
createMirror({ dir: job.dir, trust: [job.list] }, nodeCrypto);
const mirror = await openMirror(readMirrorSettings(job.dir), {
  defaultUrl: '',
  signal: new AbortController().signal,
});
const residentMB: number[] = [];
const timer = setInterval(() => residentMB.push(residentMegabytes(process.pid) ?? 0), SAMPLE_MILLIS);
const startedAt = performance.now();
const { entries, failed } = await mirror.round();
const seconds = (performance.now() - startedAt) / 1000;
clearInterval(timer);
residentMB.push(residentMegabytes(process.pid) ?? 0);
for (const error of failed.values()) throw error;
await mirror.close();
const report: MirrorReport = { entries, seconds, residentMB };
process.stdout.write(`${JSON.stringify(report)}\n`);
