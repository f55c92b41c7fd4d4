// The process of the records benches: fills a log with signed builds, then judges them again in two ways: batch by batch
// as sequencing does, and one after another as whoever replays a log does. Signatures are not what is measured there.

import { text } from 'node:stream/consumers';

import { nodeHasher } from '../../src/adapters/node-crypto.ts';
import { BatchState } from '../../src/log/batch-state.ts';
import { CommittedState } from '../../src/log/committed-state.ts';
import { LookupBatch } from '../../src/log/lookup.ts';
import type { Log } from '../../src/log/index.ts';
import { dataPaths, openNodeLog, readSettings } from '../../src/node.ts';
import type { StateKey } from '../../src/storage.ts';
import { admit, keysFor, sizeOfRootKey } from '../../src/record/admission.ts';
import { Replay } from '../../src/record/admission/replay.ts';
import { TreeRoots } from '../../src/record/admission/roots.ts';
import { parseStatement } from '../../src/record/statement.ts';
import type { Statement } from '../../src/record/statement.ts';
import { loadStatementSigner } from '../support/keys.ts';
import type { RecordsJob, RecordsReport } from './records.ts';
import { buildStatement } from './write.ts';

const BATCH = 1000;
const CALLS_AT_ONCE = 4;
const WAIT_PUBLISHED_MILLIS = 30_000;

/** Signs builds and appends them, so that the log has `records` of them. */
async function fill(log: Log, { dataDir, records }: RecordsJob): Promise<void> {
  const signer = loadStatementSigner(dataPaths(dataDir).submitterKey);
  const iatSeconds = Math.floor(Date.now() / 1000);
  let given = 0;
  const feed = async (): Promise<void> => {
    while (given < records) {
      const first = given;
      const length = Math.min(BATCH, records - first);
      given += length;
      const leaves = await Promise.all(Array.from({ length }, (_, i) => buildStatement(first + i, iatSeconds, signer)));
      for (const result of await log.append(leaves)) if (!result.ok) throw result.error;
    }
  };
  await Promise.all(Array.from({ length: CALLS_AT_ONCE }, feed));
  const last = log.status().head.size - 1;
  if ((await log.waitPublished(last, WAIT_PUBLISHED_MILLIS)) === undefined) throw new Error('nothing was published');
}

async function* entriesOf(log: Log, size: number): AsyncGenerator<Uint8Array[]> {
  for (let start = 0; start < size; start += BATCH) yield log.entries(start, Math.min(size, start + BATCH));
}

/** A batch of the log that was admitted: its statements, and the state as it was then. */
interface Judged {
  readonly statements: readonly Statement[];
  readonly first: number;
  readonly state: BatchState;
  /** From parsed statements to state writes. */
  readonly millis: number;
}

/** Admits the log's entries once more, batch by batch, as sequencing does. */
async function* judge(log: Log, size: number): AsyncGenerator<Judged> {
  const stored = new Map<string, Uint8Array>();
  const committed = new CommittedState(() => ({
    get: (keys) => Promise.resolve(keys.map((key) => stored.get(key))),
  }));
  const roots = new TreeRoots(nodeHasher);
  let index = 0;
  for await (const batch of entriesOf(log, size)) {
    const parsed = batch.map((bytes) => ({ statement: parseStatement(bytes), leafHash: nodeHasher.leafHash(bytes) }));
    const first = index;
    const startedAt = performance.now();
    const wanted = committed.wanted();
    for (const { statement } of parsed) {
      for (const key of keysFor(statement, nodeHasher)) if (sizeOfRootKey(key) === undefined) wanted.add(key);
    }
    const { values } = await wanted.read();
    const state = new BatchState(undefined, values, (at) => roots.at(at));
    const writes = [];
    for (const { statement, leafHash } of parsed) {
      const decision = admit(state, statement, index, leafHash, nodeHasher);
      if (!decision.admitted) throw new Error(`entry ${index}: ${decision.message}`);
      state.apply(decision.writes);
      writes.push(...decision.writes);
      roots.append(leafHash);
      index++;
    }
    committed.apply(writes);
    const millis = performance.now() - startedAt;
    for (const { key, value } of writes) if (value !== null) stored.set(key, value);
    yield { statements: parsed.map(({ statement }) => statement), first, state, millis };
  }
}

/** Microseconds an entry that each batch takes. */
async function admissionMicros(log: Log, size: number): Promise<number[]> {
  const micros: number[] = [];
  for await (const { statements, millis } of judge(log, size)) micros.push((millis * 1000) / statements.length);
  return micros;
}

/** The bytes of all lookup rows. */
async function lookupBytes(log: Log, size: number): Promise<number> {
  const rows = new Map<StateKey, Uint8Array>();
  let before: LookupBatch | undefined;
  for await (const { statements, first, state } of judge(log, size)) {
    const lookups = new LookupBatch(first, before, nodeHasher);
    for (const statement of statements) lookups.want(statement);
    lookups.give(lookups.keys().map((key) => rows.get(key)));
    for (const statement of statements) lookups.add(statement, statement.bytes.length, state);
    for (const { key, value } of lookups.writes()) {
      if (value === null) rows.delete(key);
      else rows.set(key, value);
    }
    before = lookups;
  }
  let bytes = 0;
  for (const [key, value] of rows) bytes += key.length + value.length;
  return bytes;
}

const job: RecordsJob = JSON.parse(await text(process.stdin));
const opened = await openNodeLog(readSettings(job.dataDir));
const { log } = opened;
const begun = performance.now();
await fill(log, job);
const filled = performance.now();
const { size } = log.status().head;
const micros = await admissionMicros(log, size);
const replay = new Replay({ hasher: nodeHasher });
let replayMillis = 0;
for await (const batch of entriesOf(log, size)) {
  const startedAt = performance.now();
  for (const bytes of batch) {
    const finding = await replay.entry(bytes);
    if (finding !== undefined) throw new Error(`entry ${finding.index} is ${finding.kind}`);
  }
  replayMillis += performance.now() - startedAt;
}
const sorted = micros.toSorted((a, b) => a - b);
const report: RecordsReport = {
  entries: size,
  fillSeconds: (filled - begun) / 1000,
  admissionMicros: { median: sorted[Math.floor(sorted.length / 2)]!, lowest: sorted[0]!, highest: sorted.at(-1)! },
  replaySeconds: replayMillis / 1000,
  lookupBytes: await lookupBytes(log, size),
};
await opened.close();
process.stdout.write(`${JSON.stringify(report)}\n`);
