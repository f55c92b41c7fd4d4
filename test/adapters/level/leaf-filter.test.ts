import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { LeafFilter } from '../../../src/adapters/level/leaf-filter.ts';

/** The SHA-256 of the numbers [start, end), one after another. */
function hashes(start: number, end: number): Uint8Array {
  const packed = new Uint8Array(32 * (end - start));
  for (let i = start; i < end; i++) packed.set(createHash('sha256').update(`leaf ${i}`).digest(), 32 * (i - start));
  return packed;
}

function countHeld(filter: LeafFilter, packed: Uint8Array): number {
  let held = 0;
  for (let i = 0; i < packed.length; i += 32) if (filter.mayHold(packed.subarray(i, i + 32))) held++;
  return held;
}

describe('the filter in front of the leaf index', () => {
  it('never says no to a hash that it took, over several slices', () => {
    const filter = new LeafFilter();
    const taken = hashes(0, 20_000);
    // Enough others that the first slice is full and a second one begun.
    const others = new Uint8Array(32 * 540_000);
    for (let i = 0; i < others.length; i += 65_536) crypto.getRandomValues(others.subarray(i, i + 65_536));
    filter.add(taken.subarray(0, 32 * 10_000));
    filter.add(others);
    filter.add(taken.subarray(32 * 10_000));
    expect(countHeld(filter, taken)).toBe(20_000);
    expect(countHeld(filter, others.subarray(0, 32 * 20_000))).toBe(20_000);
    expect(filter.bytes).toBe(((2 ** 19 + 2 ** 20) * 12) / 8);
  });

  it('says perhaps to few that it did not take', () => {
    const filter = new LeafFilter();
    const others = new Uint8Array(32 * 2 ** 19);
    for (let i = 0; i < others.length; i += 65_536) crypto.getRandomValues(others.subarray(i, i + 65_536));
    filter.add(others);
    expect(countHeld(filter, hashes(0, 20_000))).toBeLessThan(20_000 * 0.03);
  });

  it('says no to everything while it is empty', () => {
    expect(countHeld(new LeafFilter(), hashes(0, 100))).toBe(0);
  });
});
