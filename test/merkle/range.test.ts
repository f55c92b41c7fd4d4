import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asHash, portableHasher } from '../../src/merkle/hash.ts';
import { CompactRange, rangeNodes } from '../../src/merkle/range.ts';
import type { NodeId } from '../../src/merkle/range.ts';
import { rfcTestTree } from '../support/rfc-tree.ts';
import { SparseTree } from '../support/sparse-tree.ts';

const MAX = Number.MAX_SAFE_INTEGER;

const beginOf = ({ height, index }: NodeId): number => index * 2 ** height;
const endOf = ({ height, index }: NodeId): number => (index + 1) * 2 ** height;

describe('a compact range', () => {
  it('has the root and the subtrees of the tree at every size to 260', () => {
    const tree = rfcTestTree(260);
    const range = CompactRange.empty(portableHasher);
    for (let size = 0; size <= 260; size++) {
      expect(range.size).toBe(size);
      expect(range.rootHash()).toEqual(tree.root(0, size));
      expect(range.hashes).toEqual(rangeNodes(0, size).map((id) => tree.root(beginOf(id), endOf(id))));
      if (size < 260) range.append(asHash(tree.leafHashes[size]!));
    }
  });

  it('shows each node once, when it completes, lower ones first', () => {
    const tree = rfcTestTree(260);
    const range = CompactRange.empty(portableHasher);
    const seen: string[] = [];
    for (const [i, leafHash] of tree.leafHashes.entries()) {
      let last = 0;
      range.append(asHash(leafHash), (height, index, hash) => {
        expect(height).toBe(++last);
        expect(endOf({ height, index })).toBe(i + 1);
        expect(hash).toEqual(tree.root(beginOf({ height, index }), i + 1));
        seen.push(`${height}/${index}`);
      });
    }
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen.length).toBe(130 + 65 + 32 + 16 + 8 + 4 + 2 + 1);
  });

  it('goes on from given hashes, and a clone goes its own way', () => {
    const tree = rfcTestTree(100);
    const range = CompactRange.fromHashes(
      77,
      rangeNodes(0, 77).map((id) => asHash(tree.root(beginOf(id), endOf(id)))),
      portableHasher,
    );
    const clone = range.clone();
    for (let i = 77; i < 100; i++) clone.append(asHash(tree.leafHashes[i]!));
    expect(clone.rootHash()).toEqual(tree.root(0, 100));
    expect(range.size).toBe(77);
    expect(range.rootHash()).toEqual(tree.root(0, 77));
  });

  it('refuses a number of hashes that does not fit the size', () => {
    const hash = portableHasher.sha256(new Uint8Array(0));
    expect(() => CompactRange.fromHashes(3, [hash], portableHasher)).toThrow('size 3 has 2 perfect subtrees, not 1');
    expect(() => CompactRange.fromHashes(0, [hash], portableHasher)).toThrow(RangeError);
    expect(() => CompactRange.fromHashes(-1, [], portableHasher)).toThrow(RangeError);
    expect(() => CompactRange.fromHashes(1.5, [hash], portableHasher)).toThrow(RangeError);
  });

  it('grows right across 2^31, 2^32 and up to 2^53 − 1 entries, and no further', () => {
    for (const start of [2 ** 31 - 3, 2 ** 32 - 3, 2 ** 52 - 3, MAX - 5]) {
      const tree = new SparseTree([0, start, start + 1, start + 3]);
      const hashes = rangeNodes(0, start).map((id) => asHash(tree.root(beginOf(id), endOf(id))));
      const range = CompactRange.fromHashes(start, hashes, portableHasher);
      for (let size = start; size < start + 5; size++) {
        expect(range.rootHash()).toEqual(tree.root(0, size));
        range.append(asHash(tree.leafHash(size)), (height, index, hash) => {
          expect(hash).toEqual(tree.root(beginOf({ height, index }), endOf({ height, index })));
        });
      }
      expect(range.rootHash()).toEqual(tree.root(0, start + 5));
      if (start + 5 === MAX) expect(() => range.append(asHash(tree.leafHash(0)))).toThrow(RangeError);
    }
  });
});

describe('the nodes of a range', () => {
  it('are adjacent, perfect, aligned, and as few as possible', () => {
    const size = fc.oneof(fc.nat(600), fc.integer({ min: 0, max: MAX }));
    fc.assert(
      fc.property(size, size, (a, b) => {
        const [begin, end] = a < b ? [a, b] : [b, a];
        const nodes = rangeNodes(begin, end);
        let at = begin;
        for (const [i, node] of nodes.entries()) {
          expect(beginOf(node)).toBe(at);
          at = endOf(node);
          // Two neighbours that were the halves of one node would be one.
          const before = nodes[i - 1];
          if (before?.height === node.height) expect(before.index % 2).toBe(1);
        }
        expect(at).toBe(end);
        expect(nodes.length).toBeLessThanOrEqual(2 * 53);
      }),
      { numRuns: 2000 },
    );
  });

  it('are refused for a range that ends before it begins, and for unsafe numbers', () => {
    expect(() => rangeNodes(2, 1)).toThrow(RangeError);
    expect(() => rangeNodes(0, 2 ** 53)).toThrow(RangeError);
    expect(() => rangeNodes(-1, 1)).toThrow(RangeError);
    expect(() => rangeNodes(0.5, 1)).toThrow(RangeError);
  });
});
