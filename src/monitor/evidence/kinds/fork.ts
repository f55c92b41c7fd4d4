// Forks: two signed trees of one log, neither of which is the beginning of the other.

import { compareBytes, equalBytes, toHex } from '../../../bytes.ts';
import { isLimmatError } from '../../../errors.ts';
import { verifyConsistency } from '../../../merkle/proof.ts';
import { badEvidence } from '../kind-row.ts';
import type { KindRow, OpenedClaim } from '../kind-row.ts';

/** Two checkpoints of one size with two roots, the bytewise smaller root first. */
export const forkSameSize: KindRow = {
  kind: 'fork-same-size',
  sentence: 'signed two different trees with the same number of entries',
  checkpoints: 2,
  entries: 0,
  members: [],
  timed: false,
  check({ heads }: OpenedClaim): void {
    const [a, b] = [heads[0]!, heads[1]!];
    if (a.size !== b.size) throw badEvidence(`the two trees have ${a.size} and ${b.size} entries, not the same number`);
    // A tree without entries has no history: nobody was shown anything else than others were.
    if (a.size === 0) throw badEvidence('both trees are empty, so nothing in them can differ');
    const order = compareBytes(a.rootHash, b.rootHash);
    if (order === 0) throw badEvidence(`both checkpoints are of one tree, with root ${toHex(a.rootHash)}`);
    if (order > 0) throw badEvidence('the checkpoint with the smaller root is not the first');
  },
};

/**
 * A smaller and a larger checkpoint, the root that the larger tree implies at the smaller size, and the proof that it
 * does. The prefix root has to be stated: where the smaller size is a power of two the proof starts from it.
 */
export const forkPrefix: KindRow = {
  kind: 'fork-prefix',
  sentence: 'signed a tree that does not begin with a smaller tree that it signed too',
  checkpoints: 2,
  entries: 0,
  members: ['prefixRoot', 'consistency'],
  timed: false,
  check({ heads, prefixRoot, consistency, hasher }: OpenedClaim): void {
    const [smaller, larger] = [heads[0]!, heads[1]!];
    if (smaller.size === 0) throw badEvidence('every tree begins with the empty one');
    if (smaller.size >= larger.size) {
      throw badEvidence(
        `the first tree, of ${smaller.size} entries, is not smaller than the second, of ${larger.size}`,
      );
    }
    if (equalBytes(prefixRoot!, smaller.rootHash)) {
      throw badEvidence(`the larger tree begins with the smaller one: both have root ${toHex(smaller.rootHash)} there`);
    }
    try {
      verifyConsistency(
        {
          fromSize: smaller.size,
          fromRoot: prefixRoot!,
          toSize: larger.size,
          toRoot: larger.rootHash,
          proof: consistency,
        },
        hasher,
      );
    } catch (error) {
      if (!isLimmatError(error, 'bad-proof')) throw error;
      throw badEvidence(`that the larger tree implies this root is not shown: ${error.message}`, error);
    }
  },
};
