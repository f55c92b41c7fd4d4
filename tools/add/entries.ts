// What "limmat add" is given: signed statements as files, or the files of a build that it signs.

import { readFileSync } from 'node:fs';

import { toHex } from '../../src/bytes.ts';
import { LimmatError } from '../../src/errors.ts';
import { describe, parseStatement, recordToJson } from '../../src/record/index.ts';
import type { Statement } from '../../src/record/index.ts';
import { loadStatementSigner } from '../support/keys.ts';
import type { ProvenanceReport } from '../support/provenance.ts';
import { recordOf, signRecord } from '../support/record-options.ts';
import type { RecordOptions } from '../support/record-options.ts';

/** One entry to append: its bytes, what it says, and the files that its proof belongs beside. */
export interface Entry {
  readonly bytes: Uint8Array;
  readonly says: string;
  readonly proofFiles: readonly string[];
  readonly provenance?: ProvenanceReport | undefined;
}

const SIGNING_FLAGS = [
  'namespace',
  'issuer',
  'fields',
  'product',
  'version',
  'channel',
  'platform',
  'publicKey',
  'provenance',
  'provenanceKey',
  'sbom',
  'set',
] as const;

/** The name of an option as it is typed, without its dashes in front. */
export function flagOf(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** Signed statements from their files. The flags describe a record that is to be signed; without a key there is none. */
export function readStatements(files: readonly string[], options: RecordOptions): Entry[] {
  const stray = SIGNING_FLAGS.find((name) => options[name] !== undefined);
  if (stray !== undefined) {
    throw new LimmatError(
      'usage',
      `--${flagOf(stray)} describes a record to sign, and signing takes a key: --key FILE`,
    );
  }
  return files.map((file) => ({
    bytes: new Uint8Array(readFileSync(file)),
    says: file,
    proofFiles: [`${file.replace(/\.statement$/, '')}.tlog-proof`],
  }));
}

/** The files as a signed build; as the one of `before` that says the same with the same key, if there is one. */
export async function signBuild(
  files: readonly string[],
  options: RecordOptions,
  key: string,
  before: readonly Uint8Array[] = [],
): Promise<Entry> {
  const signer = loadStatementSigner(key, options.publicKey);
  const { record, provenance } = await recordOf('build', files, options);
  const issuer = options.issuer ?? record.namespace;
  const wanted = JSON.stringify([toHex(signer.kid), issuer, recordToJson(record)]);
  const known = before.find((bytes) => {
    const statement = statementIn(bytes);
    if (statement === undefined) return false;
    return JSON.stringify([toHex(statement.kid), statement.iss, recordToJson(statement.record)]) === wanted;
  });
  return {
    bytes: known ?? (await signRecord(record, signer, options)).bytes,
    says: describe(record),
    proofFiles: files.map((file) => `${file}.tlog-proof`),
    provenance,
  };
}

/** The statement in these bytes; undefined when they are none: a log of open admission takes anything. */
export function statementIn(bytes: Uint8Array): Statement | undefined {
  try {
    return parseStatement(bytes);
  } catch {
    return undefined;
  }
}
