// Approvals: how several keys sign one record. The statement's own signature is one of them; each further key signs the
// approval message, and its signature goes into the field `approvals` before the statement is signed. So k keys make one
// leaf, and whoever signs last signs the approvals too. Which keys, and how many, the admission policy says.
//
//   message = deterministic CBOR of ["limmat/approval/v2", typ, kid, iss, sub, iat, payload without approvals]
//
// typ, kid, iss, sub and iat are those of the statement's header: who signs it, for whom, and when, is settled before the
// first approval. So whoever has one of the keys cannot log a record again, with the approvals that it had, under a new
// time. The payload is a byte string: the deterministic CBOR map that is logged, less its member "approvals". What is
// signed here can be taken for nothing else: a statement's signing input (RFC 9052 §4.4) is an array that starts with
// "Signature1".

import { checkSignatureForm, verifyJob, type StatementSigner, type VerifyJob } from '../cose/signer.ts';
import { encodeCbor } from '../cose/cbor.ts';
import type { CoseKey } from '../cose/key.ts';
import type { Approval } from './key-kinds.ts';
import { mediaType } from './statement.ts';
import { encodePayload, subjectOf, type LimmatRecord } from './types.ts';

export const APPROVAL_CONTEXT = 'limmat/approval/v2';

/** What an approval is given to: all that a statement says, but for its approvals. A `Statement` is one. */
export interface ApprovedStatement {
  readonly record: LimmatRecord;
  /** The thumbprint of the key that signs the statement: 32 bytes. */
  readonly kid: Uint8Array;
  /** Who signs, as an organisation. */
  readonly iss: string;
  /** Time of signing, Unix seconds. */
  readonly iat: number;
}

/** What an approval of the statement is a signature over. The same whatever approvals the record has already. */
export function approvalMessage({ record, kid, iss, iat }: ApprovedStatement): Uint8Array {
  const { approvals: _, ...fields } = record.fields;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- approvals are optional in every type
  const payload = encodePayload(record.type, fields as LimmatRecord['fields']);
  return encodeCbor([APPROVAL_CONTEXT, mediaType(record.type), kid, iss, subjectOf(record), iat, payload]);
}

/** The approval of the statement by this key, to be put into the record's field `approvals`. */
export async function createApproval(statement: ApprovedStatement, signer: StatementSigner): Promise<Approval> {
  const signature = await signer.sign(approvalMessage(statement));
  checkSignatureForm(signer.alg, signature);
  return Object.freeze({ kid: signer.kid, signature });
}

/** The record's approvals, in its order; none where it has no field for them. Nothing of them is verified. */
export function approvalsOf(record: LimmatRecord): readonly Approval[] {
  return record.fields.approvals ?? [];
}

/**
 * The signature check of one of the statement's approvals, with the key that its kid names. `malformed` when the signature
 * has not the one form that the key's algorithm gives it.
 */
export function approvalJob(statement: ApprovedStatement, { signature }: Approval, key: CoseKey): VerifyJob {
  checkSignatureForm(key.alg, signature);
  return verifyJob({ alg: key.alg, toBeSigned: approvalMessage(statement), signature }, key);
}
