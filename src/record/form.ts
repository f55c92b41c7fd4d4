// What JSON Schema (draft 2020-12) says of a kind of value in its JSON form: a schema, and the definitions it refers to.
// Schemas say all that they can: kinds, limits, patterns, what is required, and most rules between fields. What they
// cannot count (bytes of UTF-8, days of a month, hashes) stands in descriptions; reading a record checks that too.

export type Json = string | number | boolean | readonly Json[] | { readonly [name: string]: Json };

/** A schema: `{"type": "string", "maxLength": 9}`. */
export type Schema = Readonly<Record<string, Json>>;

export interface Form {
  readonly schema: Schema;
  /** Every definition that the schema refers to as `#/$defs/<name>`, and those that these refer to. */
  readonly defs: ReadonlyMap<string, Schema>;
}

/** A form with the definitions of its parts. */
export function formOf(schema: Schema, ...parts: readonly Form[]): Form {
  const defs = new Map<string, Schema>();
  for (const part of parts) {
    for (const [name, definition] of part.defs) {
      const known = defs.get(name);
      // One name, one meaning: types share definitions, and a reader of two schemas relies on it.
      if (known !== undefined && JSON.stringify(known) !== JSON.stringify(definition)) {
        throw new Error(`bad math in formOf: two definitions of ${name}`);
      }
      defs.set(name, definition);
    }
  }
  return { schema, defs };
}

/** The form under a name, which schemas refer to instead of repeating it. */
export function namedForm(name: string, form: Form, description?: string): Form {
  const definition = description === undefined ? form.schema : { ...form.schema, description };
  return { schema: { $ref: `#/$defs/${name}` }, defs: new Map([...form.defs, [name, definition]]) };
}

/** The form with these keywords beside its own. */
export function narrowed(form: Form, keywords: Schema): Form {
  return { ...form, schema: { ...form.schema, ...keywords } };
}

/** Keywords for: exactly one of these fields is there. */
export function exactlyOneOf(...fields: readonly string[]): Schema {
  return { oneOf: fields.map((field) => ({ required: [field] })) };
}

/** Keywords for: at least one of these fields is there. */
export function anyOneOf(...fields: readonly string[]): Schema {
  return { anyOf: fields.map((field) => ({ required: [field] })) };
}

/** A row of `cases`: with one of these values in a field, these others have to be there, and these must not. */
export interface Case {
  readonly when: Readonly<Record<string, readonly Json[]>>;
  readonly needs?: readonly string[];
  readonly refuses?: readonly string[];
}

/** Keywords for what depends on the value of a field. */
export function cases(...rows: readonly Case[]): Schema {
  return {
    allOf: rows.map(({ when, needs = [], refuses = [] }) => ({
      if: {
        properties: Object.fromEntries(Object.entries(when).map(([field, values]) => [field, { enum: values }])),
        required: Object.keys(when),
      },
      // oxlint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema
      then: {
        ...(needs.length > 0 && { required: needs }),
        ...(refuses.length > 0 && { properties: Object.fromEntries(refuses.map((field) => [field, false])) }),
      },
    })),
  };
}
