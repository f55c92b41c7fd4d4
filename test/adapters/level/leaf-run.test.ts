import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { LeafRun, RUN_SIZE } from '../../../src/adapters/level/leaf-run.ts';
import { concat } from '../../../src/bytes.ts';

const hash = (n: number): Uint8Array => new Uint8Array(createHash('sha256').update(String(n)).digest());
const hashes = (count: number): Uint8Array => concat(...Array.from({ length: count }, (_, i) => hash(i)));

test('a run finds exactly its own hashes, beyond 2^32 too', () => {
  const start = 2 ** 40 + 5;
  const run = new LeafRun(start);
  expect(run.find(hash(0))).toBeUndefined();
  expect(run.add(hashes(1000))).toBe(1000);
  expect([run.start, run.length, run.end]).toEqual([start, 1000, start + 1000]);
  for (let i = 0; i < 1000; i++) expect(run.find(hash(i))).toBe(start + i);
  for (let i = 1000; i < 2000; i++) expect(run.find(hash(i))).toBeUndefined();
});

test('a run takes hashes while it has room', () => {
  const run = new LeafRun(0);
  const all = hashes(RUN_SIZE + 10);
  expect(run.add(all.subarray(0, 32 * 16_000))).toBe(16_000);
  expect(run.add(all.subarray(32 * 16_000))).toBe(RUN_SIZE - 16_000);
  expect(run.add(all.subarray(32 * RUN_SIZE))).toBe(0);
  expect(run.find(hash(RUN_SIZE - 1))).toBe(RUN_SIZE - 1);
  expect(run.find(hash(RUN_SIZE))).toBeUndefined();
});

test('hashes that begin alike are told apart, and one that is there twice is found where it came first', () => {
  const run = new LeafRun(0);
  const alike = Array.from({ length: 300 }, (_, i) => {
    const bytes = new Uint8Array(32);
    bytes[31] = i % 256;
    bytes[30] = Math.floor(i / 256);
    return bytes;
  });
  run.add(concat(...alike, alike[7]!));
  for (const [i, bytes] of alike.entries()) expect(run.find(bytes)).toBe(i);
});

test('the sorted positions are all positions, in the order of their hashes', () => {
  const run = new LeafRun(77);
  run.add(hashes(500));
  const sorted = [...run.sortedPositions()];
  const expected = Array.from({ length: 500 }, (_, i) => i).toSorted((a, b) => Buffer.compare(hash(a), hash(b)));
  expect(sorted).toEqual(expected);
});
