// What every CryptoSuite must do, with hostile keys and signatures among the cases, so that two suites can never
// judge the same bytes differently.

import { ed25519 } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { describe, expect, test } from 'vitest';
import { concat, fromHex, toHex, utf8 } from '../../src/bytes.ts';
import { checkPublicKey, toLowS } from '../../src/crypto/public-key.ts';
import { SIZES, algorithmOf } from '../../src/crypto/suite.ts';
import type { AlgorithmName, CryptoSuite, VerifyJob } from '../../src/crypto/suite.ts';

export const ALGORITHMS: readonly AlgorithmName[] = ['Ed25519', 'ECDSA-P256', 'ML-DSA-44'];

const hex = (text: string): Uint8Array => fromHex(text)!;
const message = utf8('the river only ever flows one way');

/** A secret that is valid for every algorithm. */
export function testSecret(fill: number): Uint8Array {
  return new Uint8Array(32).fill(fill);
}

/** RFC 8032 §7.1, tests 1 to 3: secret, public key, message, signature. */
const RFC_8032: readonly (readonly [string, string, string, string])[] = [
  [
    '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    '',
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  ],
  [
    '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
    '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    '72',
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  ],
  [
    'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
    'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
    'af82',
    '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
  ],
];

/** RFC 6979 §A.2.5, P-256 with SHA-256, "sample"; its s is high. */
const RFC_6979 = {
  secret: hex('c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721'),
  publicKey: hex(
    '0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb67903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299',
  ),
  signature: hex(
    'efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8',
  ),
};

const P = 2n ** 255n - 19n;

function encodeY(y: bigint, sign = 0): Uint8Array {
  const bytes = new Uint8Array(32);
  for (let i = 0, rest = y; i < 32; i++, rest /= 256n) bytes[i] = Number(rest % 256n);
  bytes[31] = bytes[31]! + 128 * sign;
  return bytes;
}

const littleEndian = (bytes: Uint8Array): bigint => BigInt(`0x${toHex(bytes.toReversed())}`);

/** All 32-byte strings that some decoder takes for a point of small order: canonical, non-canonical, both signs. */
export function smallOrderKeys(): Uint8Array[] {
  const order8 = hex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05');
  const y8 = littleEndian(order8);
  const ys = [0n, 1n, P - 1n, y8, P - y8, P, P + 1n];
  return ys.flatMap((y) => [encodeY(y, 0), encodeY(y, 1)]);
}

/**
 * Ed25519 signatures by a key with a component of order 8. `holds` says what the strict equation gives; the one with
 * the cofactor would accept them all.
 */
export function mixedOrderSignatures(): { readonly job: VerifyJob; readonly holds: boolean }[] {
  const { Point } = ed25519;
  const torsion = Point.fromBytes(hex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05'));
  const a = 1234567n;
  const publicKey = Point.BASE.multiply(a).add(torsion).toBytes();
  return Array.from({ length: 40 }, (_, i) => {
    const r = BigInt(i) + 99n;
    const point = Point.BASE.multiply(r).toBytes();
    const k = littleEndian(sha512(concat(point, publicKey, message))) % Point.Fn.ORDER;
    const signature = concat(point, encodeY((r + k * a) % Point.Fn.ORDER));
    return { job: { algorithm: 'Ed25519', publicKey, message, signature }, holds: k % 8n === 0n };
  });
}

/** Runs the contract over a suite. `signer` made the signatures that it must accept. */
export function cryptoContract(name: string, suite: CryptoSuite, signer: CryptoSuite): void {
  describe(`${name} as a CryptoSuite`, () => {
    describe.each(ALGORITHMS)('%s', (algorithmName) => {
      const algorithm = algorithmOf(suite, algorithmName);
      const secret = testSecret(7);

      test('says its name and lengths', () => {
        expect(algorithm).toMatchObject({ name: algorithmName, ...SIZES[algorithmName] });
        expect(algorithm.publicKey(secret)).toHaveLength(algorithm.publicKeySize);
      });

      test('derives the same public key as every other suite', () => {
        expect(algorithm.publicKey(secret)).toEqual(algorithmOf(signer, algorithmName).publicKey(secret));
      });

      test('verifies its own and the other suite’s signatures', async () => {
        const publicKey = algorithm.publicKey(secret);
        for (const one of [suite, signer]) {
          for (const text of [new Uint8Array(0), message, new Uint8Array(70_000)]) {
            const signature = await algorithmOf(one, algorithmName).sign(secret, text);
            expect(signature).toHaveLength(algorithm.signatureSize);
            expect(await algorithm.verify(publicKey, text, signature)).toBe(true);
          }
        }
      });

      test('refuses another message, another key, and every shape of a wrong signature, without throwing', async () => {
        const publicKey = algorithm.publicKey(secret);
        const signature = await algorithm.sign(secret, message);
        const verify = (key: Uint8Array, text: Uint8Array, sig: Uint8Array): Promise<boolean> =>
          algorithm.verify(key, text, sig);
        expect(await verify(publicKey, utf8('another'), signature)).toBe(false);
        expect(await verify(algorithm.publicKey(testSecret(8)), message, signature)).toBe(false);
        for (const length of [0, 1, 31, 63, 65, algorithm.signatureSize - 1, algorithm.signatureSize + 1]) {
          if (length === algorithm.signatureSize) continue;
          expect(await verify(publicKey, message, new Uint8Array(length))).toBe(false);
        }
        for (const length of [0, 1, 31, 33, 64, 66, algorithm.publicKeySize - 1, algorithm.publicKeySize + 1]) {
          if (length === algorithm.publicKeySize) continue;
          expect(await verify(new Uint8Array(length), message, signature)).toBe(false);
        }
        expect(await verify(new Uint8Array(algorithm.publicKeySize), message, signature)).toBe(false);
        expect(await verify(new Uint8Array(algorithm.publicKeySize).fill(255), message, signature)).toBe(false);
        expect(await verify(publicKey, message, new Uint8Array(algorithm.signatureSize))).toBe(false);
        expect(await verify(publicKey, message, new Uint8Array(algorithm.signatureSize).fill(255))).toBe(false);
      });

      test('refuses a signature with any byte changed', async () => {
        const publicKey = algorithm.publicKey(secret);
        const signature = await algorithm.sign(secret, message);
        const step = algorithmName === 'ML-DSA-44' ? 97 : 1;
        for (let i = 0; i < signature.length; i += step) {
          const changed = signature.slice();
          changed[i] = (changed[i]! + 1) % 256;
          expect(await algorithm.verify(publicKey, message, changed), `byte ${i}`).toBe(false);
        }
      });

      test('names what is wrong with a secret', async () => {
        for (const length of [0, 31, 33, 64]) {
          const wrong = new Uint8Array(length).fill(1);
          expect(() => algorithm.publicKey(wrong)).toThrow(expect.objectContaining({ code: 'bad-key' }));
          await expect(algorithm.sign(wrong, message)).rejects.toMatchObject({ code: 'bad-key' });
        }
      });

      test('takes a secret anew when its bytes have changed in place', async () => {
        const mutable = testSecret(3);
        await algorithm.sign(mutable, message);
        mutable.fill(4);
        expect(algorithm.publicKey(mutable)).toEqual(algorithm.publicKey(testSecret(4)));
      });
    });

    test('reproduces RFC 8032’s Ed25519 signatures', async () => {
      for (const [secret, publicKey, text, signature] of RFC_8032) {
        expect(toHex(suite.ed25519.publicKey(hex(secret)))).toBe(publicKey);
        expect(toHex(await suite.ed25519.sign(hex(secret), hex(text)))).toBe(signature);
        expect(await suite.ed25519.verify(hex(publicKey), hex(text), hex(signature))).toBe(true);
      }
    });

    test('refuses an Ed25519 S that is not below the group order', async () => {
      const [secret, publicKey, text] = RFC_8032[0]!;
      const signature = await suite.ed25519.sign(hex(secret), hex(text));
      const s = littleEndian(signature.subarray(32)) + ed25519.Point.Fn.ORDER;
      const twin = concat(signature.subarray(0, 32), encodeY(s));
      expect(await suite.ed25519.verify(hex(publicKey), hex(text), twin)).toBe(false);
    });

    test('refuses Ed25519 keys of small order in every encoding', async () => {
      // R = identity, S = 0 holds under such a key for one message in eight at least, wherever the key is let in.
      const forged = concat(encodeY(1n), new Uint8Array(32));
      for (const publicKey of smallOrderKeys()) {
        expect(() => checkPublicKey('Ed25519', publicKey)).toThrow(expect.objectContaining({ code: 'bad-key' }));
        for (let i = 0; i < 16; i++) {
          expect(await suite.ed25519.verify(publicKey, Uint8Array.of(i), forged), toHex(publicKey)).toBe(false);
        }
      }
    });

    test('refuses an Ed25519 R of small order, also where the equation holds', async () => {
      const { Point } = ed25519;
      const secret = 4321n;
      const publicKey = Point.BASE.multiply(secret).toBytes();
      const signed = async (r: Uint8Array): Promise<boolean> => {
        const k = littleEndian(sha512(concat(r, publicKey, message))) % Point.Fn.ORDER;
        return suite.ed25519.verify(publicKey, message, concat(r, encodeY((k * secret) % Point.Fn.ORDER)));
      };
      for (const r of smallOrderKeys()) expect(await signed(r), toHex(r)).toBe(false);
    });

    test('applies the equation without the cofactor, as OpenSSL and Go do', async () => {
      const cases = mixedOrderSignatures();
      expect(new Set(cases.map(({ holds }) => holds))).toEqual(new Set([true, false]));
      for (const { job, holds } of cases) {
        expect(await suite.ed25519.verify(job.publicKey, job.message, job.signature)).toBe(holds);
      }
    });

    test('reproduces RFC 6979’s P-256 key, and takes of its signature the low-S form alone', async () => {
      const { secret, publicKey, signature } = RFC_6979;
      expect(suite.p256.publicKey(secret)).toEqual(publicKey);
      expect(await suite.p256.verify(publicKey, utf8('sample'), signature)).toBe(false);
      expect(await suite.p256.verify(publicKey, utf8('sample'), toLowS(signature))).toBe(true);
    });

    test('signs with P-256 in low-S form, every time', async () => {
      const secret = testSecret(9);
      for (let i = 0; i < 40; i++) {
        const signature = await suite.p256.sign(secret, Uint8Array.of(i));
        expect(toLowS(signature)).toEqual(signature);
      }
    });

    test('refuses P-256 keys that are compressed, hybrid or off the curve', async () => {
      const { publicKey, signature } = RFC_6979;
      const good = toLowS(signature);
      const hybrid = publicKey.slice();
      hybrid[0] = 0x07;
      const offCurve = publicKey.slice();
      offCurve[64] = (offCurve[64]! + 1) % 256;
      const compressed = concat(Uint8Array.of(0x03), publicKey.subarray(1, 33));
      for (const key of [hybrid, offCurve, compressed, Uint8Array.of(0)]) {
        expect(await suite.p256.verify(key, utf8('sample'), good)).toBe(false);
        expect(() => checkPublicKey('ECDSA-P256', key)).toThrow(expect.objectContaining({ code: 'bad-key' }));
      }
      expect(() => checkPublicKey('ECDSA-P256', publicKey)).not.toThrow();
    });

    test('refuses P-256 secrets of zero and from the group order on', () => {
      const order = hex('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551');
      for (const secret of [new Uint8Array(32), order, new Uint8Array(32).fill(255)]) {
        expect(() => suite.p256.publicKey(secret)).toThrow(expect.objectContaining({ code: 'bad-key' }));
      }
    });

    test('hashes as SHA-256', () => {
      expect(toHex(suite.sha256(utf8('abc')))).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    });

    test('verifyMany answers each job as verify does, in order', async () => {
      const jobs = await mixedJobs(signer, 30);
      const expected = await Promise.all(
        jobs.map(({ algorithm, publicKey, message: text, signature }) =>
          algorithmOf(suite, algorithm).verify(publicKey, text, signature),
        ),
      );
      expect(new Set(expected)).toEqual(new Set([true, false]));
      expect(await suite.verifyMany(jobs)).toEqual(expected);
      expect(await suite.verifyMany([])).toEqual([]);
    });
  });
}

/** Jobs of all three algorithms; every third one has a message that was not signed, every seventh a bad key. */
export async function mixedJobs(signer: CryptoSuite, count: number): Promise<VerifyJob[]> {
  const jobs: VerifyJob[] = [];
  for (let i = 0; i < count; i++) {
    const algorithm = ALGORITHMS[i % 3]!;
    const one = algorithmOf(signer, algorithm);
    const text = utf8(`message ${i}`);
    const signature = await one.sign(testSecret(1), text);
    const publicKey = i % 7 === 6 ? Uint8Array.of(1, 2, 3) : one.publicKey(testSecret(1));
    jobs.push({ algorithm, publicKey, message: i % 4 === 3 ? utf8('not signed') : text, signature });
  }
  return jobs;
}
