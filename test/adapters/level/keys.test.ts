import { describe, expect, it } from 'vitest';
import { formatFormat, formatHead, parseFormat, parseHead } from '../../../src/adapters/level/keys.ts';
import { fromHex, toHex } from '../../../src/bytes.ts';
import { asHash } from '../../../src/merkle/hash.ts';

const rootHash = asHash(Uint8Array.from({ length: 32 }, (_, i) => 7 * i));
const ROOT = `5820${toHex(rootHash)}`;
const SIZES: readonly (readonly [size: number, hex: string])[] = [
  [0, '00'],
  [23, '17'],
  [24, '1818'],
  [65_536, '1a00010000'],
  [2 ** 31, '1a80000000'],
  [2 ** 32 - 1, '1affffffff'],
  [2 ** 32, '1b0000000100000000'],
  [2 ** 53 - 1, '1b001fffffffffffff'],
];

describe('the head row', () => {
  it.each(SIZES)('of size %d is an integer and the root hash, both ways', (size, hex) => {
    const row = formatHead({ size, rootHash });
    expect(toHex(row)).toBe(`82${hex}${ROOT}`);
    expect(row).not.toBeInstanceOf(Buffer);
    expect(parseHead(row)).toStrictEqual({ size, rootHash });
  });

  it('is a copy in both directions', () => {
    const rows = SIZES.map(([size]) => formatHead({ size, rootHash }));
    const heads = rows.map((row) => parseHead(row));
    for (const row of rows) row.fill(0);
    expect(heads).toStrictEqual(SIZES.map(([size]) => ({ size, rootHash })));
  });

  it('is nothing else: other numbers, other hashes, other spellings, cut or longer', () => {
    const others = [
      `821b0020000000000000${ROOT}`,
      `82fb41f0000000000000${ROOT}`,
      `82f93c00${ROOT}`,
      `8220${ROOT}`,
      `821801${ROOT}`,
      `82c24101${ROOT}`,
      `826131${ROOT}`,
      `9f01${ROOT}ff`,
      `01${ROOT}`,
      `8101`,
      `8301${ROOT}00`,
      `8201${ROOT}00`,
      `8201581f${toHex(rootHash.slice(1))}`,
      `82015821${toHex(rootHash)}00`,
      `8201590020${toHex(rootHash)}`,
      `82017820${'61'.repeat(32)}`,
      `8201d840${ROOT}`,
      'a0',
      'f6',
      '',
      // The form before this one: eight bytes of size and the hash.
      `0000000000000001${toHex(rootHash)}`,
    ];
    for (const hex of others) expect(parseHead(fromHex(hex)!), hex).toBeUndefined();
  });

  it('does not survive a truncation, and a changed byte makes another head or none', () => {
    for (const [size] of SIZES) {
      const row = formatHead({ size, rootHash });
      for (let length = 0; length < row.length; length++) expect(parseHead(row.slice(0, length))).toBeUndefined();
      for (let at = 0; at < row.length; at++) {
        for (let byte = 0; byte < 256; byte++) {
          if (byte === row[at]) continue;
          const changed = row.slice();
          changed[at] = byte;
          const head = parseHead(changed);
          if (head !== undefined) expect(formatHead(head)).toEqual(changed);
        }
      }
    }
  });
});

describe('the format row', () => {
  it('is one small integer', () => {
    expect(toHex(formatFormat(1))).toBe('01');
    expect(parseFormat(formatFormat(2))).toBe(2);
    for (const hex of ['', '1801', 'f93c00', '20', '6131', '0102', 'f6']) {
      expect(parseFormat(fromHex(hex)!), hex).toBeUndefined();
    }
  });
});
