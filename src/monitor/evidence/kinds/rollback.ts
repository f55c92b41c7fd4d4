// Rollback: the log said "as of T1 my largest tree has N1 entries" and later "as of T2 it has N2", with fewer. It is the
// same key that says both, so that no clock is compared with another.

import { badEvidence } from '../kind-row.ts';
import type { KindRow, OpenedClaim } from '../kind-row.ts';
import type { EvidenceHead } from '../evidence.ts';

/** The larger checkpoint, which is the earlier one, and the smaller. */
export const rollback: KindRow = {
  kind: 'rollback',
  sentence: 'signed a smaller tree as its largest after it had signed a larger one',
  checkpoints: 2,
  entries: 0,
  members: [],
  timed: true,
  check({ heads }: OpenedClaim): void {
    const [larger, smaller] = [heads[0]!, heads[1]!];
    if (larger.size <= smaller.size) {
      throw badEvidence(`the first tree, of ${larger.size} entries, is not larger than the second, of ${smaller.size}`);
    }
    if (!wentBack(larger, smaller)) {
      throw badEvidence('no key of the log says of both trees when they were the largest, the larger one first');
    }
  },
};

/** True when one key dates both heads, and the smaller one later. */
function wentBack(larger: EvidenceHead, smaller: EvidenceHead): boolean {
  return larger.signatures.some(({ vkey, timestampSeconds }) => {
    const later = smaller.signatures.find((other) => other.vkey === vkey)?.timestampSeconds ?? 0;
    return timestampSeconds !== 0 && later > timestampSeconds;
  });
}
