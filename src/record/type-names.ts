// The names of the record types, for the types that speak of types. What each is stands in types.ts.

/** Every record type, in the order in which the documentation goes through them. */
export const TYPE_NAMES = Object.freeze([
  'policy',
  'key-event',
  'site',
  'source-snapshot',
  'build',
  'avdb-release',
  'commitment',
  'relocation',
  'rebuild',
  'supervision',
  'review',
  'retraction',
  'membership',
  'log-event',
] as const);

/** The types that policies grant to roles and require fields of. The others are the root keys', or the log's own. */
export const GRANTED_TYPES = Object.freeze([
  'key-event',
  'site',
  'source-snapshot',
  'build',
  'avdb-release',
  'commitment',
  'relocation',
  'rebuild',
  'supervision',
  'review',
  'retraction',
] as const satisfies readonly (typeof TYPE_NAMES)[number][]);

/** A namespace, e.g. "vendor.example". */
export const NAMESPACE: RegExp = /^[a-z0-9](?:[a-z0-9.-]{0,61}[a-z0-9])?$/;

export const NAMESPACE_WORDS = '1 to 63 lowercase letters, digits, dots or hyphens';
