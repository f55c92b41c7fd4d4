// Fields that several record types share.

import { FieldError } from './field-error.ts';
import { digest, list, name, object, oneOf, optional, pattern, required, text, time, uint } from './fields.ts';

/**
 * Whose word the record is: the vendor's own, or reported from a document. `inferred` names the fields of the record
 * that whoever wrote it concluded from the document instead of reading them there.
 */
export const basis = object(
  {
    kind: required(oneOf('own', 'reported')),
    documentName: optional(text()),
    documentDigest: optional(digest),
    documentDate: optional(time),
    inferred: optional(list(name)),
  },
  (value) => {
    if (value.kind === 'own' && Object.keys(value).length > 1) {
      throw new FieldError('an own statement names no document and infers nothing');
    }
  },
);

/** Who gets it: everybody, or a part with a reason (a release that only some get is what attackers want). */
export const audience = object(
  { kind: required(oneOf('all', 'segment')), segment: optional(name), reason: optional(text()) },
  (value) => {
    const isSegment = value.kind === 'segment';
    if (isSegment !== (value.segment !== undefined) || isSegment !== (value.reason !== undefined)) {
      throw new FieldError('a segment has a name and a reason, "all" has neither');
    }
  },
);

/** A file that customers get. The digest identifies it; the rest is what the vendor knows beside it. */
export const artifact = object({
  name: optional(name),
  size: optional(uint()),
  digest: required(digest),
  signatureDigest: optional(digest),
});

/** ISO 3166-1 alpha-2, e.g. "CH". */
export const country = pattern(/^[A-Z]{2}$/, 'an ISO 3166 country code like CH');

/** A country, or a UN M.49 region such as "150" (Europe). */
export const region = pattern(/^(?:[A-Z]{2}|[0-9]{3})$/, 'an ISO 3166 or UN M.49 code like CH or 150');

/** A place, as exactly as it is known: a site that the log has a record of, a name, a country. */
export const place = object(
  { site: optional(name), name: optional(text(256)), country: optional(country) },
  (value) => {
    if (Object.keys(value).length === 0) throw new FieldError('names neither a site nor a place nor a country');
  },
);

/** What happens at a place with data, software or updates. */
export const ACTIVITIES = ['store', 'process', 'assemble', 'sign', 'review'] as const;

/** What data or material it is about. */
export const CATEGORIES = [
  'suspicious-file',
  'file-metadata',
  'threat-statistics',
  'usage-statistics',
  'licence-and-account',
  'source-code',
  'build-tools',
  'update-production',
] as const;

/** What happens to a relocation. */
export const RELOCATION_ACTIONS = ['plan', 'change', 'start', 'milestone', 'complete', 'suspend', 'revert'] as const;
