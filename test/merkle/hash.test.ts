import { describe, expect, it } from 'vitest';
import { concat, toHex } from '../../src/bytes.ts';
import { LimmatError } from '../../src/errors.ts';
import { asHash, emptyRootHash, isHash, portableHasher } from '../../src/merkle/hash.ts';
import { rfcLeafHash, rfcNodeHash } from '../support/rfc-tree.ts';

const a = new Uint8Array(32).fill(1);
const b = new Uint8Array(32).fill(2);

describe('the portable hasher', () => {
  it('gives the known hashes of the empty tree and of the empty entry', () => {
    expect(toHex(emptyRootHash())).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    expect(toHex(portableHasher.leafHash(new Uint8Array(0)))).toBe(
      '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
    );
  });

  it('agrees with the oracle for entries up to the largest', () => {
    for (const size of [0, 1, 54, 55, 56, 63, 64, 65, 119, 1024, 65_535]) {
      const entry = new Uint8Array(size).fill(size % 251);
      expect(portableHasher.leafHash(entry)).toEqual(rfcLeafHash(entry));
      const out = new Uint8Array(40);
      portableHasher.leafHashInto(entry, out, 5);
      expect(out.subarray(5, 37)).toEqual(rfcLeafHash(entry));
      expect([...out.subarray(0, 5), ...out.subarray(37)]).toEqual(Array.from({ length: 8 }, () => 0));
    }
    expect(portableHasher.nodeHash(a, b)).toEqual(rfcNodeHash(a, b));
  });

  it('folds pairs, also into the memory they are read from', () => {
    const row = concat(a, b, b, b, b, a, a, a);
    const expected = concat(rfcNodeHash(a, b), rfcNodeHash(b, b), rfcNodeHash(b, a), rfcNodeHash(a, a));
    const out = new Uint8Array(160);
    portableHasher.foldPairs(row, 0, 4, out, 32);
    expect(out.subarray(32)).toEqual(expected);
    portableHasher.foldPairs(row, 0, 4, row, 0);
    expect(row.subarray(0, 128)).toEqual(expected);
  });

  it('refuses a node of anything but two hashes', () => {
    expect(() => portableHasher.nodeHash(a, b.subarray(1))).toThrow(RangeError);
    expect(() => portableHasher.nodeHash(concat(a, a), b)).toThrow(RangeError);
  });
});

describe('a hash', () => {
  it('is exactly 32 bytes', () => {
    expect(asHash(a)).toBe(a);
    expect(isHash(a)).toBe(true);
    for (const length of [0, 31, 33, 64]) {
      expect(isHash(new Uint8Array(length))).toBe(false);
      expect(() => asHash(new Uint8Array(length))).toThrow(LimmatError);
    }
  });
});
