// The witness bench: add-checkpoint requests of a thousand logs, each growing by an entry at a time, to a witness in a
// process of its own, from a load generator in another. Every answer is a cosignature over a head that is on the disk.

import { randomBytes } from 'node:crypto';
import { open, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { nodeCrypto, nodeHasher } from '../../src/adapters/node-crypto.ts';
import { utf8 } from '../../src/bytes.ts';
import { foldRight, rangeNodes } from '../../src/merkle/range.ts';
import { consistencyPlan } from '../../src/merkle/proof.ts';
import type { Hash } from '../../src/merkle/hash.ts';
import { formatAddCheckpoint } from '../../src/note/add-checkpoint.ts';
import { formatCheckpoint } from '../../src/note/checkpoint.ts';
import { SIGNATURE_TYPE, generateSignerKey } from '../../src/note/key.ts';
import type { SignatureTypeByte } from '../../src/note/key.ts';
import { formatNote } from '../../src/note/note.ts';
import { noteSigner } from '../../src/note/signer.ts';
import { startServe } from '../support/serve-process.ts';
import { round } from './append.ts';
import { runLoad } from './child.ts';
import type { BenchContext } from './context.ts';
import { residentMegabytes } from './machine.ts';
import type { Measured, MetricName } from './targets.ts';

const LOGS = 1000;
/** A thousand logs would have a thousand; with a quarter of that there is always something to do. */
const CONNECTIONS = 256;
/** Entries in every log at first: a proof from there has 17 hashes. */
const FIRST_SIZE = 100_000;
/** Nothing here is about rates of single sources: there is only one. */
const NO_LIMIT = ['--per-source', '1000000', '--per-log', '1000000', '--log-level', 'error'];

/** One tree, as every log has it: by height, the roots of all its perfect subtrees. */
class BenchTree {
  readonly #heights: Hash[][];

  constructor(size: number) {
    this.#heights = [Array.from({ length: size }, (_, i) => nodeHasher.leafHash(utf8(`entry ${i}`)))];
    for (let below = this.#heights[0]!; below.length > 1; below = this.#heights.at(-1)!) {
      const pairs = Math.floor(below.length / 2);
      this.#heights.push(
        Array.from({ length: pairs }, (_, i) => nodeHasher.nodeHash(below[2 * i]!, below[2 * i + 1]!)),
      );
    }
  }

  root(size: number): Hash {
    return foldRight(
      rangeNodes(0, size).map((node) => this.#hashOf(node)),
      nodeHasher,
    );
  }

  consistency(from: number, to: number): Hash[] {
    const plan = consistencyPlan(from, to);
    return plan.build(
      plan.nodes.map((node) => this.#hashOf(node)),
      nodeHasher,
    );
  }

  #hashOf({ height, index }: { readonly height: number; readonly index: number }): Hash {
    return this.#heights[height]![index]!;
  }
}

/** `witness`: with one Ed25519 key on both sides, and with Ed25519 and ML-DSA-44 on both sides. */
export async function benchWitness(context: BenchContext): Promise<Measured[]> {
  const { loadMillis } = context.options;
  const seconds = loadMillis / 1000;
  return [
    // Enough requests for twice the target, so that it is the time that ends the load.
    await measure(context, 'witness-ed25519-rate', [SIGNATURE_TYPE.ed25519], 'ed25519', Math.ceil(7 * seconds) + 1),
    await measure(
      context,
      'witness-both-rate',
      [SIGNATURE_TYPE.ed25519, SIGNATURE_TYPE.mldsa44],
      'both',
      Math.ceil(2.5 * seconds) + 1,
    ),
  ];
}

async function measure(
  context: BenchContext,
  name: MetricName,
  types: readonly SignatureTypeByte[],
  keys: string,
  rounds: number,
): Promise<Measured> {
  context.note(`signing ${rounds} heads of each of ${LOGS} logs`);
  const list = join(context.directory, `${name}.txt`);
  const file = join(context.directory, `${name}.bin`);
  const dataDir = join(context.directory, name);
  await writeRequests({ list, file, types, rounds });
  const args = ['--init', '--keys', keys, '--log-list', list, ...NO_LIMIT];
  const server = await startServe({ dataDir, command: 'witness', args });
  try {
    const result = await runLoad({
      port: server.port,
      connections: CONNECTIONS,
      requests: { kind: 'posts', path: '/add-checkpoint', file },
      maxRequests: LOGS * rounds,
      maxMillis: context.options.loadMillis,
      warmup: LOGS,
    });
    const serverMB = residentMegabytes(server.pid);
    return {
      name,
      value: result.requests / result.seconds,
      details: {
        logs: LOGS,
        connections: CONNECTIONS,
        requests: result.requests,
        seconds: round(result.seconds),
        p50Millis: round(result.p50Millis),
        p99Millis: round(result.p99Millis),
        generatorCores: round(result.cpuSeconds / result.seconds),
        ...(serverMB !== undefined && { serverMB: round(serverMB) }),
      },
    };
  } finally {
    await server.stop();
    await rm(dataDir, { recursive: true, force: true });
    await rm(`${dataDir}.guard`, { recursive: true, force: true });
    await rm(file, { force: true });
  }
}

const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));

/** The log list, and every request: the first head of each log, then it grows by one entry a round. */
async function writeRequests(job: {
  readonly list: string;
  readonly file: string;
  readonly types: readonly SignatureTypeByte[];
  readonly rounds: number;
}): Promise<void> {
  const tree = new BenchTree(FIRST_SIZE + job.rounds);
  const logs = Array.from({ length: LOGS }, (_, i) => {
    const origin = `bench.invalid/witnessed-${i}`;
    return {
      origin,
      signers: job.types.map((type) => noteSigner(generateSignerKey(origin, type, random, nodeCrypto), nodeCrypto)),
    };
  });
  await writeFile(job.list, logs.flatMap(({ signers }) => signers.map(({ vkey }) => `log ${vkey}\n`)).join(''));
  const out = await open(job.file, 'w');
  const nowSeconds = Math.floor(Date.now() / 1000);
  try {
    for (let turn = 0; turn < job.rounds; turn++) {
      const size = FIRST_SIZE + turn;
      const oldSize = turn === 0 ? 0 : size - 1;
      const proof = tree.consistency(oldSize, size);
      const rootHash = tree.root(size);
      const parts: Uint8Array[] = [];
      for (const [i, { origin, signers }] of logs.entries()) {
        const text = formatCheckpoint({ origin, size, rootHash });
        const lines = await Promise.all(signers.map((signer) => signer.sign(text, nowSeconds + turn)));
        const body = formatAddCheckpoint({ oldSize, proof, checkpoint: utf8(formatNote(text, lines)) });
        const head = Buffer.alloc(8);
        head.writeUInt32BE(i % CONNECTIONS);
        head.writeUInt32BE(body.length, 4);
        parts.push(head, body);
      }
      await out.write(Buffer.concat(parts));
    }
  } finally {
    await out.close();
  }
}
