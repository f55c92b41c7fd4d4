// Lookups: what people find records by. Rows are written in the same commit as their entry (lookup/writes.ts) and read up
// to the published size (lookup/queries.ts); docs/lookups.md says what each answer means.

export type { FoundArtifact } from './lookup/artifact.ts';
export { LookupBatch, tailSize } from './lookup/batch.ts';
export type { Page, PageRequest } from './lookup/queries.ts';
export { LookupQueries } from './lookup/queries.ts';
export type { NamedRecord } from './lookup/named.ts';
export type { FoundMention, FoundWithFate } from './lookup/reader.ts';
export { RELOCATION_CURSOR_BYTES } from './lookup/relocations.ts';
export type { FoundRelocation, FoundSupervision, RelocationQuestion } from './lookup/relocations.ts';
export { ROWS_VERSION, TAIL_KEY, VERSION_KEY } from './lookup/rows.ts';
export type { FoundRecord, LookupSource } from './lookup/source.ts';
