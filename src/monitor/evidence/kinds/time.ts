// Time: the log took a statement that says it was signed at a time at which, by what the log signed itself, it cannot
// have been signed by the log's own rule. Only against logs that promised such a rule (docs/evidence-file.md, "Times").

import { isLimmatError } from '../../../errors.ts';
import { parseStatement } from '../../../record/statement.ts';
import { badEvidence, statedTimes } from '../kind-row.ts';
import type { KindRow, OpenedClaim, OpenedEntry } from '../kind-row.ts';

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
  checkpoints: 1,
  entries: 1,
  members: ['entries', 'windowSeconds'],
  timed: true,
  check(claim: OpenedClaim): void {
    const window = promisedWindow(claim);
    const entry = claim.entries[0]!;
    const times = statedTimes(claim.heads[entry.checkpoint]!);
    if (times.length === 0) throw badEvidence('the checkpoint does not say when it was signed');
    const iat = timeOfSigning(entry);
    const signed = Math.min(...times);
    if (iat <= signed + window) {
      throw badEvidence(
        `the entry's time ${iat} is not more than ${window} seconds after the checkpoint's time ${signed}`,
      );
    }
  },
};

/**
 * The checkpoint that says "as of T the largest tree has N entries", a checkpoint with more, and an entry of its tree at
 * an index of N or above: logged after T, and it says it is from before T - window.
 */
export const backdated: KindRow = {
  kind: 'backdated',
  sentence: 'took an entry that claims a time long before the entry can have been taken',
  checkpoints: 2,
  entries: 1,
  members: ['entries', 'windowSeconds'],
  timed: true,
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
    const iat = timeOfSigning(entry);
    const signed = Math.max(...times);
    if (iat >= signed - window) {
      throw badEvidence(
        `the entry's time ${iat} is not more than ${window} seconds before the first checkpoint's time ${signed}`,
      );
    }
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

function timeOfSigning({ leaf, index }: OpenedEntry): number {
  try {
    return parseStatement(leaf).iat;
  } catch (error) {
    if (!isLimmatError(error)) throw error;
    throw badEvidence(`entry ${index} is not a statement that this version reads: ${error.message}`, error);
  }
}
