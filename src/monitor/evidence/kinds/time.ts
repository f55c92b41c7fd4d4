// Time: the log took a statement that says it was signed at a time at which, by what the log signed itself, it cannot
// have been signed by the log's own rule. Only against logs that promised such a rule (docs/evidence-file.md, "Times").

import { isLimmatError } from '../../../errors.ts';
import { parseStatement } from '../../../record/statement.ts';
import { fromBase64 } from '../../../bytes.ts';
import type { Hasher } from '../../../merkle/hash.ts';
import { drawnTree } from '../drawing.ts';
import type { Drawing } from '../drawing.ts';
import type { Evidence } from '../evidence.ts';
import { badEvidence, statedTimes } from '../kind-row.ts';
import type { KindRow, KindWords, OpenedClaim } from '../kind-row.ts';
import { durationInWords, entriesInWords, entryInWords, timeInWords } from '../words.ts';

/**
 * What is added to the log's promise before a difference counts: a day for a clock that was wrong, for statements that
 * waited in a queue that was stuck, for an operator who set the time. Whoever backdates by less gains little.
 */
export const TIME_SLACK_SECONDS = 86_400;

/** The difference from which on an entry's time convicts a log of that promise. */
export function timeWindowSeconds(iatWindowSeconds: number): number {
  return iatWindowSeconds + TIME_SLACK_SECONDS;
}

/** A checkpoint and an entry in its tree: signed at T with an entry that says it is from after T + window. */
export const future: KindRow = {
  kind: 'future',
  sentence: 'signed a tree with an entry that was not to be signed until long after',
  signed: 'checkpoint',
  checkpoints: 1,
  entries: 1,
  members: ['entries', 'windowSeconds'],
  timed: true,
  accuses: 'log',
  check(claim: OpenedClaim): void {
    const window = promisedWindow(claim);
    const entry = claim.entries[0]!;
    const times = statedTimes(claim.heads[entry.checkpoint]!);
    if (times.length === 0) throw badEvidence('the checkpoint does not say when it was signed');
    const iat = timeOfSigning(entry.leaf);
    const signed = Math.min(...times);
    if (iat <= signed + window) {
      throw badEvidence(
        `the entry's time ${iat} is not more than ${window} seconds after the checkpoint's time ${signed}`,
      );
    }
  },
  words(evidence: Evidence, hasher: Hasher): KindWords {
    const { index, iat, entry } = timedEntry(evidence, hasher);
    const signed = Math.min(...statedTimes(evidence.heads[0]!));
    return {
      headline: `signed a tree with an entry from ${durationInWords(iat - signed)} later`,
      entries: [`Place ${index}: ${entry}.`],
      why: [
        `The checkpoint says that at ${timeInWords(signed)} this was the log's largest tree. The entry is in it, by a ` +
          `calculation that anybody can repeat, and says that it was signed at ${timeInWords(iat)}.`,
        promiseInWords(evidence),
      ],
      notShown: TIME_NOT_SHOWN,
    };
  },
  draw(evidence: Evidence, hasher: Hasher): Drawing {
    const { index, iat } = timedEntry(evidence, hasher);
    return {
      caption: `A tree with an entry that says it was signed after the tree was.`,
      trees: [
        {
          ...drawnTree(evidence.heads[0]!, false),
          below: [`place ${index} says it was`, `signed ${timeInWords(iat)}`],
        },
      ],
      sign: '',
    };
  },
};

/**
 * The checkpoint that says "as of T the largest tree has N entries", a checkpoint with more, and an entry of its tree at
 * an index of N or above: logged after T, and it says it is from before T - window.
 */
export const backdated: KindRow = {
  kind: 'backdated',
  sentence: 'took an entry that claims a time long before the entry can have been taken',
  signed: 'checkpoint',
  checkpoints: 2,
  entries: 1,
  members: ['entries', 'windowSeconds'],
  timed: true,
  accuses: 'log',
  check(claim: OpenedClaim): void {
    const window = promisedWindow(claim);
    const entry = claim.entries[0]!;
    const before = claim.heads[0]!;
    if (entry.checkpoint !== 1) throw badEvidence('the entry is not in the tree of the second checkpoint');
    if (entry.index < before.size) {
      throw badEvidence(
        `the entry's place ${entry.index} is in the first tree already, which has ${before.size} entries`,
      );
    }
    const times = statedTimes(before);
    if (times.length === 0) throw badEvidence('the first checkpoint does not say when it was signed');
    const iat = timeOfSigning(entry.leaf);
    const signed = Math.max(...times);
    if (iat >= signed - window) {
      throw badEvidence(
        `the entry's time ${iat} is not more than ${window} seconds before the first checkpoint's time ${signed}`,
      );
    }
  },
  words(evidence: Evidence, hasher: Hasher): KindWords {
    const { index, iat, entry } = timedEntry(evidence, hasher);
    const before = evidence.heads[0]!;
    const signed = Math.max(...statedTimes(before));
    return {
      headline: `took an entry that says it is ${durationInWords(signed - iat)} older than it can be`,
      entries: [`Place ${index}: ${entry}.`],
      why: [
        `The first checkpoint says that at ${timeInWords(signed)} the log's largest tree had ${entriesInWords(before.size)}. ` +
          `Places count from 0, so place ${index} was still free: the entry was taken later.`,
        `The second checkpoint is of a tree that has the entry, by a calculation that anybody can repeat. The entry says ` +
          `that it was signed at ${timeInWords(iat)}.`,
        promiseInWords(evidence),
      ],
      notShown: TIME_NOT_SHOWN,
    };
  },
  draw(evidence: Evidence, hasher: Hasher): Drawing {
    const { index, iat } = timedEntry(evidence, hasher);
    return {
      caption: 'A tree without an entry, and a larger tree with it, though it says it is older than both.',
      trees: [
        { ...drawnTree(evidence.heads[0]!, false), below: [`no place ${index} yet`] },
        {
          ...drawnTree(evidence.heads[1]!, false),
          below: [`place ${index} says it was`, `signed ${timeInWords(iat)}`],
        },
      ],
      sign: '→',
    };
  },
};

/** The claim's window, which has to be the one that follows from what the verifier knows: nobody else may choose it. */
function promisedWindow({ windowSeconds, iatWindowSeconds }: OpenedClaim): number {
  if (iatWindowSeconds === undefined) {
    throw badEvidence(
      'nothing here says that the log promised anything about its entries’ times; if it did, say so with an ' +
        '"iat-window" line in the trust file',
    );
  }
  const window = timeWindowSeconds(iatWindowSeconds);
  if (windowSeconds === window) return window;
  throw badEvidence(
    `the file argues with a window of ${windowSeconds} seconds; for this log's promise of ${iatWindowSeconds} it is ${window}`,
  );
}

const TIME_NOT_SHOWN: readonly string[] = [
  'That the entry is false, or that the log knew: it shows that the log took what it had promised to refuse.',
  'That it was on purpose. A clock that was wrong by more than a day has the same effect.',
];

function promiseInWords({ claim }: Evidence): string {
  const promised = durationInWords(claim.windowSeconds! - TIME_SLACK_SECONDS);
  return (
    `The log promised to take an entry only within ${promised} of the time at which it says it was signed. The difference ` +
    `is more than that and another ${durationInWords(TIME_SLACK_SECONDS)}, which are left to clocks and queues.`
  );
}

/** The claim's one entry: its place, its time, and itself in words. */
function timedEntry({ claim }: Evidence, hasher: Hasher): { index: number; iat: number; entry: string } {
  const entry = claim.entries![0]!;
  const iat = timeOfSigning(fromBase64(entry.leaf)!);
  return { index: entry.index, iat, entry: entryInWords(entry, hasher) };
}

function timeOfSigning(leaf: Uint8Array): number {
  try {
    return parseStatement(leaf).iat;
  } catch (error) {
    if (!isLimmatError(error)) throw error;
    throw badEvidence(`the entry is not a statement that this version reads: ${error.message}`, error);
  }
}
