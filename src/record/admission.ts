// Admission: may this statement be entry i of this log? Decided from the log's own content alone, by two pure functions,
// so that whoever has the entries comes to the same answer as the log did: `keysFor` names the values that judging may
// look at, `admit` judges and gives the values that the entry changes. The log puts these into the same commit as the
// entry; a replayer keeps them itself (admission/replay.ts).
//
// Out of scope: clocks and rates, and whether signatures hold. `signatureJobs` says which signatures are to be verified
// with which keys; an entry is to be admitted only if all of them hold. A key id is a key's thumbprint, so what was
// verified stays verified: `admit` asks whether the key is still in force.

import { equalBytes } from '../bytes.ts';
import { parseCoseKey, type CoseKey } from '../cose/key.ts';
import { verifyJob, type VerifyJob } from '../cose/signer.ts';
import type { Hasher } from '../merkle/hash.ts';
import { portableHasher } from '../merkle/hash.ts';
import { keyKey, LOG_KEY, namespaceKey, type StateKey } from './admission/keys.ts';
import type { Decision, Facts } from './admission/decision.ts';
import { keyValue } from './admission/values.ts';
import { approvalJob, approvalsOf } from './approval.ts';
import * as v1 from './rules/v1.ts';
import type { Statement } from './statement.ts';

export { ADMISSION_SPACE, sizeOfRootKey } from './admission/keys.ts';
export { RULE_IDS } from './admission/decision.ts';
export type { Admitted, AdmissionWrite, Decision, Facts, Refusal, RuleId } from './admission/decision.ts';
export type { StateKey } from './admission/keys.ts';

/** Versions of the rules that a genesis may name. They are kept for ever. */
export const RULES_VERSIONS = Object.freeze(['v1'] as const);

/**
 * The keys of every value that judging the statement may look at, from the statement alone; some may be there twice. One
 * of them may be no stored value: `sizeOfRootKey` says of which tree of this log it is the root.
 */
export function keysFor(statement: Statement, hasher: Hasher = portableHasher): StateKey[] {
  return v1.keysFor(statement, hasher);
}

/**
 * Judges the statement as the entry of this index, which has this leaf hash, by the rules that the log's genesis names.
 * `facts` holds the state after all entries before it. Never throws for what a statement says.
 */
export function admit(
  facts: Facts,
  statement: Statement,
  index: number,
  leafHash: Uint8Array,
  hasher: Hasher = portableHasher,
): Decision {
  return v1.admit(facts, statement, index, leafHash, hasher);
}

/**
 * The key with which to verify the statement's signature, if it is known and alive in the statement's namespace. Of the
 * genesis: the root key that the genesis itself names.
 */
export function verifyKeyFor(facts: Facts, statement: Statement): CoseKey | undefined {
  return keyInForce(facts, statement, statement.kid);
}

/** The keys of the values by which a statement is refused that no key in force has signed. */
export function signerKeysFor(statement: Statement): StateKey[] {
  return [namespaceKey(statement.namespace), ...signatureKeysFor(statement)];
}

/** The keys of the values by which `signatureJobs` goes. */
export function signatureKeysFor({ namespace, kid, record }: Statement): StateKey[] {
  const keys = [LOG_KEY, keyKey(namespace, kid)];
  for (const approval of approvalsOf(record)) keys.push(keyKey(namespace, approval.kid));
  return keys;
}

/**
 * The signatures that have to hold: the statement's own and each approval's. Undefined where one of the keys is not in
 * force, of which `admit` says why. `bad-signature` and `malformed` for a signature that cannot be the key's.
 */
export function signatureJobs(facts: Facts, statement: Statement): readonly VerifyJob[] | undefined {
  const own = verifyKeyFor(facts, statement);
  if (own === undefined) return undefined;
  const jobs = [verifyJob(statement, own)];
  for (const approval of approvalsOf(statement.record)) {
    const key = keyInForce(facts, statement, approval.kid);
    if (key === undefined) return undefined;
    jobs.push(approvalJob(statement, approval, key));
  }
  return jobs;
}

function keyInForce(facts: Facts, { namespace, record }: Statement, kid: Uint8Array): CoseKey | undefined {
  if (facts.get(LOG_KEY) === undefined) {
    const root = record.type === 'policy' && record.fields.log !== undefined ? record.fields.root : undefined;
    const named = root?.keys.find((key) => equalBytes(key.kid, kid));
    return named && parseCoseKey(named.key);
  }
  const value = facts.get(keyKey(namespace, kid));
  if (value === undefined) return undefined;
  const { key, deadAt } = keyValue.parse(value);
  return key === null || deadAt !== null ? undefined : coseKeyOf(key);
}

/** Of one and the same array, which nobody changes, the key is read once. */
const coseKeys = new WeakMap<Uint8Array, CoseKey>();

function coseKeyOf(bytes: Uint8Array): CoseKey {
  let key = coseKeys.get(bytes);
  if (key === undefined) coseKeys.set(bytes, (key = parseCoseKey(bytes)));
  return key;
}
