// Proof contradicted: two proof files, each good in itself, put two different entries at one place of the log.

import { compareBytes, equalBytes, fromBase64 } from '../../../bytes.ts';
import type { Hasher } from '../../../merkle/hash.ts';
import { drawnTree } from '../drawing.ts';
import type { Drawing, DrawnTree } from '../drawing.ts';
import type { Evidence } from '../evidence.ts';
import { badEvidence } from '../kind-row.ts';
import type { KindRow, KindWords, OpenedClaim } from '../kind-row.ts';
import { entriesInWords, entryInWords, shortHash } from '../words.ts';

/**
 * Two checkpoints, by size and then by root, and the entry that each has at the same index. The sizes may differ: both
 * are above the index, and of two honest trees of one log the smaller is the beginning of the larger.
 */
export const proofContradicted: KindRow = {
  kind: 'proof-contradicted',
  sentence: 'signed two trees that have different entries at the same place',
  signed: 'checkpoint',
  checkpoints: 2,
  entries: 2,
  members: ['entries'],
  timed: false,
  accuses: 'log',
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
  words({ heads, claim }: Evidence, hasher: Hasher): KindWords {
    const [first, second] = [claim.entries![0]!, claim.entries![1]!];
    const { index } = first;
    const sizes = heads.map(({ size }) => entriesInWords(size));
    return {
      headline: `signed two trees that have different entries at place ${index}`,
      entries: [
        `At place ${index}, the tree of ${sizes[0]} has: ${entryInWords(first, hasher)}.`,
        `At place ${index}, the tree of ${sizes[1]} has: ${entryInWords(second, hasher)}.`,
      ],
      why: [
        'For each of the two the file has the proof, a calculation that leads from the entry at its place to the signed ' +
          'root, which anybody can repeat. Both proofs are good.',
        'A log has one list, and an entry never changes or moves: at one place there is one entry, in every tree that is ' +
          'large enough. At most one of the two signed statements is true.',
      ],
      notShown: ['Which of the two entries is the right one.', 'Who was given which proof, since when, and why.'],
    };
  },
  draw({ heads, claim }: Evidence, hasher: Hasher): Drawing {
    const trees = claim.entries!.map(({ index, leaf, checkpoint }): DrawnTree => {
      const leafHash = hasher.leafHash(fromBase64(leaf)!);
      return { ...drawnTree(heads[checkpoint]!, true), below: [`place ${index}: ${shortHash(leafHash)}`] };
    });
    return { caption: `Two trees with different entries at place ${claim.entries![0]!.index}.`, trees, sign: '≠' };
  },
};
