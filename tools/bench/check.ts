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

const FILE_BYTES = 256 * 1024;
/** Files that one build names. */
const ARTIFACTS = 50;

/** `check`: the command itself, its start included; the share of that time that hashing alone takes. */
export async function benchCheck(context: BenchContext): Promise<Measured[]> {
  const { files: count } = context.options;
  context.note(`writing ${count} files of ${FILE_BYTES} bytes`);
  const directory = join(context.directory, 'check-files');
  const files = await writeFiles(directory, count);
  const hashed = await hashAll(files);
  const dataDir = await context.makeLog('check', 'records');
  const measured = await context.served(dataDir, async ({ url }) => {
    await logBuilds(url, dataDir, hashed.digests);
    const again = await hashAll(files);
    const startedAt = performance.now();
    const args = ['check', directory, '--trust', dataPaths(dataDir).trust, '--url', url, '--json'];
    await mustRunLimmat(args);
    const seconds = (performance.now() - startedAt) / 1000;
    const details = {
      files: count,
      fileBytes: FILE_BYTES,
      builds: Math.ceil(count / ARTIFACTS),
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

async function writeFiles(directory: string, count: number): Promise<FileToHash[]> {
  await mkdir(directory);
  const content = new Uint8Array(FILE_BYTES);
  const files: FileToHash[] = [];
  for (let i = 0; i < count; i++) {
    randomFillSync(content, 0, 64);
    const path = join(directory, `file-${i}`);
    await writeFile(path, content);
    files.push({ path, size: FILE_BYTES });
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

async function logBuilds(url: string, dataDir: string, digests: readonly Uint8Array[]): Promise<void> {
  const signer = loadStatementSigner(dataPaths(dataDir).submitterKey);
  const iatSeconds = Math.floor(Date.now() / 1000);
  const statements: Uint8Array[] = [];
  for (let start = 0; start < digests.length; start += ARTIFACTS) {
    const artifacts = digests.slice(start, start + ARTIFACTS).map((sha256, i) => ({
      name: `file-${start + i}`,
      digest: { sha256 },
      size: FILE_BYTES,
    }));
    // A product each, so that every file is of the newest build of its channel.
    const fields = { product: `bench-${start}`, version: '1.0', channel: 'stable', platform: 'linux-x64', artifacts };
    statements.push(
      await createStatement(
        { type: 'build', namespace: FIRST_ISSUER, issuer: FIRST_ISSUER, iatSeconds, fields },
        signer,
      ),
    );
  }
  for (const result of await addBatchToLog(url, statements)) {
    if (!('index' in result)) throw new Error(`a build was not taken: ${JSON.stringify(result)}`);
  }
  // The same again waits until it is published.
  await addToLog(url, statements.at(-1)!, 'published');
}
