// limmat add: appends to a running log. With --key it signs the files as a build first; without, the files are signed
// statements already (or, for a log of open admission, anything).

import { readFileSync, writeFileSync } from 'node:fs';

import { Option, type Command } from 'commander';

import { toHex } from '../src/bytes.ts';
import { LimmatError, isLimmatError } from '../src/errors.ts';
import { portableHasher } from '../src/merkle/hash.ts';
import { describe, parseStatement } from '../src/record/index.ts';
import { jsonOption, urlOption } from './support/config.ts';
import { EXIT } from './support/exit.ts';
import { loadStatementSigner } from './support/keys.ts';
import { addToLog } from './support/log-api.ts';
import { createOutput, style } from './support/output.ts';
import { addRecordOptions, recordOf, signRecord } from './support/record-options.ts';
import type { RecordOptions } from './support/record-options.ts';

interface AddOptions extends RecordOptions {
  readonly url: string;
  readonly wait: 'sequenced' | 'published';
  readonly json?: boolean;
}

/** One entry to append: its bytes, what it says, and the files that its proof belongs beside. */
interface Entry {
  readonly bytes: Uint8Array;
  readonly says: string;
  readonly proofFiles: readonly string[];
}

export function register(program: Command): void {
  const command = program
    .command('add')
    .summary('append files or signed records')
    .description(
      'Appends to a running log. With --key, the files are signed as one build and the record is appended;\n' +
        'without, each file is appended as it is: a statement that "limmat sign" wrote.',
    )
    .argument('<file...>', 'artifacts of a build (with --key), or signed statements');
  addRecordOptions(command)
    .addOption(
      new Option(
        '--wait <level>',
        'published: wait for the proof, written beside each file as FILE.tlog-proof; sequenced: only for the index',
      )
        .choices(['sequenced', 'published'])
        .default('published'),
    )
    .addOption(urlOption())
    .addOption(jsonOption())
    .action(add);
}

async function add(files: readonly string[], options: AddOptions): Promise<void> {
  const output = createOutput(options);
  const entries =
    options.key === undefined ? readStatements(files, options) : [await signBuild(files, options, options.key)];
  const answers: unknown[] = [];
  for (const { bytes, says, proofFiles } of entries) {
    const { index, proof } = await addToLog(options.url, bytes, options.wait).catch((error: unknown) => {
      throw options.key === undefined ? refusalOf(says, bytes, error) : error;
    });
    const leafHash = toHex(portableHasher.leafHash(bytes));
    const page = `${options.url}/log/${index}`;
    const written = proof === undefined ? [] : proofFiles;
    for (const file of written) writeFileSync(file, proof!);
    answers.push({ index, leafHash, page, proofFiles: written });
    output.line(`${style('green', 'added')} as entry ${index}: ${says}`);
    output.line(`page   ${page}`);
    for (const file of written) output.line(`proof  ${file}`);
    if (proof === undefined && options.wait === 'published') {
      output.note(`entry ${index} is durable but not published yet; get its proof later: limmat proof ${index}`);
      process.exitCode = EXIT.operational;
    }
  }
  output.value(options.key === undefined ? answers : answers[0]);
}

/** The flags describe a record that is to be signed; without a key there is none. */
function readStatements(files: readonly string[], options: AddOptions): Entry[] {
  const stray = (
    ['namespace', 'issuer', 'fields', 'set', 'product', 'version', 'channel', 'platform', 'publicKey'] as const
  ).find((name) => options[name] !== undefined);
  if (stray !== undefined) {
    const flag = stray === 'publicKey' ? 'public-key' : stray;
    throw new LimmatError('usage', `--${flag} describes a record to sign, and signing takes a key: --key FILE`);
  }
  return files.map((file) => ({
    bytes: new Uint8Array(readFileSync(file)),
    says: file,
    proofFiles: [`${file.replace(/\.statement$/, '')}.tlog-proof`],
  }));
}

/** A log of signed records says where a file's bytes go wrong; who forgot --key is helped by what the file is. */
function refusalOf(file: string, bytes: Uint8Array, error: unknown): unknown {
  if (!isLimmatError(error, 'malformed')) return error;
  try {
    parseStatement(bytes);
    return error;
  } catch {
    const message = `${file} is no signed statement: give --key to sign it, or sign it with "limmat sign"`;
    return new LimmatError('malformed', message, { cause: error });
  }
}

async function signBuild(files: readonly string[], options: AddOptions, key: string): Promise<Entry> {
  const signer = loadStatementSigner(key, options.publicKey);
  const statement = await signRecord(await recordOf('build', files, options), signer, options);
  return {
    bytes: statement.bytes,
    says: describe(statement.record),
    proofFiles: files.map((file) => `${file}.tlog-proof`),
  };
}
