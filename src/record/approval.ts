// Approvals: how several keys sign one record. The statement's own signature is one of them; each further key signs the
// approval message, and its signature goes into the field `approvals` before the statement is signed. So k keys make one
// leaf, and whoever signs last signs the approvals too. Which keys, and how many, the admission policy says.
//
//   message = deterministic CBOR of ["limmat/approval/v1", namespace, type, payload without approvals]
//
// The payload is a byte string: the deterministic CBOR map that is logged, less its member "approvals". What is signed
// here can be taken for nothing else: a statement's signing input (RFC 9052 §4.4) is an array that starts with
// "Signature1". Nothing binds an approval to one signer or time, so it holds for the same record again; entries of the
// admission chain cannot be repeated, because of their sequence.

import { checkSignatureForm, verifyJob, type StatementSigner, type VerifyJob } from '../cose/signer.ts';
import { encodeCbor } from '../cose/cbor.ts';
import type { CoseKey } from '../cose/key.ts';
import type { Approval } from './key-kinds.ts';
import { encodePayload, type LimmatRecord } from './types.ts';

export const APPROVAL_CONTEXT = 'limmat/approval/v1';

/** What an approval of the record is a signature over. The same whatever approvals the record has already. */
export function approvalMessage(record: LimmatRecord): Uint8Array {
  const { approvals: _, ...fields } = record.fields;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- approvals are optional in every type
  const payload = encodePayload(record.type, fields as LimmatRecord['fields']);
  return encodeCbor([APPROVAL_CONTEXT, record.namespace, record.type, payload]);
}

/** The signer's approval of the record, to be put into its field `approvals`. */
export async function createApproval(record: LimmatRecord, signer: StatementSigner): Promise<Approval> {
  const signature = await signer.sign(approvalMessage(record));
  checkSignatureForm(signer.alg, signature);
  return Object.freeze({ kid: signer.kid, signature });
}

/** The record's approvals, in its order; none where it has no field for them. Nothing of them is verified. */
export function approvalsOf(record: LimmatRecord): readonly Approval[] {
  return record.fields.approvals ?? [];
}

/**
 * The signature check of one of the record's approvals, with the key that its kid names. `malformed` when the signature
 * has not the one form that the key's algorithm gives it.
 */
export function approvalJob(record: LimmatRecord, { signature }: Approval, key: CoseKey): VerifyJob {
  checkSignatureForm(key.alg, signature);
  return verifyJob({ alg: key.alg, toBeSigned: approvalMessage(record), signature }, key);
}
