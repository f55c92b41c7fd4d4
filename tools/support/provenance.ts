// What a build's provenance says, as fields of the build's record; and what of it was checked, in words.

import { readFileSync, statSync } from 'node:fs';

import { nodeCrypto } from '../../src/adapters/node-crypto.ts';
import { toHex } from '../../src/bytes.ts';
import { MAX_PROVENANCE_BYTES } from '../../src/client/provenance/limits.ts';
import { parseProvenance, verifyEnvelope } from '../../src/client/provenance/provenance.ts';
import type { Provenance, ProvenanceForm } from '../../src/client/provenance/provenance.ts';
import type { Dependency } from '../../src/client/provenance/statement.ts';
import { thumbprintHex } from '../../src/cose/index.ts';
import { LimmatError } from '../../src/errors.ts';
import { formatTime } from '../../src/record/index.ts';
import type { LimmatRecord } from '../../src/record/index.ts';
import { readPublicKey } from './keys.ts';

/** A list of digests in a record holds so many. */
const MAX_DEPENDENCIES = 256;

/** What came of a provenance file: for --json as it is, for people by provenanceLines. */
export interface ProvenanceReport {
  readonly file: string;
  readonly form: ProvenanceForm;
  /** Fields of the record that it gave. */
  readonly filled: readonly string[];
  /** Thumbprints of the keys whose signatures were verified. */
  readonly verifiedBy: readonly string[];
  /** What of it was taken without a check. */
  readonly unverified: readonly string[];
  /** What it states and the record has no field for. */
  readonly leftOut: readonly string[];
}

/** A provenance, and the build fields that it truly states, in their JSON form. */
export interface StatedBuild {
  readonly subjects: ReadonlySet<string>;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly report: ProvenanceReport;
}

/** Reads a provenance file; with keys, one of them has to have signed it (`bad-signature`). `malformed` when it is none. */
export async function readProvenance(file: string, keyFiles: readonly string[]): Promise<StatedBuild> {
  // Before its bytes are in memory; parseProvenance looks again at what was read.
  const { size } = statSync(file);
  if (size > MAX_PROVENANCE_BYTES) {
    throw new LimmatError('malformed', `${file} has ${size} bytes, and a provenance at most ${MAX_PROVENANCE_BYTES}`);
  }
  const keys = keyFiles.map(readPublicKey);
  const provenance = inFile(file, () => parseProvenance(new Uint8Array(readFileSync(file))));
  const signers = keys.length === 0 ? [] : await verifyEnvelope(provenance, keys, nodeCrypto);
  const { subjects, builderId, buildType, startedAt, finishedAt, dependencies } = provenance.states;
  const digests = [...new Set(dependencies.map(({ sha256 }) => sha256).filter((digest) => digest !== undefined))];
  const fields = {
    builder: { id: builderId },
    buildType,
    ...(startedAt !== undefined && { startedAt: formatTime(startedAt) }),
    ...(finishedAt !== undefined && { finishedAt: formatTime(finishedAt) }),
    ...(digests.length > 0 &&
      digests.length <= MAX_DEPENDENCIES && { dependencies: digests.map((sha256) => ({ sha256 })) }),
  };
  const report = {
    file,
    form: provenance.form,
    filled: Object.keys(fields),
    verifiedBy: signers.map(thumbprintHex),
    unverified: unverified(provenance, signers.length > 0),
    leftOut: leftOut(dependencies, digests.length),
  };
  return { subjects, fields, report };
}

/** The fields with what the provenance states. `bad-record` where both state something, and not the same. */
export function fillBuild(
  given: Readonly<Record<string, unknown>>,
  { fields: stated }: StatedBuild,
): Record<string, unknown> {
  const whole: Record<string, unknown> = { ...given };
  for (const [name, value] of Object.entries(stated)) {
    const other = given[name];
    // A builder's version is nothing that a provenance states in one text, so it may stand beside the id.
    const comparable = name === 'builder' && isObject(other) ? { id: other['id'] } : other;
    if (other === undefined) whole[name] = value;
    else if (JSON.stringify(comparable) !== JSON.stringify(value)) {
      throw new LimmatError(
        'bad-record',
        `${name} is ${JSON.stringify(comparable).slice(0, 200)} in the fields given, and ${JSON.stringify(value).slice(0, 200)} in the provenance`,
        { details: { field: name } },
      );
    }
  }
  return whole;
}

/** `artifact-mismatch` unless every artifact of the build is a subject of the provenance. Digests alone count, not names. */
export function checkSubjects(record: LimmatRecord, { subjects, report }: StatedBuild): void {
  if (record.type !== 'build') return;
  for (const { name, digest } of record.fields.artifacts) {
    const sha256 = toHex(digest.sha256);
    if (subjects.has(sha256)) continue;
    throw new LimmatError(
      'artifact-mismatch',
      `${report.file} is not about ${name ?? 'an artifact'}: none of its subjects (${subjects.size}) has the SHA-256 ${sha256}`,
      { details: { sha256 } },
    );
  }
}

/** The report for people. */
export function provenanceLines(report: ProvenanceReport): string[] {
  return [
    `from ${report.file}: ${report.filled.join(', ')}`,
    ...report.verifiedBy.map((kid) => `verified: its signature, by the key ${kid}`),
    ...report.unverified.map((what) => `not verified: ${what}`),
    ...report.leftOut.map((what) => `left out: ${what}`),
  ];
}

function unverified({ form }: Provenance, isSigned: boolean): string[] {
  if (form === 'statement') return ['the provenance: nobody signed it, so its content is your word alone'];
  const bundle = "the bundle's certificate, log entries and times (tools of sigstore check them)";
  return [
    ...(isSigned ? [] : ['the signature of the provenance: --provenance-key names the key to check it with']),
    ...(form === 'sigstore-bundle' ? [bundle] : []),
  ];
}

function leftOut(dependencies: readonly Dependency[], digests: number): string[] {
  const without = dependencies.filter(({ sha256 }) => sha256 === undefined);
  const commit = without.find(({ gitCommit }) => gitCommit !== undefined)?.gitCommit;
  const such = commit === undefined ? '' : `, such as the git commit ${JSON.stringify(commit.slice(0, 64))}`;
  return [
    ...(without.length === 0 ? [] : [`dependencies without a SHA-256: ${without.length}${such}`]),
    ...(digests > MAX_DEPENDENCIES ? [`${digests} dependencies, more than the ${MAX_DEPENDENCIES} of a record`] : []),
  ];
}

/** Errors of reading say which file it is. */
function inFile<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof LimmatError)) throw error;
    throw new LimmatError(error.code, `${file}: ${error.message}`, { cause: error });
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
