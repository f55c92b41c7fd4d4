// Forks: two signed trees of one log, neither of which is the beginning of the other.

import { compareBytes, equalBytes, toHex } from '../../../bytes.ts';
import { isLimmatError } from '../../../errors.ts';
import { verifyConsistency } from '../../../merkle/proof.ts';
import { drawnTree, spanLabel } from '../drawing.ts';
import type { Drawing } from '../drawing.ts';
import type { Evidence } from '../evidence.ts';
import { badEvidence } from '../kind-row.ts';
import type { KindRow, KindWords, OpenedClaim } from '../kind-row.ts';
import { entriesInWords, hashBytes, shortHash } from '../words.ts';

/** What a fork leaves open, whichever way it shows. */
const FORK_NOT_SHOWN: readonly string[] = [
  'Which of the two lists is the right one, and which entries differ: a root says only that something does.',
  'Who was shown which list, since when, and why.',
];

/** Two checkpoints of one size with two roots, the bytewise smaller root first. */
export const forkSameSize: KindRow = {
  kind: 'fork-same-size',
  sentence: 'signed two different trees with the same number of entries',
  signed: 'checkpoint',
  checkpoints: 2,
  entries: 0,
  members: [],
  timed: false,
  accuses: 'log',
  check({ heads }: OpenedClaim): void {
    const [a, b] = [heads[0]!, heads[1]!];
    if (a.size !== b.size) throw badEvidence(`the two trees have ${a.size} and ${b.size} entries, not the same number`);
    // A tree without entries has no history: nobody was shown anything else than others were.
    if (a.size === 0) throw badEvidence('both trees are empty, so nothing in them can differ');
    const order = compareBytes(a.rootHash, b.rootHash);
    if (order === 0) throw badEvidence(`both checkpoints are of one tree, with root ${toHex(a.rootHash)}`);
    if (order > 0) throw badEvidence('the checkpoint with the smaller root is not the first');
  },
  words({ heads }: Evidence): KindWords {
    const entries = entriesInWords(heads[0]!.size);
    return {
      headline: `signed two different histories of ${entries}`,
      entries: [],
      why: [
        `Both checkpoints are about a list of ${entries}, and their roots differ, so the two lists differ.`,
        'A log has one list, and what is in it never changes: whoever asks for its first ' +
          `${entries} has to get the same ones, for ever. At most one of the two signed statements is true.`,
      ],
      notShown: FORK_NOT_SHOWN,
    };
  },
  draw({ heads }: Evidence): Drawing {
    return {
      caption: `Two trees of ${entriesInWords(heads[0]!.size)} with two different roots.`,
      trees: heads.map((head) => drawnTree(head, true)),
      sign: '≠',
    };
  },
};

/**
 * A smaller and a larger checkpoint, the root that the larger tree implies at the smaller size, and the proof that it
 * does. The prefix root has to be stated: where the smaller size is a power of two the proof starts from it.
 */
export const forkPrefix: KindRow = {
  kind: 'fork-prefix',
  sentence: 'signed a tree that does not begin with a smaller tree that it signed too',
  signed: 'checkpoint',
  checkpoints: 2,
  entries: 0,
  members: ['prefixRoot', 'consistency'],
  timed: false,
  accuses: 'log',
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
  words({ heads, claim }: Evidence): KindWords {
    const [smaller, larger] = [heads[0]!, heads[1]!];
    const first = `first ${entriesInWords(smaller.size)}`;
    return {
      headline: `signed a history of ${entriesInWords(larger.size)} that does not begin with the ${entriesInWords(smaller.size)} that it signed too`,
      entries: [],
      why: [
        `The root of the larger tree fixes all of its entries. The file has the calculation that leads from the ${first} ` +
          `to it, which anybody can repeat; those entries have the root ${toHex(hashBytes(claim.prefixRoot!))}.`,
        `The other checkpoint says that the log's ${first} have the root ${toHex(smaller.rootHash)}. ` +
          'The two roots differ, so the two lists differ.',
        'A log only ever adds entries at the end: its larger tree has to begin with its smaller one. ' +
          'At most one of the two signed statements is true.',
      ],
      notShown: FORK_NOT_SHOWN,
    };
  },
  draw({ heads, claim }: Evidence): Drawing {
    const [smaller, larger] = [heads[0]!, heads[1]!];
    return {
      caption: `A tree of ${entriesInWords(smaller.size)}, and a tree of ${entriesInWords(larger.size)} that begins with others.`,
      trees: [
        drawnTree(smaller, true),
        {
          ...drawnTree(larger, true),
          prefixRoot: shortHash(hashBytes(claim.prefixRoot!)),
          spans: [
            { label: spanLabel(0, smaller.size), differs: true },
            { label: spanLabel(smaller.size, larger.size), differs: false },
          ],
        },
      ],
      sign: '≠',
    };
  },
};
