// Writes test/vectors/merkle-*.json from the RFC's recursive definitions (rfc-tree.ts), never from src/:
//   node test/support/make-vectors.ts
// A test compares what this makes with what is checked in.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { rfcTestTree } from './rfc-tree.ts';
import type { RfcTree } from './rfc-tree.ts';

export interface RootVector {
  readonly desc: string;
  readonly size: number;
  readonly rootHash: string;
}

export interface InclusionVector {
  readonly desc: string;
  readonly index: number;
  readonly size: number;
  readonly leafHash: string;
  readonly rootHash: string;
  readonly proof: readonly string[];
  readonly valid: boolean;
}

export interface ConsistencyVector {
  readonly desc: string;
  readonly fromSize: number;
  readonly toSize: number;
  readonly fromRoot: string;
  readonly toRoot: string;
  readonly proof: readonly string[];
  readonly valid: boolean;
}

const SIZES = [
  0, 1, 2, 3, 4, 5, 6, 7, 8, 15, 16, 17, 255, 256, 257, 511, 512, 513, 1000, 1023, 1024, 65_535, 65_536, 65_537,
];
const PROOF_CASES = [
  [0, 1],
  [0, 2],
  [1, 2],
  [2, 3],
  [0, 7],
  [3, 7],
  [4, 7],
  [6, 7],
  [5, 8],
  [255, 256],
  [255, 257],
  [256, 257],
  [0, 1000],
  [999, 1000],
  [767, 1000],
  [65_535, 65_536],
  [65_536, 65_537],
  [12_345, 65_537],
] as const;
const CONSISTENCY_CASES = [
  [1, 1],
  [1, 2],
  [2, 3],
  [3, 7],
  [4, 7],
  [6, 7],
  [6, 8],
  [7, 8],
  [255, 256],
  [256, 257],
  [255, 257],
  [512, 1000],
  [999, 1000],
  [1000, 1024],
  [256, 65_537],
  [65_535, 65_537],
  [65_536, 65_537],
] as const;

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const flipped = (text: string): string => (text.startsWith('0') ? '1' : '0') + text.slice(1);

function rootVectors(tree: RfcTree): RootVector[] {
  return SIZES.map((size) => ({ desc: `root of size ${size}`, size, rootHash: hex(tree.root(0, size)) }));
}

function inclusionVectors(tree: RfcTree): InclusionVector[] {
  const vectors: InclusionVector[] = [];
  for (const [index, size] of PROOF_CASES) {
    const good: InclusionVector = {
      desc: `index ${index} in size ${size}`,
      index,
      size,
      leafHash: hex(tree.leafHashes[index]!),
      rootHash: hex(tree.root(0, size)),
      proof: tree.path(index, 0, size).map(hex),
      valid: true,
    };
    vectors.push(good, {
      ...good,
      desc: `${good.desc}, one hash too many`,
      proof: [...good.proof, good.rootHash],
      valid: false,
    });
    if (good.proof.length > 0) {
      vectors.push(
        { ...good, desc: `${good.desc}, last hash missing`, proof: good.proof.slice(0, -1), valid: false },
        {
          ...good,
          desc: `${good.desc}, first hash changed`,
          proof: [flipped(good.proof[0]!), ...good.proof.slice(1)],
          valid: false,
        },
        { ...good, desc: `${good.desc}, root changed`, rootHash: flipped(good.rootHash), valid: false },
      );
    }
  }
  return vectors;
}

function consistencyVectors(tree: RfcTree): ConsistencyVector[] {
  const vectors: ConsistencyVector[] = [];
  for (const [fromSize, toSize] of CONSISTENCY_CASES) {
    const good: ConsistencyVector = {
      desc: `size ${fromSize} to size ${toSize}`,
      fromSize,
      toSize,
      fromRoot: hex(tree.root(0, fromSize)),
      toRoot: hex(tree.root(0, toSize)),
      proof: tree.proof(fromSize, toSize).map(hex),
      valid: true,
    };
    vectors.push(
      good,
      { ...good, desc: `${good.desc}, one hash too many`, proof: [...good.proof, good.toRoot], valid: false },
      { ...good, desc: `${good.desc}, old root changed`, fromRoot: flipped(good.fromRoot), valid: false },
      { ...good, desc: `${good.desc}, new root changed`, toRoot: flipped(good.toRoot), valid: false },
    );
    if (good.proof.length > 0) {
      vectors.push({ ...good, desc: `${good.desc}, last hash missing`, proof: good.proof.slice(0, -1), valid: false });
    }
  }
  return vectors;
}

function jsonLines(vectors: readonly unknown[]): string {
  return `[\n${vectors.map((vector) => JSON.stringify(vector)).join(',\n')}\n]\n`;
}

/** File name → content, as they are checked in under test/vectors. */
export function makeMerkleVectors(): ReadonlyMap<string, string> {
  const tree = rfcTestTree(65_537);
  return new Map([
    ['merkle-root.json', jsonLines(rootVectors(tree))],
    ['merkle-inclusion.json', jsonLines(inclusionVectors(tree))],
    ['merkle-consistency.json', jsonLines(consistencyVectors(tree))],
  ]);
}

/** Where the vectors are checked in. */
export const VECTORS_DIR: string = join(import.meta.dirname, '..', 'vectors');

if (import.meta.main) {
  for (const [name, content] of makeMerkleVectors()) writeFileSync(join(VECTORS_DIR, name), content);
}
