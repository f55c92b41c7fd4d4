// The domain rules over a stream of admitted records: what a reader of the whole log finds. Pure, like admission, and by
// the same shape: the keys that judging looks at, and the writes that an entry brings, into a state that whoever runs the
// rules keeps. What needs time to pass is noted in the state and judged when the log itself has signed a later time
// (`judgeDue`); no clock is asked. A time in an entry is its time of signing unless its record says another.
//
// Out of scope: whether an entry may be there at all, which is admission's affair.

import type { CborValue } from '../../cose/cbor.ts';
import { portableHasher, type Hasher } from '../../merkle/hash.ts';
import type { AdmissionWrite, Facts } from '../admission/decision.ts';
import type { StateKey } from '../admission/keys.ts';
import type { Statement } from '../statement.ts';
import { buildKeys, judgeBuild, judgeNotRebuilt, judgeRebuild, rebuildKeys } from './domain/builds.ts';
import { DomainCase, DueCase, rowOf, type DomainFinding, type Due, type StateReader } from './domain/case.ts';
import { dueBefore, endedKey, namedKey, parametersKey, stepKey } from './domain/keys.ts';
import {
  commitmentKeys,
  judgeCommitment,
  judgeDeadline,
  judgeDeletion,
  judgeMade,
  judgeRegions,
  judgeRelocation,
  madeKeys,
  relocationKeys,
} from './domain/places.ts';
import { judgeCompromise, noteSigners, scanFor } from './domain/signers.ts';
import { judgeEnd, judgeRelease, judgeSilence, releaseKeys } from './domain/streams.ts';
import { awaitAttestation, judgeUnattested, noteSupervision } from './domain/supervision.ts';
import type { DomainRuleId } from './domain/table.ts';

export { DOMAIN_RULES, severityOf } from './domain/table.ts';
export type { DomainRule, DomainRuleId, Severity } from './domain/table.ts';
export type { DomainFinding, Due, StateReader } from './domain/case.ts';
export { DOMAIN_SPACE } from './domain/keys.ts';

/** What an entry, or something that was due, comes to. */
export interface DomainOutcome {
  readonly findings: readonly DomainFinding[];
  readonly writes: readonly AdmissionWrite[];
}

/** Types of which a promise may say that a record of it is how it is kept. */
const PROMISED: readonly string[] = ['build', 'avdb-release', 'site', 'rebuild', 'supervision', 'review', 'membership'];

/** The keys of every value that the rules may look at, beside those that admission's `keysFor` names. */
export function domainKeysFor(statement: Statement, hasher: Hasher = portableHasher): StateKey[] {
  const { record, namespace } = statement;
  const keys = [parametersKey(namespace)];
  switch (record.type) {
    case 'build':
      return [...keys, ...buildKeys(statement, record.fields, hasher), ...madeKeys(namespace, record.fields)];
    case 'avdb-release':
      return [...keys, ...releaseKeys(statement, record.fields, hasher), ...madeKeys(namespace, record.fields)];
    case 'rebuild':
      return [...keys, ...rebuildKeys(record.fields)];
    case 'relocation':
      return [...keys, ...relocationKeys(statement, record.fields, hasher)];
    case 'commitment':
      return [...keys, ...commitmentKeys(statement, record.fields, hasher)];
    case 'retraction':
      return [...keys, stepKey(record.fields.target)];
    default:
      return keys;
  }
}

/** Rows that judging the statement looks at beyond single keys, by a scan of the whole state; undefined for most. */
export function domainScanFor(statement: Statement, hasher: Hasher = portableHasher): ReturnType<typeof scanFor> {
  return scanFor(statement, hasher);
}

/**
 * Judges an entry that was admitted. `facts` holds the state before it, and `scanned` what `domainScanFor` asked for.
 * Never throws for what a statement says.
 */
export function judgeRecord(
  facts: Facts,
  statement: Statement,
  index: number,
  leafHash: Uint8Array,
  scanned: readonly { readonly key: StateKey }[] = [],
  hasher: Hasher = portableHasher,
): DomainOutcome {
  const c = new DomainCase(facts, statement, index, leafHash, hasher);
  const { record, namespace } = statement;
  noteSigners(c);
  if (PROMISED.includes(record.type)) {
    c.write(namedKey('type', hasher, namespace, record.type), [index, statement.iat]);
  }
  switch (record.type) {
    case 'policy':
      c.write(parametersKey(namespace), parameterRow(record.fields.parameters));
      break;
    case 'key-event':
      judgeCompromise(c, record.fields, scanned);
      break;
    case 'build':
      judgeBuild(c, record.fields);
      judgeMade(c, record.fields, record.fields.finishedAt ?? statement.iat);
      break;
    case 'rebuild':
      judgeRebuild(c, record.fields);
      break;
    case 'avdb-release':
      judgeRelease(c, record.fields);
      judgeMade(c, record.fields, record.fields.producedAt ?? statement.iat);
      break;
    case 'relocation':
      judgeRelocation(c, record.fields);
      awaitAttestation(c, record.fields);
      break;
    case 'commitment':
      judgeCommitment(c, record.fields);
      break;
    case 'supervision':
      noteSupervision(c, record.fields);
      break;
    case 'retraction':
      noteRetraction(c, record.fields);
      break;
    default:
  }
  return c;
}

type PolicyParameters = (Statement['record'] & { readonly type: 'policy' })['fields']['parameters'];

function parameterRow(parameters: PolicyParameters): CborValue {
  const { rebuildDays, removalPercent, cadenceSeconds, skewSeconds, supervisionDays } = parameters ?? {};
  return [rebuildDays, removalPercent, cadenceSeconds, skewSeconds, supervisionDays].map((value) => value ?? null);
}

type RetractionFields = (Statement['record'] & { readonly type: 'retraction' })['fields'];

/** What was taken back of a relocation is no other word about it (D28); what was ended is not silent (D11, D27). */
function noteRetraction(c: DomainCase, { target, reason }: RetractionFields): void {
  if (reason === 'end-of-life') c.write(endedKey(target), c.index);
  const relocation = c.row<string>(stepKey(target));
  if (relocation !== undefined) c.write(namedKey('replaced', c.hasher, c.namespace, relocation), c.index);
}

const JUDGES: Partial<Record<DomainRuleId, (c: DueCase) => Promise<void>>> = {
  D05: judgeNotRebuilt,
  D11: judgeSilence,
  D18: judgeDeadline,
  D19: judgeDeletion,
  D20: judgeRegions,
  D21: judgeUnattested,
  D27: judgeEnd,
};

/** Where in the state the reminders are of which the time is over at `nowSeconds`, a time that the log has signed. */
export function dueAt(nowSeconds: number): { readonly from: StateKey; readonly below: StateKey } {
  return dueBefore(nowSeconds);
}

/** Judges what a reminder is about. `reader` is the whole state, in which every entry that was judged is. */
export async function judgeDue(
  row: { readonly key: StateKey; readonly value: Uint8Array },
  nowSeconds: number,
  reader: StateReader,
  hasher: Hasher = portableHasher,
): Promise<DomainOutcome> {
  const [rule, atSeconds, index, namespace, about, values] = rowOf<
    [DomainRuleId, number, number, string, string, CborValue]
  >(row.value);
  const due: Due = { rule, atSeconds, index, namespace, about, values };
  const c = new DueCase(due, nowSeconds, reader, hasher);
  c.writes.push({ key: row.key, value: null });
  await JUDGES[rule]!(c);
  return c;
}
