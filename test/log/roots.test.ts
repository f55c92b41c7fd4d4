import { expect, it } from 'vitest';
import { nodeHasher } from '../../src/adapters/node-crypto.ts';
import { toHex, uintBytes } from '../../src/bytes.ts';
import { integrate } from '../../src/log/integrate.ts';
import { loadEdge } from '../../src/log/edge.ts';
import type { Edge } from '../../src/log/edge.ts';
import type { SequencedEntry } from '../../src/log/entry.ts';
import { rootsOf } from '../../src/log/roots.ts';
import { asHash } from '../../src/merkle/hash.ts';
import { TreeRoots } from '../../src/record/admission/roots.ts';
import type { Growth } from '../../src/storage.ts';

/** Entries [start, end), placed. */
function entries(start: number, end: number): SequencedEntry[] {
  return Array.from({ length: end - start }, (_, i) => {
    const bytes = uintBytes(start + i, 8);
    return { index: start + i, entry: { bytes, leafHash: nodeHasher.leafHash(bytes), record: undefined } };
  });
}

function grown(edge: Edge, to: number): { readonly edge: Edge; readonly growth: Growth } {
  return integrate(edge, entries(edge.head.size, to), []);
}

it('are right at every size: stored, being written, just written, and of the batch itself', async () => {
  const all = new TreeRoots(nodeHasher);
  for (const { entry } of entries(0, 700)) all.append(entry.leafHash);
  const empty = await loadEdge({ size: 0, rootHash: asHash(all.at(0)) }, async () => [], nodeHasher);
  for (const [storedSize, writing] of [
    [0, 0],
    [0, 1],
    [1, 130],
    [64, 64],
    [200, 63],
    [200, 300],
  ] as const) {
    const stored = storedSize === 0 ? empty : grown(empty, storedSize).edge;
    const next = writing === 0 ? undefined : grown(stored, storedSize + writing);
    const rootHashAt = async (_head: unknown, size: number): Promise<Uint8Array> => all.at(size);
    const placed = entries(storedSize + writing, 700);
    const written = next === undefined ? [] : [{ stored: next.edge, before: next.growth, rootHashAt }];
    // The write may have ended already when the next batch is looked at.
    for (const sources of [{ stored, before: next?.growth, rootHashAt }, ...written]) {
      const base = storedSize + writing;
      const sizes = Array.from({ length: 701 }, (_, size) => size);
      const rootOf = await rootsOf(sources)(sizes.filter((size) => size <= base));
      for (const size of sizes) {
        const root = rootOf(size, placed.slice(0, Math.max(0, size - base)));
        expect(toHex(root), `size ${size} over ${storedSize} and ${writing}`).toBe(toHex(all.at(size)));
      }
    }
  }
});
