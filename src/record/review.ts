// Record type `review`: somebody from outside looked at source, updates, rules or documents at a centre. Organisations
// only: no reviewer's own name is ever logged.

import { basis, checkOrder } from './common.ts';
import { digest, distinct, name, object, oneOf, optional, ref, required, time, yes, type Values } from './fields.ts';
import { approvals } from './key-kinds.ts';
import { subjectStep } from './text.ts';
import { dayInWords, joined, reportedInWords } from './words.ts';

const fields = {
  reviewId: required(name, "The centre's own name for it."),
  site: required(name, 'The `siteId` of the centre.'),
  reviewerClass: required(oneOf('government', 'partner', 'researcher', 'customer')),
  reviewer: optional(name, 'The organisation; never a person.'),
  scope: optional(distinct(oneOf('source', 'update', 'rules', 'documents'))),
  refs: optional(distinct(ref), 'The entries of what was looked at.'),
  startedAt: optional(time),
  endedAt: optional(time),
  outcome: optional(oneOf('no-finding', 'findings', 'declined'), 'Absent while it goes on.'),
  reportDigest: optional(digest),
  underNda: optional(yes, 'What was seen may not be told.'),
  basis: optional(basis),
  approvals: optional(approvals),
};

export type ReviewFields = Values<typeof fields>;

const OUTCOMES = { 'no-finding': 'nothing was found', findings: 'there were findings', declined: 'declined' } as const;

export const review = {
  type: 'review',
  summary: 'Somebody from outside looked at source, updates, rules or documents at a centre.',
  payload: object(fields, (f) => checkOrder(f, 'startedAt', 'endedAt')),
  identity: (f: ReviewFields): string => subjectStep(f.reviewId),
  describe(f: ReviewFields): string {
    const who = f.reviewer === undefined ? '' : ` (${f.reviewer})`;
    const what = f.scope === undefined ? '' : ` of ${joined(f.scope)}`;
    const end = f.endedAt ?? f.startedAt;
    const when = end === undefined ? '' : `, ${f.endedAt === undefined ? 'begun' : 'ended'} on ${dayInWords(end)}`;
    const outcome = f.outcome === undefined ? 'no outcome stated' : OUTCOMES[f.outcome];
    const secret = f.underNda === undefined ? '' : ', under an agreement of secrecy';
    return `Review ${f.reviewId} at site ${f.site} by a ${f.reviewerClass}${who}${what}${when}${secret}: ${outcome}${reportedInWords(f.basis)}.`;
  },
} as const;
