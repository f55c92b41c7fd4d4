// limmat proof: the proof file of an entry, made from what the log publishes (or from its store, or from an export), so
// that any tlog-tiles log will do. It is checked for consistency; whether the log is to be believed, `verify` says.

import { existsSync, writeFileSync } from 'node:fs';

import type { Command } from 'commander';
import * as v from 'valibot';

import { nodeHasher } from '../src/adapters/node-crypto.ts';
import { equalBytes, fromBase64, fromHex, parseDecimal, toHex, utf8Text } from '../src/bytes.ts';
import { proveEntry } from '../src/client/prove.ts';
import type { ProvenEntry } from '../src/client/prove.ts';
import { LimmatError, isLimmatError } from '../src/errors.ts';
import { describe } from '../src/record/types.ts';
import { parseStatement, statementToJson } from '../src/record/statement.ts';
import type { Statement } from '../src/record/statement.ts';
import { DEFAULT_URL, jsonOption } from './support/config.ts';
import { filesSource, openDataSource, urlSource } from './support/log-source.ts';
import type { LogSource } from './support/log-source.ts';
import { createOutput } from './support/output.ts';

interface ProofFlags {
  readonly out?: string;
  readonly url?: string;
  readonly data?: string;
  readonly files?: string;
  readonly json?: boolean;
}

/** A log, and how it finds an entry by its leaf hash. */
interface Subject {
  readonly source: LogSource;
  readonly indexOf: (leafHash: Uint8Array) => Promise<number | undefined>;
}

const INCLUSION = v.object({ index: v.number() });
const MAX_INCLUSION_BYTES = 64 * 1024;

export function register(program: Command): void {
  program
    .command('proof')
    .summary('fetch the proof file of an entry')
    .description(
      'Gives the proof file of an entry: on standard output, with a summary beside it, or into a file with --out. ' +
        'Check it with "limmat verify".',
    )
    .argument('<entry>', "the entry's index, or its leaf hash (64 hexadecimal digits, or base64)")
    .option('--out <file>', 'where to write the proof file')
    .option('--url <url>', `address of the running log, or of any tlog-tiles log (default: ${DEFAULT_URL})`)
    .option('--data <dir>', 'the data directory of a log that is not running')
    .option('--files <dir>', 'the static files of an export')
    .addOption(jsonOption())
    .action(proof);
}

async function proof(entry: string, flags: ProofFlags): Promise<void> {
  const output = createOutput(flags);
  const wanted = parseEntry(entry);
  const { source, indexOf } = await openSubject(flags);
  let proven: ProvenEntry;
  try {
    const index = typeof wanted === 'number' ? wanted : await indexOf(wanted);
    if (index === undefined)
      throw new LimmatError('not-found', `no entry of ${source.name} has the leaf hash ${entry}`);
    proven = await proveEntry(source, index, { hasher: nodeHasher });
    if (typeof wanted !== 'number' && !equalBytes(wanted, proven.leafHash)) {
      throw new LimmatError('bad-response', `${source.name} gave index ${index}, whose entry has another leaf hash`);
    }
  } finally {
    await source.close();
  }
  const statement = statementOf(proven.entry);
  if (flags.out !== undefined) writeFileSync(flags.out, proven.proofFile);
  output.value(toJson(proven, statement, flags.out));
  const lines = toLines(proven, statement);
  if (flags.out !== undefined) {
    output.line(`wrote   ${flags.out}`);
    for (const line of lines) output.line(line);
    return;
  }
  for (const line of lines) output.note(line);
  // The file itself ends in a newline, which line() adds.
  output.line(utf8Text(proven.proofFile)!.slice(0, -1));
}

function parseEntry(text: string): number | Uint8Array {
  const index = parseDecimal(text);
  if (index !== undefined) return index;
  const hash = fromHex(text.toLowerCase()) ?? fromBase64(text);
  if (hash?.length === 32) return hash;
  const hint = existsSync(text) ? `; to check a file, say: limmat verify ${text}` : '';
  throw new LimmatError(
    'usage',
    `"${text}" is neither an index nor a leaf hash, in 64 hexadecimal digits or in base64${hint}`,
  );
}

async function openSubject({ url, data, files }: ProofFlags): Promise<Subject> {
  if ([url, data, files].filter((value) => value !== undefined).length > 1) {
    throw new LimmatError('usage', 'a proof is of one log: give one of --url, --data and --files');
  }
  if (data !== undefined) {
    const { source, storage } = await openDataSource(data);
    const indexOf = async (leafHash: Uint8Array): Promise<number | undefined> => {
      const [index] = await storage.findLeaves([leafHash]);
      return index;
    };
    return { source, indexOf };
  }
  if (files !== undefined) {
    return {
      source: filesSource(files),
      indexOf: () => Promise.reject(new LimmatError('usage', 'files have no index by leaf hash: give the index')),
    };
  }
  let source: LogSource;
  try {
    source = urlSource(url ?? DEFAULT_URL);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new LimmatError('usage', error.message, { cause: error });
  }
  return { source, indexOf: (leafHash) => askIndex(source, leafHash) };
}

function jsonOf(body: Uint8Array): unknown {
  try {
    return JSON.parse(utf8Text(body) ?? '');
  } catch {
    return undefined;
  }
}

/** What the log answers is only where to look: the entry that is found there must have the leaf hash. */
async function askIndex(source: LogSource, leafHash: Uint8Array): Promise<number | undefined> {
  const path = `api/v1/proof/inclusion?hash=${toHex(leafHash)}`;
  let body: Uint8Array;
  try {
    body = await source.resource(path, MAX_INCLUSION_BYTES);
  } catch (error) {
    if (isLimmatError(error, 'not-found')) return undefined;
    throw error;
  }
  const answer = v.safeParse(INCLUSION, jsonOf(body));
  if (!answer.success) throw new LimmatError('bad-response', `${source.name}${path} names no index`);
  return answer.output.index;
}

/** The entry as a record; undefined in a log that takes any bytes. */
function statementOf(entry: Uint8Array): Statement | undefined {
  try {
    return parseStatement(entry);
  } catch (error) {
    if (isLimmatError(error)) return undefined;
    throw error;
  }
}

function toJson(proven: ProvenEntry, statement: Statement | undefined, out: string | undefined): unknown {
  const { index, leafHash, checkpoint } = proven;
  return {
    index,
    leafHash: toHex(leafHash),
    log: { origin: checkpoint.origin, size: checkpoint.size, rootHash: toHex(checkpoint.rootHash) },
    ...(statement !== undefined && { record: statementToJson(statement) }),
    ...(out === undefined ? { proofFile: utf8Text(proven.proofFile) } : { out }),
  };
}

function toLines({ index, entry, leafHash, checkpoint }: ProvenEntry, statement: Statement | undefined): string[] {
  return [
    `record  ${statement === undefined ? `${entry.length} bytes that are no record` : describe(statement.record)}`,
    `entry   ${index} of ${checkpoint.size} in ${checkpoint.origin}`,
    `leaf    ${toHex(leafHash)}`,
    `root    ${toHex(checkpoint.rootHash)}`,
  ];
}
