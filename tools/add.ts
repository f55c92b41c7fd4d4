// limmat add: appends to a running log. With --key it signs the files as a build first; without, the files are signed
// statements already (or, for a log of open admission, anything). With --spool they wait on the disk until the log has them.

import { writeFileSync } from 'node:fs';

import { Option, type Command } from 'commander';

import { toHex } from '../src/bytes.ts';
import { LimmatError, isLimmatError } from '../src/errors.ts';
import { portableHasher } from '../src/merkle/hash.ts';
import { formatDuration, parseDuration } from '../src/node/units.ts';
import { flagOf, readStatements, signBuild, statementIn } from './add/entries.ts';
import { checked, jsonOption, urlOption, wholeNumber } from './support/config.ts';
import { EXIT } from './support/exit.ts';
import { addToLog } from './support/log-api.ts';
import type { WaitLevel } from './support/log-api.ts';
import { createOutput, style } from './support/output.ts';
import { provenanceLines } from './support/provenance.ts';
import { addRecordOptions } from './support/record-options.ts';
import type { RecordOptions } from './support/record-options.ts';

export interface AddOptions extends RecordOptions {
  readonly url: string;
  readonly wait: WaitLevel;
  readonly spool?: string;
  readonly spoolStatus?: boolean;
  readonly setAside?: number;
  /** Milliseconds. */
  readonly retryFor?: number;
  readonly json?: boolean;
}

/** How long a log may be away, unless told otherwise, before a pipeline hears of it. */
const RETRY_MILLIS = 60_000;

export function register(program: Command): void {
  const command = program
    .command('add')
    .summary('append files or signed records')
    .description(
      'Appends to a running log. With --key, the files are signed as one build and the record is appended; ' +
        'without, each file is appended as it is: a statement that "limmat sign" wrote. With --spool, entries are on ' +
        'the disk first and sent in order; without files, what earlier runs could not send.',
    )
    .argument('[file...]', 'artifacts of a build (with --key), or signed statements');
  addRecordOptions(command)
    .addOption(
      new Option(
        '--wait <level>',
        'published: wait for the proof, written beside each file as FILE.tlog-proof; witnessed: for one that the quorum of ' +
          'witnesses has cosigned; sequenced: only for the index',
      )
        .choices(['sequenced', 'published', 'witnessed'])
        .default('published'),
    )
    .option('--spool <dir>', 'keep entries and their proofs in this directory, and send in order what waits there')
    .option('--spool-status', 'with --spool: only say what is in it')
    .option('--set-aside <number>', 'with --spool: go on without this entry, which the log refused', wholeNumber(1))
    .option(
      '--retry-for <time>',
      `with --spool: how long to try while the log is away (default: ${formatDuration(RETRY_MILLIS)})`,
      checked(parseDuration),
    )
    .addOption(urlOption())
    .addOption(jsonOption())
    .action(add);
}

async function add(files: readonly string[], options: AddOptions): Promise<void> {
  if (options.spool !== undefined) {
    // Its lock is a database; who has no spool does not wait for one to load.
    const { addWithSpool } = await import('./add/spooled.ts');
    return addWithSpool(files, options, options.spool, options.retryFor ?? RETRY_MILLIS);
  }
  const stray = (['spoolStatus', 'setAside', 'retryFor'] as const).find((name) => options[name] !== undefined);
  if (stray !== undefined) throw new LimmatError('usage', `--${flagOf(stray)} is about a spool: --spool DIR`);
  if (files.length === 0) throw new LimmatError('usage', 'name the files to append');
  const output = createOutput(options);
  const entries =
    options.key === undefined ? readStatements(files, options) : [await signBuild(files, options, options.key)];
  const answers: unknown[] = [];
  for (const { bytes, says, proofFiles, provenance } of entries) {
    const { index, proof } = await addToLog(options.url, bytes, options.wait).catch((error: unknown) => {
      throw options.key === undefined ? refusalOf(says, bytes, error) : error;
    });
    const leafHash = toHex(portableHasher.leafHash(bytes));
    const page = `${options.url}/log/${index}`;
    const written = proof === undefined ? [] : proofFiles;
    for (const file of written) writeFileSync(file, proof!);
    answers.push({ index, leafHash, page, proofFiles: written, ...(provenance !== undefined && { provenance }) });
    output.line(`${style('green', 'added')} as entry ${index}: ${says}`);
    for (const line of provenance === undefined ? [] : provenanceLines(provenance)) output.line(line);
    output.line(`page   ${page}`);
    for (const file of written) output.line(`proof  ${file}`);
    if (proof === undefined && options.wait !== 'sequenced') {
      output.note(`entry ${index} is durable but not published yet; get its proof later: limmat proof ${index}`);
      process.exitCode = EXIT.operational;
    }
  }
  output.value(options.key === undefined ? answers : answers[0]);
}

/** A log of signed records says where a file's bytes go wrong; who forgot --key is helped by what the file is. */
function refusalOf(file: string, bytes: Uint8Array, error: unknown): unknown {
  if (!isLimmatError(error, 'malformed') || statementIn(bytes) !== undefined) return error;
  const message = `${file} is no signed statement: give --key to sign it, or sign it with "limmat sign"`;
  return new LimmatError('malformed', message, { cause: error });
}
