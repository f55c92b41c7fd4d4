// Record type `relocation`: one step of moving data, assembly or signing from one place to another. All steps of one
// relocation share its id, and so their subject: the latest statement is where it stands.

import { ACTIVITIES, basis, CATEGORIES, place, region, RELOCATION_ACTIONS } from './common.ts';
import { digest, list, name, object, oneOf, optional, ref, required, text, time, uint, type Values } from './fields.ts';
import { approvals } from './key-kinds.ts';
import { subjectStep } from './text.ts';
import { dayInWords, placesInWords, regionsInWords, reportedInWords } from './words.ts';

const fields = {
  relocationId: required(name),
  action: required(oneOf(...RELOCATION_ACTIONS)),
  activity: required(oneOf(...ACTIVITIES)),
  category: optional(oneOf(...CATEGORIES)),
  subject: optional(text(), 'What moves, in the words of whoever states it.'),
  regions: optional(list(region, 256), 'Whose data.'),
  from: optional(list(place)),
  to: optional(list(place)),
  deadline: optional(time, 'The last second at which it may be complete without being late.'),
  effectiveAt: optional(time, 'When this step took or takes effect.'),
  scopePercent: optional(uint(100)),
  dualRunUntil: optional(time, 'Until then both places do it.'),
  originDeletion: optional(object({ claimedAt: required(time), certificateDigest: optional(digest) })),
  legalBasis: optional(
    object({ kind: required(oneOf('adequacy', 'scc-module', 'bcr', 'other')), documentDigest: optional(digest) }),
  ),
  registerEntry: optional(name, "The vendor's own entry in its register of processing (GDPR art. 30)."),
  phase: optional(name),
  supervisor: optional(ref, 'The entry by which a supervisor attests it.'),
  supervisedBy: optional(text(), 'Who oversees it, as far as it is said.'),
  basis: optional(basis),
  approvals: optional(approvals),
};

export type RelocationFields = Values<typeof fields>;

const WORDS = {
  plan: 'planned',
  change: 'changed',
  start: 'started',
  milestone: 'reached a milestone',
  complete: 'completed',
  suspend: 'suspended',
  revert: 'reverted',
} as const;

export const relocation = {
  type: 'relocation',
  summary: 'One step of moving data, assembly or signing; the latest step of a relocation is where it stands.',
  payload: object(fields),
  identity: (f: RelocationFields): string => subjectStep(f.relocationId),
  describe(f: RelocationFields): string {
    const what = f.subject ?? f.category ?? 'what is not named';
    const whose = f.regions === undefined ? '' : ` of ${regionsInWords(f.regions)}`;
    const scope = f.scopePercent === undefined ? '' : `, ${f.scopePercent} %`;
    const when = f.effectiveAt === undefined ? '' : ` on ${dayInWords(f.effectiveAt)}`;
    const due = f.deadline === undefined ? '' : `, due by ${dayInWords(f.deadline)}`;
    return `Relocation ${f.relocationId} ${WORDS[f.action]}${when}: ${f.activity} ${what}${whose}${placesInWords(f.from, f.to)}${scope}${due}${reportedInWords(f.basis)}.`;
  },
} as const;
