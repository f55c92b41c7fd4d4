// What this machine could do at most, measured in the same run as what limmat does on it: HTTP with nothing behind it,
// and signatures verified with nothing else to do. Shared machines differ by half from one day to the next; the share of
// the bare rate that limmat reaches does not.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { writeFile } from 'node:fs/promises';

import { createVerifierPool, nodeCrypto } from '../../src/adapters/node-crypto.ts';
import { NODE_FLAGS } from '../support/node-flags.ts';
import { round } from './append.ts';
import { runLoad, scriptOf } from './child.ts';
import type { BenchContext } from './context.ts';
import { machine } from './machine.ts';
import { READ_CONNECTIONS } from './read.ts';
import type { Measured } from './targets.ts';

const MANY = 10_000_000;
const VERIFY_JOBS = 20_000;

/** Runs body against the bare server, which ends afterwards. */
async function withBareServer<T>(body: (port: number) => Promise<T>): Promise<T> {
  const child = spawn(process.execPath, [...NODE_FLAGS, scriptOf('bare-main')], { stdio: ['pipe', 'pipe', 'inherit'] });
  try {
    const [line]: Buffer[] = await once(child.stdout, 'data');
    return await body(Number(String(line)));
  } finally {
    child.stdin.end();
    await once(child, 'close');
  }
}

/** Ed25519 verifications a second by a pool with a thread for each core. */
async function verifyRate(): Promise<Measured> {
  const secret = new Uint8Array(32).fill(7);
  const { ed25519 } = nodeCrypto;
  const publicKey = ed25519.publicKey(secret);
  const message = new Uint8Array(300).fill(1);
  const signature = await ed25519.sign(secret, message);
  const jobs = Array.from({ length: VERIFY_JOBS }, () => ({
    algorithm: 'Ed25519' as const,
    publicKey,
    message,
    signature,
  }));
  const threads = machine().cores;
  const pool = createVerifierPool({ threads });
  try {
    // The threads come up with the first work.
    await pool.verifyMany(jobs.slice(0, 1000));
    const startedAt = performance.now();
    const verdicts = await pool.verifyMany(jobs);
    const seconds = (performance.now() - startedAt) / 1000;
    if (!verdicts.every(Boolean)) throw new Error('a good signature was refused');
    return { name: 'bare-verify', value: VERIFY_JOBS / seconds, details: { threads, seconds: round(seconds) } };
  } finally {
    await pool.close();
  }
}

/** `bare`: the ceilings that `add`, `tiles`, `proofs` and `statements` are compared with. */
export async function benchBare(context: BenchContext): Promise<Measured[]> {
  const { entrySize, connections, loadMillis } = context.options;
  const file = join(context.directory, 'bare.paths');
  await writeFile(file, '/tile/0/000');
  const job = { maxRequests: MANY, maxMillis: Math.min(loadMillis, 5000), warmup: 20_000 };
  return withBareServer(async (port) => {
    const get = await runLoad({ ...job, port, connections: READ_CONNECTIONS, requests: { kind: 'paths', file } });
    const post = await runLoad({ ...job, port, connections, requests: { kind: 'add', entrySize, seed: 4 } });
    return [
      { name: 'bare-get', value: get.requests / get.seconds, details: { connections: READ_CONNECTIONS } },
      { name: 'bare-post', value: post.requests / post.seconds, details: { connections, bodyBytes: entrySize } },
      await verifyRate(),
    ];
  });
}
