// Validation: request bytes → Entry. Form, size, time of signing, and the signatures by keys that are in force: what can be
// judged before the entry has a place. Each entry of a request is judged alone.

import type { CryptoSuite, VerifyJob } from '../crypto/suite.ts';
import { LimmatError, asLimmatError } from '../errors.ts';
import type { Hash, Hasher } from '../merkle/hash.ts';
import { HASH_SIZE, asHash } from '../merkle/hash.ts';
import { MAX_ENTRY_SIZE } from '../merkle/tile.ts';
import { parseStatement } from '../record/statement.ts';
import type { Statement } from '../record/statement.ts';
import { signatureJobs, signatureKeysFor } from '../record/admission.ts';
import type { CommittedState } from './committed-state.ts';
import { BatchState } from './batch-state.ts';
import type { Entry } from './entry.ts';
import { badSignature } from './sequence.ts';

/**
 * How far a statement's time of signing may be from now unless told otherwise: a day, so that an offline signing key and
 * a queue of retries have time, and the time bracket of an entry still says when it was made.
 */
export const DEFAULT_IAT_WINDOW_SECONDS = 86_400;

/** What validation needs to know. */
export interface ValidateContext {
  readonly hasher: Hasher;
  readonly crypto: CryptoSuite;
  /** The state that the store holds; undefined where admission is open. */
  readonly committed: CommittedState | undefined;
  readonly nowSeconds: number;
  /** How far `iat` may be from now, in seconds, either way. */
  readonly iatWindowSeconds: number;
}

/** An entry, or why it is not one. */
export type Validated = Entry | LimmatError;

/** Judges each of these leaf bytes alone, in order. Bytes are not copied: the caller must not change them any more. */
export async function validate(leaves: readonly Uint8Array[], context: ValidateContext): Promise<Validated[]> {
  const { committed } = context;
  if (committed === undefined) return leaves.map((bytes) => validateOpen(bytes, context.hasher));
  const forms = leaves.map((bytes) => validateForm(bytes, context));
  const wanted = committed.wanted();
  for (const form of forms) {
    if (form instanceof LimmatError) continue;
    for (const key of signatureKeysFor(form.statement)) wanted.add(key);
  }
  const { values } = await wanted.read();
  const state = new BatchState(undefined, values, () => undefined);
  const outcomes: Validated[] = [];
  const jobs: VerifyJob[] = [];
  /** The outcomes that depend on the jobs from `first` on, up to the next one's. */
  const pending: { readonly at: number; readonly first: number; readonly statement: Statement }[] = [];
  for (let at = 0; at < forms.length; at++) {
    const form = forms[at]!;
    if (form instanceof LimmatError) {
      outcomes.push(form);
      continue;
    }
    try {
      const needed = signatureJobs(state, form.statement);
      if (needed !== undefined) {
        pending.push({ at, first: jobs.length, statement: form.statement });
        jobs.push(...needed);
      }
      outcomes.push(entryOf(form, needed !== undefined));
    } catch (error) {
      outcomes.push(asLimmatError(error));
    }
  }
  const verdicts = jobs.length === 0 ? [] : await context.crypto.verifyMany(jobs);
  for (let i = 0; i < pending.length; i++) {
    const { at, first, statement } = pending[i]!;
    const end = pending[i + 1]?.first ?? jobs.length;
    let holds = true;
    for (let job = first; job < end; job++) holds &&= verdicts[job]!;
    if (!holds) outcomes[at] = badSignature(statement);
  }
  return outcomes;
}

/** A statement that is well-formed, with all that its bytes alone give. */
interface Form {
  readonly bytes: Uint8Array;
  readonly leafHash: Hash;
  readonly statement: Statement;
  readonly statementHash: Hash;
}

function entryOf({ bytes, leafHash, statement, statementHash }: Form, isVerified: boolean): Entry {
  return { bytes, leafHash, record: { statement, statementHash, isVerified } };
}

function validateOpen(bytes: Uint8Array, hasher: Hasher): Validated {
  return tooLarge(bytes) ?? { bytes, leafHash: leafHashOf(bytes, hasher), record: undefined };
}

function validateForm(bytes: Uint8Array, context: ValidateContext): Form | LimmatError {
  const large = tooLarge(bytes);
  if (large) return large;
  let statement: Statement;
  try {
    statement = parseStatement(bytes);
  } catch (error) {
    return asLimmatError(error);
  }
  const refusal = outsideWindow(statement, context);
  if (refusal) return refusal;
  const { hasher } = context;
  return {
    bytes,
    leafHash: leafHashOf(bytes, hasher),
    statement,
    statementHash: hasher.sha256(statement.toBeSigned),
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
