// Why an honest log cannot have admitted an entry after those of a claim: by its rules, or by a signature in it.

import { toHex } from '../../../bytes.ts';
import { parseCoseKey } from '../../../cose/key.ts';
import type { CoseKey } from '../../../cose/key.ts';
import { verifyJob } from '../../../cose/signer.ts';
import type { VerifyJob } from '../../../cose/signer.ts';
import { portableCrypto } from '../../../crypto/index.ts';
import { LimmatError, isLimmatError } from '../../../errors.ts';
import { admit } from '../../../record/admission.ts';
import type { Decision, Refusal } from '../../../record/admission/decision.ts';
import { approvalJob, approvalsOf } from '../../../record/approval.ts';
import { parseStatement } from '../../../record/statement.ts';
import type { Statement } from '../../../record/statement.ts';
import { badEvidence } from '../kind-row.ts';
import type { OpenedEntry } from '../kind-row.ts';
import { chainBefore } from './chain.ts';
import { fieldsOf, readRecord } from './claim.ts';
import type { LoggedRecord, RecordClaim } from './claim.ts';
import { KnownFacts, NotKnown } from './known.ts';

/** What is wrong with an entry. */
export type Wrong =
  | { readonly what: 'malformed'; readonly message: string }
  /** The same leaf as an earlier entry. */
  | { readonly what: 'repeated'; readonly index: number }
  | { readonly what: 'refused'; readonly refusal: Refusal }
  | { readonly what: 'signature'; readonly kid: string };

/** Where and when a key signs, as a key event states it. */
const LIMITS: readonly string[] = ['site', 'validFrom', 'validUntil'];

/** What the rules say without a look at signatures; a text where they find nothing, which says why. */
export function judgeByRules(claim: RecordClaim, accused: OpenedEntry): Exclude<Wrong, { what: 'signature' }> | string {
  const { index, leaf, leafHash } = accused;
  const first = claim.records.find((record) => record.index < index && toHex(record.leafHash) === toHex(leafHash));
  if (first !== undefined) return { what: 'repeated', index: first.index };
  let statement: Statement;
  try {
    statement = parseStatement(leaf);
  } catch (error) {
    // A later version may know types and fields that this one does not; what is no signed CBOR no version takes.
    if (isLimmatError(error, 'malformed')) return { what: 'malformed', message: error.message };
    if (error instanceof LimmatError) return `entry ${index} is none that this version reads: ${error.message}`;
    throw error;
  }
  const own = { index, leafHash, statement };
  const chain = chainBefore(claim, own);
  let decision: Decision;
  try {
    decision = admit(new KnownFacts(claim, own, chain), statement, index, leafHash, claim.hasher);
  } catch (error) {
    if (error instanceof NotKnown) return error.message;
    throw error;
  }
  if (decision.admitted) {
    const part = chain === undefined ? ', which do not have the whole chain of its namespace' : '';
    return `the rules admit it, as far as these entries tell${part}`;
  }
  // Which roles a policy has, and with which limits a key came, only the whole chain tells.
  const isOfChain = decision.rule === 'D15' || (decision.rule === 'D16' && LIMITS.includes(decision.field));
  if (chain === undefined && isOfChain) return 'the entries do not have the whole chain of its namespace';
  return { what: 'refused', refusal: decision };
}

/** What is wrong with the entry; `bad-evidence` when nothing is, as far as the claim tells. */
export async function wrongOf(claim: RecordClaim, accused: OpenedEntry): Promise<Wrong> {
  const wrong = judgeByRules(claim, accused);
  if (typeof wrong !== 'string') return wrong;
  try {
    const { statement } = readRecord(accused);
    const kid = await brokenSignature(claim, statement);
    if (kid !== undefined) return { what: 'signature', kid };
  } catch (error) {
    if (!isLimmatError(error, 'bad-evidence')) throw error;
  }
  throw badEvidence(`an honest log may have entry ${accused.index}: ${wrong}`);
}

/** The first key whose signature in the statement does not hold, of those whose bytes the claim has. */
async function brokenSignature(claim: RecordClaim, statement: Statement): Promise<string | undefined> {
  const { record, kid } = statement;
  const checks: readonly (readonly [kid: Uint8Array, job: (key: CoseKey) => VerifyJob])[] = [
    [kid, (key) => verifyJob(statement, key)],
    ...approvalsOf(record).map(
      (approval) => [approval.kid, (key: CoseKey) => approvalJob(statement, approval, key)] as const,
    ),
  ];
  for (const [id, job] of checks) {
    const key = keyOf(claim, id);
    if (key !== undefined && !(await holds(() => job(key)))) return toHex(id);
  }
  return undefined;
}

/** A signature of another length or algorithm than the key's is none. */
async function holds(job: () => VerifyJob): Promise<boolean> {
  try {
    const [holding] = await portableCrypto.verifyMany([job()]);
    return holding!;
  } catch (error) {
    if (isLimmatError(error, 'bad-signature') || isLimmatError(error, 'malformed')) return false;
    throw error;
  }
}

/** The key with this thumbprint, from any record that brings its bytes. */
function keyOf({ records }: RecordClaim, kid: Uint8Array): CoseKey | undefined {
  const id = toHex(kid);
  const known = records.flatMap(({ statement }) => broughtBy(statement)).find((key) => toHex(key.kid) === id);
  return known && parseCoseKey(known.key);
}

/** The keys that a record brings; that their ids are theirs was checked when it was read. */
export function broughtBy({ record }: Statement): readonly { readonly kid: Uint8Array; readonly key: Uint8Array }[] {
  const policy = fieldsOf(record, 'policy');
  const event = fieldsOf(record, 'key-event');
  return [
    ...(policy?.root?.keys ?? []),
    ...(policy?.log?.statementKeys ?? []),
    ...(fieldsOf(record, 'membership')?.root?.keys ?? []),
    ...(event?.key === undefined ? [] : [{ kid: event.kid, key: event.key }]),
  ];
}

/** `bad-evidence` unless the statement's own signature holds, with a key that the claim brings. */
export async function checkSigned(claim: RecordClaim, { index, statement }: LoggedRecord): Promise<void> {
  const key = keyOf(claim, statement.kid);
  if (key === undefined) throw badEvidence(`none of the entries brings key ${toHex(statement.kid)} of entry ${index}`);
  if (await holds(() => verifyJob(statement, key))) return;
  throw badEvidence(`the signature of entry ${index} does not hold: its issuer did not say it`);
}
