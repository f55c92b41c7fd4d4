// in-toto Statement v1 with SLSA provenance v1 (in-toto/attestation spec/v1; slsa.dev/provenance/v1): who built what, how
// and when. Members that nothing is read from are ignored, as both specifications demand.

import { fromHex } from '../../bytes.ts';
import { LimmatError } from '../../errors.ts';
import { parseTime } from '../../record/time.ts';
import { isList, isObject, type Json, type JsonObject } from './json.ts';
import { MAX_SUBJECTS } from './limits.ts';

export const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1';
export const SLSA_PROVENANCE = 'https://slsa.dev/provenance/v1';

/** A file or source that the build took in. */
export interface Dependency {
  readonly uri: string | undefined;
  /** 64 hex digits. */
  readonly sha256: string | undefined;
  /** The commit, where it is a git source. */
  readonly gitCommit: string | undefined;
}

/** What a provenance states; absent where it states nothing. */
export interface SlsaProvenance {
  /** SHA-256 of the subjects that have one, as 64 hex digits; at least 1. */
  readonly subjects: ReadonlySet<string>;
  readonly builderId: string;
  readonly buildType: string;
  /** Unix seconds; a fraction of a second is cut off. */
  readonly startedAt: number | undefined;
  readonly finishedAt: number | undefined;
  readonly dependencies: readonly Dependency[];
}

/** The provenance in an in-toto statement; `malformed` when it is none, or a member that is read has another form. */
export function readStatement(statement: JsonObject): SlsaProvenance {
  const type = statement.get('_type');
  if (type !== STATEMENT_TYPE) throw refuse(`_type is ${shown(type)}, not ${STATEMENT_TYPE}`);
  const predicateType = statement.get('predicateType');
  if (predicateType !== SLSA_PROVENANCE) {
    throw refuse(`predicateType is ${shown(predicateType)}, and only ${SLSA_PROVENANCE} says how a build was made`);
  }
  const predicate = objectAt(statement, 'predicate', 'predicate');
  const definition = objectAt(predicate, 'buildDefinition', 'predicate.buildDefinition');
  const run = objectAt(predicate, 'runDetails', 'predicate.runDetails');
  const builder = objectAt(run, 'builder', 'predicate.runDetails.builder');
  const metadata = run.has('metadata') ? objectAt(run, 'metadata', 'predicate.runDetails.metadata') : undefined;
  const [startedAt, finishedAt] = ['startedOn', 'finishedOn'].map((name) => timeOf(metadata?.get(name), name));
  if (startedAt !== undefined && finishedAt !== undefined && finishedAt < startedAt) {
    throw refuse('its finishedOn is before its startedOn');
  }
  return {
    subjects: subjectsOf(statement.get('subject')),
    builderId: textAt(builder, 'id', 'predicate.runDetails.builder.id'),
    buildType: textAt(definition, 'buildType', 'predicate.buildDefinition.buildType'),
    startedAt,
    finishedAt,
    dependencies: dependenciesOf(definition.get('resolvedDependencies')),
  };
}

function subjectsOf(value: Json | undefined): ReadonlySet<string> {
  if (!isList(value) || value.length === 0) throw refuse('subject is not a list of what was built');
  if (value.length > MAX_SUBJECTS) throw refuse(`it has ${value.length} subjects, more than ${MAX_SUBJECTS}`);
  const digests = value.map((subject, i) => sha256At(subject, `subject[${i}]`, true));
  const found = new Set(digests.filter((digest) => digest !== undefined));
  if (found.size === 0) throw refuse('no subject has a SHA-256, which is how limmat knows files');
  return found;
}

function dependenciesOf(value: Json | undefined): readonly Dependency[] {
  if (value === undefined) return [];
  if (!isList(value)) throw refuse('resolvedDependencies is not a list');
  return value.map((item, i) => {
    const where = `resolvedDependencies[${i}]`;
    const sha256 = sha256At(item, where, false);
    if (!isObject(item)) throw refuse(`${where} is not an object`);
    const digest = item.get('digest');
    const [uri, gitCommit] = [item.get('uri'), isObject(digest) ? digest.get('gitCommit') : undefined];
    return {
      uri: typeof uri === 'string' ? uri : undefined,
      sha256,
      gitCommit: typeof gitCommit === 'string' ? gitCommit : undefined,
    };
  });
}

/** The SHA-256 of a resource, or undefined when it has only others. A subject has to have a digest. */
function sha256At(resource: Json, where: string, isNeeded: boolean): string | undefined {
  if (!isObject(resource)) throw refuse(`${where} is not an object`);
  const digest = resource.get('digest');
  if (digest === undefined && !isNeeded) return undefined;
  if (!isObject(digest) || (isNeeded && digest.size === 0)) throw refuse(`${where}.digest is not a set of digests`);
  const sha256 = digest.get('sha256');
  if (sha256 === undefined) return undefined;
  if (typeof sha256 === 'string' && fromHex(sha256)?.length === 32) return sha256;
  throw refuse(`${where}.digest.sha256 is ${shown(sha256)}, not 64 lowercase hexadecimal digits`);
}

/** in-toto's Timestamp: RFC 3339 in UTC, with or without a fraction. */
function timeOf(value: Json | undefined, name: string): number | undefined {
  if (value === undefined) return undefined;
  const seconds = typeof value === 'string' ? parseTime(value.replace(/\.[0-9]{1,9}Z$/, 'Z')) : undefined;
  if (seconds === undefined) throw refuse(`${name} is ${shown(value)}, not a time in UTC like 2026-07-11T10:16:37Z`);
  return seconds;
}

function objectAt(object: JsonObject, name: string, where: string): JsonObject {
  const value = object.get(name);
  if (!isObject(value)) throw refuse(`${where} is not an object`);
  return value;
}

function textAt(object: JsonObject, name: string, where: string): string {
  const value = object.get(name);
  if (typeof value !== 'string' || value === '') throw refuse(`${where} is not a text`);
  return value;
}

function shown(value: Json | undefined): string {
  if (value === undefined) return 'missing';
  return typeof value === 'object' ? 'no text' : JSON.stringify(value).slice(0, 100);
}

function refuse(why: string): LimmatError {
  return new LimmatError('malformed', `the in-toto statement is not a provenance that can be read: ${why}`);
}
