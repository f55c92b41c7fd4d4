// Trees that records name: earlier trees of this log, by size and root hash.

import { equalBytes, toHex } from '../../../bytes.ts';
import { rootKey } from '../../admission/keys.ts';
import { Refused, type RuleId } from '../../admission/decision.ts';
import type { Case } from './case.ts';

/** The tree that is named is one of this log's, and earlier than this entry. */
export function checkRoot(
  judged: Case,
  rule: RuleId,
  field: string,
  { size, rootHash }: { readonly size: number; readonly rootHash: Uint8Array },
): void {
  if (size > judged.index) {
    throw new Refused(rule, `${field}.size`, String(size), `at most ${judged.index}, the entries before this one`);
  }
  const root = judged.facts.get(rootKey(size));
  if (root === undefined) throw new Error(`bad math in checkRoot: no root at size ${size}`);
  if (equalBytes(root, rootHash)) return;
  const expected = `${toHex(root)}, the root of this log at size ${size}`;
  throw new Refused(rule, `${field}.rootHash`, toHex(rootHash), expected);
}
