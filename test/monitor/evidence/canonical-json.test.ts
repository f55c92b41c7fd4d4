import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { utf8, utf8Text } from '../../../src/bytes.ts';
import { canonicalJson, canonicalJsonBytes, parseCanonicalJson } from '../../../src/monitor/evidence/canonical-json.ts';
import type { JsonValue } from '../../../src/monitor/evidence/canonical-json.ts';

const LIMITS = { bytes: 10_000, depth: 8 };
const parse = (text: string): JsonValue => parseCanonicalJson(utf8(text), LIMITS);

describe('canonical JSON', () => {
  test('writes texts, names and numbers as RFC 8785 does', () => {
    // §3.2.3: names in the order of their UTF-16 units; §3.2.2.2: the shortest escapes. The sample's own names.
    const value = {
      '\u20ac': 'Euro Sign',
      '\r': 'Carriage Return',
      '\ufb33': 'Hebrew Letter Dalet With Dagesh',
      '1': 'One',
      '\ud83d\ude00': 'Emoji: Grinning Face',
      '\u0080': 'Control',
      '\u00f6': 'Latin Small Letter O With Diaeresis',
    };
    expect(canonicalJson(value)).toBe(
      '{"\\r":"Carriage Return","1":"One","\u0080":"Control","ö":"Latin Small Letter O With Diaeresis",' +
        '"€":"Euro Sign","😀":"Emoji: Grinning Face","\ufb33":"Hebrew Letter Dalet With Dagesh"}',
    );
    expect(canonicalJson('€$\u000f\nA\'B"\\\\"/')).toBe('"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"');
    expect(canonicalJson([0, 9_007_199_254_740_991, [], {}])).toBe('[0,9007199254740991,[],{}]');
  });

  test('reads back what it wrote, and writes it again alike', () => {
    const json = fc.letrec<{ value: JsonValue }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.string({ unit: 'grapheme' }),
        fc.nat({ max: Number.MAX_SAFE_INTEGER }),
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(fc.string({ unit: 'grapheme' }), tie('value'), { maxKeys: 4 }),
      ),
    })).value;
    fc.assert(
      fc.property(json, (value) => {
        const bytes = canonicalJsonBytes(value);
        const read = parseCanonicalJson(bytes, { bytes: 1e6, depth: 100 });
        expect(canonicalJson(read)).toBe(utf8Text(bytes));
      }),
    );
  });

  test.each([
    ['a blank', '{"a": 1}'],
    ['a final newline', '{"a":1}\n'],
    ['names out of order', '{"b":1,"a":2}'],
    ['a name twice', '{"a":1,"a":1}'],
    ['an escape that is not needed', '"\\u0041"'],
    ['an escaped slash', '"\\/"'],
    ['capitals in an escape', '"\\u000F"'],
    ['minus zero', '-0'],
    ['an exponent', '1e3'],
    ['a fraction of zero', '1.0'],
  ])('refuses %s', (_what, text) => {
    expect(() => parse(text)).toThrow('canonical');
  });

  test.each(['-1', '1.5', '9007199254740992', 'true', 'null', '[null]', '{"a":false}'])('has no value %s', (text) => {
    expect(() => parse(text)).toThrow('no text, whole number, list or object');
  });

  test('refuses what is no JSON, no UTF-8 or too long', () => {
    for (const text of ['', '{', '[1,]', '{"a"}', "{'a':1}", '[1] [2]', '\ufeff{}']) {
      expect(() => parse(text), text).toThrow('not JSON');
    }
    expect(() => parseCanonicalJson(Uint8Array.of(0x22, 0xff, 0x22), LIMITS)).toThrow('UTF-8');
    expect(() => parse(`"${'x'.repeat(10_000)}"`)).toThrow('10002 bytes');
  });

  test('counts depth before it parses, brackets in texts not included', () => {
    expect(parse('[[[[[[[["[[[[{{{{\\\\\\"[["]]]]]]]]')).toBeDefined();
    expect(() => parse('[[[[[[[[[]]]]]]]]]')).toThrow('more than 8');
    // As deep as a stack would not be: it never reaches a parser.
    expect(() => parseCanonicalJson(utf8('['.repeat(400_000)), { bytes: 500_000, depth: 8 })).toThrow('more than 8');
    expect(parse('[{},{},[],[],{"a":{}},{"a":{}},[],[],[],[]]')).toBeDefined();
  });

  test('takes "__proto__" for a name like any other', () => {
    const value = parse('{"__proto__":{"a":1}}');
    expect(Object.keys(value)).toEqual(['__proto__']);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
  });
});
