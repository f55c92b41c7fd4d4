// The mirror bench: copying a whole log from loopback, in a process of its own, every entry re-hashed and durable.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { keysOfData } from '../support/log-keys.ts';
import { fillLog, round } from './append.ts';
import { runChild } from './child.ts';
import type { BenchContext } from './context.ts';
import type { Measured } from './targets.ts';

/** What a mirror process is to do. */
export interface MirrorJob {
  /** The mirror's directory, which is made. */
  readonly dir: string;
  /** Path of the list of logs, with their addresses. */
  readonly list: string;
}

export interface MirrorReport {
  readonly entries: number;
  readonly seconds: number;
  /** Readings while it went on, the last one at the end. */
  readonly residentMB: readonly number[];
}

/** The size of an entry that the project's target is about. */
const ENTRY_BYTES = 300;

/** `mirror`: a whole log, every entry re-hashed, stored and flushed, and its checkpoint cosigned. */
export async function benchMirror(context: BenchContext): Promise<Measured[]> {
  const { entries } = context.options;
  context.note(`filling a log with ${entries} entries of ${ENTRY_BYTES} bytes`);
  const dataDir = await context.makeLog('mirrored', 'open');
  await fillLog(dataDir, entries, ENTRY_BYTES);
  const report = await context.served(dataDir, async ({ url }) => {
    const list = join(context.directory, 'mirrored.txt');
    const lines = keysOfData(dataDir).verifiers.map(({ vkey }) => `log ${vkey} ${url}\n`);
    await writeFile(list, lines.join(''));
    const job: MirrorJob = { dir: join(context.directory, 'mirror'), list };
    return runChild<MirrorReport>('mirror-main', job);
  });
  await context.removeLog('mirrored');
  const { seconds, residentMB } = report;
  const half = Math.floor(residentMB.length / 2);
  return [
    {
      name: 'mirror-rate',
      value: report.entries / seconds,
      details: { entries: report.entries, seconds: round(seconds), entryBytes: ENTRY_BYTES },
    },
    {
      name: 'mirror-rss',
      value: Math.max(...residentMB),
      details: {
        entries: report.entries,
        firstHalfMB: Math.max(0, ...residentMB.slice(0, half)),
        secondHalfMB: Math.max(0, ...residentMB.slice(half)),
      },
    },
  ];
}
