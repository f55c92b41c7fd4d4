import { cdeDecodeOptions, cdeEncodeOptions, decode as decodeOracle, encode as encodeOracle, Tag } from 'cbor2';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../../src/bytes.ts';
import { isLimmatError } from '../../src/errors.ts';
import {
  byteStringHead,
  CborReader,
  decodeCbor,
  encodeCbor,
  Tagged,
  type CborKey,
  type CborValue,
} from '../../src/cose/cbor.ts';

/** RFC 8949 Appendix A, the examples that are of the subset. */
const EXAMPLES: readonly (readonly [string, CborValue])[] = [
  ['00', 0],
  ['17', 23],
  ['1818', 24],
  ['1864', 100],
  ['1903e8', 1000],
  ['1a000f4240', 1_000_000],
  ['1b000000e8d4a51000', 1_000_000_000_000],
  ['20', -1],
  ['3863', -100],
  ['3903e7', -1000],
  ['f4', false],
  ['f5', true],
  ['f6', null],
  ['c11a514b67b0', new Tagged(1, 1_363_896_240)],
  ['d74401020304', new Tagged(23, Uint8Array.of(1, 2, 3, 4))],
  ['40', new Uint8Array(0)],
  ['4401020304', Uint8Array.of(1, 2, 3, 4)],
  ['60', ''],
  ['6449455446', 'IETF'],
  ['62c3bc', 'ü'],
  ['63e6b0b4', '水'],
  ['64f0908591', '\u{10151}'],
  ['80', []],
  ['8301820203820405', [1, [2, 3], [4, 5]]],
  ['a0', new Map()],
  [
    'a201020304',
    new Map([
      [1, 2],
      [3, 4],
    ]),
  ],
  [
    'a26161016162820203',
    new Map<CborKey, CborValue>([
      ['a', 1],
      ['b', [2, 3]],
    ]),
  ],
  ['1b001fffffffffffff', Number.MAX_SAFE_INTEGER],
  ['3b001ffffffffffffe', Number.MIN_SAFE_INTEGER],
];

const REFUSED: readonly (readonly [string, string])[] = [
  ['', 'nothing'],
  ['1817', 'a one-byte head for 23'],
  ['190018', 'a two-byte head for 24'],
  ['1a00000100', 'a four-byte head for 256'],
  ['1b0000000000010000', 'an eight-byte head for 65536'],
  ['5803010203', 'a long head on bytes'],
  ['1b0020000000000000', '2^53'],
  ['1bffffffffffffffff', '2^64 - 1'],
  ['3b001fffffffffffff', '-2^53'],
  ['f97c00', 'a half float'],
  ['fa47c35000', 'a float'],
  ['fb3ff199999999999a', 'a double'],
  ['f7', 'undefined'],
  ['f0', 'a simple value'],
  ['f8ff', 'a simple value of two bytes'],
  ['5f42010243030405ff', 'bytes in parts'],
  ['7f657374726561646d696e67ff', 'text in parts'],
  ['9fff', 'an array of indefinite length'],
  ['bfff', 'a map of indefinite length'],
  ['1c', 'a reserved head'],
  ['ff', 'a break'],
  ['a201000100', 'a key twice'],
  ['a202000100', 'keys out of order'],
  ['a220000100', 'a negative key before a positive one'],
  ['a2616100 0100'.replace(' ', ''), 'a text key before an integer key'],
  ['a2626161006162 00'.replace(' ', ''), 'a longer key before a shorter one'],
  ['a1400 0'.replace(' ', ''), 'a byte string as a key'],
  ['a1f500', 'true as a key'],
  ['61ff', 'text that is not UTF-8'],
  ['62c0af', 'text in overlong UTF-8'],
  ['63eda080', 'text with a surrogate'],
  ['0000', 'two values'],
  ['9bffffffffffffff01', 'an array of 2^64 items'],
  ['9a7fffffff', 'an array longer than its input'],
  ['ba7fffffff', 'a map longer than its input'],
  ['5affffffff00', 'bytes longer than their input'],
  ['81'.repeat(17) + '00', 'seventeen arrays in one another'],
  ['c1'.repeat(10_000), 'ten thousand tags'],
];

const key = fc.oneof(fc.maxSafeInteger(), fc.string({ unit: 'grapheme', maxLength: 40 }));
const values = fc.letrec<{ value: CborValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', maxDepth: 5 },
    fc.maxSafeInteger(),
    fc.string({ unit: 'grapheme', maxLength: 80 }),
    fc.boolean(),
    fc.constant(null),
    fc.uint8Array({ maxLength: 300 }),
    fc.array(tie('value'), { maxLength: 5 }),
    fc.array(fc.tuple(key, tie('value')), { maxLength: 6 }).map((pairs) => new Map(pairs)),
    fc.tuple(fc.integer({ min: 40_000, max: 50_000 }), tie('value')).map(([tag, value]) => new Tagged(tag, value)),
  ),
})).value;

function forOracle(value: CborValue): unknown {
  if (value instanceof Tagged) return new Tag(value.tag, forOracle(value.value));
  if (value instanceof Map) return new Map([...value].map(([k, v]) => [k, forOracle(v)]));
  return Array.isArray(value) ? value.map(forOracle) : value;
}

function problem(bytes: Uint8Array): unknown {
  try {
    decodeCbor(bytes);
    return undefined;
  } catch (error) {
    return error;
  }
}

describe('CBOR', () => {
  it.each(EXAMPLES)('reads and writes %s', (hex, value) => {
    expect(decodeCbor(fromHex(hex)!)).toEqual(value);
    expect(toHex(encodeCbor(value))).toBe(hex);
  });

  it.each(REFUSED)('refuses %s: %s', (hex) => {
    expect(isLimmatError(problem(fromHex(hex)!), 'malformed')).toBe(true);
  });

  it('writes what cbor2 writes deterministically, and reads it back', () => {
    fc.assert(
      fc.property(values, (value) => {
        const bytes = encodeCbor(value);
        expect(toHex(bytes)).toBe(toHex(encodeOracle(forOracle(value), cdeEncodeOptions)));
        expect(decodeCbor(bytes)).toEqual(value);
      }),
      { numRuns: 500 },
    );
  });

  it('accepts only bytes that are the encoding of what it read, and only what cbor2 accepts too', () => {
    const almost = fc.tuple(values, fc.nat(), fc.integer({ min: 0, max: 255 })).map(([value, position, byte]) => {
      const bytes = encodeCbor(value);
      bytes[position % bytes.length] = byte;
      return bytes;
    });
    fc.assert(
      fc.property(fc.oneof(almost, fc.uint8Array({ maxLength: 30 })), (bytes) => {
        const error = problem(bytes);
        if (error !== undefined) {
          expect(isLimmatError(error, 'malformed')).toBe(true);
          return;
        }
        expect(toHex(encodeCbor(decodeCbor(bytes)))).toBe(toHex(bytes));
        // cbor2 interprets the tags it knows; only the well-formedness and the order are compared here.
        if (!JSON.stringify([...bytes]).match(/\b(19[2-9]|20\d|21\d|22[0-3])\b/)) decodeOracle(bytes, cdeDecodeOptions);
      }),
      { numRuns: 2000 },
    );
  });

  it('refuses every truncation of a good input', () => {
    const bytes = encodeCbor(
      new Map<CborKey, CborValue>([
        [1, 'text'],
        [-1, [1, 70_000, Uint8Array.of(1)]],
        ['k', true],
      ]),
    );
    for (let length = 0; length < bytes.length; length++) {
      expect(isLimmatError(problem(bytes.subarray(0, length)), 'malformed')).toBe(true);
    }
  });

  it('names the offset of what it refuses', () => {
    expect(problem(fromHex('8201fb3ff199999999999a')!)).toMatchObject({ details: { offset: 2 } });
  });

  it('gives byte strings as views of the input', () => {
    const input = fromHex('4401020304')!;
    const value = decodeCbor(input);
    expect(value instanceof Uint8Array && value.buffer === input.buffer).toBe(true);
  });

  it('reads long text and text beyond ASCII alike', () => {
    for (const text of [
      'x'.repeat(63),
      'x'.repeat(64),
      'x'.repeat(65),
      `${'x'.repeat(30)}ü`,
      '\ufeffx',
      'ü'.repeat(200),
    ]) {
      expect(decodeCbor(encodeCbor(text))).toBe(text);
    }
  });

  it('has no form for floats, unsafe integers, lone surrogates and bad tags', () => {
    for (const value of [1.5, 2 ** 53, Number.NaN, Infinity, '\ud800', new Tagged(-1, 0), new Tagged(2 ** 53, 0)]) {
      expect(() => encodeCbor(value)).toThrow(TypeError);
    }
    // @ts-expect-error undefined is not a CBOR value here
    expect(() => encodeCbor([undefined])).toThrow(TypeError);
  });

  it('grows its buffer as needed', () => {
    const value = new Uint8Array(70_000).fill(3);
    expect(encodeCbor(value)).toHaveLength(70_005);
    expect(toHex(byteStringHead(70_000))).toBe('5a00011170');
  });

  it('takes another depth limit', () => {
    const nested = fromHex('8181810 0'.replace(' ', ''))!;
    expect(() => decodeCbor(nested, { depth: 2 })).toThrow('nested too deeply');
    expect(decodeCbor(nested, { depth: 3 })).toEqual([[[0]]]);
  });

  it('reads byte strings one by one', () => {
    const reader = new CborReader(fromHex('41014202030 1'.replace(' ', ''))!);
    expect(reader.byteString()).toEqual(Uint8Array.of(1));
    expect(reader.byteString()).toEqual(Uint8Array.of(2, 3));
    expect(() => reader.byteString()).toThrow('0x1 is no byte string');
    expect(() => new CborReader(new Uint8Array(0)).byteString()).toThrow('ends too early');
  });
});
