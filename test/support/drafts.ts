// Records in JSON with one thing changed, and what their types and schemas say of them.

import { expect } from 'vitest';
import { toHex } from '../../src/bytes.ts';
import { recordFromJson, recordSchema, recordToJson } from '../../src/record/index.ts';
import type { LimmatRecord, RecordType } from '../../src/record/index.ts';
import { schemaErrors } from './json-schema.ts';
import { FULL_RECORDS, PUBLIC_KEYS } from './records.ts';

export const REF = 'ab'.repeat(32);
export const OTHER = 'cd'.repeat(32);

export interface Key {
  readonly kid: string;
  readonly key: string;
}
const keyJson = (index: number): Key => {
  const { kid, key } = PUBLIC_KEYS[index]!;
  return { kid: toHex(kid), key: toHex(key) };
};
export const [KEY, KEY_TWO] = [keyJson(0), keyJson(1)];

/** The record of a type that has all its fields. */
export const full = (type: RecordType): LimmatRecord => FULL_RECORDS.find((record) => record.type === type)!;

export type Fields = Readonly<Record<string, unknown>>;

/** What may be a record in JSON. */
export interface Draft {
  readonly type: RecordType;
  readonly namespace: string;
  readonly fields: Fields;
}

/** A record in JSON; fields that are undefined are not there. */
export function plain(type: RecordType, fields: Fields): Draft {
  const there = Object.entries(fields).filter(([, value]) => value !== undefined);
  return { type, namespace: 'vendor', fields: Object.fromEntries(there) };
}

/** The record's JSON with these fields changed. */
export function changed(record: LimmatRecord, change: Fields): Draft {
  return plain(record.type, { ...Object(recordToJson(record).fields), ...change });
}

/** Where and why a record is refused; 'accepted' when it is not. */
export function refusal(json: Draft): { readonly field: string; readonly message: string } {
  try {
    recordFromJson(json);
  } catch (error) {
    expect(error).toMatchObject({ code: 'bad-record' });
    if (error instanceof Error && 'details' in error) {
      return { field: String(Object(error.details).field), message: error.message };
    }
  }
  return { field: 'accepted', message: 'accepted' };
}

/** Refused by the record type, in the words; and by its schema too, unless no schema can say it. */
export function expectRefused(json: Draft, field: string, words: string, schema: 'in schema' | 'beyond schema'): void {
  expect(refusal(json)).toEqual({ field, message: expect.stringContaining(words) });
  expect(schemaErrors(recordSchema(json.type), json).length > 0).toBe(schema === 'in schema');
}

/** Taken by the record type, and by its schema. */
export function expectTaken(json: Draft): void {
  expect(refusal(json)).toMatchObject({ message: 'accepted' });
  expect(schemaErrors(recordSchema(json.type), json)).toEqual([]);
}
