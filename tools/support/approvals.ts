// Approvals of a statement on the command line: `limmat sign --approve` writes one, `limmat sign --approval` takes it. An
// approval is of one statement: who signs it, for which issuer and when is settled with the first, and stands in the file.
//
//   {"kid": "cbf65c8a…", "signature": "9f2c…", "signer": "64f0e2bb…", "issuer": "demo", "signedAt": "2027-01-15T08:00:00Z"}

import { readFileSync } from 'node:fs';

import * as v from 'valibot';

import { equalBytes, fromHex, toHex } from '../../src/bytes.ts';
import { thumbprint } from '../../src/cose/key.ts';
import { LimmatError } from '../../src/errors.ts';
import { DEFAULT_IAT_WINDOW_SECONDS } from '../../src/log/index.ts';
import {
  approvalsOf,
  createApproval,
  formatTime,
  parseTime,
  recordFromJson,
  recordToJson,
} from '../../src/record/index.ts';
import type { ApprovedStatement, LimmatRecord, StatementSigner } from '../../src/record/index.ts';
import { readPublicKey } from './keys.ts';

const APPROVAL = v.strictObject({
  kid: v.string(),
  signature: v.string(),
  signer: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  issuer: v.string(),
  signedAt: v.pipe(
    v.string(),
    v.check((text) => parseTime(text) !== undefined),
  ),
});

export type ApprovalJson = v.InferOutput<typeof APPROVAL>;

/** What is settled before the first approval of a record; by default it is signed for its namespace, now. */
export interface DraftOptions {
  /** Key id in hexadecimal, or a file of the public key. */
  readonly signer?: string;
  readonly issuer?: string;
  /** RFC 3339, UTC, whole seconds. */
  readonly signedAt?: string;
}

/** The statement that is to be approved. `usage` without a signer, and for a time at which no log takes it any more. */
export function draftOf(
  record: LimmatRecord,
  { signer, issuer = record.namespace, signedAt }: DraftOptions,
  nowSeconds = Math.floor(Date.now() / 1000),
): ApprovedStatement {
  if (signer === undefined) {
    throw new LimmatError('usage', 'an approval is for one signer: --signer KEY-ID, or a file of its public key');
  }
  const iat = signedAt === undefined ? nowSeconds : parseTime(signedAt);
  if (iat === undefined) {
    throw new LimmatError('usage', `--signed-at ${signedAt} is not a time such as ${formatTime(nowSeconds)}`);
  }
  if (nowSeconds - iat > DEFAULT_IAT_WINDOW_SECONDS) throw outOfWindow(iat, nowSeconds);
  const isKid = /^[0-9a-f]{64}$/.test(signer);
  return { record, kid: isKid ? fromHex(signer)! : thumbprint(readPublicKey(signer)), iss: issuer, iat };
}

/** The approval of the statement by this key. `usage` where the key is to sign it. */
export async function approvalOf(statement: ApprovedStatement, key: StatementSigner): Promise<ApprovalJson> {
  if (equalBytes(statement.kid, key.kid)) throw ownApproval(key);
  const { kid, signature } = await createApproval(statement, key);
  return {
    kid: toHex(kid),
    signature: toHex(signature),
    signer: toHex(statement.kid),
    issuer: statement.iss,
    signedAt: formatTime(statement.iat),
  };
}

/** A record with approvals, and what these settle of its statement. */
export interface WithApprovals {
  readonly record: LimmatRecord;
  /** Undefined where no approval was given. */
  readonly settled?: { readonly iss: string; readonly iat: number };
}

/**
 * The record with the approvals of these files in the order that a record has them in. `usage` for a record that has approvals already, for a file that is none, for one by the key that is
 * to sign the record, and where they are for another signer, issuer or time: that of another approval, or one that a log
 * does not take now; `bad-record` where a key approves twice. That they hold is for the log to check.
 */
export function withApprovals(
  record: LimmatRecord,
  files: readonly string[],
  signer: StatementSigner,
  issuer?: string,
  nowSeconds = Math.floor(Date.now() / 1000),
): WithApprovals {
  if (approvalsOf(record).length > 0) {
    // An approval is for one signer, issuer and time, which a record does not say: so nobody could tell whether it holds.
    throw new LimmatError(
      'usage',
      "the record's fields have approvals, of which nothing says whom and what time they are for: leave them out, and give " +
        'the files that "limmat sign --approve" wrote with --approval',
    );
  }
  const given = files.map(readApproval);
  const [first] = given;
  if (first === undefined) return { record };
  if (given.some(({ kid }) => kid === toHex(signer.kid))) throw ownApproval(signer);
  const wanted = { signer: toHex(signer.kid), issuer: issuer ?? first.issuer, signedAt: first.signedAt };
  for (const [i, approval] of given.entries()) {
    for (const name of ['signer', 'issuer', 'signedAt'] as const) {
      if (approval[name] === wanted[name]) continue;
      throw new LimmatError(
        'usage',
        `${files[i]} approves the statement with ${name} ${approval[name]}, not ${wanted[name]}: it would not hold`,
      );
    }
  }
  const iat = parseTime(first.signedAt)!;
  if (Math.abs(nowSeconds - iat) > DEFAULT_IAT_WINDOW_SECONDS) throw outOfWindow(iat, nowSeconds);
  const json = recordToJson(record);
  const added = given.map(({ kid, signature }) => ({ kid, signature }));
  const approvals = sortedByKid(added);
  const approved = recordFromJson({ ...json, fields: { ...Object(json.fields), approvals } });
  return { record: approved, settled: { iss: first.issuer, iat } };
}

/** Hexadecimal sorts as its bytes do. */
function sortedByKid(approvals: readonly { readonly kid: string }[]): { readonly kid: string }[] {
  return approvals.toSorted((a, b) => (a.kid < b.kid ? -1 : 1));
}

function ownApproval({ kid }: StatementSigner): LimmatError {
  return new LimmatError('usage', `key ${toHex(kid)} signs the record; an approval by it would count for nothing`);
}

function outOfWindow(iat: number, nowSeconds: number): LimmatError {
  return new LimmatError(
    'usage',
    `the statement's time ${formatTime(iat)} is more than ${DEFAULT_IAT_WINDOW_SECONDS / 3600} h from now, ` +
      `${formatTime(nowSeconds)}: a log takes it no more or not yet; approve it again with another --signed-at`,
  );
}

function readApproval(path: string): ApprovalJson {
  try {
    return v.parse(APPROVAL, JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof v.ValiError)) throw error;
    throw new LimmatError('usage', `${path} is no approval, as "limmat sign --approve" writes one`, { cause: error });
  }
}
