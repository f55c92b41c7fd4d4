// Approvals of a record on the command line: `limmat sign --approve` writes one, `limmat sign --approval` takes it.
//
//   {"kid": "cbf65c8a…", "signature": "9f2c…"}

import { readFileSync } from 'node:fs';

import { equalBytes, toHex } from '../../src/bytes.ts';
import { LimmatError } from '../../src/errors.ts';
import { approvalsOf, createApproval, payloadKind, recordFromJson, recordToJson } from '../../src/record/index.ts';
import type { LimmatRecord, StatementSigner } from '../../src/record/index.ts';

export interface ApprovalJson {
  readonly kid: string;
  readonly signature: string;
}

/** The signer's approval of the record. */
export async function approvalOf(record: LimmatRecord, signer: StatementSigner): Promise<ApprovalJson> {
  const { kid, signature } = await createApproval(record, signer);
  return { kid: toHex(kid), signature: toHex(signature) };
}

/**
 * The record with the approvals of these files behind its own. `usage` for a file that is none and for one by the key
 * that is to sign the record; `bad-record` where a key approves twice. That they hold is for the log to check.
 */
export function withApprovals(record: LimmatRecord, files: readonly string[], signer: StatementSigner): LimmatRecord {
  if (files.length === 0) return record;
  const json = recordToJson(record);
  const own = Object.entries(Object(json.fields)).filter(([name]) => name !== 'approvals');
  const known = payloadKind(record.type).fields['approvals']!.kind.toJson(approvalsOf(record));
  const approvals = [...(Array.isArray(known) ? known : []), ...files.map(readApproval)];
  const approved = recordFromJson({ ...json, fields: Object.fromEntries([...own, ['approvals', approvals]]) });
  if (approvalsOf(approved).some(({ kid }) => equalBytes(kid, signer.kid))) {
    throw new LimmatError(
      'usage',
      `key ${toHex(signer.kid)} signs the record; an approval by it would count for nothing`,
    );
  }
  return approved;
}

function readApproval(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new LimmatError('usage', `${path} is no approval, as "limmat sign --approve" writes one`, { cause: error });
  }
}
