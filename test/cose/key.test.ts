import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { concat, fromHex, toHex } from '../../src/bytes.ts';
import { checkCoseKey, coseKey, formatCoseKey, parseCoseKey, thumbprint, thumbprintHex } from '../../src/cose/key.ts';
import { sharedVectors } from '../support/vectors.ts';

const X = '65eda5a12577c2bae829437fe338701a10aaa375e1bb5b5de108de439c08551d';
const Y = '1e52ed75701163f7f9e40ddf9f341b3dc9ba860af7e0ca7ca7e9eecd0084d19c';
const ED = '8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c';
const P256_KEY = `a401022001215820${X}225820${Y}`;
const ED_KEY = `a3010120062158 20${ED}`.replace(' ', '');

describe('COSE_Key', () => {
  it('is written and read both ways, byte for byte', () => {
    const point = parseCoseKey(fromHex(P256_KEY)!);
    expect(point).toEqual({ alg: -9, publicKey: fromHex(`04${X}${Y}`) });
    expect(toHex(formatCoseKey(point))).toBe(P256_KEY);
    const edwards = parseCoseKey(fromHex(ED_KEY)!);
    expect(edwards).toEqual({ alg: -19, publicKey: fromHex(ED) });
    expect(toHex(formatCoseKey(edwards))).toBe(ED_KEY);
  });

  it('has the thumbprint that RFC 9679 gives as its example', () => {
    const print = '496bd8afadf307e5b08c64b0421bf9dc01528a344a43bda88fadd1669da253ec';
    expect(thumbprintHex(parseCoseKey(fromHex(P256_KEY)!))).toBe(print);
    expect(toHex(thumbprint(parseCoseKey(fromHex(P256_KEY)!)))).toBe(print);
  });

  it.skipIf(sharedVectors('rfc9679') === undefined)('has the thumbprint of the vector file', () => {
    const vector = JSON.parse(readFileSync(join(sharedVectors('rfc9679')!, 'ec2-p256-thumbprint.json'), 'utf8'));
    const key = parseCoseKey(fromHex(vector.coseKeyRequiredMembersHex)!);
    expect(thumbprintHex(key)).toBe(vector.sha256);
  });

  it.skipIf(sharedVectors('profile-draft') === undefined)('has the key ids of the profile vectors', () => {
    const vector = JSON.parse(readFileSync(join(sharedVectors('profile-draft')!, 'eddsa-sha256.json'), 'utf8'));
    expect(thumbprintHex(parseCoseKey(fromHex(vector.issuerCoseKeyHex)!))).toBe(vector.issuerKidHex);
    expect(thumbprintHex(parseCoseKey(fromHex(vector.tsCoseKeyHex)!))).toBe(vector.tsKidHex);
  });

  it.each([
    ['no map', '80'],
    ['an unknown key type', `a3010320062158 20${ED}`],
    ['an unknown curve', `a3010120072158 20${ED}`],
    ['Ed25519 with the P-256 key type', `a30102200621 5820${ED}`],
    ['no x', 'a201012006'],
    ['a short x', `a30101200621581f${ED.slice(2)}`],
    ['an x that is text', 'a3010120062161 78'],
    ['no y', `a301022001215820${X}`],
    ['a compressed y', `a401022001215820${X}22f5`],
    ['a secret beside the public key', `a401012006215820${ED}235820${ED}`],
    ['an algorithm beside the public key', `a4010103322006215820${ED}`],
    ['members out of order', `a320060101215820${ED}`],
  ])('is refused with %s', (_desc, hex) => {
    expect(() => parseCoseKey(fromHex(hex.replaceAll(' ', ''))!)).toThrow(
      expect.objectContaining({ code: 'malformed' }),
    );
  });

  it('refuses every truncation and takes no changed byte for the same key', () => {
    for (const good of [fromHex(P256_KEY)!, fromHex(ED_KEY)!]) {
      for (let i = 0; i < good.length; i++) {
        expect(() => parseCoseKey(good.subarray(0, i))).toThrow(expect.objectContaining({ code: 'malformed' }));
        const changed = good.slice();
        changed[i] = (changed[i]! + 1) % 256;
        try {
          expect(toHex(formatCoseKey(parseCoseKey(changed)))).toBe(toHex(changed));
        } catch (error) {
          expect(error).toMatchObject({ code: 'malformed' });
        }
      }
    }
  });

  it('copies the bytes it is made of', () => {
    const bytes = fromHex(ED)!;
    const key = coseKey(-19, bytes);
    bytes.fill(0);
    expect(toHex(key.publicKey)).toBe(ED);
  });

  it('refuses keys of another size or form', () => {
    expect(() => coseKey(-19, new Uint8Array(31))).toThrow('Ed25519 key of 31 bytes, not 32');
    expect(() => coseKey(-9, new Uint8Array(64))).toThrow('ESP256 key of 64 bytes, not 65');
    expect(() => coseKey(-9, concat(Uint8Array.of(5), new Uint8Array(64)))).toThrow('not an uncompressed point');
  });

  it('is trusted only on its curve and not of small order', () => {
    checkCoseKey(coseKey(-19, fromHex(ED)!));
    checkCoseKey(parseCoseKey(fromHex(P256_KEY)!));
    const identity = new Uint8Array(32);
    identity[0] = 1;
    expect(() => checkCoseKey(coseKey(-19, identity))).toThrow(expect.objectContaining({ code: 'bad-key' }));
    const off = fromHex(`04${X}${X}`)!;
    expect(() => checkCoseKey(coseKey(-9, off))).toThrow(expect.objectContaining({ code: 'bad-key' }));
  });
});
