import { expect, test } from 'vitest';

import { BodyReader } from '../../src/mirror/body-reader.ts';

test('what a large package needed is not kept for the small ones behind it', async () => {
  const large = new Uint8Array(5 * 1024 * 1024).fill(1);
  const chunks = [large.subarray(0, 3_000_000), large.subarray(3_000_000), Uint8Array.of(2, 3)];
  const reader = new BodyReader(() => Promise.resolve(chunks.shift()));
  expect(await reader.ensure(large.length)).toBe(true);
  expect(reader.view(0, 1).buffer.byteLength).toBeGreaterThanOrEqual(large.length);
  expect(reader.take(large.length).length).toBe(large.length);
  expect(await reader.ensure(2)).toBe(true);
  expect(reader.view(0, 2).buffer.byteLength).toBeLessThanOrEqual(64 * 1024);
  expect([reader.at(0), reader.at(1)]).toEqual([2, 3]);
  expect(await reader.ensure(3)).toBe(false);
});
