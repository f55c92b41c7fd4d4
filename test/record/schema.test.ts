import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { FieldError } from '../../src/record/field-error.ts';
import {
  bytes,
  checked,
  distinct,
  list,
  name,
  object,
  oneOf,
  optional,
  required,
  text,
  uint,
} from '../../src/record/fields.ts';
import { formOf, namedForm, type Schema } from '../../src/record/form.ts';
import { RECORD_TYPES, recordSchema, recordToJson, schemaId, schemaText } from '../../src/record/index.ts';
import { checkText } from '../../src/record/text.ts';
import { schemaErrors } from '../support/json-schema.ts';
import { FULL_RECORDS } from '../support/records.ts';

describe.each(RECORD_TYPES)('the schema of %s', (type) => {
  const schema = recordSchema(type);

  it('is a draft 2020-12 schema that names itself and is for no other type', () => {
    expect(schema).toMatchObject({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      $id: `urn:limmat:schema:${type}:v1`,
      title: type,
      required: ['type', 'namespace', 'fields'],
    });
    expect(schemaId(type)).toBe(schema['$id']);
    for (const record of FULL_RECORDS) {
      const errors = schemaErrors(schema, recordToJson(record));
      if (record.type === type) expect(errors).toEqual([]);
      else expect(errors).toContain('/type const');
    }
  });

  it('has its fields as a definition, for what limmat sign takes', () => {
    const alone: Schema = { $ref: '#/$defs/fields', $defs: schema['$defs']! };
    const full = FULL_RECORDS.find((record) => record.type === type)!;
    expect(schemaErrors(alone, recordToJson(full).fields)).toEqual([]);
    expect(schemaErrors(alone, { stranger: 1 })).not.toEqual([]);
  });

  it('refers only to its own definitions, and has none that nothing refers to', () => {
    const json = JSON.stringify(schema);
    const referred = new Set([...json.matchAll(/"\$ref":"#\/\$defs\/([a-z-]+)"/g)].map(([, to]) => to));
    expect(json.match(/"\$ref":/g)).toHaveLength([...json.matchAll(/"\$ref":"#\/\$defs\//g)].length);
    expect(new Set(Object.keys(Object(schema['$defs'])))).toEqual(referred);
  });

  it('is written in ASCII, so that invisible characters can be seen', () => {
    expect(schemaText(type)).toMatch(/^[\n\x20-\x7e]+\n$/);
    expect(JSON.parse(schemaText(type))).toEqual(JSON.parse(JSON.stringify(schema)));
    if (JSON.stringify(schema).includes('#/$defs/text')) expect(schemaText(type)).toContain('\\u202e');
  });
});

/** Everything that the kind refuses, the schema refuses, and the other way round. */
const kind = object(
  {
    word: required(oneOf('a', 'b')),
    size: optional(uint(9, 2)),
    note: optional(text(5), 'Something short.'),
    names: optional(distinct(name, 2)),
    rows: optional(list(object({ id: required(bytes(1, 2)) }), 2, 0)),
  },
  undefined,
  {},
);
const schema: Schema = { ...kind.form.schema, $defs: Object.fromEntries(kind.form.defs) };
const values: readonly (readonly [value: unknown, fits: boolean])[] = [
  [{ word: 'a' }, true],
  [{ word: 'c' }, false],
  [{}, false],
  [[], false],
  [null, false],
  [{ word: 'a', size: 2 }, true],
  [{ word: 'a', size: 9 }, true],
  [{ word: 'a', size: 1 }, false],
  [{ word: 'a', size: 10 }, false],
  [{ word: 'a', size: 2.5 }, false],
  [{ word: 'a', note: 'short' }, true],
  [{ word: 'a', note: 'longer' }, false],
  [{ word: 'a', note: '' }, false],
  [{ word: 'a', names: ['x', 'y'] }, true],
  [{ word: 'a', names: ['x', 'x'] }, false],
  [{ word: 'a', names: ['x', 'y', 'z'] }, false],
  [{ word: 'a', names: [] }, false],
  [{ word: 'a', rows: [] }, true],
  [{ word: 'a', rows: [{ id: '00' }, { id: 'abcd' }] }, true],
  [{ word: 'a', rows: [{ id: '0' }] }, false],
  [{ word: 'a', rows: [{ id: 'AB' }] }, false],
  [{ word: 'a', rows: [{ id: 'abcdef' }] }, false],
  [{ word: 'a', rows: [{ id: '00', more: 1 }] }, false],
  [{ word: 'a', more: 1 }, false],
];

describe('a schema', () => {
  test.each(values)('says of %j what its kind says', (value, fits) => {
    const read = (): unknown => kind.fromJson(value);
    if (fits) expect(read).not.toThrow();
    else expect(read).toThrow(FieldError);
    expect(schemaErrors(schema, value).length === 0).toBe(fits);
  });

  it('carries descriptions, limits and the definitions of its parts', () => {
    expect(kind.form.schema).toMatchObject({
      properties: {
        size: { $ref: '#/$defs/uint', minimum: 2, maximum: 9 },
        note: { $ref: '#/$defs/text', maxLength: 5, description: 'Something short.' },
      },
      required: ['word'],
      additionalProperties: false,
    });
    expect([...kind.form.defs.keys()].toSorted()).toEqual(['name', 'text', 'uint']);
  });

  it('says what a check adds to a kind', () => {
    const even = checked(
      uint(),
      (value) => {
        if (value % 2 !== 0) throw FieldError.of(value, 'is odd');
      },
      { multipleOf: 2 },
    );
    expect(even.fromJson(4)).toBe(4);
    expect(() => even.fromCbor(3)).toThrow('3 is odd');
    expect(even.form.schema).toMatchObject({ multipleOf: 2 });
  });

  it('never has two meanings for one name', () => {
    const [one, other] = [{ type: 'string' }, { type: 'integer' }].map((form) => namedForm('x', formOf(form)));
    expect(formOf({}, one!, one!).defs.size).toBe(1);
    expect(() => formOf({}, one!, other!)).toThrow('two definitions of x');
  });

  it('takes the texts that a record takes, as far as characters go', () => {
    const own = { ...text().form.schema, $defs: Object.fromEntries(text().form.defs) };
    const odd = fc.constantFrom(' ', '\t', '\n', '\u0000', '\u00a0', '\u00ad', '\u200b', '\u2028', '\u202e', '\u3000');
    const astral = fc.constantFrom('\u{1f600}', '\u{e0041}', '\u{e1000}', '\u{10ffff}', '\ufeff', '\u2070', '\u200a');
    const unit = fc.oneof(fc.constantFrom('a', 'é', '水', '-', ']', '\\'), odd, astral);
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 6 }), (value) => {
        let taken = true;
        try {
          checkText(value, 1024);
        } catch {
          taken = false;
        }
        expect([value, schemaErrors(own, value).length === 0]).toEqual([value, taken]);
      }),
      { numRuns: 2000 },
    );
  });
});
