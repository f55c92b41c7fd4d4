// Reads columns of a JSON row strictly. Null and absent mean the same here: the row does not say it.

import { fromHex } from '../src/bytes.ts';
import { LimmatError } from '../src/errors.ts';
import { parseTime } from '../src/record/time.ts';

export type Row = Readonly<Record<string, unknown>>;

export function isRow(value: unknown): value is Row {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function optionalText(row: Row, name: string): string | undefined {
  const value = row[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string' || value === '') throw badColumn(name, 'is not a text');
  return value;
}

export function text(row: Row, name: string): string {
  const value = optionalText(row, name);
  if (value === undefined) throw badColumn(name, 'is missing');
  return value;
}

export function texts(row: Row, name: string): readonly string[] {
  const value = row[name];
  if (!Array.isArray(value) || !value.every((item) => typeof item === 'string'))
    throw badColumn(name, 'is not a list of texts');
  return value;
}

export function integer(row: Row, name: string): number {
  const value = row[name];
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw badColumn(name, 'is not an integer');
  return value;
}

export function sha256(row: Row, name: string): Uint8Array {
  const bytes = fromHex(text(row, name));
  if (bytes?.length !== 32) throw badColumn(name, 'is not a SHA-256 digest in hexadecimal');
  return bytes;
}

export function instant(row: Row, name: string): number {
  const seconds = parseTime(text(row, name));
  if (seconds === undefined) throw badColumn(name, 'is not a time like 2026-07-11T10:16:37Z');
  return seconds;
}

/** A day's first second, for what happened on it. */
export function firstSecondOf(row: Row, name: string): number | undefined {
  const day = optionalText(row, name);
  if (day === undefined) return undefined;
  const seconds = parseTime(`${day}T00:00:00Z`);
  if (seconds === undefined) throw badColumn(name, 'is not a day like 2019-12-31');
  return seconds;
}

const LAST_SECOND_OF_DAY = 86_399;

/** A day's last second, for what is due by it: the promise is kept all day long. */
export function lastSecondOf(row: Row, name: string): number | undefined {
  const first = firstSecondOf(row, name);
  return first === undefined ? undefined : first + LAST_SECOND_OF_DAY;
}

export function badColumn(name: string, what: string): LimmatError {
  return new LimmatError('malformed', `column ${name} ${what}`, { details: { field: name } });
}
