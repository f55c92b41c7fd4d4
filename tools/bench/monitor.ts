// The monitor benches: catching up with a log from loopback, in a process of its own, and idle rounds over many logs.

import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';

import { systemClock } from '../../src/log/index.ts';
import { openBranch, signHead } from '../misbehave/branch.ts';
import type { SignedHead } from '../misbehave/branch.ts';
import { freshSigners } from '../misbehave/keys.ts';
import { keysOfData } from '../support/log-keys.ts';
import { fillLog, round } from './append.ts';
import { runChild } from './child.ts';
import type { BenchContext } from './context.ts';
import type { Measured } from './targets.ts';

/** What a monitor process is to do: catch up with the logs of a list or, with signAgain, look at them when nothing is new. */
export interface MonitorJob {
  /** The monitor's directory, which is made. */
  readonly dir: string;
  /** Path of the list of logs, with their addresses. */
  readonly list: string;
  /** A POST to this address signs every head again. */
  readonly signAgain?: string;
  readonly rounds?: number;
}

export interface CatchUpReport {
  readonly entries: number;
  readonly seconds: number;
  /** Readings while it went on, the last one at the end. */
  readonly residentMB: readonly number[];
  readonly mirrorBytes: number;
}

export interface IdleReport {
  /** Rounds in which every head was signed again, and rounds in which nothing at all was new. */
  readonly signedMillis: readonly number[];
  readonly sameMillis: readonly number[];
}

/** The size of an entry that the project's target is about. */
const ENTRY_BYTES = 300;
const IDLE_LOGS = 100;
const IDLE_ROUNDS = 5;
const IDLE_ENTRIES = 10;

/** `monitor`: a whole log, every entry re-hashed, mirrored and looked at; then rounds over a hundred idle logs. */
export async function benchMonitor(context: BenchContext): Promise<Measured[]> {
  return [...(await catchUpBench(context)), await idleBench(context)];
}

async function catchUpBench(context: BenchContext): Promise<Measured[]> {
  const { entries } = context.options;
  context.note(`filling a log with ${entries} entries of ${ENTRY_BYTES} bytes`);
  const dataDir = await context.makeLog('watched', 'open');
  await fillLog(dataDir, entries, ENTRY_BYTES);
  const report = await context.served(dataDir, async ({ url }) => {
    const list = join(context.directory, 'watched.txt');
    const lines = keysOfData(dataDir).verifiers.map(({ vkey }) => `log ${vkey} ${url}\n`);
    await writeFile(list, lines.join(''));
    const job: MonitorJob = { dir: join(context.directory, 'monitor'), list };
    return runChild<CatchUpReport>('monitor-main', job);
  });
  await context.removeLog('watched');
  const { seconds, residentMB, mirrorBytes } = report;
  const half = Math.floor(residentMB.length / 2);
  return [
    {
      name: 'monitor-rate',
      value: report.entries / seconds,
      details: { entries: report.entries, seconds: round(seconds), entryBytes: ENTRY_BYTES },
    },
    {
      name: 'monitor-rss',
      value: Math.max(...residentMB),
      details: {
        entries: report.entries,
        firstHalfMB: highest(residentMB.slice(0, half)),
        secondHalfMB: highest(residentMB.slice(half)),
      },
    },
    { name: 'monitor-mirror', value: mirrorBytes / report.entries, details: { bytes: mirrorBytes } },
  ];
}

/** A log that never grows, as the resources that it serves. */
interface IdleLog {
  readonly resources: Map<string, Uint8Array>;
  readonly lines: string;
  signAgain(atSeconds: number): Promise<void>;
}

async function idleLog(n: number, nowSeconds: number): Promise<IdleLog> {
  const origin = `bench.invalid/idle-${n}`;
  const signers = freshSigners(origin);
  const leaves = Array.from({ length: IDLE_ENTRIES }, (_, i) => new TextEncoder().encode(`log ${n}, entry ${i}`));
  const branch = await openBranch({ origin, signers, clock: systemClock }, leaves);
  const resources = new Map<string, Uint8Array>();
  for (const path of [`tile/0/000.p/${IDLE_ENTRIES}`, `tile/entries/000.p/${IDLE_ENTRIES}`]) {
    const answer = await branch.answer(new Request(`http://log.invalid/${path}`));
    resources.set(path, new Uint8Array(await answer.arrayBuffer()));
  }
  const head: SignedHead = branch.head();
  await branch.close();
  const signAgain = async (atSeconds: number): Promise<void> => {
    resources.set('checkpoint', await signHead(origin, head, atSeconds, signers));
  };
  await signAgain(nowSeconds);
  return { resources, lines: signers.map(({ vkey }) => `log ${vkey} http://HERE/${n}/\n`).join(''), signAgain };
}

async function idleBench(context: BenchContext): Promise<Measured> {
  const nowSeconds = Math.floor(Date.now() / 1000);
  let signedSeconds = nowSeconds - 60;
  const logs = await Promise.all(Array.from({ length: IDLE_LOGS }, (_, n) => idleLog(n, signedSeconds)));
  const server = createServer((request, response) => {
    const [, n = '', path = ''] = /^\/([0-9]+)\/(.*)$/.exec(request.url ?? '') ?? [];
    if (request.method === 'POST') {
      signedSeconds++;
      void Promise.all(logs.map((log) => log.signAgain(signedSeconds))).then(() => response.writeHead(204).end());
      return;
    }
    const bytes = logs[Number(n)]?.resources.get(path);
    if (bytes === undefined) response.writeHead(404).end();
    else response.writeHead(200, { 'Content-Length': bytes.length }).end(bytes);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const here = `127.0.0.1:${address.port}`;
  try {
    const list = join(context.directory, 'idle.txt');
    await writeFile(list, logs.map(({ lines }) => lines.replaceAll('HERE', here)).join(''));
    const { signedMillis, sameMillis } = await runChild<IdleReport>('monitor-main', {
      dir: join(context.directory, 'idle-monitor'),
      list,
      signAgain: `http://${here}/`,
      rounds: IDLE_ROUNDS,
    } satisfies MonitorJob);
    return {
      name: 'monitor-idle',
      value: median(signedMillis),
      details: { logs: IDLE_LOGS, rounds: IDLE_ROUNDS, nothingNewMillis: round(median(sameMillis)) },
    };
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

function highest(values: readonly number[]): number {
  return round(Math.max(0, ...values));
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
