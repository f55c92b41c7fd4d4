// Proof contradicted: two proof files, each good in itself, put two different entries at one place of the log.

import { compareBytes, equalBytes } from '../../../bytes.ts';
import { badEvidence } from '../kind-row.ts';
import type { KindRow, OpenedClaim } from '../kind-row.ts';

/**
 * Two checkpoints, by size and then by root, and the entry that each has at the same index. The sizes may differ: both
 * are above the index, and of two honest trees of one log the smaller is the beginning of the larger.
 */
export const proofContradicted: KindRow = {
  kind: 'proof-contradicted',
  sentence: 'signed two trees that have different entries at the same place',
  checkpoints: 2,
  entries: 2,
  members: ['entries'],
  timed: false,
  check({ heads, entries }: OpenedClaim): void {
    const [a, b] = [heads[0]!, heads[1]!];
    const [first, second] = [entries[0]!, entries[1]!];
    if (first.checkpoint !== 0 || second.checkpoint !== 1) {
      throw badEvidence('the first entry is not in the first tree, or the second not in the second');
    }
    if (first.index !== second.index) {
      throw badEvidence(`the entries have the places ${first.index} and ${second.index}, not the same one`);
    }
    if (equalBytes(first.leafHash, second.leafHash)) {
      throw badEvidence(`both trees have the same entry at place ${first.index}`);
    }
    if (a.size > b.size || (a.size === b.size && compareBytes(a.rootHash, b.rootHash) >= 0)) {
      throw badEvidence('the checkpoints are not in the order of their sizes and roots');
    }
  },
};
