// The read benches, all over the large log: tiles, proofs by hash, fsck and follow from loopback, and starting.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { httpReader } from '../../src/client/http-reader.ts';
import { formatTilePath, HASH_SIZE, TILE_WIDTH, type HashTilePath } from '../../src/merkle/index.ts';
import { mustRunLimmat, startServe, type ServeProcess } from '../support/serve-process.ts';
import { round } from './append.ts';
import { runChild, runLoad } from './child.ts';
import type { BenchContext } from './context.ts';
import { residentMegabytes } from './machine.ts';
import type { Measured } from './targets.ts';

export interface FollowJob {
  readonly url: string;
  /** Where the log's keys are found. */
  readonly dataDir: string;
}

export interface FollowReport {
  readonly entries: number;
  readonly seconds: number;
}

/** Of the benches that read tiles and proofs. */
export const READ_CONNECTIONS = 64;
const MANY = 10_000_000;
/** Different proofs that are asked for; each from a tile of its own as far as there are enough. */
const PROOF_PATHS = 50_000;
const STARTS = 3;

/** Numbers below `count` in an order that is the same in every run and jumps all over. */
export function* scattered(count: number, wanted: number): Generator<number> {
  // A step near the golden ratio of the range visits far-apart places one after another.
  const step = Math.max(1, Math.floor(count * 0.618_033_988_75));
  for (let i = 0, at = 0; i < wanted; i++, at = (at + step + 1) % count) yield at;
}

function fullTile(index: number): HashTilePath {
  return { kind: 'tile', level: 0, index, width: TILE_WIDTH };
}

/** Rate of these GETs, after as many as there are full tiles: a cold cache is filled once, the rate is for ever. */
export async function readBench(context: BenchContext, server: ServeProcess, paths: readonly string[], name: string) {
  const file = join(context.directory, `${name}.paths`);
  await writeFile(file, paths.join('\n'));
  const warmup = Math.floor(context.options.entries / TILE_WIDTH);
  const result = await runLoad({
    port: server.port,
    connections: READ_CONNECTIONS,
    requests: { kind: 'paths', file },
    maxRequests: MANY,
    maxMillis: context.options.loadMillis,
    warmup,
  });
  const serverMB = residentMegabytes(server.pid);
  const details = {
    connections: READ_CONNECTIONS,
    requests: result.requests,
    paths: paths.length,
    warmup,
    p50Millis: round(result.p50Millis),
    p99Millis: round(result.p99Millis),
    generatorCores: round(result.cpuSeconds / result.seconds),
    ...(serverMB !== undefined && { serverMB: round(serverMB) }),
  };
  return { value: result.requests / result.seconds, details };
}

/** `tiles`: GET of full level 0 tiles all over the tree. */
export async function benchTiles(context: BenchContext): Promise<Measured[]> {
  const { dataDir } = await context.largeLog();
  const tiles = Math.floor(context.options.entries / TILE_WIDTH);
  if (tiles === 0) throw new RangeError(`a log of ${context.options.entries} entries has no full tile`);
  const paths = [...scattered(tiles, tiles)].map((index) => `/${formatTilePath(fullTile(index))}`);
  const measured = await context.served(dataDir, (server) => readBench(context, server, paths, 'tiles'));
  return [{ name: 'tiles-rate', ...measured }];
}

/** `proofs`: get-proof-by-hash for entries all over the tree, in the published size. */
export async function benchProofs(context: BenchContext): Promise<Measured[]> {
  const { dataDir } = await context.largeLog();
  const { entries } = context.options;
  const measured = await context.served(dataDir, async (server) => {
    const reader = httpReader({ url: server.url, parallel: 16 });
    const tiles = Math.floor(entries / TILE_WIDTH);
    const perTile = Math.max(1, Math.ceil(PROOF_PATHS / tiles));
    const indexes = [...scattered(tiles, Math.min(tiles, PROOF_PATHS))];
    const contents = await reader.read(indexes.map(fullTile));
    const paths: string[] = [];
    for (let pass = 0; pass < perTile; pass++) {
      for (const [i, content] of contents.entries()) {
        const place = (i * 37 + pass * 101) % TILE_WIDTH;
        const hash = Buffer.from(content.subarray(place * HASH_SIZE, (place + 1) * HASH_SIZE)).toString('base64');
        paths.push(`/ct/v1/get-proof-by-hash?hash=${encodeURIComponent(hash)}&tree_size=${entries}`);
      }
    }
    return readBench(context, server, paths, 'proofs');
  });
  return [{ name: 'proofs-rate', ...measured }];
}

/** `fsck`: the command itself against the served log, its start included. */
export async function benchFsck(context: BenchContext): Promise<Measured[]> {
  const { dataDir } = await context.largeLog();
  return context.served(dataDir, async ({ url }) => {
    const startedAt = performance.now();
    const answer: { entries: number } = JSON.parse(await mustRunLimmat(['fsck', '--url', url, '--json']));
    const seconds = (performance.now() - startedAt) / 1000;
    return [
      {
        name: 'fsck-rate',
        value: answer.entries / seconds,
        details: { entries: answer.entries, seconds: round(seconds) },
      },
    ];
  });
}

/** `follow`: every entry read and verified by the client library in another process. */
export async function benchFollow(context: BenchContext): Promise<Measured[]> {
  const { dataDir } = await context.largeLog();
  return context.served(dataDir, async ({ url }) => {
    const job: FollowJob = { url, dataDir };
    const { entries, seconds } = await runChild<FollowReport>('follow-main', job);
    return [{ name: 'follow-rate', value: entries / seconds, details: { entries, seconds: round(seconds) } }];
  });
}

/** `start`: from spawning `limmat serve` to the first checkpoint that it serves; the median of a few. */
export async function benchStart(context: BenchContext): Promise<Measured[]> {
  const { dataDir } = await context.largeLog();
  const millis: number[] = [];
  for (let i = 0; i < STARTS; i++) {
    const startedAt = performance.now();
    const server = await startServe({ dataDir, args: ['--log-level', 'error'] });
    try {
      const answer = await fetch(`${server.url}/checkpoint`);
      await answer.arrayBuffer();
      if (answer.status !== 200) throw new Error(`GET /checkpoint answered ${answer.status}`);
      millis.push(performance.now() - startedAt);
    } finally {
      await server.stop();
    }
  }
  const sorted = millis.toSorted((a, b) => a - b);
  const details = {
    entries: context.options.entries,
    starts: STARTS,
    lowest: round(sorted[0]!),
    highest: round(sorted.at(-1)!),
  };
  return [{ name: 'start-millis', value: sorted[Math.floor(STARTS / 2)]!, details }];
}
