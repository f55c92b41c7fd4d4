// The guard of a witness: what it last promised, kept outside its data, in the spirit of a log's (log/guard.ts). Every
// commit makes the store's mark, then the guard's, then the signatures; so a store is never behind its guard, and never
// more than one commit ahead. Anything else is a copy from another time, which would have the witness cosign backwards.

import { concat, equalBytes, uintBytes, utf8 } from '../bytes.ts';
import { LimmatError } from '../errors.ts';
import { HASH_SIZE, asHash } from '../merkle/hash.ts';
import type { Hash, Hasher } from '../merkle/hash.ts';
import type { StoredHead, StoredMark, WitnessMark } from './ports.ts';

const NOTHING: Hash = asHash(new Uint8Array(HASH_SIZE));

/** The mark of a witness that has signed nothing yet. */
export function firstMark(name: string): StoredMark {
  return Object.freeze({ name, sequence: 0, chain: NOTHING, previous: NOTHING, lastSeconds: 0 });
}

/** The mark after a commit of these heads at that time. */
export function nextMark(
  mark: WitnessMark,
  heads: readonly StoredHead[],
  lastSeconds: number,
  hasher: Hasher,
): StoredMark {
  const parts = heads.map(({ origin, note }) => concat(hasher.sha256(utf8(origin)), hasher.sha256(note)));
  const chain = hasher.sha256(concat(mark.chain, uintBytes(lastSeconds, 8), ...parts));
  return Object.freeze({ name: mark.name, sequence: mark.sequence + 1, chain, previous: mark.chain, lastSeconds });
}

const WHAT_TO_DO = 'put the right data back, or close this witness and start another one with new keys';

/**
 * Throws unless a store with this mark may go on under the guard's. True when the store is one commit ahead: the ordinary
 * crash between the two writes; then the guard has to follow before anything else is committed. Errors: `guard-missing`,
 * `state-missing`, `wrong-log` (the guard of another witness), `guard-mismatch`.
 */
export function checkWitnessGuard(
  guarded: WitnessMark | undefined,
  stored: StoredMark | undefined,
  name: string,
): { readonly mark: StoredMark; readonly isAhead: boolean } {
  if (guarded === undefined) {
    throw new LimmatError(
      'guard-missing',
      `the guard of witness ${name} is missing, so what it signed last is not known; put the guard directory back, ` +
        'or close this witness and start another one with new keys',
    );
  }
  if (guarded.name !== name) {
    throw new LimmatError('wrong-log', `the guard belongs to ${guarded.name}, not to witness ${name}`, {
      details: { guardOrigin: guarded.name, origin: name },
    });
  }
  if (stored === undefined) {
    throw new LimmatError(
      'state-missing',
      `witness ${name} has no data, and its guard says that it had: ${WHAT_TO_DO}`,
    );
  }
  if (stored.name !== name) {
    throw new LimmatError('wrong-log', `the data belongs to ${stored.name}, not to witness ${name}`);
  }
  const details = { storeSequence: stored.sequence, guardSequence: guarded.sequence };
  if (stored.sequence < guarded.sequence) {
    throw new LimmatError(
      'guard-mismatch',
      `the data of witness ${name} ends at commit ${stored.sequence}, and it has signed under commit ${guarded.sequence}: ` +
        `it is an older copy; ${WHAT_TO_DO}`,
      { details },
    );
  }
  const isAhead = stored.sequence === guarded.sequence + 1;
  const common = isAhead ? stored.previous : stored.chain;
  if (stored.sequence > guarded.sequence + 1 || !equalBytes(common, guarded.chain)) {
    throw new LimmatError(
      'guard-mismatch',
      `the data of witness ${name} at commit ${stored.sequence} is not what its guard, at commit ${guarded.sequence}, ` +
        `was written with: one of them is a copy from another time; ${WHAT_TO_DO}`,
      { details },
    );
  }
  return { mark: stored, isAhead };
}
