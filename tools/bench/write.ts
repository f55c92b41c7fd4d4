// The write benches over HTTP: single entries, batches of opaque entries, batches of signed statements.

import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { join } from 'node:path';

import { dataPaths } from '../../src/node.ts';
import { createStatement, type StatementSigner } from '../../src/record/statement.ts';
import { loadStatementSigner } from '../support/keys.ts';
import { frameEntries } from '../support/log-api.ts';
import { FIRST_ISSUER } from '../support/new-log.ts';
import { round } from './append.ts';
import { runLoad } from './child.ts';
import type { BenchContext } from './context.ts';
import type { LoadResult } from './load-job.ts';
import { residentMegabytes } from './machine.ts';
import type { Measured } from './targets.ts';

const MANY = 1_000_000;
const BATCH_SIZE = 1000;
const BATCH_CONNECTIONS = 8;

function loadDetails(result: LoadResult, connections: number): Record<string, string | number> {
  return {
    connections,
    requests: result.requests,
    seconds: round(result.seconds),
    p50Millis: round(result.p50Millis),
    p99Millis: round(result.p99Millis),
    maxMillis: round(result.maxMillis),
    generatorCores: round(result.cpuSeconds / result.seconds),
  };
}

/** `add`: POST /add of distinct entries, each durable before its answer. */
export async function benchAdd(context: BenchContext): Promise<Measured[]> {
  const { entrySize, loadMillis, connections } = context.options;
  const dataDir = await context.makeLog('add', 'open');
  const measured = await context.served(dataDir, async ({ port, pid }) => {
    const job = { port, maxRequests: MANY, maxMillis: loadMillis, warmup: connections * 8 };
    const many = await runLoad({ ...job, connections, requests: { kind: 'add', entrySize, seed: 1 } });
    const serverMB = residentMegabytes(pid);
    const single = { ...job, connections: 1, maxMillis: Math.min(loadMillis, 5000), warmup: 100 };
    const one = await runLoad({ ...single, requests: { kind: 'add', entrySize, seed: 2 } });
    const details = { ...loadDetails(many, connections), ...(serverMB !== undefined && { serverMB: round(serverMB) }) };
    return [
      { name: 'add-rate', value: many.entries / many.seconds, details },
      { name: 'add-p99', value: many.p99Millis, details },
      { name: 'add-single-p50', value: one.p50Millis, details: loadDetails(one, 1) },
    ] satisfies Measured[];
  });
  await context.removeLog('add');
  return measured;
}

/** `batch`: POST /api/v1/batch of 1,000 opaque entries a request. */
export async function benchBatch(context: BenchContext): Promise<Measured[]> {
  const { entrySize, loadMillis } = context.options;
  const dataDir = await context.makeLog('batch', 'open');
  const result = await context.served(dataDir, ({ port }) =>
    runLoad({
      port,
      connections: BATCH_CONNECTIONS,
      requests: { kind: 'batch', entrySize, batchSize: BATCH_SIZE, seed: 3 },
      // At most 2 GB of entries.
      maxRequests: 2000,
      maxMillis: loadMillis,
      warmup: BATCH_CONNECTIONS,
    }),
  );
  await context.removeLog('batch');
  const details = { ...loadDetails(result, BATCH_CONNECTIONS), batchSize: BATCH_SIZE };
  return [{ name: 'batch-rate', value: result.entries / result.seconds, details }];
}

/** The digest of the artifact of build number `index`. */
export function benchDigest(index: number): Uint8Array {
  return new Uint8Array(createHash('sha256').update(versionOf(index)).digest());
}

function versionOf(index: number): string {
  return `1.${Math.floor(index / 1000)}.${index % 1000}`;
}

/** A build record of ordinary size, all different. */
export function buildStatement(index: number, iatSeconds: number, signer: StatementSigner): Promise<Uint8Array> {
  const version = versionOf(index);
  const digest = { sha256: benchDigest(index) };
  const artifacts = [{ name: `bench-${version}.tar.gz`, digest, size: 1_000_000 + index }];
  return createStatement(
    {
      type: 'build',
      namespace: FIRST_ISSUER,
      issuer: FIRST_ISSUER,
      iatSeconds,
      fields: { product: 'bench', version, channel: 'stable', platform: 'linux-x64', artifacts },
    },
    signer,
  );
}

/** Signs statements and writes them as ready batch bodies; the mean size of one. */
async function writeStatements(file: string, count: number, keyFile: string): Promise<number> {
  const signer = loadStatementSigner(keyFile);
  const iatSeconds = Math.floor(Date.now() / 1000);
  const out = await open(file, 'w');
  let bytes = 0;
  try {
    for (let start = 0; start < count; start += BATCH_SIZE) {
      const length = Math.min(BATCH_SIZE, count - start);
      const statements = await Promise.all(
        Array.from({ length }, (_, i) => buildStatement(start + i, iatSeconds, signer)),
      );
      const body = frameEntries(statements);
      const prefix = Buffer.alloc(4);
      prefix.writeUInt32BE(body.length);
      await out.write(prefix);
      await out.write(body);
      bytes += body.length;
    }
  } finally {
    await out.close();
  }
  return bytes / count - 2;
}

/** `statements`: POST /api/v1/batch of 1,000 signed build records a request, each verified. */
export async function benchStatements(context: BenchContext): Promise<Measured[]> {
  const { loadMillis, statements } = context.options;
  const dataDir = await context.makeLog('statements', 'records');
  const file = join(context.directory, 'statements.bin');
  context.note(`signing ${statements} statements`);
  const statementBytes = await writeStatements(file, statements, dataPaths(dataDir).submitterKey);
  const result = await context.served(dataDir, ({ port }) =>
    runLoad({
      port,
      connections: BATCH_CONNECTIONS,
      requests: { kind: 'bodies', file, entriesPerBody: BATCH_SIZE },
      maxRequests: MANY,
      maxMillis: loadMillis,
      warmup: 2,
    }),
  );
  await context.removeLog('statements');
  const details = {
    ...loadDetails(result, BATCH_CONNECTIONS),
    batchSize: BATCH_SIZE,
    statementBytes: round(statementBytes),
  };
  return [{ name: 'statements-rate', value: result.entries / result.seconds, details }];
}
