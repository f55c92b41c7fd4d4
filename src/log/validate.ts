// Validation: request bytes → Entry. Form, size, authority, time of signing and signature: everything that can be
// judged before the entry has a place. Each entry of a request is judged alone.

import { toHex } from '../bytes.ts';
import type { CryptoSuite, VerifyJob } from '../crypto/suite.ts';
import { LimmatError, asLimmatError } from '../errors.ts';
import type { Hasher } from '../merkle/hash.ts';
import { HASH_SIZE, asHash } from '../merkle/hash.ts';
import { MAX_ENTRY_SIZE } from '../merkle/tile.ts';
import { parseStatement } from '../record/statement.ts';
import type { Statement } from '../record/statement.ts';
import { permits, signatureJob } from '../record/submitters.ts';
import type { SubmitterList } from '../record/submitters.ts';
import type { Entry, ValidatedRecord } from './entry.ts';

/**
 * How far a statement's time of signing may be from now unless told otherwise: a day, so that an offline signing key and
 * a queue of retries have time, and the time bracket of an entry still says when it was made.
 */
export const DEFAULT_IAT_WINDOW_SECONDS = 86_400;

/** What validation needs to know. */
export interface ValidateContext {
  readonly hasher: Hasher;
  readonly crypto: CryptoSuite;
  /** The list in force; undefined where admission is open. */
  readonly submitters: SubmitterList | undefined;
  readonly nowSeconds: number;
  /** How far `iat` may be from now, in seconds, either way. */
  readonly iatWindowSeconds: number;
}

/** An entry, or why it is not one. */
export type Validated = Entry | LimmatError;

/** Judges each of these leaf bytes alone, in order. Bytes are not copied: the caller must not change them any more. */
export async function validate(leaves: readonly Uint8Array[], context: ValidateContext): Promise<Validated[]> {
  const { submitters } = context;
  if (submitters === undefined) return leaves.map((bytes) => validateOpen(bytes, context.hasher));
  const outcomes = leaves.map((bytes) => validateForm(bytes, submitters, context));
  const jobs = outcomes.flatMap((outcome) => (outcome instanceof LimmatError ? [] : [outcome.job]));
  const verdicts = jobs.length === 0 ? [] : await context.crypto.verifyMany(jobs);
  let next = 0;
  return outcomes.map((outcome) => {
    if (outcome instanceof LimmatError) return outcome;
    return verdicts[next++] === true ? outcome.entry : badSignature(outcome.entry);
  });
}

interface ValidatedForm {
  readonly entry: Entry & { readonly record: ValidatedRecord };
  readonly job: VerifyJob;
}

function validateOpen(bytes: Uint8Array, hasher: Hasher): Validated {
  return tooLarge(bytes) ?? { bytes, leafHash: leafHashOf(bytes, hasher), record: undefined };
}

function validateForm(
  bytes: Uint8Array,
  submitters: SubmitterList,
  context: ValidateContext,
): ValidatedForm | LimmatError {
  const large = tooLarge(bytes);
  if (large) return large;
  let statement: Statement;
  let job: VerifyJob;
  try {
    statement = parseStatement(bytes);
    const refusal = permits(submitters, statement) ?? outsideWindow(statement, context);
    if (refusal) return refusal;
    job = signatureJob(statement, submitters);
  } catch (error) {
    return asLimmatError(error);
  }
  const record = {
    statement,
    statementHash: context.hasher.sha256(statement.toBeSigned),
    verifiedBy: submitters,
  };
  return {
    entry: { bytes, leafHash: leafHashOf(bytes, context.hasher), record },
    job,
  };
}

function leafHashOf(bytes: Uint8Array, hasher: Hasher): Entry['leafHash'] {
  const out = new Uint8Array(HASH_SIZE);
  hasher.leafHashInto(bytes, out, 0);
  return asHash(out);
}

function tooLarge(bytes: Uint8Array): LimmatError | undefined {
  if (bytes.length <= MAX_ENTRY_SIZE) return undefined;
  return new LimmatError(
    'entry-too-large',
    `an entry of ${bytes.length} bytes is over the limit of ${MAX_ENTRY_SIZE}; log its digest instead`,
    { details: { size: bytes.length, limit: MAX_ENTRY_SIZE } },
  );
}

function outsideWindow({ iat }: Statement, context: ValidateContext): LimmatError | undefined {
  const { nowSeconds, iatWindowSeconds } = context;
  if (Math.abs(nowSeconds - iat) <= iatWindowSeconds) return undefined;
  return new LimmatError(
    'iat-out-of-window',
    `iat ${iat} is ${Math.abs(nowSeconds - iat)} s ${iat < nowSeconds ? 'before' : 'after'} the log's time ${nowSeconds}; ` +
      `at most ${iatWindowSeconds} s are accepted: sign the statement again`,
    { details: { field: 'iat', value: iat, now: nowSeconds, windowSeconds: iatWindowSeconds } },
  );
}

function badSignature({ record }: { readonly record: ValidatedRecord }): LimmatError {
  const kid = toHex(record.statement.kid);
  return new LimmatError('bad-signature', `the signature by key ${kid} does not verify over this statement`, {
    details: { kid },
  });
}
