// Record type `commitment`: a promise, the day it is due, and which record would fulfil it.

import { ACTIVITIES, basis, place, region, RELOCATION_ACTIONS } from './common.ts';
import { FieldError } from './field-error.ts';
import { list, name, object, oneOf, optional, required, text, time, type Values } from './fields.ts';
import { approvals } from './key-kinds.ts';
import { subjectStep } from './text.ts';
import { dayInWords, placesInWords, regionsInWords, reportedInWords } from './words.ts';

/** What a promise may be about, beyond what a relocation moves. */
export const COMMITTED_ACTIVITIES = [...ACTIVITIES, 'produce-updates', 'verify', 'match-source', 'supervise'] as const;

/** The record that would show the promise kept: its type, and for a relocation which step of it. */
const fulfilment = object(
  {
    type: required(
      oneOf('build', 'avdb-release', 'relocation', 'site', 'rebuild', 'supervision', 'review', 'membership'),
    ),
    action: optional(oneOf(...RELOCATION_ACTIONS)),
  },
  (value) => {
    if (value.action !== undefined && value.type !== 'relocation') {
      throw new FieldError('action is a step of a relocation');
    }
  },
  {
    if: { required: ['action'] },
    // oxlint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema
    then: { properties: { type: { const: 'relocation' } } },
  },
);

const fields = {
  commitmentId: required(name),
  kind: required(oneOf('relocation', 'process', 'facility', 'verification', 'governance')),
  subject: required(text(), 'What is promised, in the words of whoever states it.'),
  activities: optional(list(oneOf(...COMMITTED_ACTIVITIES))),
  regions: optional(list(region, 256), 'Whose data.'),
  from: optional(list(place)),
  to: optional(list(place)),
  deadline: optional(time, 'The last second at which it is still kept; absent where no date was given.'),
  fulfilledBy: optional(fulfilment, 'The record that would show it kept; an action only of a relocation.'),
  phase: optional(name),
  supervisedBy: optional(text(), 'Who is to oversee it, as far as it is said.'),
  basis: optional(basis),
  approvals: optional(approvals),
};

export type CommitmentFields = Values<typeof fields>;

export const commitment = {
  type: 'commitment',
  summary: 'A promise, when it is due, and which record would show it kept.',
  payload: object(fields),
  identity: (f: CommitmentFields): string => subjectStep(f.commitmentId),
  describe(f: CommitmentFields): string {
    const what = f.activities === undefined ? '' : ` (${f.activities.join(', ')})`;
    const whose = f.regions === undefined ? '' : ` for ${regionsInWords(f.regions)}`;
    const when = f.deadline === undefined ? 'no date given' : `due by ${dayInWords(f.deadline)}`;
    return `Promise ${f.commitmentId}, ${f.kind}: ${f.subject}${what}${whose}${placesInWords(f.from, f.to)}; ${when}${reportedInWords(f.basis)}.`;
  },
} as const;
