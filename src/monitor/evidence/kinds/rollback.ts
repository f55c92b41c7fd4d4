// Rollback: the log said "as of T1 my largest tree has N1 entries" and later "as of T2 it has N2", with fewer. It is the
// same key that says both, so that no clock is compared with another.

import { drawnTree } from '../drawing.ts';
import type { Drawing } from '../drawing.ts';
import type { Evidence, EvidenceHead } from '../evidence.ts';
import { badEvidence } from '../kind-row.ts';
import type { KindRow, KindWords, OpenedClaim } from '../kind-row.ts';
import { durationInWords, entriesInWords, keyInWords, timeInWords } from '../words.ts';

/** The larger checkpoint, which is the earlier one, and the smaller. */
export const rollback: KindRow = {
  kind: 'rollback',
  sentence: 'signed a smaller tree as its largest after it had signed a larger one',
  signed: 'checkpoint',
  checkpoints: 2,
  entries: 0,
  members: [],
  timed: true,
  accuses: 'log',
  check({ heads }: OpenedClaim): void {
    const [larger, smaller] = [heads[0]!, heads[1]!];
    if (larger.size <= smaller.size) {
      throw badEvidence(`the first tree, of ${larger.size} entries, is not larger than the second, of ${smaller.size}`);
    }
    if (wentBack(larger, smaller) === undefined) {
      throw badEvidence('no key of the log says of both trees when they were the largest, the larger one first');
    }
  },
  words({ heads }: Evidence): KindWords {
    const [larger, smaller] = [heads[0]!, heads[1]!];
    const { vkey, before, after } = wentBack(larger, smaller)!;
    return {
      headline: `signed that its largest tree has ${entriesInWords(smaller.size)}, after it had signed one of ${entriesInWords(larger.size)}`,
      entries: [],
      why: [
        'A signature that states a time says: as of this time, this is the largest tree of the log.',
        `The key ${keyInWords(vkey)} says so of ${entriesInWords(larger.size)} at ${timeInWords(before)}, and ` +
          `${durationInWords(after - before)} later, at ${timeInWords(after)}, of ${entriesInWords(smaller.size)}.`,
        'A log never gets smaller: entries are only ever added. At most one of the two signed statements is true.',
      ],
      notShown: [
        'That an entry was removed or changed: the smaller tree may be the beginning of the larger one, shown to somebody ' +
          'who was not to see the rest.',
        'That it was on purpose. A log that signs with a clock that was set back contradicts itself in the same way; a log ' +
          'has to stop signing until its clock is right.',
      ],
    };
  },
  draw({ heads }: Evidence): Drawing {
    const [larger, smaller] = [heads[0]!, heads[1]!];
    return {
      caption: `A tree of ${entriesInWords(larger.size)}, and later a tree of ${entriesInWords(smaller.size)}.`,
      trees: [drawnTree(larger, false), drawnTree(smaller, false)],
      sign: '→',
    };
  },
};

/** What one key said of both heads, the smaller one later; undefined when none did. */
interface WentBack {
  readonly vkey: string;
  /** The time of the larger tree, Unix seconds. */
  readonly before: number;
  /** The time of the smaller tree. */
  readonly after: number;
}

function wentBack(larger: EvidenceHead, smaller: EvidenceHead): WentBack | undefined {
  for (const { vkey, timestampSeconds: before } of larger.signatures) {
    const after = smaller.signatures.find((other) => other.vkey === vkey)?.timestampSeconds ?? 0;
    if (before !== 0 && after > before) return { vkey, before, after };
  }
  return undefined;
}
