// A record from the command line: from flags (`--set` for any field; a build's files, and flags of its own), from a JSON
// file of fields, or both. Shared by `sign` and `add`.

import { createHash } from 'node:crypto';
import { createReadStream, readFileSync } from 'node:fs';
import { basename } from 'node:path';

import type { Command } from 'commander';

import { utf8Text } from '../../src/bytes.ts';
import { LimmatError } from '../../src/errors.ts';
import { createStatement, parseStatement, recordFromJson } from '../../src/record/index.ts';
import type { LimmatRecord, RecordType, Statement, StatementSigner } from '../../src/record/index.ts';
import { repeated } from './config.ts';
import { setFields } from './field-flags.ts';
import { KEY_SPEC_HELP } from './keys.ts';

export interface RecordOptions {
  readonly key?: string;
  readonly publicKey?: string;
  readonly issuer?: string;
  readonly namespace?: string;
  readonly fields?: string;
  readonly set?: readonly string[];
  readonly product?: string;
  // `--version` is the product's here; the program's own has to stand before the command.
  readonly version?: string;
  readonly channel?: string;
  readonly platform?: string;
}

/** The channel and platform of a build whose command line names none. */
const DEFAULTS = { channel: 'stable', platform: 'any' } as const;

/** Adds the options that say who signs what. */
export function addRecordOptions(command: Command): Command {
  return command
    .option('--key <spec>', `key that signs: ${KEY_SPEC_HELP}`)
    .option('--public-key <file>', 'its public key (SPKI PEM); needed with exec:')
    .option('--namespace <name>', 'namespace of the record')
    .option('--issuer <name>', 'who signs, as an organisation (default: the namespace)')
    .option('--fields <file>', 'fields of the record as a JSON object, "-" for standard input; flags override them')
    .option(
      '--set <name=value>',
      'a field, such as counts.total=5; a list takes each value, or all of them as JSON; may be repeated',
      repeated,
    )
    .option('--product <name>', 'build: the product')
    .option('--version <text>', 'build: its version')
    .option('--channel <name>', `build: its channel (default: ${DEFAULTS.channel})`)
    .option('--platform <name>', `build: its platform (default: ${DEFAULTS.platform})`);
}

/** Flags that only a build has, by the name of their field. */
const BUILD_FLAGS = ['product', 'version', 'channel', 'platform'] as const;

/** The record that the command line describes. Files become a build's artifacts. `usage` or `bad-record` otherwise. */
export async function recordOf(
  type: RecordType,
  files: readonly string[],
  options: RecordOptions,
): Promise<LimmatRecord> {
  const { namespace } = options;
  if (namespace === undefined) throw new LimmatError('usage', 'a record is in a namespace: --namespace NAME');
  const fields = options.fields === undefined ? {} : readFields(options.fields);
  setFields(type, fields, options.set);
  if (type === 'build') {
    Object.assign(fields, await buildFields(files, options, fields));
  } else {
    const stray = BUILD_FLAGS.find((name) => options[name] !== undefined);
    if (stray !== undefined)
      throw new LimmatError(
        'usage',
        `--${stray} describes a build; the fields of a ${type} come from --fields or --set`,
      );
    if (files.length > 0)
      throw new LimmatError(
        'usage',
        `only a build is made of files; the fields of a ${type} come from --fields or --set`,
      );
    if (options.fields === undefined && options.set === undefined) {
      throw new LimmatError(
        'usage',
        `the fields of a ${type} come from a JSON file: --fields FILE, or one by one: --set NAME=VALUE; ` +
          `"limmat schema ${type}" says which there are`,
      );
    }
  }
  return recordFromJson({ type, namespace, fields });
}

async function buildFields(
  files: readonly string[],
  options: RecordOptions,
  fields: Readonly<Record<string, unknown>>,
): Promise<Record<string, unknown>> {
  const given: Record<string, unknown> = {};
  for (const name of BUILD_FLAGS) if (options[name] !== undefined) given[name] = options[name];
  if (files.length > 0) given['artifacts'] = await Promise.all(files.map(artifactOf));
  const whole = { ...DEFAULTS, ...fields, ...given };
  for (const name of ['product', 'version'] as const) {
    if (!(name in whole)) throw new LimmatError('usage', `a build has a ${name}: --${name}, or "${name}" in --fields`);
  }
  if (!('artifacts' in whole))
    throw new LimmatError('usage', 'a build has artifacts: name the files, or "artifacts" in --fields');
  return whole;
}

async function artifactOf(file: string): Promise<{ name: string; size: number; digest: { sha256: string } }> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const chunk of createReadStream(file) as AsyncIterable<Uint8Array>) {
    hash.update(chunk);
    size += chunk.length;
  }
  return { name: basename(file), size, digest: { sha256: hash.digest('hex') } };
}

function readFields(path: string): Record<string, unknown> {
  const text = utf8Text(readFileSync(path === '-' ? 0 : path));
  let value: unknown;
  try {
    value = JSON.parse(text ?? '');
  } catch (error) {
    throw new LimmatError('usage', `${path} is not JSON: ${error instanceof Error ? error.message : ''}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new LimmatError('usage', `${path} is not a JSON object of fields`);
  }
  return { ...value };
}

/** The record as a signed statement, made now. */
export async function signRecord(
  record: LimmatRecord,
  signer: StatementSigner,
  options: RecordOptions,
): Promise<Statement> {
  const issuer = options.issuer ?? record.namespace;
  const iatSeconds = Math.floor(Date.now() / 1000);
  return parseStatement(await createStatement({ ...record, issuer, iatSeconds }, signer));
}
