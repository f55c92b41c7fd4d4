// `--set NAME=VALUE`: fields of a record one by one. The field's kind decides what the text stands for: as it is where
// that fits, else as JSON; so `--set version=5` is a text and `--set sequence=5` a number.

import { LimmatError } from '../../src/errors.ts';
import type { Fields, Json, Kind } from '../../src/record/fields.ts';
import { payloadKind } from '../../src/record/index.ts';
import type { RecordType } from '../../src/record/index.ts';

/** Puts the fields of these flags (`a.b=text`) into a record's fields, over what is there. `usage` for another form. */
export function setFields(type: RecordType, fields: Record<string, unknown>, flags: readonly string[] = []): void {
  const texts = new Map<string, string[]>();
  for (const flag of flags) {
    const equals = flag.indexOf('=');
    if (equals < 1) throw new LimmatError('usage', `--set takes NAME=VALUE, and "${flag}" is not that`);
    const path = flag.slice(0, equals);
    texts.set(path, [...(texts.get(path) ?? []), flag.slice(equals + 1)]);
  }
  for (const [path, values] of texts) setAt(fields, path.split('.'), payloadKind(type), values);
}

/** A kind, of which an object's fields can be asked for. */
type AnyKind = Pick<Kind<unknown>, 'fromJson'> & { readonly fields?: Fields };

function setAt(
  object: Record<string, unknown>,
  [name = '', ...rest]: readonly string[],
  kind: AnyKind | undefined,
  texts: readonly string[],
): void {
  const fields = kind?.fields;
  const inner: AnyKind | undefined =
    fields !== undefined && Object.hasOwn(fields, name) ? fields[name]?.kind : undefined;
  if (rest.length === 0) {
    object[name] = valueOf(inner, texts);
    return;
  }
  const known = object[name];
  const next: Record<string, unknown> =
    typeof known === 'object' && known !== null && !Array.isArray(known) ? { ...known } : {};
  setAt(next, rest, inner, texts);
  object[name] = next;
}

/** What the texts stand for; where nothing fits, the text itself, so that the record's own refusal names it. */
function valueOf(kind: AnyKind | undefined, texts: readonly string[]): unknown {
  const [first] = texts;
  const single = texts.length === 1 ? [first, jsonOf(first!)] : [];
  const candidates = [...single, [...texts], texts.map(jsonOf)];
  return candidates.find((value) => kind !== undefined && accepts(kind, value)) ?? (texts.length === 1 ? first : texts);
}

function accepts(kind: AnyKind, value: unknown): boolean {
  try {
    kind.fromJson(value);
    return true;
  } catch {
    return false;
  }
}

function jsonOf(text: string): Json | undefined {
  try {
    const value: Json = JSON.parse(text);
    return value;
  } catch {
    return undefined;
  }
}
