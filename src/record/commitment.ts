// Record type `commitment`: a promise, the day it is due, and which record would fulfil it.

import { ACTIVITIES, basis, place, region, RELOCATION_ACTIONS } from './common.ts';
import { FieldError } from './field-error.ts';
import { list, name, object, oneOf, optional, required, text, time, type Values } from './fields.ts';
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
);

const fields = {
  commitmentId: required(name),
  kind: required(oneOf('relocation', 'process', 'facility', 'verification', 'governance')),
  /** What the promise is about, in the words of whoever states it. */
  subject: required(text()),
  activities: optional(list(oneOf(...COMMITTED_ACTIVITIES))),
  regions: optional(list(region, 256)),
  from: optional(list(place)),
  to: optional(list(place)),
  /** The last second at which the promise is still kept; absent where no date was given. */
  deadline: optional(time),
  fulfilledBy: optional(fulfilment),
  phase: optional(name),
  /** Who is to oversee it, as far as it is said. */
  supervisedBy: optional(text()),
  basis: optional(basis),
};

export type CommitmentFields = Values<typeof fields>;

export const commitment = {
  type: 'commitment',
  payload: object(fields),
  identity: (f: CommitmentFields): string => subjectStep(f.commitmentId),
  describe(f: CommitmentFields): string {
    const what = f.activities === undefined ? '' : ` (${f.activities.join(', ')})`;
    const whose = f.regions === undefined ? '' : ` for ${regionsInWords(f.regions)}`;
    const when = f.deadline === undefined ? 'no date given' : `due by ${dayInWords(f.deadline)}`;
    return `Promise ${f.commitmentId}, ${f.kind}: ${f.subject}${what}${whose}${placesInWords(f.from, f.to)}; ${when}${reportedInWords(f.basis)}.`;
  },
} as const;
