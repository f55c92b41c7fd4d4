// The time bracket as pages use it: a fact beside others, whose absence costs the reader nothing else.

import { isLimmatError } from '../../../errors.ts';
import type { TimeBracket } from '../../../log/archive.ts';
import type { ServedLog } from '../served-log.ts';

/** What a page says in the place of something that it cannot read now. */
export const UNKNOWN_NOW = 'not known at the moment';

/** The bracket of a published entry; undefined while the store is being reopened, when tiles are read but no archive. */
export async function bracketOf(log: ServedLog, index: number): Promise<TimeBracket | undefined> {
  try {
    return await log.timeBracket(index);
  } catch (error) {
    if (isLimmatError(error, 'store-failed')) return undefined;
    throw error;
  }
}
