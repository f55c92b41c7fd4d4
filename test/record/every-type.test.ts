// What holds for every record type: its three forms, its limits, its schema, its statement.

import { cdeDecodeOptions, cdeEncodeOptions, decode as decodeOracle, encode as encodeOracle } from 'cbor2';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toHex } from '../../src/bytes.ts';
import { isLimmatError } from '../../src/errors.ts';
import type { Json } from '../../src/record/form.ts';
import {
  createStatement,
  decodePayload,
  describe as inWords,
  encodePayload,
  parseStatement,
  payloadKind,
  RECORD_TYPES,
  recordFromJson,
  recordSchema,
  recordToJson,
  subjectOf,
} from '../../src/record/index.ts';
import { anyRecord, arbitraryRecord } from '../support/arbitrary-records.ts';
import { schemaErrors } from '../support/json-schema.ts';
import { FULL_RECORDS, UNSIGNED } from '../support/records.ts';

const HEAD = { issuer: 'vendor.example', iatSeconds: 1_783_765_031 } as const;

function codeOf(json: unknown): string {
  try {
    recordFromJson(json);
    return 'accepted';
  } catch (error) {
    if (isLimmatError(error)) return error.code;
    throw error;
  }
}

type Step = string | number;

/** The way to every value in a JSON document. */
function waysIn(json: Json, way: readonly Step[] = []): (readonly Step[])[] {
  const inside = Array.isArray(json)
    ? json.flatMap((item: Json, i) => waysIn(item, [...way, i]))
    : typeof json === 'object'
      ? Object.entries(json).flatMap(([name, item]) => waysIn(item, [...way, name]))
      : [];
  return [way, ...inside];
}

/** `npm run test:long` looks at four times as many. */
const TIMES = process.env['LIMMAT_LONG'] === undefined ? 1 : 4;

/** The document with another value at the end of a way; without the value where there is none. */
function changed(json: unknown, [step, ...rest]: readonly Step[], value: unknown): unknown {
  if (step === undefined) return value;
  if (Array.isArray(json)) return json.map((item, i) => (i === step ? changed(item, rest, value) : item));
  const members = new Map<Step, unknown>(membersOf(json));
  members.set(step, changed(members.get(step), rest, value));
  return Object.fromEntries([...members].filter(([, item]) => item !== undefined));
}

function membersOf(json: unknown): [string, unknown][] {
  return typeof json === 'object' && json !== null ? Object.entries(json) : [];
}

function valueAt(json: unknown, way: readonly Step[]): unknown {
  return way.reduce((value, step) => new Map(membersOf(value)).get(String(step)), json);
}

describe('any record', () => {
  it('goes from JSON through the payload and back, and another CBOR library agrees on the bytes', () => {
    fc.assert(
      fc.property(anyRecord, (json) => {
        const record = recordFromJson(json);
        expect(recordToJson(record)).toEqual(json);
        const payload = encodePayload(record.type, record.fields);
        expect(decodePayload(record.type, record.namespace, payload)).toEqual(record);
        const read = decodeOracle(payload, cdeDecodeOptions);
        expect(toHex(encodeOracle(read, cdeEncodeOptions))).toBe(toHex(payload));
        expect(Object.keys(Object(read)).toSorted()).toEqual(Object.keys(json.fields).toSorted());
      }),
      { numRuns: 250 * TIMES },
    );
  });

  it('is what its schema describes', () => {
    fc.assert(
      fc.property(anyRecord, (json) => {
        expect(schemaErrors(recordSchema(json.type), json)).toEqual([]);
      }),
      { numRuns: 250 * TIMES },
    );
  });

  it('is described in a sentence and has a subject of its own namespace and type', () => {
    fc.assert(
      fc.property(anyRecord, (json) => {
        const record = recordFromJson(json);
        expect(inWords(record)).toMatch(/^[A-Z].*\.$/s);
        expect(inWords(record)).not.toMatch(/undefined|NaN|\[object/);
        expect(subjectOf(record).startsWith(`${json.namespace}/${json.type}/`)).toBe(true);
        expect(subjectOf(record)).not.toMatch(/\/\/|\/$/);
      }),
      { numRuns: 250 * TIMES },
    );
  });

  it('is the same in its statement', async () => {
    await fc.assert(
      fc.asyncProperty(anyRecord, async (json) => {
        const record = recordFromJson(json);
        const statement = parseStatement(await createStatement({ ...record, ...HEAD }, UNSIGNED));
        expect(statement.record).toEqual(record);
        expect(statement.sub).toBe(subjectOf(record));
      }),
      { numRuns: 50 * TIMES },
    );
  });

  it('is refused with a null, another kind or a stranger anywhere in it, by its type and by its schema', () => {
    const strangers: readonly unknown[] = [null, {}, [], '', -1, 1.5, false, ' x', 'x\n', { stranger: 1 }];
    fc.assert(
      fc.property(anyRecord, fc.nat(), fc.constantFrom(...strangers), (json, at, stranger) => {
        const ways = waysIn(json);
        const change = changed(json, ways[at % ways.length]!, stranger);
        expect([change, codeOf(change)]).toEqual([change, 'bad-record']);
        expect(schemaErrors(recordSchema(json.type), change)).not.toEqual([]);
      }),
      { numRuns: 500 * TIMES },
    );
  });

  it('is refused with a member too many anywhere in it, by its type and by its schema', () => {
    fc.assert(
      fc.property(anyRecord, fc.nat(), (json, at) => {
        const objects = waysIn(json).filter((way) => {
          const value = valueAt(json, way);
          return typeof value === 'object' && !Array.isArray(value);
        });
        const change = changed(json, [...objects[at % objects.length]!, 'stranger'], 'x');
        expect([change, codeOf(change)]).toEqual([change, 'bad-record']);
        expect(schemaErrors(recordSchema(json.type), change)).not.toEqual([]);
      }),
      { numRuns: 250 * TIMES },
    );
  });

  it('fits its schema after any change of one value, where it is still a record', () => {
    fc.assert(
      fc.property(anyRecord, anyRecord, fc.nat(), fc.nat(), (json, other, at, from) => {
        const [ways, others] = [waysIn(json), waysIn(other)];
        const value = valueAt(other, others[from % others.length]!);
        const change = changed(json, ways[at % ways.length]!, value);
        const type = RECORD_TYPES.find((name) => name === valueAt(change, ['type']));
        if (codeOf(change) === 'accepted') expect(schemaErrors(recordSchema(type!), change)).toEqual([]);
      }),
      { numRuns: 750 * TIMES },
    );
  });
});

describe.each(RECORD_TYPES)('a record of type %s', (type) => {
  const json = recordToJson(FULL_RECORDS.find((record) => record.type === type)!);
  const schema = recordSchema(type);

  it('is refused without any of its required fields, also by its schema', () => {
    for (const [field, { required }] of Object.entries(payloadKind(type).fields)) {
      if (!required) continue;
      const change = changed(json, ['fields', field], undefined);
      expect([field, codeOf(change)]).toEqual([field, 'bad-record']);
      expect(schemaErrors(schema, change)).toContain(`/fields/${field} required`);
    }
  });

  it('has its limits where its schema says: one beyond is refused by both, for every value in it', () => {
    const { fields } = json;
    for (const way of waysIn(fields).slice(1)) {
      const value = valueAt(fields, way);
      const beyond = (next: unknown): void => {
        const change = changed(json, ['fields', ...way], next);
        expect([way, next, codeOf(change)]).toEqual([way, next, 'bad-record']);
        expect([way, next, schemaErrors(schema, change).length > 0]).toEqual([way, next, true]);
      };
      if (typeof value === 'number') for (const next of [2 ** 53, -1, value + 0.5]) beyond(next);
      else if (typeof value === 'string')
        for (const next of ['x'.repeat(4097), `${value}\u202e`, `${value} `]) beyond(next);
      else if (Array.isArray(value)) beyond(Array.from({ length: 257 }, (_, i): unknown => value[i % value.length]));
    }
  });

  it('has texts as long as its schema says, and not longer', () => {
    const { fields } = json;
    for (const way of waysIn(fields).slice(1)) {
      const value = valueAt(fields, way);
      if (typeof value !== 'string') continue;
      const problems = (length: number): readonly [code: string, schema: boolean] => {
        const change = changed(json, ['fields', ...way], 'x'.repeat(length));
        const about = `/fields/${way.join('/')} maxLength`;
        return [codeOf(change), schemaErrors(schema, change).includes(about)];
      };
      // The first length that the schema finds too long is one that the type refuses; the one before it is not too long.
      for (const limit of [128, 255, 256, 1024, 4096]) {
        if (!problems(limit + 1)[1] || problems(limit)[1]) continue;
        expect([way, limit, problems(limit + 1)[0]]).toEqual([way, limit, 'bad-record']);
        const [code] = problems(limit);
        // Free texts are taken up to there; what has a form of its own, or is tied to other values, is not made of x.
        const isFree = !/^[0-9a-f]{40,}$|^\d{4}-/.test(value) && way[0] !== 'log' && way[0] !== 'require';
        if (isFree) expect([way, limit, code]).toEqual([way, limit, 'accepted']);
      }
    }
  });

  it('is refused in its statement at any truncation', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryRecord(type), fc.nat(), async (given, cut) => {
        const bytes = await createStatement({ ...recordFromJson(given), ...HEAD }, UNSIGNED);
        expect(() => parseStatement(bytes.subarray(0, cut % bytes.length))).toThrow(
          expect.objectContaining({ name: 'LimmatError' }),
        );
      }),
      { numRuns: 15 * TIMES },
    );
  });
});
