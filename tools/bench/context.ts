// What the benches share: where they may write, how large they are, and the large log that several of them read from.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { makeLog } from '../support/new-log.ts';
import { startServe, type ServeProcess } from '../support/serve-process.ts';
import { fillLog, type AppendReport } from './append.ts';
import { runChild } from './child.ts';
import type { RecordsReport } from './records.ts';

export interface BenchOptions {
  /** Entries of the large log. */
  readonly entries: number;
  readonly entrySize: number;
  /** Largest size that the growth bench goes to. */
  readonly growthEntries: number;
  /** Milliseconds that one load may run. */
  readonly loadMillis: number;
  /** Statements that are signed for the statements bench. */
  readonly statements: number;
  /** Entries of the log of records that is judged again and searched. */
  readonly records: number;
  /** Files of the check bench. */
  readonly files: number;
  /** Bytes of each of them, and of how many a build tells. */
  readonly fileSize: number;
  readonly buildFiles: number;
  readonly connections: number;
}

export interface LargeLog {
  readonly dataDir: string;
  readonly report: AppendReport;
}

export interface RecordsLog {
  readonly dataDir: string;
  readonly report: RecordsReport;
}

/** One run of benches in a temporary directory of its own, which is removed with everything in it by `close`. */
export class BenchContext {
  readonly options: BenchOptions;
  readonly directory: string;
  readonly note: (text: string) => void;
  #large: Promise<LargeLog> | undefined;
  #records: Promise<RecordsLog> | undefined;
  readonly #servers = new Set<ServeProcess>();

  private constructor(options: BenchOptions, directory: string, note: (text: string) => void) {
    this.options = options;
    this.directory = directory;
    this.note = note;
  }

  static async open(
    options: BenchOptions,
    parent: string | undefined,
    note: (text: string) => void,
  ): Promise<BenchContext> {
    return new BenchContext(options, await mkdtemp(join(parent ?? tmpdir(), 'limmat-bench-')), note);
  }

  /** A new log; its data directory. */
  async makeLog(name: string, admission: 'open' | 'records'): Promise<string> {
    const dir = join(this.directory, name);
    await makeLog({ dir, origin: `bench.invalid/${name}`, admission });
    return dir;
  }

  async removeLog(name: string): Promise<void> {
    const dir = join(this.directory, name);
    await rm(dir, { recursive: true, force: true });
    await rm(`${dir}.guard`, { recursive: true, force: true });
  }

  /** The log with `entries` entries, filled when it is first asked for. */
  largeLog(): Promise<LargeLog> {
    this.#large ??= this.#fillLarge();
    return this.#large;
  }

  /** The log with `records` signed builds, filled when it is first asked for. */
  recordsLog(): Promise<RecordsLog> {
    this.#records ??= this.#fillRecords();
    return this.#records;
  }

  /** Runs body against a served log, started with these arguments too, which is stopped afterwards. */
  async served<T>(
    dataDir: string,
    body: (server: ServeProcess) => Promise<T>,
    args: readonly string[] = [],
  ): Promise<T> {
    const server = await startServe({ dataDir, args: ['--log-level', 'error', ...args] });
    this.#servers.add(server);
    try {
      return await body(server);
    } finally {
      await server.stop();
      this.#servers.delete(server);
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#servers].map((server) => server.kill()));
    await rm(this.directory, { recursive: true, force: true });
  }

  async #fillRecords(): Promise<RecordsLog> {
    const { records } = this.options;
    this.note(`filling a log with ${records} signed builds, and judging them again`);
    const dataDir = await this.makeLog('records', 'records');
    return { dataDir, report: await runChild<RecordsReport>('records-main', { dataDir, records }) };
  }

  async #fillLarge(): Promise<LargeLog> {
    const { entries, entrySize } = this.options;
    this.note(`filling a log with ${entries} entries of ${entrySize} bytes`);
    const dataDir = await this.makeLog('large', 'open');
    return { dataDir, report: await fillLog(dataDir, entries, entrySize) };
  }
}
