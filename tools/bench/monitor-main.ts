// The monitor bench's process: a monitor as `limmat monitor` runs it, in a directory of its own.

import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

import { nodeCrypto } from '../../src/adapters/node-crypto.ts';
import { createMonitor } from '../../src/node/monitor/data.ts';
import { NodeMonitor } from '../../src/node/monitor/open.ts';
import { readMonitorSettings } from '../../src/node/monitor/settings.ts';
import { residentMegabytes } from './machine.ts';
import type { CatchUpReport, IdleReport, MonitorJob } from './monitor.ts';

/** Memory is read so often while a catch-up goes on. */
const SAMPLE_MILLIS = 100;

async function openMonitor({ dir, list }: MonitorJob): Promise<NodeMonitor> {
  createMonitor({ dir, trust: [list] }, nodeCrypto);
  return NodeMonitor.open(readMonitorSettings(dir), {
    init: true,
    defaultUrl: '',
    notifier: () => Promise.resolve(),
  });
}

/** Everything that the log has, from nothing. */
async function catchUp(monitor: NodeMonitor, dir: string): Promise<CatchUpReport> {
  const residentMB: number[] = [];
  const timer = setInterval(() => residentMB.push(residentMegabytes(process.pid) ?? 0), SAMPLE_MILLIS);
  const startedAt = performance.now();
  let entries = 0;
  for (let backlog = 1; backlog > 0;) {
    const report = await monitor.round();
    if (report.worst !== undefined) throw new Error(`the log is not clean: ${report.findings[0]?.summary}`);
    entries += report.logs.reduce((sum, log) => sum + log.entries, 0);
    backlog = report.backlog;
  }
  const seconds = (performance.now() - startedAt) / 1000;
  clearInterval(timer);
  residentMB.push(residentMegabytes(process.pid) ?? 0);
  return { entries, seconds, residentMB, mirrorBytes: await mirrorBytes(dir) };
}

/** Bytes of the leaf hashes and the tiles above them. */
async function mirrorBytes(dir: string): Promise<number> {
  let bytes = 0;
  for (const file of await readdir(join(dir, 'logs'), { withFileTypes: true, recursive: true })) {
    if (file.name.startsWith('level-')) bytes += (await stat(join(file.parentPath, file.name))).size;
  }
  return bytes;
}

/** Rounds over logs that have nothing new but a time, and over logs that have nothing new at all. */
async function idle(monitor: NodeMonitor, signAgain: string, rounds: number): Promise<IdleReport> {
  const timed = async (): Promise<number> => {
    const startedAt = performance.now();
    const { worst, findings } = await monitor.round();
    if (worst !== undefined) throw new Error(`the logs are not clean: ${findings[0]?.summary}`);
    return performance.now() - startedAt;
  };
  await timed();
  const signedMillis: number[] = [];
  const sameMillis: number[] = [];
  for (let i = 0; i < rounds; i++) {
    await (await fetch(signAgain, { method: 'POST' })).arrayBuffer();
    signedMillis.push(await timed());
    sameMillis.push(await timed());
  }
  return { signedMillis, sameMillis };
}

const job: MonitorJob = JSON.parse(await text(process.stdin));
const monitor = await openMonitor(job);
const report =
  job.signAgain === undefined ? await catchUp(monitor, job.dir) : await idle(monitor, job.signAgain, job.rounds ?? 1);
await monitor.close();
process.stdout.write(`${JSON.stringify(report)}\n`);
