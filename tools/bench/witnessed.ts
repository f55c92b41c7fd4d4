// `witnessed`: what five witnesses cost. Each is a `limmat witness` of its own on loopback, with an Ed25519 and an
// ML-DSA-44 key and a store that is flushed; three of five have to sign with both.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { dataPaths } from '../../src/node.ts';
import { startWitness } from '../support/witness-process.ts';
import type { WitnessProcess } from '../support/witness-process.ts';
import { round } from './append.ts';
import { runLoad } from './child.ts';
import type { BenchContext } from './context.ts';
import type { LoadResult, WaitLevel } from './load-job.ts';
import type { Measured } from './targets.ts';

const WITNESSES = 5;
const QUORUM = 3;
/** Appends one after another, each waited for: enough for a median. */
const WAITED = 400;

export async function benchWitnessed(context: BenchContext): Promise<Measured[]> {
  const { connections } = context.options;
  const bareDir = await context.makeLog('unwitnessed', 'open');
  const bare = await waitedFor(context, bareDir, 'published', 1);
  const bareRate = await rate(context, bareDir, 2);
  await context.removeLog('unwitnessed');

  const dataDir = await context.makeLog('witnessed', 'open');
  const witnesses: WitnessProcess[] = [];
  try {
    for (let i = 1; i <= WITNESSES; i++) {
      const logList = dataPaths(dataDir).trust;
      const dir = join(context.directory, `witness-${i}`);
      witnesses.push(await startWitness({ dir, logList, name: `w${i}.bench.invalid` }));
    }
    const policy = join(context.directory, 'witnesses.policy');
    writeFileSync(policy, policyOf(witnesses));
    const args = ['--witness-policy', policy];
    const waited = await waitedFor(context, dataDir, 'witnessed', 3, args);
    const witnessedRate = await rate(context, dataDir, 4, args);
    const details = {
      witnessedP50: round(waited.p50Millis),
      witnessedP99: round(waited.p99Millis),
      publishedP50: round(bare.p50Millis),
      publishedP99: round(bare.p99Millis),
      quorum: `${QUORUM} of ${WITNESSES}, two keys each`,
    };
    return [
      { name: 'witnessed-millis', value: waited.p50Millis - bare.p50Millis, details },
      { name: 'witnessed-rate', value: witnessedRate.entries / witnessedRate.seconds, details: { connections } },
      { name: 'unwitnessed-rate', value: bareRate.entries / bareRate.seconds, details: { connections } },
    ];
  } finally {
    await Promise.all(witnesses.map((witness) => witness.stop()));
    await context.removeLog('witnessed');
  }
}

/** A log that publishes each commit, and one client that waits for each of its entries. */
function waitedFor(
  context: BenchContext,
  dataDir: string,
  wait: WaitLevel,
  seed: number,
  args: readonly string[] = [],
): Promise<LoadResult> {
  const { entrySize, loadMillis } = context.options;
  return context.served(
    dataDir,
    ({ port }) =>
      runLoad({
        port,
        connections: 1,
        requests: { kind: 'add', entrySize, seed, wait },
        maxRequests: WAITED,
        maxMillis: loadMillis,
        warmup: 20,
      }),
    [...args, '--checkpoint-interval', '0'],
  );
}

/** A checkpoint a second, and as many appends as it takes. */
function rate(context: BenchContext, dataDir: string, seed: number, args: readonly string[] = []): Promise<LoadResult> {
  const { entrySize, loadMillis, connections } = context.options;
  return context.served(
    dataDir,
    ({ port }) =>
      runLoad({
        port,
        connections,
        requests: { kind: 'add', entrySize, seed },
        maxRequests: 1_000_000,
        maxMillis: loadMillis,
        warmup: connections * 8,
      }),
    args,
  );
}

function policyOf(witnesses: readonly WitnessProcess[]): string {
  const lines = witnesses.flatMap(({ vkeys, url }, i) => [
    ...vkeys.map((vkey, k) => `witness w${i}-${k} ${vkey} ${url}`),
    `group w${i} all ${vkeys.map((_, k) => `w${i}-${k}`).join(' ')}`,
  ]);
  const names = witnesses.map((_, i) => `w${i}`).join(' ');
  return `${lines.join('\n')}\ngroup enough ${QUORUM} ${names}\nquorum enough\n`;
}
