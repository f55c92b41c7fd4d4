// Subtree consistency proofs: that the hash over entries [start, end) belongs to a tree, where the two ends lie as
// draft-ietf-plants-merkle-tree-certs-03 §4.1 asks. §4.4 defines the proof; with start 0 it is RFC 9162's consistency
// proof, and with one entry its inclusion proof. Absolute indexes throughout; the draft counts from the part it is in.

import { assertSize, equalBytes } from '../bytes.ts';
import { portableHasher } from './hash.ts';
import type { Hash, Hasher } from './hash.ts';
import { checkNumber, checkedHash, planOf, refuse, splitPoint } from './proof.ts';
import type { ProofPlan, Span } from './proof.ts';
import type { Prover } from './prover.ts';
import type { TreeHead } from './tree-head.ts';

/**
 * True when [start, end) is a subtree (§4.1): it has entries, and start is a multiple of the smallest power of two that is
 * not below their number.
 */
export function isSubtree(start: number, end: number): boolean {
  if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end) || start < 0 || end <= start) return false;
  let width = 1;
  while (width < end - start) width *= 2;
  return start % width === 0;
}

/** One split on the way from a tree's root down to a subtree. */
interface Step {
  /** The half that the way does not go into: its hash is an element of the proof. */
  readonly sibling: Span;
  readonly isLeft: boolean;
  /** The sibling is a part of the subtree, which goes on to the right of it. */
  readonly isWithin: boolean;
}

/** The way from the root of a tree of `size` entries to a subtree of it. */
interface Way {
  /** From the root down. */
  readonly steps: readonly Step[];
  /** Where it ends: the subtree, or the last part of one that the way went through. */
  readonly last: Span;
  /** The verifier knows the hash at the end, because that is the subtree's. */
  readonly isKnown: boolean;
}

function wayTo(start: number, end: number, size: number): Way {
  const steps: Step[] = [];
  let begin = 0;
  let limit = size;
  let from = start;
  let isKnown = true;
  for (let split = size > 1 ? splitPoint(size) : 0; begin !== from || limit !== end;) {
    while (split >= limit - begin) split /= 2;
    const middle = begin + split;
    if (end <= middle) {
      steps.push({ sibling: [middle, limit], isLeft: false, isWithin: false });
      limit = middle;
    } else {
      // A subtree that reaches over the middle starts where the tree does: both split at the same place.
      const isWithin = from < middle;
      steps.push({ sibling: [begin, middle], isLeft: true, isWithin });
      begin = middle;
      if (isWithin) {
        from = middle;
        isKnown = false;
      }
    }
  }
  return { steps, last: [begin, limit], isKnown };
}

/**
 * The plan of the proof that the tree of `size` has this subtree; RangeError unless isSubtree(start, end) and
 * end ≤ size < 2^53. The proof is empty when the subtree is the tree.
 */
export function subtreePlan(start: number, end: number, size: number): ProofPlan {
  assertSize('start', start);
  assertSize('end', end);
  assertSize('size', size);
  if (!isSubtree(start, end)) throw new RangeError(`[${start}, ${end}) is not a subtree`);
  if (end > size) throw new RangeError(`end ${end} is above size ${size}`);
  const { steps, last, isKnown } = wayTo(start, end, size);
  const spans = steps.map(({ sibling }) => sibling);
  return planOf([...(isKnown ? [] : [last]), ...spans.toReversed()]);
}

/**
 * The proof that entries [start, end) are a subtree of the head's tree, out of authenticated tiles. Errors: those of
 * subtreePlan and of the prover.
 */
export async function subtreeProof(prover: Prover, head: TreeHead, start: number, end: number): Promise<Hash[]> {
  const plan = subtreePlan(start, end, head.size);
  return plan.build(await prover.nodes(head, plan.nodes), prover.hasher);
}

/** What is claimed: entries [start, end) of the tree with this size and root hash have this hash. */
export interface SubtreeClaim {
  readonly start: number;
  readonly end: number;
  readonly subtreeHash: Uint8Array;
  readonly size: number;
  readonly rootHash: Uint8Array;
  readonly proof: readonly Uint8Array[];
}

/** Returns if the proof shows the claim, else throws `bad-proof` (§4.4.3). */
export function verifySubtree(claim: SubtreeClaim, hasher: Hasher = portableHasher): void {
  const { start, end, size, proof } = claim;
  for (const [name, value] of Object.entries({ start, end, size })) checkNumber(name, value);
  if (!isSubtree(start, end)) throw refuse(`[${start}, ${end}) is not a subtree`);
  if (end > size) throw refuse(`end ${end} is above size ${size}`);
  const subtreeHash = checkedHash('subtree hash', claim.subtreeHash);
  const name = `subtree proof of [${start}, ${end}) in size ${size}`;
  const { steps, isKnown } = wayTo(start, end, size);
  const expected = steps.length + (isKnown ? 0 : 1);
  if (proof.length !== expected) throw refuse(`${name} has ${proof.length} hashes, not ${expected}`);
  const hashes = proof.map((bytes, i) => checkedHash('proof hash', bytes, i));
  let subtree = isKnown ? subtreeHash : hashes[0]!;
  let root = subtree;
  let next = isKnown ? 0 : 1;
  for (const { isLeft, isWithin } of steps.toReversed()) {
    const sibling = hashes[next++]!;
    root = isLeft ? hasher.nodeHash(sibling, root) : hasher.nodeHash(root, sibling);
    if (isWithin) subtree = hasher.nodeHash(sibling, subtree);
  }
  if (!equalBytes(subtree, subtreeHash)) throw refuse(`${name} does not lead to the subtree's hash`);
  if (!equalBytes(root, claim.rootHash)) throw refuse(`${name} does not lead to the root`);
}
