// `limmat check` over a directory as an endpoint has it: many files of not so many builds, each looked up and its entry
// verified, beside hashing the same files and nothing else.

import { randomFillSync } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { dataPaths } from '../../src/node.ts';
import { createStatement } from '../../src/record/statement.ts';
import { hashFiles } from '../check/hash.ts';
import type { FileToHash } from '../check/hash.ts';
import { loadStatementSigner } from '../support/keys.ts';
import { addBatchToLog, addToLog } from '../support/log-api.ts';
import { FIRST_ISSUER } from '../support/new-log.ts';
import { mustRunLimmat } from '../support/serve-process.ts';
import { round } from './append.ts';
import type { BenchContext } from './context.ts';
import type { Measured } from './targets.ts';

/** Products that the builds are of: with few builds one each, so that every file is of the newest of its channel. */
const PRODUCTS = 200;
/** Builds that are sent at once. */
const BATCH = 1000;

/** `check`: the command itself, its start included; the share of that time that hashing alone takes. */
export async function benchCheck(context: BenchContext): Promise<Measured[]> {
  const { files: count, fileSize, buildFiles } = context.options;
  context.note(`writing ${count} files of ${fileSize} bytes`);
  const directory = join(context.directory, 'check-files');
  const files = await writeFiles(directory, count, fileSize);
  const hashed = await hashAll(files);
  const dataDir = await context.makeLog('check', 'records');
  const measured = await context.served(dataDir, async ({ url }) => {
    await logBuilds(url, dataDir, hashed.digests, context.options);
    const again = await hashAll(files);
    const startedAt = performance.now();
    const args = ['check', directory, '--trust', dataPaths(dataDir).trust, '--url', url, '--json'];
    await mustRunLimmat(args);
    const seconds = (performance.now() - startedAt) / 1000;
    const details = {
      files: count,
      fileBytes: fileSize,
      builds: Math.ceil(count / buildFiles),
      seconds: round(seconds),
      hashingSeconds: round(again.seconds),
    };
    return [
      { name: 'check-rate', value: count / seconds, details },
      { name: 'check-hashing', value: (100 * again.seconds) / seconds, details },
    ] satisfies Measured[];
  });
  await context.removeLog('check');
  return measured;
}

async function writeFiles(directory: string, count: number, size: number): Promise<FileToHash[]> {
  await mkdir(directory);
  const content = new Uint8Array(size);
  const files: FileToHash[] = [];
  for (let i = 0; i < count; i++) {
    randomFillSync(content, 0, 64);
    const path = join(directory, `file-${i}`);
    await writeFile(path, content);
    files.push({ path, size });
  }
  return files;
}

/** The digests of the files, and how long that takes with everything in the page cache. */
async function hashAll(files: readonly FileToHash[]): Promise<{ readonly digests: Uint8Array[]; seconds: number }> {
  const digests: Uint8Array[] = [];
  const startedAt = performance.now();
  await hashFiles(files, ({ result }) => {
    if ('error' in result) throw result.error;
    digests.push(result.sha256);
  });
  return { digests, seconds: (performance.now() - startedAt) / 1000 };
}

async function logBuilds(
  url: string,
  dataDir: string,
  digests: readonly Uint8Array[],
  { fileSize, buildFiles }: BenchContext['options'],
): Promise<void> {
  const signer = loadStatementSigner(dataPaths(dataDir).submitterKey);
  const iatSeconds = Math.floor(Date.now() / 1000);
  const statements: Uint8Array[] = [];
  for (let start = 0; start < digests.length; start += buildFiles) {
    const artifacts = digests.slice(start, start + buildFiles).map((sha256, i) => ({
      name: `file-${start + i}`,
      digest: { sha256 },
      size: fileSize,
    }));
    const number = start / buildFiles;
    const [product, version] = [`bench-${number % PRODUCTS}`, `1.${Math.floor(number / PRODUCTS)}`];
    const fields = { product, version, channel: 'stable', platform: 'linux-x64', artifacts };
    statements.push(
      await createStatement(
        { type: 'build', namespace: FIRST_ISSUER, issuer: FIRST_ISSUER, iatSeconds, fields },
        signer,
      ),
    );
  }
  for (let start = 0; start < statements.length; start += BATCH) {
    for (const result of await addBatchToLog(url, statements.slice(start, start + BATCH))) {
      if (!('index' in result)) throw new Error(`a build was not taken: ${JSON.stringify(result)}`);
    }
  }
  // The same again waits until it is published.
  await addToLog(url, statements.at(-1)!, 'published');
}
