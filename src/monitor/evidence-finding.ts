// What evidence is to whoever runs a monitor: mostly proof. Of some kinds a file alone is not (kind-row.ts, needsReplay): it
// takes the rest of the log to tell, which a monitor that judges the records has read.

import { fromBase64 } from '../bytes.ts';
import type { Hasher } from '../merkle/hash.ts';
import { entryKey } from '../record/admission/keys.ts';
import { entryValue } from '../record/admission/values.ts';
import { proofFinding, suspicionFinding } from './checks.ts';
import { accusedPair } from './evidence/conflict-name.ts';
import type { Evidence } from './evidence/evidence.ts';
import { KINDS } from './evidence/kinds.ts';
import type { IncludedEntry } from './evidence/make.ts';
import type { Finding } from './finding.ts';
import type { KeyedState } from './ports.ts';
import { isDisputed } from './records/coverage.ts';
import type { RecordCoverage } from './records/coverage.ts';
import { stillStand } from './records/standing.ts';

/**
 * Proof; or a suspicion where its kind takes the rest of the log to tell, and judging the records has not come to the same;
 * undefined when what it is about was taken back since.
 */
export async function findingOfEvidence(
  evidence: Evidence,
  records: RecordCoverage | undefined,
  state: Pick<KeyedState, 'get'>,
  hasher: Hasher,
): Promise<Finding | undefined> {
  const { kind, claim } = evidence;
  const pair = accusedPair(kind, claim);
  if (KINDS[kind].needsReplay !== true || pair === undefined) return proofFinding(evidence);
  const entry = async (index: number): Promise<IncludedEntry> => {
    const { leaf } = claim.entries!.find((one) => one.index === index)!;
    return { index, leaf: fromBase64(leaf)!, inclusion: [] };
  };
  // Of a log that forked the file may be about the other branch, which was not judged.
  const isHere = async (index: number): Promise<boolean> => {
    const [value] = await state.get([entryKey(hasher.leafHash((await entry(index)).leaf))]);
    return value !== undefined && entryValue.parse(value).index === index;
  };
  if (isDisputed(records, pair) && (await isHere(pair[0]))) return proofFinding(evidence);
  return (await stillStand(state, { entry }, pair, hasher)) ? suspicionFinding(evidence, pair) : undefined;
}
