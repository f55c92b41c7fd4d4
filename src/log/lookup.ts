// Lookups: what people find records by. Rows are written in the same commit as their entry (lookup/writes.ts) and read up
// to the published size (lookup/queries.ts); docs/lookups.md says what each answer means.

export { isLookupKey, LOOKUP_PREFIX } from './lookup/rows.ts';
export { lookupWrites } from './lookup/writes.ts';
