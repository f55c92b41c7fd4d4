// Whether what two entries say still stands: what was taken back, or replaced, is held against nobody.

import type { Hasher } from '../../merkle/hash.ts';
import { isLimmatError } from '../../errors.ts';
import { entryKey } from '../../record/admission/keys.ts';
import { entryValue } from '../../record/admission/values.ts';
import type { AdmissionSource } from '../evidence/gather.ts';
import type { KeyedState } from '../ports.ts';

/**
 * False when the state knows that one of the entries was superseded, retracted or recalled. An entry that it does not know,
 * because the log should not have taken it, or that the log does not serve any more, nobody took back.
 */
export async function stillStand(
  state: Pick<KeyedState, 'get'>,
  source: Pick<AdmissionSource, 'entry'>,
  indexes: readonly [earlier: number, later: number],
  hasher: Hasher,
): Promise<boolean> {
  for (const index of indexes) {
    try {
      const { leaf } = await source.entry(index);
      const [value] = await state.get([entryKey(hasher.leafHash(leaf))]);
      if (value !== undefined && entryValue.parse(value).standing !== 'stands') return false;
    } catch (error) {
      if (!isLimmatError(error, 'withheld')) throw error;
    }
  }
  return true;
}
