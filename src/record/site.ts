// Record type `site`: a place where builds are made, releases signed, data processed or sources shown. Records name it by
// its `siteId`; a later entry about the same site replaces what this one says. Who may sign from where depends on it, so
// its entries are links of the admission chain.

import { chainFields, checkLink, LINK_KEYWORDS } from './chain.ts';
import { basis, checkOrder, country } from './common.ts';
import { digest, distinct, list, name, object, oneOf, optional, required, time, type Values } from './fields.ts';
import { approvals } from './key-kinds.ts';
import { subjectStep } from './text.ts';
import { dayInWords, joined, reportedInWords } from './words.ts';

const SITE_KINDS = ['build', 'signing', 'data-centre', 'transparency-centre'] as const;

const certificate = object({
  name: required(name, 'Such as `ISO 27001`.'),
  digest: optional(digest),
  validUntil: optional(time),
});

const fields = {
  ...chainFields,
  siteId: required(name, 'By which other records name it.'),
  kinds: required(distinct(oneOf(...SITE_KINDS)), 'What it is for; a site may be for several things.'),
  country: required(country),
  city: optional(name),
  operator: optional(name, 'The organisation that runs it.'),
  jurisdiction: optional(name, 'Whose law it is under, where the country does not say it.'),
  openedAt: optional(time),
  closedAt: optional(time, 'From then on nothing happens there.'),
  certificates: optional(list(certificate)),
  basis: optional(basis),
  approvals: optional(approvals),
};

export type SiteFields = Values<typeof fields>;

function rule(f: SiteFields): void {
  checkLink(f);
  checkOrder(f, 'openedAt', 'closedAt');
}

export const site = {
  type: 'site',
  summary: 'A place where builds are made, releases signed, data processed or sources shown.',
  payload: object(fields, rule, LINK_KEYWORDS),
  identity: (f: SiteFields): string => subjectStep(f.siteId),
  describe(f: SiteFields): string {
    const where = f.city === undefined ? f.country : `${f.city} (${f.country})`;
    const whose = f.operator === undefined ? '' : `, run by ${f.operator}`;
    const opened = f.openedAt === undefined ? '' : `, opened on ${dayInWords(f.openedAt)}`;
    const closed = f.closedAt === undefined ? '' : `, closed on ${dayInWords(f.closedAt)}`;
    const words = joined(f.kinds.map((kind) => kind.replace('-', ' ')));
    return `Site ${f.siteId} in ${where} for ${words}${whose}${opened}${closed}${reportedInWords(f.basis)}.`;
  },
} as const;
