// The table of record types: one row each, one file each. A new type is a file and a row.

import { LimmatError } from '../errors.ts';
import { decodeCbor, encodeCbor } from '../cose/cbor.ts';
import { avdbRelease } from './avdb-release.ts';
import { build } from './build.ts';
import { commitment } from './commitment.ts';
import { FieldError, show } from './field-error.ts';
import type { Fields, Json, ObjectKind, ValueOf } from './fields.ts';
import { keyEvent } from './key-event.ts';
import { logEvent } from './log-event.ts';
import { membership } from './membership.ts';
import { policy } from './policy.ts';
import { rebuild } from './rebuild.ts';
import { relocation } from './relocation.ts';
import { retraction } from './retraction.ts';
import { review } from './review.ts';
import { site } from './site.ts';
import { sourceSnapshot } from './source-snapshot.ts';
import { supervision } from './supervision.ts';
import { NAMESPACE, NAMESPACE_WORDS, TYPE_NAMES } from './type-names.ts';

const TYPES = {
  policy,
  'key-event': keyEvent,
  site,
  'source-snapshot': sourceSnapshot,
  build,
  'avdb-release': avdbRelease,
  commitment,
  relocation,
  rebuild,
  supervision,
  review,
  retraction,
  membership,
  'log-event': logEvent,
} as const satisfies Readonly<Record<(typeof TYPE_NAMES)[number], unknown>>;

export type RecordType = keyof typeof TYPES;

/** The fields of a record type, as they stand in memory. */
export type FieldsOf<T extends RecordType> = ValueOf<(typeof TYPES)[T]['payload']>;

/** A checked record: what the payload says, and the type and namespace that the header says. */
export type LimmatRecord = {
  [T in RecordType]: { readonly type: T; readonly namespace: string; readonly fields: FieldsOf<T> };
}[RecordType];

/** A row of the table, seen without its type's own fields. */
interface Row {
  readonly summary: string;
  readonly payload: ObjectKind<Fields>;
  identity(fields: unknown): string;
  product?(fields: unknown): string;
  channel?(fields: unknown): string;
  describe(fields: unknown): string;
}

const ROWS: ReadonlyMap<string, Row> = new Map<string, Row>(Object.entries(TYPES));

export const RECORD_TYPES: readonly RecordType[] = TYPE_NAMES;

export function isRecordType(type: string): type is RecordType {
  return ROWS.has(type);
}

/** True for what may be a namespace: 1 to 63 lowercase letters, digits, dots and hyphens, no dot or hyphen outside. */
export function isNamespace(text: string): boolean {
  return NAMESPACE.test(text);
}

/** What a record type is for, in one sentence. */
export function summaryOf(type: RecordType): string {
  return TYPES[type].summary;
}

/** The fields of a record type: their kinds, which of them are required, and what they say. */
export function payloadKind(type: RecordType): ObjectKind<Fields> {
  return ROWS.get(type)!.payload;
}

/** `<namespace>/<type>/<identity>`: what the record is about, the statement's `sub`. */
export function subjectOf(record: LimmatRecord): string {
  return `${record.namespace}/${record.type}/${rowOf(record).identity(record.fields)}`;
}

/** The product that the record is about; undefined for types that are about none. */
export function productOf(record: LimmatRecord): string | undefined {
  return rowOf(record).product?.(record.fields);
}

/** The channel that the record is for; undefined for types that have none. */
export function channelOf(record: LimmatRecord): string | undefined {
  return rowOf(record).channel?.(record.fields);
}

/** The record in one English sentence, for people. Contains its texts as they are: escape it for the page. */
export function describe(record: LimmatRecord): string {
  return rowOf(record).describe(record.fields);
}

/** The payload of a record's fields: a deterministic CBOR map. Says nothing about whether they are valid. */
export function encodePayload<T extends RecordType>(type: T, fields: FieldsOf<T>): Uint8Array {
  return encodeCbor(ROWS.get(type)!.payload.toCbor(fields));
}

/**
 * The record in a payload. `malformed` when it is not deterministic CBOR, `bad-record` (details: field, and value where
 * there is one) when the type or namespace is none or a field is not as the type demands.
 */
export function decodePayload(type: string, namespace: string, payload: Uint8Array): LimmatRecord {
  const row = checkHead(type, namespace);
  const value = decodeCbor(payload);
  return recordOf(type, namespace, () => row.payload.fromCbor(value));
}

/** A record in JSON, e.g. `{"type": "build", "namespace": "debian", "fields": {"product": "2vcard", …}}`. */
export interface RecordJson {
  readonly type: RecordType;
  readonly namespace: string;
  readonly fields: Json;
}

export function recordToJson(record: LimmatRecord): RecordJson {
  return { type: record.type, namespace: record.namespace, fields: rowOf(record).payload.toJson(record.fields) };
}

/** The record that this JSON value is; `bad-record` as `decodePayload`, for unknown members too. */
export function recordFromJson(json: unknown): LimmatRecord {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw badRecord(`record is a ${show(json)}, not an object`, '', json);
  }
  const members = new Map<string, unknown>(Object.entries(json));
  for (const name of members.keys()) {
    if (name !== 'type' && name !== 'namespace' && name !== 'fields') {
      throw badRecord(`record has the member ${show(name)} beside type, namespace and fields`, name, undefined);
    }
  }
  const type = members.get('type');
  const namespace = members.get('namespace');
  const row = checkHead(type, namespace);
  return recordOf(String(type), String(namespace), () => row.payload.fromJson(members.get('fields')));
}

function rowOf(record: LimmatRecord): Row {
  return ROWS.get(record.type)!;
}

function checkHead(type: unknown, namespace: unknown): Row {
  const row = typeof type === 'string' ? ROWS.get(type) : undefined;
  if (row === undefined)
    throw badRecord(`record type ${show(type)} is not one of ${RECORD_TYPES.join(', ')}`, 'type', type);
  if (typeof namespace !== 'string' || !isNamespace(namespace)) {
    throw badRecord(`namespace ${show(namespace)} is not ${NAMESPACE_WORDS}`, 'namespace', namespace);
  }
  return row;
}

function recordOf(type: string, namespace: string, readFields: () => unknown): LimmatRecord {
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the type's own row read the fields
    return { type, namespace, fields: readFields() } as LimmatRecord;
  } catch (error) {
    if (!(error instanceof FieldError)) throw error;
    const where = error.field === '' ? type : `${type}: ${error.field}`;
    const value = error.value === undefined ? {} : { value: error.value };
    throw new LimmatError('bad-record', `${where}: ${error.message}`, { details: { field: error.field, ...value } });
  }
}

function badRecord(message: string, field: string, value: unknown): LimmatError {
  return new LimmatError('bad-record', message, { details: { field, value: show(value) } });
}
