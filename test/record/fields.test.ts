import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FieldError, show } from '../../src/record/field-error.ts';
import { list, object, optional, required, text, uint } from '../../src/record/fields.ts';
import { checkText, subjectStep } from '../../src/record/text.ts';
import { formatTime, MAX_TIME, parseTime } from '../../src/record/time.ts';
import { bytesInWords, count } from '../../src/record/words.ts';

describe('text in a record', () => {
  it.each(['a', 'a b', 'ä', '1:2.39.5-0+deb12u3', 'Zürich', '水', '\u{1f600}', 'e\u0301', 'x'.repeat(256)])(
    'may be %j',
    (value) => {
      expect(checkText(value, 256)).toBe(value);
    },
  );

  it.each([
    '',
    ' a',
    'a ',
    '\u00a0a',
    'a\u3000',
    'a\tb',
    'a\nb',
    'a\u0000b',
    'a\u007fb',
    'a\u0085b',
    'a\u00adb',
    'a\u200bb',
    'a\u202eb',
    'a\u2028b',
    'a\u2066b',
    'a\ufeffb',
    'a\u{e0041}b',
    'a\ud800b',
    'x'.repeat(257),
    'ä'.repeat(129),
  ])('may not be %j', (value) => {
    expect(() => checkText(value, 256)).toThrow(expect.objectContaining({ name: 'FieldError' }));
  });

  it('joins to subjects that keep different steps apart', () => {
    expect(['a/b', 'a%2Fb', 'a'].map(subjectStep)).toEqual(['a%2Fb', 'a%252Fb', 'a']);
    fc.assert(
      fc.property(fc.string(), (value) => {
        expect(decodeURIComponent(subjectStep(value).replaceAll(/[^%0-9A-Fa-f]/g, 'x'))).not.toContain('\u0000');
        expect(subjectStep(value).replaceAll('%2F', '/').replaceAll('%25', '%')).toBe(value);
        expect(subjectStep(value)).not.toContain('/');
      }),
    );
  });

  it('is shown in messages in a few safe characters', () => {
    expect(show('x'.repeat(100))).toHaveLength(63);
    expect(show('a\u202eb')).toBe('"a\ufffdb"');
    expect([undefined, null, [1], new Map(), {}, new Uint8Array(3), 1.5].map(show)).toEqual([
      'nothing',
      'null',
      'list of 1',
      'map',
      'object',
      'byte string of 3',
      '1.5',
    ]);
  });
});

describe('time in a record', () => {
  it('is written and read both ways', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: MAX_TIME }), (seconds) => {
        expect(parseTime(formatTime(seconds))).toBe(seconds);
      }),
    );
    expect(formatTime(0)).toBe('1970-01-01T00:00:00Z');
    expect(formatTime(MAX_TIME)).toBe('9999-12-31T23:59:59Z');
  });

  it.each([
    '',
    '2020',
    '2020-01-01',
    '2020-01-01T00:00Z',
    '2020-01-01T00:00:00',
    '2020-01-01T00:00:00.5Z',
    '2020-01-01T00:00:00+01:00',
    '2020-01-01t00:00:00z',
    '2020-02-30T00:00:00Z',
    '2020-13-01T00:00:00Z',
    '2020-01-01T24:00:00Z',
    '2020-01-01T00:00:60Z',
    '1969-12-31T23:59:59Z',
    '10000-01-01T00:00:00Z',
  ])('is not %j', (value) => {
    expect(parseTime(value)).toBeUndefined();
  });

  it('ends with the year 9999', () => {
    for (const seconds of [-1, 0.5, MAX_TIME + 1]) expect(() => formatTime(seconds)).toThrow(RangeError);
  });
});

const kind = object({ a: required(uint(9)), b: optional(list(text(3), 2)) });

function way(value: unknown): string {
  try {
    kind.fromJson(value);
    return 'fine';
  } catch (error) {
    if (error instanceof FieldError) return `${error.field}: ${error.message}`;
    throw error;
  }
}

describe('objects and lists', () => {
  it('name the way to what is wrong', () => {
    expect(way({ a: 1, b: ['x'] })).toBe('fine');
    expect(way({ a: 1, b: ['x', 'long'] })).toBe('b[1]: text of 4 bytes is longer than 3');
    expect(way({ a: 1, b: [] })).toBe('b: list of 0, not of 1 to 2');
    expect(way({ a: 10 })).toBe('a: 10 is not an integer from 0 to 9');
    expect(way({ b: ['x'] })).toBe('a: is missing');
    expect(way({ a: 1, __proto: 1 })).toBe('__proto: is not one of the fields a, b');
    expect(way(JSON.parse('{"a": 1, "__proto__": {"b": ["x"]}}'))).toBe('__proto__: is not one of the fields a, b');
    expect(way([])).toBe(': list of 0 is not an object');
  });

  it('list their fields', () => {
    expect(Object.keys(kind.fields)).toEqual(['a', 'b']);
  });
});

describe('words', () => {
  it('write numbers and sizes for people', () => {
    expect([0, 1, 999, 1000, 1_234_567].map((value) => count(value))).toEqual(['0', '1', '999', '1,000', '1,234,567']);
    expect([count(1, 'rule'), count(2, 'rule'), count(0, 'rule')]).toEqual(['1 rule', '2 rules', '0 rules']);
    expect([0, 1, 999, 1000, 14_544, 999_940, 999_950, 1_377_557_908, 5e15].map(bytesInWords)).toEqual([
      '0 bytes',
      '1 byte',
      '999 bytes',
      '1.0 kB',
      '14.5 kB',
      '1,000 kB',
      '1.0 MB',
      '1.4 GB',
      '5,000 TB',
    ]);
  });
});
