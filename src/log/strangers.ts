// Entries whose signers nobody knows. Anyone can send them, and what they name costs reads; so that is not looked at where
// it is clear beforehand that the rules will refuse them for their signer.

import { signatureJobs, signatureKeysFor } from '../record/admission.ts';
import { CHAIN_TYPES } from '../record/chain.ts';
import { BatchState } from './batch-state.ts';
import type { StateChanges } from './batch-state.ts';
import type { CommittedState } from './committed-state.ts';
import type { Entry, ValidatedRecord } from './entry.ts';

/**
 * The records of the batch that no entry before them can make admissible: a key that they are signed with is not in force
 * now, and no entry of the batch that is known to be signed by one that is could bring it.
 */
export async function strangersIn(
  batch: readonly Entry[],
  committed: CommittedState,
  changes: StateChanges | undefined,
): Promise<ReadonlySet<ValidatedRecord>> {
  const unverified: ValidatedRecord[] = [];
  for (const { record } of batch) {
    if (record === undefined) continue;
    if (!record.isVerified) unverified.push(record);
    else if (isChainEntry(record)) return new Set();
  }
  if (unverified.length === 0) return new Set();
  const wanted = committed.wanted();
  for (const { statement } of unverified) for (const key of signatureKeysFor(statement)) wanted.add(key);
  const { values } = await wanted.read();
  const state = new BatchState(changes, values, () => undefined);
  const strangers = unverified.filter(({ statement }) => !mayBeSigned(state, statement));
  // A chain entry whose key came with the batch that is being written, or with another one of this batch, may bring keys.
  const known = unverified.filter((record) => !strangers.includes(record));
  if (known.some(isChainEntry)) return new Set();
  return new Set(strangers);
}

function isChainEntry({ statement }: ValidatedRecord): boolean {
  return CHAIN_TYPES.some((type) => type === statement.type);
}

function mayBeSigned(state: BatchState, statement: ValidatedRecord['statement']): boolean {
  try {
    return signatureJobs(state, statement) !== undefined;
  } catch {
    // A signature that cannot be the key's: the rules have to say of it what they say of any.
    return true;
  }
}
