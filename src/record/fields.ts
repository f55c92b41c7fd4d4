// What a payload field may hold. A kind knows its three forms: in memory, in the payload (CBOR) and in JSON; reading
// either of the last two checks everything. It knows the JSON Schema of its JSON form too, with the same limits. Absent
// means unknown: null is refused everywhere.
//
//   kind      in memory                CBOR                    JSON
//   text      string                   text                    string
//   uint      number                   integer ≥ 0             number
//   time      number (Unix seconds)    integer ≥ 0             "2026-07-11T10:16:37Z"
//   digest    {sha256: Uint8Array}     {"sha256": 32 bytes}    {"sha256": "<64 hex digits>"}
//   ref       Uint8Array (leaf hash)   32 bytes                "<64 hex digits>"
//   bytes     Uint8Array               bytes                   "<hex digits>"
//   oneOf     string                   text                    string
//   yes       true                     true                    true

import type { CborValue } from '../cose/cbor.ts';
import { fromHex, toHex } from '../bytes.ts';
import { FieldError } from './field-error.ts';
import { formOf, namedForm, narrowed, type Form, type Json, type Schema } from './form.ts';
import { checkText, FIT_TEXT } from './text.ts';
import { formatTime, MAX_TIME, parseTime } from './time.ts';

export type { Json } from './form.ts';

/** One kind of value. Readers throw FieldError. */
export interface Kind<T> {
  fromCbor(value: CborValue): T;
  toCbor(value: T): CborValue;
  fromJson(value: unknown): T;
  toJson(value: T): Json;
  readonly form: Form;
}

export type ValueOf<K> = K extends Kind<infer T> ? T : never;

/** A digest with its algorithm's name; SHA-256 is the only one so far. */
export interface Digest {
  readonly sha256: Uint8Array;
}

/** The kind under a name, which schemas and the documentation refer to. */
export function named<K extends Kind<unknown>>(title: string, kind: K, description?: string): K {
  return { ...kind, form: namedForm(title, kind.form, description) };
}

/** The kind with one more check of what was read (it throws FieldError); `keywords` says it to schemas. */
export function checked<T>(kind: Kind<T>, check: (value: T) => void, keywords: Schema = {}): Kind<T> {
  const pass = (value: T): T => {
    check(value);
    return value;
  };
  return {
    ...kind,
    fromCbor: (value) => pass(kind.fromCbor(value)),
    fromJson: (value) => pass(kind.fromJson(value)),
    form: narrowed(kind.form, keywords),
  };
}

/** A kind whose three forms are the same. */
function plain<T extends string | number | boolean>(form: Form, check: (value: unknown) => T): Kind<T> {
  return { fromCbor: check, toCbor: (value) => value, fromJson: check, toJson: (value) => value, form };
}

/** The longest text that needs no other limit, in bytes of UTF-8. */
const MAX_TEXT = 1024;
// JSON Schema counts characters, of which there are at most as many as bytes.
const FIT = formOf({ type: 'string', minLength: 1, pattern: FIT_TEXT });
const TEXT = namedForm(
  'text',
  narrowed(FIT, { maxLength: MAX_TEXT }),
  'Counted in bytes of UTF-8. No control, invisible or direction characters, no space at an end.',
);

/** Text of 1 to maxBytes bytes of UTF-8: no control, invisible or direction characters, no space at either end. */
export function text(maxBytes: number = MAX_TEXT): Kind<string> {
  const base = maxBytes > MAX_TEXT ? FIT : TEXT;
  const form = maxBytes === MAX_TEXT ? TEXT : narrowed(base, { maxLength: maxBytes });
  return plain(form, (value) => checkText(value, maxBytes));
}

/** Text that names something and goes into `sub`. */
export const name: Kind<string> = named('name', text(256));

/** Text that a pattern describes. */
export function pattern(expression: RegExp, words: string): Kind<string> {
  return plain(formOf({ type: 'string', pattern: expression.source }), (value) => {
    if (typeof value !== 'string' || !expression.test(value)) throw FieldError.of(value, `is not ${words}`);
    return value;
  });
}

/** One of these words. */
export function oneOf<const W extends string>(...words: readonly W[]): Kind<W> {
  return plain(formOf({ enum: words }), (value) => {
    const word = words.find((candidate) => candidate === value);
    if (word === undefined) throw FieldError.of(value, `is not one of ${words.join(', ')}`);
    return word;
  });
}

const UINT = namedForm('uint', formOf({ type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER }));

/** An integer from min to max. */
export function uint(max: number = Number.MAX_SAFE_INTEGER, min = 0): Kind<number> {
  const form = narrowed(UINT, {
    ...(min > 0 && { minimum: min }),
    ...(max < Number.MAX_SAFE_INTEGER && { maximum: max }),
  });
  return plain(form, (value) => {
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min || value > max) {
      throw FieldError.of(value, `is not an integer from ${min} to ${max}`);
    }
    return value;
  });
}

/** A mark: true where it applies, absent where it does not. */
export const yes: Kind<true> = plain(formOf({ const: true }), (value) => {
  if (value !== true) throw FieldError.of(value, 'is not true; leave the field out instead');
  return value;
});

const seconds = uint(MAX_TIME);

/** A point in time in whole Unix seconds, up to the end of the year 9999. */
export const time: Kind<number> = named(
  'time',
  {
    fromCbor: (value) => seconds.fromCbor(value),
    toCbor: (value) => value,
    fromJson: (value) => {
      const parsed = typeof value === 'string' ? parseTime(value) : undefined;
      if (parsed === undefined) throw FieldError.of(value, 'is not a time like 2026-07-11T10:16:37Z');
      return parsed;
    },
    toJson: formatTime,
    form: formOf({
      type: 'string',
      format: 'date-time',
      pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$',
    }),
  },
  'UTC, whole seconds, from 1970 on.',
);

/** Bytes of a length from min to max; in JSON two lowercase hexadecimal digits each. */
export function bytes(min: number, max: number = min): Kind<Uint8Array> {
  const fits = (value: Uint8Array): boolean => value.length >= min && value.length <= max;
  const size = min === max ? `${min}` : `${min} to ${max}`;
  const digits = min === max ? `${2 * min}` : `${2 * min} to ${2 * max}`;
  return {
    fromCbor: (value) => {
      if (!(value instanceof Uint8Array) || !fits(value)) throw FieldError.of(value, `is not ${size} bytes`);
      return value;
    },
    toCbor: (value) => value,
    fromJson: (value) => {
      const decoded = typeof value === 'string' ? fromHex(value) : undefined;
      if (decoded === undefined || !fits(decoded)) {
        throw FieldError.of(value, `is not ${digits} lowercase hexadecimal digits`);
      }
      return decoded;
    },
    toJson: toHex,
    form: formOf({
      type: 'string',
      // Repetition counts are bounded in some regular expressions, so lengths are said as such.
      pattern: '^(?:[0-9a-f]{2})+$',
      minLength: 2 * min,
      maxLength: 2 * max,
    }),
  };
}

const HASH_SIZE = 32;

/** The leaf hash of an earlier entry. */
export const ref: Kind<Uint8Array> = named('ref', bytes(HASH_SIZE), 'The leaf hash of an earlier entry.');

/** A root hash. */
export const rootHash: Kind<Uint8Array> = named('root-hash', bytes(HASH_SIZE), 'The root hash of a tree.');

/** A list of min to max values; in a record, an empty list would say nothing that absence does not. */
export function list<T>(kind: Kind<T>, max = 64, min = 1): Kind<readonly T[]> {
  function read<V>(value: unknown, items: readonly V[] | undefined, readItem: (item: V) => T): readonly T[] {
    if (items === undefined) throw FieldError.of(value, 'is not a list');
    if (items.length < min || items.length > max) {
      throw new FieldError(`list of ${items.length}, not of ${min} to ${max}`);
    }
    return items.map((item, index) => {
      try {
        return readItem(item);
      } catch (error) {
        throw FieldError.inside(`[${index}]`, error);
      }
    });
  }
  return {
    fromCbor: (value) =>
      read<CborValue>(value, Array.isArray(value) ? value : undefined, (item) => kind.fromCbor(item)),
    toCbor: (values) => values.map((value) => kind.toCbor(value)),
    fromJson: (value) => read<unknown>(value, Array.isArray(value) ? value : undefined, (item) => kind.fromJson(item)),
    toJson: (values) => values.map((value) => kind.toJson(value)),
    form: formOf({ type: 'array', items: kind.form.schema, minItems: min, maxItems: max }, kind.form),
  };
}

/** A list of texts or bytes in which nothing stands twice. */
export function distinct<T extends string | Uint8Array>(kind: Kind<T>, max = 64): Kind<readonly T[]> {
  return checked(list(kind, max), checkDistinct, { uniqueItems: true });
}

/** FieldError when one of these stands there twice. */
export function checkDistinct(values: readonly (string | Uint8Array)[]): void {
  const seen = new Set<string>();
  for (const [index, value] of values.entries()) {
    const key = typeof value === 'string' ? value : toHex(value);
    if (seen.has(key)) throw new FieldError('stands there twice', `[${index}]`);
    seen.add(key);
  }
}

export interface Field<T, Required extends boolean> {
  readonly kind: Kind<T>;
  readonly required: Required;
  /** What it says, where the name and the kind leave that open. */
  readonly description: string | undefined;
}

export function required<T>(kind: Kind<T>, description?: string): Field<T, true> {
  return { kind, required: true, description };
}

export function optional<T>(kind: Kind<T>, description?: string): Field<T, false> {
  return { kind, required: false, description };
}

export type Fields = Readonly<Record<string, Field<unknown, boolean>>>;

/** The value of an object kind with these fields. */
export type Values<F extends Fields> = {
  readonly [N in keyof F as F[N]['required'] extends true ? N : never]: ValueOf<F[N]['kind']>;
} & {
  readonly [N in keyof F as F[N]['required'] extends true ? never : N]?: ValueOf<F[N]['kind']>;
};

/** An object kind; its fields can be listed, for documentation and help. */
export interface ObjectKind<F extends Fields> extends Kind<Values<F>> {
  readonly fields: F;
}

/**
 * A map with text keys: these fields and no other. `rule` says what must hold between them (it throws FieldError), and
 * `keywords` says as much of that as a JSON Schema can.
 */
export function object<F extends Fields>(
  fields: F,
  rule?: (value: Values<F>) => void,
  keywords: Schema = {},
): ObjectKind<F> {
  const rows = Object.entries(fields).map(([fieldName, field]) => ({ fieldName, ...field }));
  const known = new Set(rows.map((row) => row.fieldName));

  function read<V>(source: ReadonlyMap<unknown, V>, readField: (kind: Kind<unknown>, value: V) => unknown): Values<F> {
    const out: Record<string, unknown> = {};
    let found = 0;
    for (const { fieldName, kind, required: mustBe } of rows) {
      const value = source.get(fieldName);
      if (value === undefined) {
        if (mustBe) throw new FieldError('is missing', fieldName);
        continue;
      }
      found += 1;
      try {
        out[fieldName] = readField(kind, value);
      } catch (error) {
        throw FieldError.inside(fieldName, error);
      }
    }
    if (found !== source.size) {
      const unknown = [...source.keys()].find((key) => typeof key !== 'string' || !known.has(key));
      throw new FieldError(`is not one of the fields ${[...known].join(', ')}`, String(unknown));
    }
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- each field was read by the kind that types it
    const values = out as Values<F>;
    rule?.(values);
    return values;
  }

  return {
    fields,
    form: objectForm(fields, keywords),
    fromCbor(value: CborValue): Values<F> {
      if (!(value instanceof Map)) throw FieldError.of(value, 'is not a map');
      return read<CborValue>(value, (kind, item) => kind.fromCbor(item));
    },
    toCbor(values: Values<F>): CborValue {
      const map = new Map<string, CborValue>();
      const source: Readonly<Record<string, unknown>> = values;
      for (const [fieldName, value] of Object.entries(source)) {
        // Written even where it is unknown, so that checking what was written refuses it instead of dropping it.
        if (value !== undefined)
          map.set(fieldName, Object.hasOwn(fields, fieldName) ? fields[fieldName]!.kind.toCbor(value) : null);
      }
      return map;
    },
    fromJson(value: unknown): Values<F> {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) {
        throw FieldError.of(value, 'is not an object');
      }
      return read<unknown>(new Map(Object.entries(value)), (kind, item) => kind.fromJson(item));
    },
    toJson(values: Values<F>): Json {
      const source: Readonly<Record<string, unknown>> = values;
      const out: Record<string, Json> = {};
      for (const { fieldName, kind } of rows) {
        const value = source[fieldName];
        if (value !== undefined) out[fieldName] = kind.toJson(value);
      }
      return out;
    },
  };
}

function objectForm(fields: Fields, keywords: Schema): Form {
  const rows = Object.entries(fields);
  const properties = rows.map(([fieldName, { kind, description }]): [string, Schema] => [
    fieldName,
    description === undefined ? kind.form.schema : { ...kind.form.schema, description },
  ]);
  const mustBe = rows.flatMap(([fieldName, field]) => (field.required ? [fieldName] : []));
  return formOf(
    {
      type: 'object',
      properties: Object.fromEntries(properties),
      ...(mustBe.length > 0 && { required: mustBe }),
      additionalProperties: false,
      ...keywords,
    },
    ...rows.map(([, { kind }]) => kind.form),
  );
}

/** `{"sha256": …}`. */
export const digest: Kind<Digest> = named('digest', object({ sha256: required(bytes(HASH_SIZE)) }));
