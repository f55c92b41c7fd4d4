// The library bench's process: opens the log in a data directory and appends distinct opaque entries to it, a few calls
// at a time, as an embedding program would. Measures itself.

import { randomFillSync } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { setImmediate } from 'node:timers/promises';

import { openNodeLog, readSettings } from '../../src/node.ts';
import type { AppendJob, AppendReport } from './append.ts';

/** Distinct entries in one allocation: a random body, and a counter in its last 8 bytes. */
function entriesFrom(template: Uint8Array, first: number, count: number): Uint8Array[] {
  const size = template.length;
  const memory = Buffer.allocUnsafeSlow(size * count);
  const entries: Uint8Array[] = [];
  for (let i = 0; i < count; i++) {
    memory.set(template, i * size);
    const at = (i + 1) * size - 8;
    memory.writeUInt32BE(Math.floor((first + i) / 2 ** 32), at);
    memory.writeUInt32BE((first + i) % 2 ** 32, at + 4);
    entries.push(memory.subarray(i * size, (i + 1) * size));
  }
  return entries;
}

async function run(job: AppendJob): Promise<AppendReport> {
  const opened = await openNodeLog(readSettings(job.dataDir));
  const { log } = opened;
  const template = new Uint8Array(job.entrySize);
  randomFillSync(template);
  const start = log.status().head.size;
  const startedAt = performance.now();
  const cpuBefore = process.cpuUsage();
  const marks = [{ size: start, millis: 0 }];
  const residentMB: number[] = [];
  let given = start;
  let done = start;
  const feed = async (): Promise<void> => {
    while (given < job.until) {
      const first = given;
      const count = Math.min(job.perCall, job.until - first);
      given += count;
      const results = await log.append(entriesFrom(template, first, count));
      if (!results.every((result) => result.ok && !result.duplicate))
        throw new Error(`an entry after ${first} was not taken`);
      done += count;
      if (done - marks.at(-1)!.size < job.markEvery) continue;
      marks.push({ size: done, millis: performance.now() - startedAt });
      residentMB.push(process.memoryUsage.rss() / 1e6);
      await setImmediate();
    }
  };
  await Promise.all(Array.from({ length: job.callsAtOnce }, feed));
  const seconds = (performance.now() - startedAt) / 1000;
  marks.push({ size: done, millis: seconds * 1000 });
  const cpu = process.cpuUsage(cpuBefore);
  await opened.close();
  return { entries: done - start, seconds, marks, residentMB, cpuSeconds: (cpu.user + cpu.system) / 1e6 };
}

const job: AppendJob = JSON.parse(await text(process.stdin));
process.stdout.write(`${JSON.stringify(await run(job))}\n`);
