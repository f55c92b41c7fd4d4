import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { utf8 } from '../../../src/bytes.ts';
import { isList, isObject, parseJson, type Json } from '../../../src/client/provenance/json.ts';

const read = (text: string | Uint8Array): Json =>
  parseJson(typeof text === 'string' ? utf8(text) : text, 'it', { bytes: 1000, depth: 3 });

/** As JSON.parse gives it. */
function plain(value: Json): unknown {
  if (isObject(value)) return Object.fromEntries([...value].map(([name, member]) => [name, plain(member)]));
  return isList(value) ? value.map(plain) : value;
}

test('every value that JSON.stringify writes is read as JSON.parse reads it', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), fc.constantFrom(undefined, 1, '\t'), (value, blanks) => {
      const text = JSON.stringify(value, undefined, blanks);
      const limits = { bytes: 1_000_000, depth: 64 };
      expect(plain(parseJson(utf8(text), 'it', limits))).toEqual(JSON.parse(text));
    }),
  );
});

test('what JSON.parse refuses is refused, and nothing else but what is bounded', () => {
  const good = ' {"a\\n\\u00e9\\"": [1, -0.5e+3, true], "b": {"c": null}, "d": "\\\\"}\n';
  for (let at = 0; at < good.length; at++) {
    for (const character of ['', '"', '\\', '{', ']', ',', ':', '0', 'x', '\u0001', ' ']) {
      const text = good.slice(0, at) + character + good.slice(at + 1);
      let wanted: unknown;
      try {
        wanted = JSON.parse(text);
      } catch {
        expect(() => read(text), text).toThrow(/^it /);
        continue;
      }
      // JSON.parse takes a member twice.
      let found: unknown;
      try {
        found = plain(read(text));
      } catch (error) {
        expect(String(error), text).toMatch(/twice|nested/);
        continue;
      }
      expect(found, text).toEqual(wanted);
    }
  }
});

describe('refused', () => {
  test.each([
    ['{"a":1,"a":1}', 'it has the member "a" twice'],
    ['{"a":1,"\\u0061":2}', 'it has the member "a" twice'],
    ['[[[[]]]]', 'it is nested deeper than 3 levels'],
    ['{}{}', 'it goes on after the JSON value, at character 2; of a file of JSON lines, give the one line'],
    ['{} x', 'it goes on after the JSON value, at character 3'],
    ['', 'it is not JSON, at character 0'],
    ['\ufeff{}', 'it is not JSON, at character 0'],
    ['{"a":"\t"}', 'it is not JSON, in the text at character 5'],
    ['"abc', 'it is not JSON'],
    ['"abc\\"', 'it is not JSON'],
    ['01', 'it goes on after the JSON value'],
    [' '.repeat(1001), 'it has 1001 bytes, above the limit of 1000'],
  ])('%j', (text, message) => {
    expect(() => read(text)).toThrow(message);
  });

  test('what is not UTF-8', () => {
    expect(() => read(Uint8Array.of(0x22, 0xff, 0x22))).toThrow('it is not UTF-8');
  });
});

test('a member may have the name of what objects inherit', () => {
  const value = read('{"__proto__":{"a":1},"constructor":2}');
  expect(isObject(value) && [...value.keys()]).toEqual(['__proto__', 'constructor']);
});

test('a text of megabytes, and one of backslashes, are read in one go', () => {
  const limits = { bytes: 9_000_000, depth: 1 };
  for (const text of ['x'.repeat(4_000_000), '\\"'.repeat(1_000_000), '\\\\'.repeat(1_000_000)]) {
    const value = parseJson(utf8(`["${text}"]`), 'it', limits);
    expect(isList(value) && value[0]).toBe(JSON.parse(`"${text}"`));
  }
});
