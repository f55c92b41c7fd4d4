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
import { checkSubjects, fillBuild, readProvenance } from './provenance.ts';
import type { ProvenanceReport } from './provenance.ts';

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
  readonly provenance?: string;
  readonly provenanceKey?: readonly string[];
  readonly sbom?: readonly string[];
}

/** A record from the command line, and where parts of it come from. */
export interface GivenRecord {
  readonly record: LimmatRecord;
  readonly provenance: ProvenanceReport | undefined;
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
    .option('--platform <name>', `build: its platform (default: ${DEFAULTS.platform})`)
    .option(
      '--provenance <file>',
      'build: in-toto provenance of all its files (bare, DSSE, sigstore bundle) that gives builder, build type, times and dependencies',
    )
    .option(
      '--provenance-key <file>',
      'public key (SPKI PEM) that has to have signed the provenance; may be repeated: one of them',
      repeated,
    )
    .option(
      '--sbom <file>',
      'build: a bill of materials that belongs to it, may be repeated; source-snapshot: the one of the source',
      repeated,
    );
}

/** Flags that only a build has, by the name of their field. */
const BUILD_FLAGS = ['product', 'version', 'channel', 'platform'] as const;

/** The record that the command line describes. Files become a build's artifacts. `usage` or `bad-record` otherwise. */
export async function recordOf(
  type: RecordType,
  files: readonly string[],
  options: RecordOptions,
): Promise<GivenRecord> {
  const { namespace, sbom = [] } = options;
  if (namespace === undefined) throw new LimmatError('usage', 'a record is in a namespace: --namespace NAME');
  if (options.provenanceKey !== undefined && options.provenance === undefined)
    throw new LimmatError('usage', '--provenance-key is for a provenance: --provenance FILE');
  const fields = options.fields === undefined ? {} : readFields(options.fields);
  setFields(type, fields, options.set);
  if (type === 'build') return buildOf(namespace, files, options, fields);
  const stray = ([...BUILD_FLAGS, 'provenance'] as const).find((name) => options[name] !== undefined);
  if (stray !== undefined)
    throw new LimmatError('usage', `--${stray} describes a build; the fields of a ${type} come from --fields or --set`);
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
  if (sbom.length > 0) await addSourceSbom(type, sbom, fields);
  return { record: recordFromJson({ type, namespace, fields }), provenance: undefined };
}

async function buildOf(
  namespace: string,
  files: readonly string[],
  options: RecordOptions,
  given: Readonly<Record<string, unknown>>,
): Promise<GivenRecord> {
  const { provenance, provenanceKey = [], sbom = [] } = options;
  const stated = provenance === undefined ? undefined : await readProvenance(provenance, provenanceKey);
  const plain = await buildFields(files, options, given);
  const fields = stated === undefined ? plain : fillBuild(plain, stated);
  const build = recordFromJson({ type: 'build', namespace, fields });
  if (stated !== undefined) checkSubjects(build, stated);
  // A provenance does not speak of the bills of materials, so they join afterwards.
  const { artifacts } = fields;
  const whole = { ...fields, artifacts: [...(Array.isArray(artifacts) ? artifacts : []), ...(await digestsOf(sbom))] };
  const record = sbom.length === 0 ? build : recordFromJson({ type: 'build', namespace, fields: whole });
  return { record, provenance: stated?.report };
}

/** A source has one field for it. */
async function addSourceSbom(
  type: RecordType,
  sbom: readonly string[],
  fields: Record<string, unknown>,
): Promise<void> {
  if (type !== 'source-snapshot')
    throw new LimmatError('usage', `--sbom belongs to a build or a source-snapshot, not to a ${type}`);
  if (sbom.length > 1 || 'sbomDigest' in fields)
    throw new LimmatError(
      'usage',
      'a source-snapshot has one bill of materials: one --sbom, or "sbomDigest" in --fields',
    );
  fields['sbomDigest'] = (await artifactOf(sbom[0]!)).digest;
}

async function buildFields(
  files: readonly string[],
  options: RecordOptions,
  fields: Readonly<Record<string, unknown>>,
): Promise<Record<string, unknown>> {
  const given: Record<string, unknown> = {};
  for (const name of BUILD_FLAGS) if (options[name] !== undefined) given[name] = options[name];
  if (files.length > 0) given['artifacts'] = await digestsOf(files);
  const whole = { ...DEFAULTS, ...fields, ...given };
  for (const name of ['product', 'version'] as const) {
    if (!(name in whole)) throw new LimmatError('usage', `a build has a ${name}: --${name}, or "${name}" in --fields`);
  }
  if (!('artifacts' in whole))
    throw new LimmatError('usage', 'a build has artifacts: name the files, or "artifacts" in --fields');
  return whole;
}

interface FileDigest {
  readonly name: string;
  readonly size: number;
  readonly digest: { readonly sha256: string };
}

function digestsOf(files: readonly string[]): Promise<FileDigest[]> {
  return Promise.all(files.map(artifactOf));
}

async function artifactOf(file: string): Promise<FileDigest> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const chunk of createReadStream(file) as AsyncIterable<Uint8Array>) {
    hash.update(chunk);
    size += chunk.length;
  }
  return { name: basename(file), size, digest: { sha256: hash.digest('hex') } };
}

/** The JSON object in this file, "-" for standard input; `usage` for anything else. */
export function readFields(path: string): Record<string, unknown> {
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

/** The record as a signed statement: made now, unless approvals settled when and for whom. */
export async function signRecord(
  record: LimmatRecord,
  signer: StatementSigner,
  options: RecordOptions,
  settled?: { readonly iss: string; readonly iat: number },
): Promise<Statement> {
  const issuer = settled?.iss ?? options.issuer ?? record.namespace;
  const iatSeconds = settled?.iat ?? Math.floor(Date.now() / 1000);
  return parseStatement(await createStatement({ ...record, issuer, iatSeconds }, signer));
}
