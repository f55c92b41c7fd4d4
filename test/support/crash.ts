// A log process under load that is killed again and again. What it acknowledged and what it signed is remembered here,
// outside the process, and checked after each restart against what the log then serves.

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { nodeCrypto, nodeHasher } from '../../src/adapters/node-crypto.ts';
import { equalBytes, toHex } from '../../src/bytes.ts';
import { CompactRange } from '../../src/merkle/range.ts';
import { formatEntryBundle, formatTilePath, parseEntryBundle, tileWidthAt } from '../../src/merkle/tile.ts';
import { openLogCheckpoint } from '../../src/note/open.ts';
import { checkpointVerifier } from '../../src/note/signer.ts';
import { freePort } from '../../tools/support/serve-process.ts';
import { between } from './random.ts';
import type { Random } from './random.ts';

const LAUNCHER = join(import.meta.dirname, '../../tools/limmat.mjs');
const CONNECTIONS = 8;
const START_MILLIS = 20_000;

interface SeenCheckpoint {
  readonly size: number;
  readonly rootHash: Uint8Array;
  readonly timestampSeconds: number;
}

/** What a run of kills found; throws on the first broken promise. */
export interface CrashTotals {
  kills: number;
  acknowledged: number;
  checkpoints: number;
  /** Kills before the process had served anything. */
  killedAtStart: number;
}

/** The process was not there, or went away during the request. */
class Unreachable extends Error {}

export class CrashRig {
  readonly totals: CrashTotals = { kills: 0, acknowledged: 0, checkpoints: 0, killedAtStart: 0 };
  readonly #dataDir: string;
  readonly #random: Random;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS + 2 });
  readonly #acknowledged = new Map<number, Uint8Array>();
  #seen: SeenCheckpoint[] = [];
  #range = CompactRange.empty(nodeHasher);
  #lastTimestampSeconds = 0;
  #counter = 0;
  readonly #broken: unknown[] = [];
  #complaints = '';
  #port = 0;
  #child: ChildProcess | undefined;

  constructor(dataDir: string, random: Random) {
    this.#dataDir = dataDir;
    this.#random = random;
  }

  /** One round: start, check everything that was promised so far, load, kill. */
  async round(): Promise<void> {
    await this.#start();
    await this.#check();
    if (this.#random() < 0.15) {
      // Again at once, to be killed while it opens its store.
      await this.#kill();
      this.#spawn();
      await sleep(between(this.#random, 50, 700));
      this.totals.killedAtStart++;
    } else {
      await this.#loadFor(between(this.#random, 20, 400));
    }
    await this.#kill();
    this.totals.kills++;
  }

  /** A last start, a last check, and an orderly end. */
  async finish(): Promise<void> {
    await this.#start();
    await this.#check();
    const ended = new Promise((resolve) => this.#child!.once('exit', resolve));
    this.#child!.kill('SIGTERM');
    await ended;
    this.#agent.destroy();
  }

  /** Ends the process whatever happened. */
  stop(): void {
    this.#child?.kill('SIGKILL');
    this.#agent.destroy();
  }

  #spawn(): void {
    const args = ['serve', '--init', '--data', this.#dataDir, '--admission', 'open', '--log-level', 'silent'];
    const where = ['--listen', `127.0.0.1:${this.#port}`, '--checkpoint-interval', '0'];
    this.#child = spawn(process.execPath, [LAUNCHER, ...args, ...where], { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#complaints += text;
    });
  }

  async #start(): Promise<void> {
    this.#port ||= await freePort();
    this.#complaints = '';
    this.#spawn();
    const deadline = Date.now() + START_MILLIS;
    while (Date.now() < deadline) {
      if (this.#child!.exitCode !== null) throw new Error(`the log does not start again: ${this.#complaints}`);
      const answer = await this.#get('/checkpoint').catch(() => undefined);
      if (answer?.status === 200) return;
      await sleep(20);
    }
    throw new Error(`the log does not answer: ${this.#complaints}`);
  }

  async #kill(): Promise<void> {
    const child = this.#child!;
    const ended = child.exitCode ?? child.signalCode ?? new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }

  async #loadFor(millis: number): Promise<void> {
    const ends = Date.now() + millis;
    const load = { over: false };
    const senders = Array.from({ length: CONNECTIONS }, async (_, i) => {
      while (!load.over) await this.#attempt(() => (i % 4 === 0 ? this.#sendBatch() : this.#sendOne()));
    });
    const watcher = (async () => {
      while (!load.over) {
        await this.#attempt(() => this.#see());
        await sleep(3);
      }
    })();
    await sleep(Math.max(0, ends - Date.now()));
    // The kill comes while requests are under way; they end with the process.
    await this.#kill();
    load.over = true;
    await Promise.all([...senders, watcher]);
  }

  /** A request may end with the process; a broken promise is kept for the next check. */
  async #attempt(action: () => Promise<unknown>): Promise<void> {
    try {
      await action();
    } catch (error) {
      if (!(error instanceof Unreachable)) this.#broken.push(error);
      await sleep(5);
    }
  }

  #entry(): Uint8Array {
    const entry = new Uint8Array(between(this.#random, 8, this.#random() < 0.02 ? 60_000 : 1500));
    new DataView(entry.buffer).setFloat64(0, this.#counter++);
    return entry;
  }

  async #sendOne(): Promise<void> {
    const entry = this.#entry();
    const { status, body } = await this.#post('/add', entry);
    if (status === 200) this.#acknowledge(Number(body.toString('utf8')), entry);
  }

  async #sendBatch(): Promise<void> {
    const entries = Array.from({ length: between(this.#random, 1, 300) }, () => this.#entry());
    const { status, body } = await this.#post('/api/v1/batch', formatEntryBundle(entries), 'application/octet-stream');
    if (status !== 200) return;
    const lines = body.toString('utf8').trim().split('\n');
    for (const [i, line] of lines.entries()) {
      const index = /"index":([0-9]+)/.exec(line)?.[1];
      if (index !== undefined) this.#acknowledge(Number(index), entries[i]!);
    }
  }

  #acknowledge(index: number, entry: Uint8Array): void {
    if (this.#acknowledged.has(index)) throw new Error(`index ${index} was given to two entries`);
    this.#acknowledged.set(index, entry);
    this.totals.acknowledged++;
  }

  /** Takes down a checkpoint as a reader would: verified, and never older than the one before. */
  async #see(): Promise<SeenCheckpoint> {
    const { body } = await this.#get('/checkpoint');
    const { checkpoint, timestampSeconds } = await openLogCheckpoint(new Uint8Array(body), this.#logKeys());
    const seen = { size: checkpoint.size, rootHash: checkpoint.rootHash, timestampSeconds };
    if (timestampSeconds < this.#lastTimestampSeconds) throw new Error(`signed time fell to ${timestampSeconds}`);
    this.#lastTimestampSeconds = timestampSeconds;
    if (this.#seen.at(-1)?.size !== seen.size || !equalBytes(this.#seen.at(-1)!.rootHash, seen.rootHash)) {
      this.#seen.push(seen);
      this.totals.checkpoints++;
    }
    return seen;
  }

  /** Every checkpoint seen is a prefix of what the log serves now, and every acknowledged entry is at its index. */
  async #check(): Promise<void> {
    if (this.#broken.length > 0) throw this.#broken[0];
    const head = await this.#see();
    const promised = Math.max(-1, ...this.#acknowledged.keys());
    if (promised >= head.size) throw new Error(`entry ${promised} was acknowledged, the log has ${head.size}`);
    const due = new Map<number, SeenCheckpoint[]>();
    for (const seen of this.#seen) due.set(seen.size, [...(due.get(seen.size) ?? []), seen]);
    const checkRoot = (): void => {
      for (const { size, rootHash } of due.get(this.#range.size) ?? []) {
        if (equalBytes(this.#range.rootHash(), rootHash)) continue;
        throw new Error(`the log signed root ${toHex(rootHash)} at size ${size}, now it has another`);
      }
    };
    checkRoot();
    while (this.#range.size < head.size) {
      for (const entry of await this.#entriesFrom(this.#range.size, head.size)) {
        const expected = this.#acknowledged.get(this.#range.size);
        if (expected !== undefined && !equalBytes(expected, entry)) {
          throw new Error(`entry ${this.#range.size} is not the one that was acknowledged`);
        }
        this.#acknowledged.delete(this.#range.size);
        this.#range.append(nodeHasher.leafHash(entry));
        checkRoot();
      }
    }
    // All seen heads were on the way; the newest stays, to be extended by the next one.
    this.#seen = this.#seen.filter(({ size }) => size === head.size);
  }

  async #entriesFrom(start: number, size: number): Promise<Uint8Array[]> {
    const index = Math.floor(start / 256);
    const width = tileWidthAt(0, index, size);
    const { status, body } = await this.#get(`/${formatTilePath({ kind: 'entries', index, width })}`);
    if (status !== 200) throw new Error(`bundle ${index} of ${width} answers ${status}`);
    return parseEntryBundle(new Uint8Array(body), width).slice(start - index * 256);
  }

  #logKeys(): { origin: string; verifiers: ReturnType<typeof checkpointVerifier>[] } {
    const trust = readFileSync(join(this.#dataDir, 'trust.txt'), 'utf8');
    const vkeys = [...trust.matchAll(/^log (\S+)/gm)].map(([, vkey]) => vkey!);
    const verifiers = vkeys.map((vkey) => checkpointVerifier(vkey, nodeCrypto));
    if (verifiers.length !== 2) throw new Error('the trust file does not name both log keys');
    return { origin: verifiers[0]!.name, verifiers };
  }

  #get(path: string): Promise<{ status: number; body: Buffer }> {
    return this.#request('GET', path);
  }

  #post(path: string, body: Uint8Array, type?: string): Promise<{ status: number; body: Buffer }> {
    return this.#request('POST', path, body, type);
  }

  #request(method: string, path: string, body?: Uint8Array, type?: string): Promise<{ status: number; body: Buffer }> {
    const headers = type === undefined ? {} : { 'content-type': type };
    return new Promise((resolve, reject) => {
      const options = { host: '127.0.0.1', port: this.#port, method, path, headers, agent: this.#agent };
      const outgoing = request(options, (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('end', () => resolve({ status: answer.statusCode!, body: Buffer.concat(chunks) }));
        answer.on('error', (cause) => reject(new Unreachable('the answer broke off', { cause })));
      });
      outgoing.on('error', (cause) => reject(new Unreachable('no answer', { cause })));
      outgoing.end(body);
    });
  }
}
