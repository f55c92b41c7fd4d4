// Record type `retraction`: an earlier record of this namespace no longer stands, or what it is about is called back. The
// earlier one stays in the log; a replacement is logged before the retraction that names it.

import { toHex } from '../bytes.ts';
import { FieldError } from './field-error.ts';
import { object, oneOf, optional, ref, required, time, type Values } from './fields.ts';
import { cases } from './form.ts';
import { approvals } from './key-kinds.ts';
import { dayInWords, shortHex } from './words.ts';

const fields = {
  target: required(ref, 'The entry that it is about.'),
  kind: required(oneOf('retract', 'supersede', 'correct', 'recall')),
  reason: optional(oneOf('wrong', 'malfunction', 'vulnerable', 'compromised', 'legal', 'personal-data', 'end-of-life')),
  replacement: optional(ref, 'The entry that stands in its place. Required with `supersede` and `correct`.'),
  customerAction: optional(oneOf('none', 'update', 'roll-back', 'remove', 'ask'), 'What customers are to do.'),
  effectiveAt: optional(time),
  approvals: optional(approvals),
};

export type RetractionFields = Values<typeof fields>;

function rule(f: RetractionFields): void {
  if (f.replacement === undefined && (f.kind === 'supersede' || f.kind === 'correct')) {
    throw new FieldError(`is missing: to ${f.kind} is to say what stands in its place`, 'replacement');
  }
  if (f.replacement !== undefined && f.kind === 'retract') {
    throw new FieldError('is given, but what is retracted has none: say supersede or correct', 'replacement');
  }
  if (f.replacement !== undefined && toHex(f.replacement) === toHex(f.target)) {
    throw new FieldError('is the target itself', 'replacement');
  }
}

const WORDS = {
  retract: 'is retracted',
  supersede: 'is superseded',
  correct: 'is corrected',
  recall: 'is recalled',
} as const;

const ACTIONS = {
  none: 'nothing',
  update: 'update',
  'roll-back': 'go back to the release before',
  remove: 'remove it',
  ask: 'ask the vendor',
} as const;

export const retraction = {
  type: 'retraction',
  summary: 'An earlier record no longer stands, or what it is about is called back.',
  payload: object(
    fields,
    rule,
    cases(
      { when: { kind: ['supersede', 'correct'] }, needs: ['replacement'] },
      { when: { kind: ['retract'] }, refuses: ['replacement'] },
    ),
  ),
  identity: (f: RetractionFields): string => toHex(f.target),
  describe(f: RetractionFields): string {
    const instead = f.replacement === undefined ? '' : `, and entry ${shortHex(f.replacement)} stands in its place`;
    const when = f.effectiveAt === undefined ? '' : ` from ${dayInWords(f.effectiveAt)} on`;
    const why = f.reason === undefined ? '' : ` (${f.reason.replaceAll('-', ' ')})`;
    const action = f.customerAction === undefined ? '' : `; what customers are to do: ${ACTIONS[f.customerAction]}`;
    return `Entry ${shortHex(f.target)} ${WORDS[f.kind]}${when}${why}${instead}${action}.`;
  },
} as const;
