import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import {
  byteText,
  compareBytes,
  concat,
  equalBytes,
  fromBase64,
  fromHex,
  parseDecimal,
  prefixedBytes,
  readUint,
  readUintText,
  textBytes,
  toBase64,
  toHex,
  uintBytes,
  uintText,
  utf8,
  utf8Text,
  readToEnd,
} from '../src/bytes.ts';

describe('base64', () => {
  it('is what Node writes, at every length around a group and a chunk', () => {
    for (const length of [0, 1, 2, 3, 4, 31, 32, 33, 3071, 3072, 3073, 6145, 65_535]) {
      const bytes = crypto.getRandomValues(new Uint8Array(length));
      expect(toBase64(bytes)).toBe(Buffer.from(bytes).toString('base64'));
      expect(equalBytes(fromBase64(toBase64(bytes))!, bytes)).toBe(true);
    }
  });

  it('is read in its one canonical spelling only', () => {
    for (const text of [
      'A',
      'AA',
      'AAA',
      'AA=',
      'AB==',
      'AAB=',
      'AAAA=',
      '=AAA',
      'AA==AA==',
      'AA A',
      'AAA\n',
      '-_-_',
      'ÄAAA',
    ]) {
      expect(fromBase64(text), text).toBeUndefined();
    }
    expect(fromBase64('')).toEqual(new Uint8Array(0));
  });

  it('round-trips any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => equalBytes(fromBase64(toBase64(bytes))!, bytes)),
    );
  });
});

describe('hexadecimal', () => {
  it('round-trips, in lowercase only', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => equalBytes(fromHex(toHex(bytes))!, bytes)));
    for (const text of ['a', '0g', 'AB', '0x', ' a', '00 ', 'é0']) expect(fromHex(text), text).toBeUndefined();
  });
});

describe('integers', () => {
  const edges = [0, 1, 255, 256, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1];

  it('are big-endian, exact up to 2^53 − 1, and refused beyond', () => {
    for (const value of edges) {
      const bytes = uintBytes(value, 8);
      expect(Buffer.from(bytes).readBigUInt64BE()).toBe(BigInt(value));
      expect(readUint(bytes, 0, 8)).toBe(value);
    }
    expect(readUint(Uint8Array.of(0, 32, 0, 0, 0, 0, 0, 0), 0, 8)).toBeUndefined();
    expect(readUint(new Uint8Array(8).fill(255), 0, 8)).toBeUndefined();
    expect(() => uintBytes(256, 1)).toThrow(RangeError);
    expect(() => uintBytes(2 ** 53, 8)).toThrow(RangeError);
    expect(() => uintBytes(-1, 8)).toThrow(RangeError);
    expect(() => readUint(new Uint8Array(7), 0, 8)).toThrow(RangeError);
  });

  it('are read from canonical decimal text only', () => {
    for (const value of edges) expect(parseDecimal(String(value))).toBe(value);
    for (const text of [
      '',
      '00',
      '01',
      '-1',
      '+1',
      '1.0',
      '1e3',
      ' 1',
      '0x1',
      '9007199254740992',
      '99999999999999999999',
    ]) {
      expect(parseDecimal(text), text).toBeUndefined();
    }
  });
});

describe('text', () => {
  it('is strict UTF-8, byte for byte: a leading U+FEFF stays', () => {
    const bom = Uint8Array.of(0xef, 0xbb, 0xbf, 0x61);
    expect(equalBytes(utf8(utf8Text(bom)!), bom)).toBe(true);
    for (const bytes of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xe2, 0x82], [0xf5, 0x80, 0x80, 0x80]]) {
      expect(utf8Text(Uint8Array.from(bytes))).toBeUndefined();
    }
  });
});

it('bytes are joined, compared and ordered bytewise', () => {
  expect(concat(Uint8Array.of(1), new Uint8Array(0), Uint8Array.of(2, 3))).toEqual(Uint8Array.of(1, 2, 3));
  expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1))).toBe(false);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 6 }), fc.uint8Array({ maxLength: 6 }), (a, b) => {
      expect(Math.sign(compareBytes(a, b))).toBe(Buffer.compare(a, b));
    }),
  );
});

function streamOf(chunks: readonly Uint8Array[]): ReadableStreamDefaultReader<Uint8Array> {
  let next = 0;
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      if (next === chunks.length) controller.close();
      else controller.enqueue(chunks[next++]!);
    },
  }).getReader();
}

describe('readToEnd', () => {
  it('gives all of it, in however many pieces it comes', async () => {
    const check = vi.fn<(length: number) => void>();
    expect(await readToEnd(streamOf([]), check)).toEqual(new Uint8Array(0));
    expect(await readToEnd(streamOf([Uint8Array.of(1, 2)]), check)).toEqual(Uint8Array.of(1, 2));
    const single = Array.from({ length: 200_000 }, (_, i) => Uint8Array.of(i % 251));
    expect(await readToEnd(streamOf(single), check)).toEqual(Uint8Array.from({ length: 200_000 }, (_, i) => i % 251));
  });

  it('ends where the length that has come is refused', async () => {
    const heard: number[] = [];
    const check = (length: number): void => {
      heard.push(length);
      if (length > 4) throw new RangeError('too long');
    };
    const reader = streamOf(Array.from({ length: 100 }, () => new Uint8Array(2)));
    await expect(readToEnd(reader, check)).rejects.toThrow('too long');
    expect(heard).toEqual([2, 4, 6]);
  });
});

describe('texts of bytes', () => {
  it('give the bytes again at every length, and order as they do', () => {
    for (const length of [0, 1, 2, 31, 1023, 1024, 1025, 5000]) {
      const bytes = crypto.getRandomValues(new Uint8Array(length));
      expect(byteText(bytes)).toHaveLength(length);
      expect(equalBytes(textBytes(byteText(bytes)), bytes)).toBe(true);
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 6 }), fc.uint8Array({ maxLength: 6 }), (a, b) => {
        const [textA, textB] = [byteText(a), byteText(b)];
        expect(textA < textB ? -1 : textA > textB ? 1 : 0).toBe(Math.sign(compareBytes(a, b)));
      }),
    );
  });

  it('become bytes behind a prefix, each its own though they share memory', () => {
    const prefix = Uint8Array.of(3, 0xff);
    const texts = ['', 'a', byteText(crypto.getRandomValues(new Uint8Array(300))), '\u00ff'];
    const all = prefixedBytes(prefix, texts);
    expect(all.map((bytes) => [...bytes])).toEqual(texts.map((text) => [3, 0xff, ...textBytes(text)]));
    expect(prefixedBytes(prefix, [])).toEqual([]);
  });

  it('hold the same integers as bytes do', () => {
    for (const value of [0, 1, 255, 256, 2 ** 31, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER]) {
      expect(uintText(value, 8)).toBe(byteText(uintBytes(value, 8)));
      expect(readUintText(`x${uintText(value, 8)}`, 1, 8)).toBe(value);
    }
    expect(readUintText('\u00ff'.repeat(8), 0, 8)).toBeUndefined();
    expect(() => uintText(256, 1)).toThrow(RangeError);
    expect(() => uintText(-1, 1)).toThrow(RangeError);
    expect(() => readUintText('abc', 1, 3)).toThrow(RangeError);
  });
});
