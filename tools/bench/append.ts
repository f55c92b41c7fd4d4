// Library append: how fast entries become durable without HTTP, whether memory stays flat, and what growth costs.

import { statfs } from 'node:fs/promises';

import type { BenchContext } from './context.ts';
import { runChild } from './child.ts';
import type { Measured, MetricName } from './targets.ts';

/** Appends until the tree has that many entries. */
export interface AppendJob {
  readonly dataDir: string;
  readonly until: number;
  readonly entrySize: number;
  readonly perCall: number;
  readonly callsAtOnce: number;
  /** Entries between two readings of time and memory. */
  readonly markEvery: number;
}

export interface AppendReport {
  readonly entries: number;
  readonly seconds: number;
  readonly marks: readonly { readonly size: number; readonly millis: number }[];
  readonly residentMB: readonly number[];
  readonly cpuSeconds: number;
}

const PER_CALL = 1000;
const CALLS_AT_ONCE = 8;
/** Bytes on the disk for an entry of the growth bench, tiles and index included, with room to compact. */
const DISK_FACTOR = 1.5;

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(values.length, 1);
}

/** `append`: a fresh log filled to the large size; the other benches read from it afterwards. */
export async function benchAppend(context: BenchContext): Promise<Measured[]> {
  const { report } = await context.largeLog();
  const { residentMB, entries, seconds, cpuSeconds } = report;
  const tenth = Math.max(1, Math.floor(residentMB.length / 10));
  const details = {
    entries,
    seconds: round(seconds),
    cpuMicrosPerEntry: round((cpuSeconds / entries) * 1e6),
    perCall: PER_CALL,
  };
  const growth = mean(residentMB.slice(-tenth)) - mean(residentMB.slice(tenth, 2 * tenth));
  return [
    { name: 'append-rate', value: entries / seconds, details },
    { name: 'append-rss', value: Math.max(...residentMB), details: { samples: residentMB.length } },
    { name: 'append-rss-growth', value: growth, details: { samples: residentMB.length } },
  ];
}

/** Fills the log in a data directory in a process of its own. */
export function fillLog(dataDir: string, until: number, entrySize: number): Promise<AppendReport> {
  const markEvery = Math.max(1000, Math.min(20_000, Math.floor(until / 50)));
  const job: AppendJob = { dataDir, until, entrySize, perCall: PER_CALL, callsAtOnce: CALLS_AT_ONCE, markEvery };
  return runChild<AppendReport>('append-main', job);
}

const DECADES: readonly { readonly name: MetricName; readonly size: number }[] = [
  { name: 'growth-1e4', size: 1e4 },
  { name: 'growth-1e5', size: 1e5 },
  { name: 'growth-1e6', size: 1e6 },
  { name: 'growth-1e7', size: 1e7 },
];

/** Entries after each decade that its rate is taken over: enough for dozens of commits, few enough to mean that size. */
function windowAt(size: number): number {
  return Math.max(40_000, size / 5);
}

/** `growth`: the append rate just after 10⁴, 10⁵, 10⁶ and 10⁷ entries, as far as `growthEntries` and the disk allow. */
export async function benchGrowth(context: BenchContext): Promise<Measured[]> {
  const { entrySize, growthEntries } = context.options;
  const { bavail, bsize } = await statfs(context.directory);
  const fits = (bavail * bsize) / (entrySize * DISK_FACTOR);
  const decades = DECADES.filter(({ size }) => size <= growthEntries && size + windowAt(size) <= fits);
  const largest = decades.at(-1);
  if (largest === undefined) return [];
  if (largest.size < growthEntries && fits < growthEntries)
    context.note(`the disk has room for ${Math.floor(fits)} entries: stopping below`);
  const dataDir = await context.makeLog('growth', 'open');
  const { marks } = await fillLog(dataDir, largest.size + windowAt(largest.size), entrySize);
  const measured = decades.map(({ name, size }): Measured => {
    const first = marks.findLast((mark) => mark.size <= size) ?? marks[0]!;
    const last = marks.find((mark) => mark.size >= size + windowAt(size)) ?? marks.at(-1)!;
    const entries = last.size - first.size;
    return {
      name,
      value: (entries / (last.millis - first.millis)) * 1000,
      details: { from: first.size, to: last.size },
    };
  });
  await context.removeLog('growth');
  return measured;
}

/** Three significant decimals are plenty for a figure that varies by percents. */
export function round(value: number): number {
  return Number(value.toPrecision(4));
}
