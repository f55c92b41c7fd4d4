// limmat import: signs the rows of JSON Lines files and appends them, in batches, in order, and so that it can be run
// again: what is logged keeps its index, and the rest follows.

import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Command } from 'commander';

import { nodeHasher } from '../src/adapters/node-crypto.ts';
import { toHex } from '../src/bytes.ts';
import { LimmatError, isLimmatError } from '../src/errors.ts';
import { createStatement, describe, parseStatement } from '../src/record/index.ts';
import type { LimmatRecord, StatementSigner } from '../src/record/index.ts';
import { Journal } from './import/journal.ts';
import { readRows } from './import/rows.ts';
import { StreamChains } from './import-order.ts';
import { jsonOption, urlOption, wholeNumber } from './support/config.ts';
import { KEY_SPEC_HELP, loadStatementSigner } from './support/keys.ts';
import { addBatchToLog, describeLog } from './support/log-api.ts';
import type { BatchResult } from './support/log-api.ts';
import { createOutput } from './support/output.ts';
import { createProgress, formatCount } from './support/progress.ts';
import type { Progress } from './support/progress.ts';

/** Pauses before a batch is sent again that the log had no room for or did not answer; then the import gives up. */
const RETRY_PAUSES_MILLIS = [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000];

interface ImportOptions {
  readonly url: string;
  readonly key: string;
  readonly publicKey?: string;
  readonly issuer: string;
  readonly batch: number;
  readonly journal?: string;
  readonly gap?: string;
  readonly json?: boolean;
}

export function register(program: Command): void {
  program
    .command('import')
    .summary('sign and append rows of JSON Lines')
    .description(
      'Signs the rows of JSON Lines files as records and appends them. Rows are recognised by their columns; no field is ' +
        'made up, and rows that no record type stands for are counted and left out. Can be run again after any failure.',
    )
    .argument('<file...>', 'JSON Lines files')
    .requiredOption('--key <spec>', `key that signs: ${KEY_SPEC_HELP}`)
    .requiredOption('--issuer <name>', 'who signs, as an organisation')
    .option('--public-key <file>', 'its public key (SPKI PEM); needed with exec:')
    .option('--batch <entries>', 'entries in one request', wholeNumber(1), 1_000)
    .option(
      '--journal <file>',
      'signed statements, for the next run (default: the first file’s name with .journal, here)',
    )
    .option(
      '--gap <reason>',
      'state releases that are missing in a stream as a gap, for this reason; without it the log refuses what comes after',
    )
    .addOption(urlOption())
    .addOption(jsonOption())
    .action(runImport);
}

async function runImport(files: readonly string[], options: ImportOptions): Promise<void> {
  const output = createOutput(options);
  const signer = loadStatementSigner(options.key, options.publicKey);
  const input = readRows(files);
  const { origin } = await describeLog(options.url);
  const identity = { origin, kid: toHex(signer.kid), issuer: options.issuer, input: input.digest };
  const path = options.journal ?? `${basename(files[0]!)}.journal`;
  const journal = Journal.open(path, identity);
  const progress = createProgress({
    label: 'import',
    unit: 'records',
    total: input.records.length,
    silent: output.json,
  });
  const importer = new Importer(input.records, signer, options, journal, progress);
  try {
    await importer.run();
  } catch (error) {
    progress.clear();
    throw error;
  } finally {
    journal.close();
  }
  progress.finish();
  const { appended, duplicates } = importer;
  const skipped = Object.fromEntries(input.skipped);
  const notes = [...input.skipped].map(([reason, count]) => `skipped ${formatCount(count)}: ${reason}`);
  output.result({ origin, rows: input.rows, appended, duplicates, skipped, journal: path }, [
    `${formatCount(appended)} records appended, ${formatCount(duplicates)} were there already (journal: ${path})`,
    ...notes,
  ]);
}

class Importer {
  appended = 0;
  duplicates = 0;
  readonly #records: readonly LimmatRecord[];
  readonly #signer: StatementSigner;
  readonly #options: ImportOptions;
  readonly #journal: Journal;
  readonly #progress: Progress;
  readonly #chains: StreamChains;

  constructor(
    records: readonly LimmatRecord[],
    signer: StatementSigner,
    options: ImportOptions,
    journal: Journal,
    progress: Progress,
  ) {
    this.#records = records;
    this.#signer = signer;
    this.#options = options;
    this.#journal = journal;
    this.#progress = progress;
    this.#chains = new StreamChains(options.gap);
  }

  async run(): Promise<void> {
    let next = await this.#sendJournal();
    let signed = this.#sign(next);
    while (next < this.#records.length) {
      const statements = await signed;
      this.#journal.append(statements);
      const start = next;
      next += statements.length;
      // The next batch is signed while this one is on its way; one is on its way at a time, so the order holds.
      const sending = this.#send(statements);
      signed = this.#sign(next);
      signed.catch(() => undefined);
      this.#count(start, await sending);
    }
  }

  /** Sends what an earlier run signed. Answers how many records are done: fewer where signatures have become too old. */
  async #sendJournal(): Promise<number> {
    const statements = [...this.#journal.statements];
    for (let start = 0; start < statements.length; start += this.#options.batch) {
      const { part, results } = await this.#sendAgain(statements, start);
      const tooOld = results.findIndex(
        (result) => 'error' in result && isLimmatError(result.error, 'iat-out-of-window'),
      );
      const taken = tooOld < 0 ? results : results.slice(0, tooOld);
      this.#count(start, taken);
      for (const statement of part.slice(0, taken.length)) {
        this.#chains.signed(parseStatement(statement).record, nodeHasher.leafHash(statement));
      }
      if (tooOld < 0) continue;
      this.#journal.truncate(start + tooOld);
      return start + tooOld;
    }
    return statements.length;
  }

  /**
   * Sends a part of the journal. What a rule refuses is signed anew once, in its place: what it is linked to may be
   * another release by now, or the options say what was missing.
   */
  async #sendAgain(
    statements: Uint8Array[],
    start: number,
  ): Promise<{ readonly part: readonly Uint8Array[]; readonly results: readonly BatchResult[] }> {
    const part = statements.slice(start, start + this.#options.batch);
    const results = await this.#send(part);
    const isRefused = results.map((result) => 'error' in result && isLimmatError(result.error, 'not-admitted'));
    if (!isRefused.includes(true)) return { part, results };
    for (const [i, statement] of part.entries()) {
      if (isRefused[i] === true) part.splice(i, 1, ...(await this.#sign(start + i, 1)));
      else this.#chains.signed(parseStatement(statement).record, nodeHasher.leafHash(statement));
    }
    statements.splice(start, part.length, ...part);
    this.#journal.replace(statements);
    const again = await this.#send(part);
    return { part, results: again.map((result, i) => (isRefused[i] === true ? result : results[i]!)) };
  }

  async #sign(start: number, count: number = this.#options.batch): Promise<Uint8Array[]> {
    const iatSeconds = Math.floor(Date.now() / 1000);
    const statements: Uint8Array[] = [];
    for (const record of this.#records.slice(start, start + count)) {
      const linked = this.#chains.link(record);
      const statement = await createStatement({ ...linked, issuer: this.#options.issuer, iatSeconds }, this.#signer);
      this.#chains.signed(linked, nodeHasher.leafHash(statement));
      statements.push(statement);
    }
    return statements;
  }

  #count(start: number, results: readonly BatchResult[]): void {
    for (const [i, result] of results.entries()) {
      if ('error' in result) throw this.#refusal(start + i, result.error);
      if (result.duplicate) this.duplicates++;
      else this.appended++;
    }
    this.#progress.update(start + results.length);
  }

  /** The first record that the log does not want ends the import: what follows may build on it. */
  #refusal(position: number, error: LimmatError): LimmatError {
    const record = this.#records[position];
    const what = record === undefined ? `record ${position + 1}` : `record ${position + 1} (${describe(record)})`;
    const mend = error.details['rule'] === 'D08' ? 'mend that, or state what is missing with --gap,' : 'mend that';
    return new LimmatError(error.code, `${what} was refused: ${error.message}; ${mend} and run the import again`, {
      cause: error,
    });
  }

  async #send(statements: readonly Uint8Array[]): Promise<readonly BatchResult[]> {
    for (const pause of [...RETRY_PAUSES_MILLIS, undefined]) {
      try {
        const results = await addBatchToLog(this.#options.url, statements);
        const transient = results.find((result) => 'error' in result && isTransient(result.error));
        if (transient === undefined || pause === undefined) return results;
      } catch (error) {
        if (pause === undefined || !isTransient(error)) throw error;
      }
      await sleep(pause);
    }
    throw new Error('bad math in send');
  }
}

/** True when sending the same again can help. */
function isTransient(error: unknown): boolean {
  return (['network', 'queue-full', 'read-only', 'outcome-unknown', 'shutting-down', 'quota-exceeded'] as const).some(
    (code) => isLimmatError(error, code),
  );
}
