// The load generator's process: it shares nothing with the server but the machine. One LoadJob as JSON on standard
// input, one LoadResult as JSON on standard output.

import { text } from 'node:stream/consumers';

import type { LoadJob } from './load-job.ts';
import { runJob } from './load.ts';

const job: LoadJob = JSON.parse(await text(process.stdin));
process.stdout.write(`${JSON.stringify(await runJob(job))}\n`);
