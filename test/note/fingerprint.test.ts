import { createHash } from 'node:crypto';

import { describe, expect, test } from 'vitest';

import { keysFingerprint, parseFingerprint } from '../../src/note/fingerprint.ts';
import { SIGNATURE_TYPE, verifierKeyOf } from '../../src/note/key.ts';
import { headKey, logKey, testKey } from '../support/notes.ts';

const log = verifierKeyOf(logKey).vkey;
const head = verifierKeyOf(headKey).vkey;

describe('a fingerprint', () => {
  test('is SHA-256 over the sorted vkeys, a line each, whatever order they come in', () => {
    const text = [log, head]
      .toSorted()
      .map((vkey) => `${vkey}\n`)
      .join('');
    const expected = createHash('sha256').update(text).digest('hex');
    expect(keysFingerprint([log, head])).toBe(expected);
    expect(keysFingerprint([head, log])).toBe(expected);
  });

  test('sorts by bytes, not by UTF-16 units', () => {
    const [bmp, astral] = ['\uffe0/x', '\u{1f512}/x'].map(
      (name) => verifierKeyOf(testKey(name, SIGNATURE_TYPE.ed25519, 9)).vkey,
    );
    const expected = createHash('sha256').update(`${bmp}\n${astral}\n`).digest('hex');
    expect(keysFingerprint([astral!, bmp!])).toBe(expected);
  });

  test('is another one for a key more, a key fewer and the same key under another name', () => {
    const renamed = verifierKeyOf(testKey('other', SIGNATURE_TYPE.ed25519, 1)).vkey;
    const all = [[log], [head], [log, head], [renamed], [renamed, head]].map(keysFingerprint);
    expect(new Set(all).size).toBe(all.length);
  });

  test('is of keys, at least one, each once', () => {
    expect(() => keysFingerprint([])).toThrow(RangeError);
    expect(() => keysFingerprint([log, log])).toThrow('twice');
    expect(() => keysFingerprint(['no key'])).toThrow(expect.objectContaining({ code: 'bad-key' }));
  });

  test('may be typed in capitals and in groups', () => {
    const hex = keysFingerprint([log]);
    expect(parseFingerprint(hex)).toBe(hex);
    expect(parseFingerprint(hex.toUpperCase().replace(/(..)(?=.)/g, '$1:'))).toBe(hex);
    expect(parseFingerprint(hex.replace(/(.{8})/g, '$1 '))).toBe(hex);
    for (const wrong of ['', hex.slice(1), `${hex}0`, `${hex.slice(1)}g`])
      expect(parseFingerprint(wrong)).toBeUndefined();
  });
});
