// Record type `key-event`: a key joins a role of its namespace, takes another's place, or is never to be believed again.
// All events of a key have the same subject; a key that was revoked or reported compromised is dead from that entry on.

import { chainFields, checkLink, LINK_KEYWORDS } from './chain.ts';
import { checkOrder } from './common.ts';
import { equalBytes, toHex } from '../bytes.ts';
import { FieldError } from './field-error.ts';
import { digest, name, object, oneOf, optional, required, time, type Values } from './fields.ts';
import { cases } from './form.ts';
import { approvals, checkThumbprint, coseKeyBytes, kid, roleName } from './key-kinds.ts';
import { dayInWords, shortHex } from './words.ts';

const fields = {
  ...chainFields,
  action: required(oneOf('add', 'rotate', 'revoke', 'compromised')),
  kid: required(kid, 'The key that it is about.'),
  key: optional(coseKeyBytes, 'Its bytes, of which `kid` is the thumbprint. Required with `add` and `rotate`.'),
  role: optional(roleName, 'The role that it joins. Required with `add` and `rotate`.'),
  previousKid: optional(kid, 'The key of the role whose place it takes, and which is dead then. With `rotate` only.'),
  site: optional(name, 'The `siteId` of the only site where it signs.'),
  validFrom: optional(time, 'It signs nothing before.'),
  validUntil: optional(time, 'It signs nothing after.'),
  hsmAttestationDigest: optional(digest, 'Of the statement of a hardware module that holds it.'),
  compromisedSince: optional(time, 'What it signed from then on is in doubt. With `compromised` only.'),
  approvals: optional(approvals),
};

export type KeyEventFields = Values<typeof fields>;

/** What is said of a key that joins, and of no other. */
const JOINING = ['key', 'role', 'previousKid', 'site', 'validFrom', 'validUntil', 'hsmAttestationDigest'] as const;

function rule(f: KeyEventFields): void {
  checkLink(f);
  const joins = f.action === 'add' || f.action === 'rotate';
  if (joins) {
    const { key, role } = f;
    if (key === undefined) throw new FieldError(`is missing: ${f.action} brings a key`, 'key');
    if (role === undefined) throw new FieldError(`is missing: ${f.action} says what the key is for`, 'role');
    checkThumbprint({ kid: f.kid, key });
  }
  const stray = joins ? undefined : JOINING.find((field) => f[field] !== undefined);
  if (stray !== undefined) throw new FieldError(`is not said of a key that leaves (${f.action})`, stray);
  if ((f.previousKid === undefined) === (f.action === 'rotate')) {
    throw new FieldError('is the key whose place is taken: with rotate, and with nothing else', 'previousKid');
  }
  if (f.previousKid !== undefined && equalBytes(f.previousKid, f.kid)) {
    throw new FieldError('is the key itself', 'previousKid');
  }
  if (f.compromisedSince !== undefined && f.action !== 'compromised') {
    throw new FieldError('is said with the action compromised only', 'compromisedSince');
  }
  checkOrder(f, 'validFrom', 'validUntil');
}

export const keyEvent = {
  type: 'key-event',
  summary: 'A key joins a role, takes the place of another, or is dead from this entry on.',
  payload: object(fields, rule, {
    ...LINK_KEYWORDS,
    ...cases(
      { when: { action: ['add'] }, needs: ['key', 'role'], refuses: ['previousKid', 'compromisedSince'] },
      { when: { action: ['rotate'] }, needs: ['key', 'role', 'previousKid'], refuses: ['compromisedSince'] },
      { when: { action: ['revoke'] }, refuses: [...JOINING, 'compromisedSince'] },
      { when: { action: ['compromised'] }, refuses: [...JOINING] },
    ),
  }),
  identity: (f: KeyEventFields): string => toHex(f.kid),
  describe(f: KeyEventFields): string {
    const key = `Key ${shortHex(f.kid)}`;
    const where = f.site === undefined ? '' : ` at site ${f.site}`;
    const until = f.validUntil === undefined ? '' : `, until ${dayInWords(f.validUntil)}`;
    const since = f.compromisedSince === undefined ? '' : ` since ${dayInWords(f.compromisedSince)}`;
    switch (f.action) {
      case 'add':
        return `${key} joins the role ${f.role}${where}${until}.`;
      case 'rotate':
        return `${key} takes the place of key ${shortHex(f.previousKid!)} in the role ${f.role}${where}${until}.`;
      case 'revoke':
        return `${key} is revoked.`;
      default:
        return `${key} is compromised${since}.`;
    }
  },
} as const;
