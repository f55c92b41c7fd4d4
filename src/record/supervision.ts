// Record type `supervision`: a supervisor attests what it oversaw, as a range of this log's entries or entry by entry.
// Who the supervisor is, is the issuer.

import { basis, checkOrder, namespace } from './common.ts';
import { FieldError } from './field-error.ts';
import {
  digest,
  distinct,
  name,
  named,
  object,
  oneOf,
  optional,
  ref,
  required,
  rootHash,
  time,
  uint,
  type Values,
} from './fields.ts';
import { exactlyOneOf } from './form.ts';
import { approvals } from './key-kinds.ts';
import { subjectStep } from './text.ts';
import { count, dayInWords, joined, reportedInWords } from './words.ts';

/** Entries [from, to) of this log, of which the supervisor says that it saw them in the tree of that size and root. */
const range = named(
  'range',
  object(
    {
      from: required(uint(), 'The index of the first entry.'),
      to: required(uint(Number.MAX_SAFE_INTEGER, 1), 'One past the index of the last.'),
      size: required(uint(Number.MAX_SAFE_INTEGER, 1), 'Of a tree of this log that has them.'),
      rootHash: required(rootHash, 'Of that tree.'),
      namespaces: optional(distinct(namespace), 'Whose entries of the range. Absent: those of its own namespace.'),
    },
    ({ from, to, size }) => {
      if (from >= to) throw new FieldError(`${to} is not above from, ${from}`, 'to');
      if (to > size) throw new FieldError(`${to} is above the size, ${size}`, 'to');
    },
  ),
  'Entries of this log, as they stand in a tree of its, `to` not included.',
);

const fields = {
  supervisionId: required(name, "The supervisor's own name for it, such as a report's number."),
  kind: required(oneOf('supervised-assembly', 'supervised-signing', 'supervised-relocation', 'audit', 'custody')),
  result: required(oneOf('conform', 'qualified', 'adverse')),
  range: optional(range, 'What it is about. Either this or `refs` is required.'),
  refs: optional(distinct(ref), 'The entries that it is about.'),
  period: optional(
    object({ from: required(time), until: required(time) }, (value) => checkOrder(value, 'from', 'until')),
  ),
  standard: optional(name, 'Such as `SSAE 18` or `ISO 27001`.'),
  reportDigest: optional(digest),
  basis: optional(basis),
  approvals: optional(approvals),
};

export type SupervisionFields = Values<typeof fields>;

function rule(f: SupervisionFields): void {
  if ((f.range === undefined) !== (f.refs === undefined)) return;
  throw new FieldError(`needs either range or refs, and has ${f.range === undefined ? 'neither' : 'both'}`);
}

const RESULTS = { conform: 'as it should be', qualified: 'with reservations', adverse: 'not as it should be' } as const;

export const supervision = {
  type: 'supervision',
  summary: 'A supervisor attests what it oversaw: a range of the log, or single entries.',
  payload: object(fields, rule, exactlyOneOf('range', 'refs')),
  identity: (f: SupervisionFields): string => subjectStep(f.supervisionId),
  describe(f: SupervisionFields): string {
    const whose = f.range?.namespaces === undefined ? '' : ` of ${joined(f.range.namespaces)}`;
    const what =
      f.range === undefined
        ? count(f.refs!.length, 'record')
        : `entries ${count(f.range.from)} to ${count(f.range.to - 1)}${whose}`;
    const when = f.period === undefined ? '' : ` from ${dayInWords(f.period.from)} to ${dayInWords(f.period.until)}`;
    const how = f.standard === undefined ? '' : `, by ${f.standard}`;
    return `Attestation ${f.supervisionId}, ${f.kind.replace('-', ' ')}, over ${what}${when}${how}: ${RESULTS[f.result]}${reportedInWords(f.basis)}.`;
  },
} as const;
