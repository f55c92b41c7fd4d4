import { describe, expect, test } from 'vitest';
import { concat, toHex, utf8, utf8Text } from '../../src/bytes.ts';
import {
  cosignatureMessage,
  formatTimestampedSignature,
  parseTimestampedSignature,
  subtreeMessage,
} from '../../src/note/cosignature.ts';

const rootHash = new Uint8Array(32).fill(0xab);
const statement = {
  cosignerName: 'w.example',
  timestampSeconds: 1_679_315_147,
  origin: 'log.example',
  start: 0,
  end: 20_852_163,
  rootHash,
};

describe('cosignatureMessage', () => {
  test('is two header lines and the whole text, extension lines too', () => {
    const text = 'example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\nextension\n';
    const message = utf8Text(cosignatureMessage(1_679_315_147, utf8(text)));
    expect(message).toBe(`cosignature/v1\ntime 1679315147\n${text}`);
  });

  test('refuses times that are no whole seconds from 0 on', () => {
    for (const time of [-1, 0.5, 2 ** 53, Number.NaN]) {
      expect(() => cosignatureMessage(time, utf8('a\n'))).toThrow(RangeError);
    }
  });
});

describe('subtreeMessage', () => {
  test('is the structure of the specification, field by field', () => {
    const expected = [
      '737562747265652f76310a00', // "subtree/v1\n\0"
      '09',
      '772e6578616d706c65', // w.example
      '00000000641850cb', // 1679315147
      '0b',
      '6c6f672e6578616d706c65', // log.example
      '0000000000000000',
      '00000000013e2dc3', // 20852163
      'ab'.repeat(32),
    ].join('');
    expect(toHex(subtreeMessage(statement))).toBe(expected);
  });

  test('takes sizes and times beyond 32 bits, and subtrees that start above 0 without a time', () => {
    const message = subtreeMessage({ ...statement, timestampSeconds: 0, start: 2 ** 32, end: 2 ** 53 - 1 });
    expect(toHex(message.subarray(12 + 10, 12 + 18))).toBe('0000000000000000');
    expect(toHex(message.subarray(-48))).toBe(`0000000100000000001fffffffffffff${'ab'.repeat(32)}`);
  });

  test('measures names in bytes, 1 to 255', () => {
    const longest = 'é'.repeat(127) + 'n';
    expect(subtreeMessage({ ...statement, cosignerName: longest, origin: longest })).toHaveLength(12 + 512 + 24 + 32);
    for (const name of ['', 'é'.repeat(128), 'n'.repeat(256)]) {
      expect(() => subtreeMessage({ ...statement, cosignerName: name })).toThrow(RangeError);
      expect(() => subtreeMessage({ ...statement, origin: name })).toThrow(RangeError);
    }
  });

  test('refuses what the specification rules out', () => {
    expect(() => subtreeMessage({ ...statement, start: 1 })).toThrow('no time');
    expect(() => subtreeMessage({ ...statement, timestampSeconds: 0, start: 9, end: 8 })).toThrow('start 9');
    expect(() => subtreeMessage({ ...statement, rootHash: new Uint8Array(31) })).toThrow('31 bytes');
    expect(() => subtreeMessage({ ...statement, end: 2 ** 53 })).toThrow(RangeError);
    expect(() => subtreeMessage({ ...statement, timestampSeconds: -1 })).toThrow(RangeError);
  });
});

describe('a timestamped signature', () => {
  test('is eight bytes of time and the signature, both ways', () => {
    const value = { timestampSeconds: 2 ** 40 + 5, signature: new Uint8Array(64).fill(1) };
    const bytes = formatTimestampedSignature(value);
    expect(toHex(bytes.subarray(0, 8))).toBe('0000010000000005');
    expect(parseTimestampedSignature(bytes, 64)).toEqual(value);
  });

  test('of another length, or with a time of 2^53 or later, is malformed', () => {
    const malformed = expect.objectContaining({ code: 'malformed' });
    for (const length of [0, 7, 8, 71, 73, 2428]) {
      expect(() => parseTimestampedSignature(new Uint8Array(length), 64)).toThrow(malformed);
    }
    const late = concat(Uint8Array.of(0, 0x20, 0, 0, 0, 0, 0, 0), new Uint8Array(64));
    expect(() => parseTimestampedSignature(late, 64)).toThrow(malformed);
    expect(() => parseTimestampedSignature(new Uint8Array(72).fill(255), 64)).toThrow(malformed);
  });
});
