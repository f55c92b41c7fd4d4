// Record type `avdb-release`: one release of a detection database, a link in the chain of its stream. A stream is
// (product, database, channel); its releases count up in `sequence` and name the leaf before them in `prev`.

import { artifact, audience, basis, step } from './common.ts';
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
import { cases } from './form.ts';
import { approvals } from './key-kinds.ts';
import { subjectStep } from './text.ts';
import { count, dayInWords, shortHex } from './words.ts';

const sequence = uint(Number.MAX_SAFE_INTEGER, 1);

const fields = {
  product: required(step),
  database: required(step),
  channel: required(step),
  sequence: required(sequence, 'Counts up in the stream.'),
  prev: optional(ref, "The stream's release before this one. From sequence 2 on either this or `first` is required."),
  first: optional(yes, 'The stream ran before this log, and this is its first release here; only above sequence 1.'),
  contentDigest: required(digest, 'Of the whole content, however it is delivered.'),
  counts: required(
    object({
      total: required(uint()),
      added: optional(uint()),
      changed: optional(uint()),
      removed: optional(uint()),
    }),
    'Rules or signatures.',
  ),
  audience: optional(audience),
  versionText: optional(name, 'As people write the version.'),
  kind: optional(oneOf('full', 'delta')),
  baseSequence: optional(sequence, 'The earlier sequence that a delta applies to.'),
  artifacts: optional(list(artifact)),
  minEngine: optional(uint(), 'The functionality level of the oldest engine that can load it.'),
  producedAt: optional(time),
  validUntil: optional(time),
  nextDue: optional(time),
  urgency: optional(name),
  source: optional(ref, "The entry of the rules' source snapshot."),
  buildSite: optional(name, 'The `siteId` of a site record.'),
  signSite: optional(name, 'The `siteId` of a site record.'),
  gap: optional(
    object({ from: required(uint(Number.MAX_SAFE_INTEGER, 2)), to: required(sequence), reason: required(text()) }),
    'The sequences, both included, that were never released: `prev` is the release before `from`, and this one follows `to`.',
  ),
  rollback: optional(
    object({ toSequence: required(sequence), reason: required(text()) }),
    'The content is again that of an earlier release.',
  ),
  basis: optional(basis),
  approvals: optional(approvals),
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
  if (f.gap !== undefined) {
    if (f.prev === undefined) throw new FieldError('gap is between two releases of this log, and prev names none');
    if (f.gap.to !== f.sequence - 1) {
      throw new FieldError(`gap ends at ${f.gap.to}, not right before sequence ${f.sequence}`, 'gap.to');
    }
    if (f.gap.from > f.gap.to) throw new FieldError(`gap from ${f.gap.from} to ${f.gap.to} is none`, 'gap.from');
    if (f.baseSequence !== undefined && f.baseSequence >= f.gap.from) {
      throw new FieldError(`${f.baseSequence} is in the gap, and was never released`, 'baseSequence');
    }
  }
  if (f.rollback !== undefined && f.rollback.toSequence >= f.sequence) {
    throw new FieldError(`rollback to sequence ${f.rollback.toSequence} is not to one before ${f.sequence}`);
  }
}

export const avdbRelease = {
  type: 'avdb-release',
  summary: 'One release of a detection database: a link in the chain of its stream (a product, a database, a channel).',
  payload: object(fields, rule, {
    if: { properties: { sequence: { const: 1 } }, required: ['sequence'] },
    // oxlint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema
    then: { properties: { prev: false, first: false } },
    else: { oneOf: [{ required: ['prev'] }, { required: ['first'] }] },
    dependentRequired: { baseSequence: ['kind'], gap: ['prev'] },
    ...cases({ when: { kind: ['full'] }, refuses: ['baseSequence'] }),
  }),
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
    const gap = f.gap === undefined ? '' : `, after ${sequencesInWords(f.gap)} never released`;
    const back = f.rollback === undefined ? '' : `, rolled back to release ${count(f.rollback.toSequence)}`;
    return `Release ${count(f.sequence)}${version}${made} of database ${f.database} of ${f.product}, channel ${f.channel}${gap}${back}: ${count(f.counts.total, 'rule')}${difference}, content SHA-256 ${shortHex(f.contentDigest.sha256)}.`;
  },
} as const;

function sequencesInWords({ from, to }: { readonly from: number; readonly to: number }): string {
  return from === to ? `number ${count(from)} that was` : `numbers ${count(from)} to ${count(to)} that were`;
}

/** The stream that a release belongs to; equal for the releases that `prev` must link. */
export function streamOf(namespace: string, f: Pick<AvdbReleaseFields, 'product' | 'database' | 'channel'>): string {
  return [namespace, f.product, f.database, f.channel].map(subjectStep).join('/');
}
