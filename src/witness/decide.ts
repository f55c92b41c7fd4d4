// What a witness answers (C2SP tlog-witness, "add-checkpoint"), as a pure function of what it knows of the log, the request
// and the head that the log has signed. Who signed, and which log it is, has been settled before.

import { equalBytes } from '../bytes.ts';
import { isLimmatError } from '../errors.ts';
import { emptyRootHash } from '../merkle/hash.ts';
import type { Hasher } from '../merkle/hash.ts';
import { verifyConsistency } from '../merkle/proof.ts';
import type { AddCheckpointRequest } from '../note/add-checkpoint.ts';
import type { KnownHead, SignedHead } from './head.ts';

/** A verdict on a head, by the status that it is answered with. */
export type Verdict =
  /** May be cosigned, once it is remembered. */
  | { readonly status: 200 }
  /** The old size is above the head's. */
  | { readonly status: 400; readonly reason: string }
  /** The old size is not that of the head that is remembered; `size` is. */
  | { readonly status: 409; readonly size: number; readonly reason: string }
  /** The head is not shown to be consistent with the one that is remembered. */
  | { readonly status: 422; readonly reason: string };

/** The verdict, in the order of the specification's text. `known` is undefined where the log was never cosigned for. */
export function decide(
  known: KnownHead | undefined,
  { oldSize, proof }: Pick<AddCheckpointRequest, 'oldSize' | 'proof'>,
  head: Pick<SignedHead, 'size' | 'rootHash'>,
  hasher: Hasher,
): Verdict {
  const { size, rootHash } = head;
  if (oldSize > size) return { status: 400, reason: `the old size ${oldSize} is above the checkpoint's size ${size}` };
  const knownSize = known?.size ?? 0;
  if (oldSize !== knownSize) {
    return {
      status: 409,
      size: knownSize,
      reason: `the old size is ${oldSize}, and the last one here is ${knownSize}`,
    };
  }
  if (size === 0 && !equalBytes(rootHash, emptyRootHash(hasher))) {
    return { status: 422, reason: 'a checkpoint of size 0 has another root than the empty tree' };
  }
  if (oldSize === 0) {
    // Every tree extends the empty one; so there is nothing to prove.
    if (proof.length === 0) return { status: 200 };
    return { status: 422, reason: `the old size 0 takes no proof, and there are ${proof.length} hashes` };
  }
  try {
    verifyConsistency({ fromSize: oldSize, fromRoot: known!.rootHash, toSize: size, toRoot: rootHash, proof }, hasher);
  } catch (error) {
    if (!isLimmatError(error, 'bad-proof')) throw error;
    return { status: 422, reason: error.message };
  }
  return { status: 200 };
}
