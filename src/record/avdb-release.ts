// Record type `avdb-release`: one release of a detection database, a link in the chain of its stream. A stream is
// (product, database, channel); its releases count up in `sequence` and name the leaf before them in `prev`.

import { artifact, audience, basis } from './common.ts';
import { FieldError } from './field-error.ts';
import {
  digest,
  list,
  name,
  object,
  oneOf,
  optional,
  ref,
  required,
  text,
  time,
  uint,
  yes,
  type Values,
} from './fields.ts';
import { subjectStep } from './text.ts';
import { count, dayInWords, shortHex } from './words.ts';

const fields = {
  product: required(name),
  database: required(name),
  channel: required(name),
  /** From 1. */
  sequence: required(uint(Number.MAX_SAFE_INTEGER, 1)),
  /** The entry of the release before this one in the stream. */
  prev: optional(ref),
  /** The stream was running before this log: its first release here has a sequence above 1 and no prev. */
  first: optional(yes),
  contentDigest: required(digest),
  counts: required(
    object({
      total: required(uint()),
      added: optional(uint()),
      changed: optional(uint()),
      removed: optional(uint()),
    }),
  ),
  audience: optional(audience),
  versionText: optional(name),
  kind: optional(oneOf('full', 'delta')),
  baseSequence: optional(uint(Number.MAX_SAFE_INTEGER, 1)),
  artifacts: optional(list(artifact)),
  /** The oldest engine that can load it, as its functionality level. */
  minEngine: optional(uint()),
  producedAt: optional(time),
  validUntil: optional(time),
  nextDue: optional(time),
  urgency: optional(name),
  /** The source-snapshot entry of the rules. */
  source: optional(ref),
  buildSite: optional(name),
  signSite: optional(name),
  rollback: optional(object({ toSequence: required(uint(Number.MAX_SAFE_INTEGER, 1)), reason: required(text()) })),
  basis: optional(basis),
};

export type AvdbReleaseFields = Values<typeof fields>;

function rule(f: AvdbReleaseFields): void {
  if (f.sequence === 1) {
    if (f.prev !== undefined) throw new FieldError('prev is given, but sequence 1 is the first release of its stream');
    if (f.first !== undefined) throw new FieldError('first is given, but sequence 1 says so already');
  } else if ((f.prev === undefined) === (f.first === undefined)) {
    const found = f.prev === undefined ? 'neither' : 'both';
    throw new FieldError(`sequence ${f.sequence} needs either prev or first: true, and has ${found}`);
  }
  if (f.baseSequence !== undefined && (f.kind !== 'delta' || f.baseSequence >= f.sequence)) {
    throw new FieldError('baseSequence is the earlier sequence that a delta applies to');
  }
  if (f.rollback !== undefined && f.rollback.toSequence >= f.sequence) {
    throw new FieldError(`rollback to sequence ${f.rollback.toSequence} is not to one before ${f.sequence}`);
  }
}

export const avdbRelease = {
  type: 'avdb-release',
  payload: object(fields, rule),
  identity: (f: AvdbReleaseFields): string =>
    [...[f.product, f.database, f.channel].map(subjectStep), f.sequence].join('/'),
  product: (f: AvdbReleaseFields): string => f.product,
  channel: (f: AvdbReleaseFields): string => f.channel,
  describe(f: AvdbReleaseFields): string {
    const version = f.versionText === undefined ? '' : ` (${f.versionText})`;
    const made = f.producedAt === undefined ? '' : ` of ${dayInWords(f.producedAt)}`;
    const { added, changed, removed } = f.counts;
    const steps = [
      added === undefined ? [] : `${count(added)} added`,
      changed === undefined ? [] : `${count(changed)} changed`,
      removed === undefined ? [] : `${count(removed)} removed`,
    ].flat();
    const difference = steps.length === 0 ? '' : ` (${steps.join(', ')})`;
    const back = f.rollback === undefined ? '' : `, rolled back to release ${count(f.rollback.toSequence)}`;
    return `Release ${count(f.sequence)}${version}${made} of database ${f.database} of ${f.product}, channel ${f.channel}${back}: ${count(f.counts.total, 'rule')}${difference}, content SHA-256 ${shortHex(f.contentDigest.sha256)}.`;
  },
} as const;

/** The stream that a release belongs to; equal for the releases that `prev` must link. */
export function streamOf(namespace: string, f: Pick<AvdbReleaseFields, 'product' | 'database' | 'channel'>): string {
  return [namespace, f.product, f.database, f.channel].map(subjectStep).join('/');
}
