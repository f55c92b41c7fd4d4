import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../../src/bytes.ts';
import { isLimmatError } from '../../src/errors.ts';
import { asHash, portableHasher } from '../../src/merkle/hash.ts';
import { verifyConsistency, verifyInclusion } from '../../src/merkle/proof.ts';
import { CompactRange } from '../../src/merkle/range.ts';
import { VECTORS_DIR, makeMerkleVectors } from '../support/make-vectors.ts';
import type { ConsistencyVector, InclusionVector, RootVector } from '../support/make-vectors.ts';
import { testEntry } from '../support/rfc-tree.ts';
import { sharedVectors } from '../support/vectors.ts';

function accepted(verify: () => void): boolean {
  try {
    verify();
    return true;
  } catch (error) {
    if (isLimmatError(error, 'bad-proof')) return false;
    throw error;
  }
}

const own = (name: string): string => readFileSync(join(VECTORS_DIR, name), 'utf8');
const hash = (text: string): Uint8Array => asHash(fromHex(text)!);

describe('our vectors', () => {
  it('are what the generator makes', () => {
    for (const [name, content] of makeMerkleVectors()) {
      expect(own(name)).toBe(content);
    }
  });

  it('give the roots', () => {
    const vectors: readonly RootVector[] = JSON.parse(own('merkle-root.json'));
    expect(vectors.length).toBeGreaterThan(0);
    const range = CompactRange.empty(portableHasher);
    for (const { size, rootHash } of vectors) {
      while (range.size < size) range.append(portableHasher.leafHash(testEntry(range.size)));
      expect(toHex(range.rootHash())).toBe(rootHash);
    }
  });

  it('accept and refuse inclusion proofs', () => {
    const vectors: readonly InclusionVector[] = JSON.parse(own('merkle-inclusion.json'));
    expect(vectors.some(({ valid }) => valid) && vectors.some(({ valid }) => !valid)).toBe(true);
    for (const { desc, valid, index, size, leafHash, rootHash, proof } of vectors) {
      const claim = { index, size, leafHash: hash(leafHash), rootHash: hash(rootHash), proof: proof.map(hash) };
      expect([desc, accepted(() => verifyInclusion(claim))]).toEqual([desc, valid]);
    }
  });

  it('accept and refuse consistency proofs', () => {
    const vectors: readonly ConsistencyVector[] = JSON.parse(own('merkle-consistency.json'));
    expect(vectors.some(({ valid }) => valid) && vectors.some(({ valid }) => !valid)).toBe(true);
    for (const { desc, valid, fromSize, toSize, fromRoot, toRoot, proof } of vectors) {
      const claim = { fromSize, toSize, fromRoot: hash(fromRoot), toRoot: hash(toRoot), proof: proof.map(hash) };
      expect([desc, accepted(() => verifyConsistency(claim))]).toEqual([desc, valid]);
    }
  });
});

interface TheirInclusion {
  readonly leafIdx: number;
  readonly treeSize: number;
  readonly root: string;
  readonly leafHash: string;
  readonly proof: readonly string[] | null;
  readonly wantErr: boolean;
}

interface TheirConsistency {
  readonly size1: number;
  readonly size2: number;
  readonly root1: string;
  readonly root2: string;
  readonly proof: readonly string[] | null;
  readonly wantErr: boolean;
}

const shared = sharedVectors('transparency-dev-merkle');
const base64 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'));
const theirs = (name: string): string => readFileSync(join(shared ?? '', name), 'utf8');

describe.runIf(shared !== undefined)('the vectors of transparency-dev/merkle', () => {
  it('accept and refuse inclusion proofs', () => {
    const vectors: Readonly<Record<string, TheirInclusion>> = JSON.parse(theirs('inclusion.json'));
    expect(Object.keys(vectors).length).toBeGreaterThan(0);
    for (const [name, { leafIdx: index, treeSize: size, ...vector }] of Object.entries(vectors)) {
      const proof = (vector.proof ?? []).map(base64);
      const claim = { index, size, leafHash: base64(vector.leafHash), rootHash: base64(vector.root), proof };
      expect([name, accepted(() => verifyInclusion(claim))]).toEqual([name, !vector.wantErr]);
    }
  });

  it('accept and refuse consistency proofs', () => {
    const vectors: Readonly<Record<string, TheirConsistency>> = JSON.parse(theirs('consistency.json'));
    expect(Object.keys(vectors).length).toBeGreaterThan(0);
    for (const [name, { size1: fromSize, size2: toSize, ...vector }] of Object.entries(vectors)) {
      const proof = (vector.proof ?? []).map(base64);
      const claim = { fromSize, toSize, fromRoot: base64(vector.root1), toRoot: base64(vector.root2), proof };
      expect([name, accepted(() => verifyConsistency(claim))]).toEqual([name, !vector.wantErr]);
    }
  });
});
