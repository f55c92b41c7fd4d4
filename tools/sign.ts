// limmat sign: signs a record, offline. What comes out is exactly what a log stores; `limmat add` submits it. Where
// several keys have to sign, all but the last one approve it (--approve), and the last one signs with their approvals,
// as the key (--signer), for the issuer and at the time (--signed-at) that they approved.

import { writeFileSync } from 'node:fs';

import { Argument, type Command } from 'commander';

import { toHex } from '../src/bytes.ts';
import { LimmatError } from '../src/errors.ts';
import { portableHasher } from '../src/merkle/hash.ts';
import { RECORD_TYPES, describe, recordToJson, statementToJson } from '../src/record/index.ts';
import type { RecordType } from '../src/record/index.ts';
import { approvalOf, draftOf, withApprovals } from './support/approvals.ts';
import { shellWord } from './support/command-name.ts';
import { jsonOption, repeated } from './support/config.ts';
import { loadStatementSigner } from './support/keys.ts';
import { createOutput } from './support/output.ts';
import { provenanceLines } from './support/provenance.ts';
import type { ProvenanceReport } from './support/provenance.ts';
import { addRecordOptions, recordOf, signRecord } from './support/record-options.ts';
import type { RecordOptions } from './support/record-options.ts';

interface SignOptions extends RecordOptions {
  readonly artifact?: readonly string[];
  readonly approve?: boolean;
  readonly approval?: readonly string[];
  readonly signer?: string;
  readonly signedAt?: string;
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
    .option('--approve', 'sign no statement, but an approval of it for the key that signs it')
    .option('--signer <key>', 'approve: the key that will sign, as its key id or public key file (SPKI PEM)')
    .option('--signed-at <time>', 'approve: when it will sign, such as 2027-01-15T08:00:00Z (default: now)')
    .option('--approval <file>', 'an approval by another key; may be repeated', repeated)
    .option('--out <file>', 'where it goes (default: the first artifact with .statement, or .approval, behind it)')
    .addOption(jsonOption())
    .action(sign);
}

async function sign(type: RecordType, options: SignOptions): Promise<void> {
  const output = createOutput(options);
  const { artifact = [], approve = false, approval = [], key } = options;
  if (key === undefined) throw new LimmatError('usage', 'signing takes a key: --key FILE, env:NAME or exec:COMMAND');
  if (approve && approval.length > 0) {
    throw new LimmatError('usage', '--approve makes an approval and --approval takes one: say one of them');
  }
  if (!approve && (options.signer ?? options.signedAt) !== undefined) {
    throw new LimmatError('usage', '--signer and --signed-at go with --approve; who signs takes them from --approval');
  }
  const suffix = approve ? 'approval' : 'statement';
  const out = options.out ?? (artifact[0] === undefined ? undefined : `${artifact[0]}.${suffix}`);
  if (out === undefined) throw new LimmatError('usage', `say where the ${suffix} goes: --out FILE`);
  const signer = loadStatementSigner(key, options.publicKey);
  const { record, provenance } = await recordOf(type, artifact, options);
  if (approve) {
    const made = await approvalOf(draftOf(record, options), signer);
    writeFileSync(out, `${JSON.stringify(made)}\n`);
    output.result({ ...recordToJson(record), approval: made, ...(provenance && { provenance }), file: out }, [
      `approved: ${describe(record)}`,
      `${out}: by key ${made.kid}, for --approval`,
      `It holds for key ${made.signer} that signs as ${made.issuer} at ${made.signedAt}; others approve the same with`,
      `  --signer ${made.signer} --issuer ${shellWord(made.issuer)} --signed-at ${made.signedAt}`,
      ...linesOf(provenance),
    ]);
    return;
  }
  const approved = withApprovals(record, approval, signer, options.issuer);
  const statement = await signRecord(approved.record, signer, options, approved.settled);
  writeFileSync(out, statement.bytes);
  const leafHash = toHex(portableHasher.leafHash(statement.bytes));
  const json = { ...statementToJson(statement), leafHash, size: statement.bytes.length };
  output.result({ ...json, ...(provenance && { provenance }), file: out }, [
    describe(statement.record),
    `${out}: ${statement.bytes.length} bytes, leaf hash ${leafHash}`,
    ...linesOf(provenance),
  ]);
}

function linesOf(provenance: ProvenanceReport | undefined): readonly string[] {
  return provenance === undefined ? [] : provenanceLines(provenance);
}
