import { describe, expect, test } from 'vitest';
import { toHex } from '../../src/bytes.ts';
import { portableCrypto } from '../../src/crypto/portable.ts';
import { checkPublicKey, isLowS, isStrictEd25519Key, toLowS } from '../../src/crypto/public-key.ts';
import { ALGORITHMS, cryptoContract, smallOrderKeys, testSecret } from '../support/crypto-contract.ts';

const withS = (s: bigint): Uint8Array => {
  const bytes = new Uint8Array(64).fill(1, 0, 32);
  for (let i = 63, rest = s; i >= 32; i--, rest /= 256n) bytes[i] = Number(rest % 256n);
  return bytes;
};

cryptoContract('portableCrypto', portableCrypto, portableCrypto);

describe('checkPublicKey', () => {
  test.each(ALGORITHMS)('takes an honest %s key and refuses one that is a byte short or long', (name) => {
    const algorithm = {
      Ed25519: portableCrypto.ed25519,
      'ECDSA-P256': portableCrypto.p256,
      'ML-DSA-44': portableCrypto.mldsa44,
    }[name];
    const { publicKeySize } = algorithm;
    const key = algorithm.publicKey(testSecret(5));
    expect(() => checkPublicKey(name, key)).not.toThrow();
    expect(() => checkPublicKey(name, key.subarray(1))).toThrow(`${publicKeySize - 1} bytes, not ${publicKeySize}`);
    expect(() => checkPublicKey(name, new Uint8Array(publicKeySize + 1))).toThrow(`${publicKeySize + 1} bytes`);
  });

  test('refuses an Ed25519 y that is no point on the curve', () => {
    // y = 2 has no x.
    const key = new Uint8Array(32);
    key[0] = 2;
    expect(isStrictEd25519Key(key)).toBe(true);
    expect(() => checkPublicKey('Ed25519', key)).toThrow('not a point on the curve');
  });

  test('knows every small-order point and every y that is not below p', () => {
    expect(smallOrderKeys()).toHaveLength(14);
    for (const key of smallOrderKeys()) expect(isStrictEd25519Key(key), toHex(key)).toBe(false);
    for (let low = 0xed; low <= 0xff; low++) {
      const key = new Uint8Array(32).fill(255);
      key[0] = low;
      key[31] = 0x7f;
      expect(isStrictEd25519Key(key)).toBe(false);
    }
    const largest = new Uint8Array(32).fill(255);
    largest[0] = 0xeb;
    largest[31] = 0x7f;
    expect(isStrictEd25519Key(largest)).toBe(true);
  });
});

describe('low S', () => {
  test('is s ≤ n/2, and the other form maps onto it', () => {
    const half = 0x7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a8n;
    const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
    expect(isLowS(withS(half))).toBe(true);
    expect(isLowS(withS(half + 1n))).toBe(false);
    expect(toLowS(withS(half + 1n))).toEqual(withS(order - half - 1n));
    expect(toLowS(withS(1n))).toEqual(withS(1n));
    expect(isLowS(new Uint8Array(63))).toBe(false);
  });
});

test('two ML-DSA-44 signatures over one message differ: they are hedged', async () => {
  const message = Uint8Array.of(1);
  const [first, second] = [
    await portableCrypto.mldsa44.sign(testSecret(1), message),
    await portableCrypto.mldsa44.sign(testSecret(1), message),
  ];
  expect(toHex(first)).not.toBe(toHex(second));
});
