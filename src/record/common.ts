// Fields that several record types share.

import { FieldError } from './field-error.ts';
import {
  checked,
  digest,
  list,
  name,
  named,
  object,
  oneOf,
  optional,
  pattern,
  required,
  text,
  time,
  uint,
  type Kind,
} from './fields.ts';
import { anyOneOf, cases } from './form.ts';
import { formatTime } from './time.ts';
import { NAMESPACE, NAMESPACE_WORDS } from './type-names.ts';

/**
 * Whose word the record is: the vendor's own, or reported from a document. `inferred` names the fields of the record
 * that whoever wrote it concluded from the document instead of reading them there.
 */
export const basis = named(
  'basis',
  object(
    {
      kind: required(oneOf('own', 'reported')),
      documentName: optional(text()),
      documentDigest: optional(digest),
      documentDate: optional(time),
      inferred: optional(list(name), 'Fields of the record that were concluded rather than read.'),
    },
    (value) => {
      if (value.kind === 'own' && Object.keys(value).length > 1) {
        throw new FieldError('an own statement names no document and infers nothing');
      }
    },
    cases({ when: { kind: ['own'] }, refuses: ['documentName', 'documentDigest', 'documentDate', 'inferred'] }),
  ),
  "Whose word it is: the issuer's own, or a document's.",
);

/** Who gets it: everybody, or a part with a reason (a release that only some get is what attackers want). */
export const audience = named(
  'audience',
  object(
    { kind: required(oneOf('all', 'segment')), segment: optional(name), reason: optional(text()) },
    (value) => {
      const isSegment = value.kind === 'segment';
      if (isSegment !== (value.segment !== undefined) || isSegment !== (value.reason !== undefined)) {
        throw new FieldError('a segment has a name and a reason, "all" has neither');
      }
    },
    cases(
      { when: { kind: ['segment'] }, needs: ['segment', 'reason'] },
      { when: { kind: ['all'] }, refuses: ['segment', 'reason'] },
    ),
  ),
  'Who gets it: everybody, or a part with a reason.',
);

/** A file that customers get. The digest identifies it; the rest is what the vendor knows beside it. */
export const artifact = named(
  'artifact',
  object({
    name: optional(name),
    size: optional(uint(), 'In bytes.'),
    digest: required(digest),
    signatureDigest: optional(digest, 'Of the signature that is inside the file or beside it.'),
  }),
  'A file that customers get.',
);

/** A name that is a step of a path in URLs, where "." and ".." would be other paths (RFC 3986 §5.2.4). */
export const step: Kind<string> = named(
  'step',
  checked(
    text(256),
    (value) => {
      if (value === '.' || value === '..') throw FieldError.of(value, 'is a step of a path that names no place');
    },
    { not: { enum: ['.', '..'] } },
  ),
  'Text of at most 256 bytes of UTF-8 that is neither `.` nor `..`, as it is a step of a path in URLs.',
);

/** A namespace, where a record is about another than its own. */
export const namespace: Kind<string> = named(
  'namespace',
  pattern(NAMESPACE, NAMESPACE_WORDS),
  '1 to 63 lowercase letters, digits, dots or hyphens; a letter or a digit at both ends.',
);

/** ISO 3166-1 alpha-2, e.g. "CH". */
export const country: Kind<string> = named(
  'country',
  pattern(/^[A-Z]{2}$/, 'an ISO 3166 country code like CH'),
  'ISO 3166-1, two letters, such as "CH".',
);

/** A country, or a UN M.49 region such as "150" (Europe). */
export const region: Kind<string> = named(
  'region',
  pattern(/^(?:[A-Z]{2}|[0-9]{3})$/, 'an ISO 3166 or UN M.49 code like CH or 150'),
  'A country (ISO 3166-1), or a region (UN M.49) such as "150", Europe.',
);

/** A place, as exactly as it is known: a site that the log has a record of, a name, a country. */
export const place = named(
  'place',
  object(
    { site: optional(name), name: optional(text(256)), country: optional(country) },
    (value) => {
      if (Object.keys(value).length === 0) throw new FieldError('names neither a site nor a place nor a country');
    },
    anyOneOf('site', 'name', 'country'),
  ),
  'As exactly as it is known; `site` is the `siteId` of a site record.',
);

/** From one time to another, as far as both are known. FieldError when the second is before the first. */
export function checkOrder<F extends string>(value: { readonly [N in F]?: number }, first: F, second: F): void {
  const [start, end] = [value[first], value[second]];
  if (start !== undefined && end !== undefined && end < start) {
    throw new FieldError(`${formatTime(end)} is before ${first}, ${formatTime(start)}`, second);
  }
}

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
