import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fromBase64 } from '../../src/bytes.ts';
import { isLimmatError } from '../../src/errors.ts';
import { asHash } from '../../src/merkle/hash.ts';
import { formatCheckpoint, parseCheckpoint } from '../../src/note/checkpoint.ts';

const TEXT = 'example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n';
const rootHash = asHash(fromBase64('CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=')!);

const tryOne = (changed: string): void => {
  try {
    expect(formatCheckpoint(parseCheckpoint(changed))).toBe(changed);
  } catch (error) {
    if (!isLimmatError(error, 'malformed')) throw error;
  }
};

describe('parseCheckpoint', () => {
  test('reads the specification’s example, and formatCheckpoint writes it', () => {
    const checkpoint = { origin: 'example.com/behind-the-sofa', size: 20_852_163, rootHash, extensions: [] };
    expect(parseCheckpoint(TEXT)).toEqual(checkpoint);
    expect(formatCheckpoint(checkpoint)).toBe(TEXT);
  });

  test('keeps extension lines, and origins with spaces and plus signs', () => {
    const text = `a b+c\n0\n${TEXT.split('\n')[2]}\nextension one\n— not a signature\n`;
    const checkpoint = parseCheckpoint(text);
    expect(checkpoint).toEqual({
      origin: 'a b+c',
      size: 0,
      rootHash,
      extensions: ['extension one', '— not a signature'],
    });
    expect(formatCheckpoint(checkpoint)).toBe(text);
  });

  test.each([
    ['nothing', ''],
    ['no final newline', TEXT.slice(0, -1)],
    ['two lines', 'a\n1\n'],
    ['an empty origin', TEXT.replace(/^.*\n/, '\n')],
    ['an empty line in the middle', TEXT.replace('\n2', '\n\n2')],
    ['an empty extension line', `${TEXT}\n`],
    ['an empty line before an extension', `${TEXT}\nx\n`],
    ['a leading zero', TEXT.replace('2085', '02085')],
    ['a sign', TEXT.replace('2085', '+2085')],
    ['a negative size', TEXT.replace('2085', '-2085')],
    ['a hexadecimal size', TEXT.replace('20852163', '0x10')],
    ['an exponent', TEXT.replace('20852163', '1e3')],
    ['a space after the size', TEXT.replace('63\n', '63 \n')],
    ['size 2^53', TEXT.replace('20852163', '9007199254740992')],
    ['size 2^64', TEXT.replace('20852163', '18446744073709551616')],
    ['other digits', TEXT.replace('20852163', '١٢')],
    ['a short root', TEXT.replace('CsUYapGG', 'CsUY')],
    ['a long root', TEXT.replace('CsUY', 'CsUYCsUY')],
    ['a root with stray bits', TEXT.replace('q2I=', 'q2J=')],
    ['a root in hexadecimal', TEXT.replace(/\n[^\n]*\n$/, `\n${'ab'.repeat(32)}\n`)],
    ['a carriage return', TEXT.replaceAll('\n', '\r\n')],
  ])('refuses %s', (_what, text) => {
    expect(() => parseCheckpoint(text)).toThrow(expect.objectContaining({ code: 'malformed' }));
  });

  test('takes sizes to 2^53 - 1', () => {
    expect(parseCheckpoint(TEXT.replace('20852163', '9007199254740991')).size).toBe(2 ** 53 - 1);
  });

  test('meets every truncation and every changed character with another checkpoint or a clear error', () => {
    const text = `${TEXT}extension\n`;
    for (let i = 0; i < text.length; i++) {
      tryOne(text.slice(0, i));
      for (const character of ['\n', '\0', ' ', '0', '9', 'A', '=', '\ud800', 'é']) {
        tryOne(text.slice(0, i) + character + text.slice(i + 1));
        tryOne(text.slice(0, i) + character + text.slice(i));
      }
    }
  });
});

describe('formatCheckpoint', () => {
  test('refuses fields that cannot be in a checkpoint', () => {
    const good = { origin: 'a', size: 1, rootHash };
    for (const wrong of [
      { origin: '' },
      { origin: 'a\nb' },
      { origin: 'a\n1' },
      { origin: 'a\u0000' },
      { size: -1 },
      { size: 1.5 },
      { size: 2 ** 53 },
      { size: Number.NaN },
      { rootHash: new Uint8Array(31) },
      { extensions: [''] },
      { extensions: ['a\nb'] },
    ]) {
      expect(() => formatCheckpoint({ ...good, ...wrong }), JSON.stringify(wrong)).toThrow(RangeError);
    }
  });

  test('is what parseCheckpoint reads, for any field', () => {
    const line = fc.string({ minLength: 1, unit: 'grapheme' }).filter((s) => !/\p{Cc}/u.test(s));
    fc.assert(
      fc.property(
        line,
        fc.nat(Number.MAX_SAFE_INTEGER),
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.array(line, { maxLength: 3 }),
        (origin, size, root, extensions) => {
          const checkpoint = { origin, size, rootHash: asHash(root), extensions };
          expect(parseCheckpoint(formatCheckpoint(checkpoint))).toEqual(checkpoint);
        },
      ),
    );
  });
});
