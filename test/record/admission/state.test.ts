import { expect, it } from 'vitest';
import { toHex } from '../../../src/bytes.ts';
import { keyOfText, textOf } from '../../../src/record/admission/state.ts';

it('the text of a key gives the key again, whatever its length, and no two keys have one text', () => {
  const texts = new Set<string>();
  let keys = 0;
  for (let length = 1; length <= 128; length++) {
    for (const fill of [0, 1, 0x80, 0xff]) {
      const key = Uint8Array.from({ length }, (_, i) => (fill + 7 * i * (fill % 2)) % 256);
      expect(toHex(keyOfText(textOf(key)))).toBe(toHex(key));
      texts.add(textOf(key));
      keys++;
    }
  }
  expect(texts.size).toBe(keys);
});
