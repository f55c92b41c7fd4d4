// limmat sign: signs a record, offline. What comes out is exactly what a log stores; `limmat add` submits it.

import { writeFileSync } from 'node:fs';

import { Argument, type Command } from 'commander';

import { toHex } from '../src/bytes.ts';
import { LimmatError } from '../src/errors.ts';
import { portableHasher } from '../src/merkle/hash.ts';
import { RECORD_TYPES, describe, statementToJson } from '../src/record/index.ts';
import type { RecordType } from '../src/record/index.ts';
import { jsonOption, repeated } from './support/config.ts';
import { loadStatementSigner } from './support/keys.ts';
import { createOutput } from './support/output.ts';
import { addRecordOptions, recordOf, signRecord } from './support/record-options.ts';
import type { RecordOptions } from './support/record-options.ts';

interface SignOptions extends RecordOptions {
  readonly artifact?: readonly string[];
  readonly out?: string;
  readonly json?: boolean;
}

export function register(program: Command): void {
  const command = program
    .command('sign')
    .summary('sign a record')
    .description('Signs a record offline, and writes the statement: the bytes that a log stores, and nothing else.')
    .addArgument(new Argument('<type>', 'record type').choices(RECORD_TYPES))
    .option('--artifact <file>', 'build: a file of it; may be repeated', repeated);
  addRecordOptions(command)
    .option('--out <file>', 'where the statement goes (default: the first artifact with .statement behind it)')
    .addOption(jsonOption())
    .action(sign);
}

async function sign(type: RecordType, options: SignOptions): Promise<void> {
  const output = createOutput(options);
  const { artifact = [], key } = options;
  if (key === undefined) throw new LimmatError('usage', 'signing takes a key: --key FILE, env:NAME or exec:COMMAND');
  const out = options.out ?? (artifact[0] === undefined ? undefined : `${artifact[0]}.statement`);
  if (out === undefined) throw new LimmatError('usage', 'say where the statement goes: --out FILE');
  const signer = loadStatementSigner(key, options.publicKey);
  const statement = await signRecord(await recordOf(type, artifact, options), signer, options);
  writeFileSync(out, statement.bytes);
  const leafHash = toHex(portableHasher.leafHash(statement.bytes));
  output.result({ ...statementToJson(statement), leafHash, size: statement.bytes.length, file: out }, [
    describe(statement.record),
    `${out}: ${statement.bytes.length} bytes, leaf hash ${leafHash}`,
  ]);
}
