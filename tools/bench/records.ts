// The benches of what the log knows of its records: what judging one costs, judging all of them again, and finding one.

import { toHex } from '../../src/bytes.ts';
import { round } from './append.ts';
import type { BenchContext } from './context.ts';
import { readBench, scattered } from './read.ts';
import type { Measured } from './targets.ts';
import { benchDigest } from './write.ts';

export interface RecordsJob {
  readonly dataDir: string;
  readonly records: number;
}

export interface RecordsReport {
  readonly entries: number;
  /** Signing and appending them. */
  readonly fillSeconds: number;
  /** Of judging a record in a batch of 1,000: the median, the lowest and the highest batch. */
  readonly admissionMicros: { readonly median: number; readonly lowest: number; readonly highest: number };
  readonly replaySeconds: number;
  /** Keys and values of the lookup rows, bytes in all. */
  readonly lookupBytes: number;
}

/** Different digests that are looked up. */
const LOOKUP_PATHS = 50_000;

/** `admission`: what a record costs beyond its signature, and all of them judged again from index 0. */
export async function benchAdmission(context: BenchContext): Promise<Measured[]> {
  const { report } = await context.recordsLog();
  const { entries, admissionMicros, replaySeconds } = report;
  const { median, lowest, highest } = admissionMicros;
  return [
    {
      name: 'admission-micros',
      value: median,
      details: { entries, batchSize: 1000, lowestBatch: round(lowest), highestBatch: round(highest) },
    },
    { name: 'replay-rate', value: entries / replaySeconds, details: { entries, seconds: round(replaySeconds) } },
  ];
}

/** `lookups`: GET /api/v1/artifacts/<digest> of artifacts all over the log, and what finding them takes. */
export async function benchLookups(context: BenchContext): Promise<Measured[]> {
  const { dataDir, report } = await context.recordsLog();
  const { records } = context.options;
  const paths = [...scattered(records, Math.min(records, LOOKUP_PATHS))].map(
    (index) => `/api/v1/artifacts/${toHex(benchDigest(index))}`,
  );
  const measured = await context.served(dataDir, (server) => readBench(context, server, paths, 'lookups'));
  const { entries, lookupBytes, fillSeconds } = report;
  return [
    { name: 'lookups-rate', ...measured },
    { name: 'lookups-bytes', value: lookupBytes / entries, details: { entries, fillSeconds: round(fillSeconds) } },
  ];
}
