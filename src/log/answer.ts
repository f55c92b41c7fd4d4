// Answers to the appends that wait: what each entry of a batch has come to.

import { LimmatError } from '../errors.ts';
import type { LogEvent } from './events.ts';
import type { Waiting } from './intake.ts';
import type { Outcome } from './sequence.ts';

/** Answers each entry with its own outcome, in order, and says how many were new. */
export function answerEach(batch: readonly Waiting[], outcomes: readonly Outcome[]): LogEvent {
  let appended = 0;
  let duplicates = 0;
  for (const [i, { entry, ticket, position }] of batch.entries()) {
    const outcome = outcomes[i]!;
    if (outcome instanceof LimmatError) {
      ticket.set(position, { ok: false, error: outcome });
      continue;
    }
    if (outcome.duplicate) duplicates++;
    else appended++;
    ticket.set(position, { ok: true, leafHash: entry.leafHash, ...outcome });
  }
  return { kind: 'answered', appended, duplicates };
}

/** Answers every entry with this error. */
export function answerAll(batch: readonly Waiting[], error: LimmatError): void {
  for (const { ticket, position } of batch) ticket.set(position, { ok: false, error });
}

/** The answer to entries whose write was begun and not confirmed. */
export function unknownOutcome(cause: unknown): LimmatError {
  return new LimmatError(
    'outcome-unknown',
    'the write failed and its outcome is not known yet; send it again, an entry that did arrive keeps its index',
    { retryAfterSeconds: 5, cause },
  );
}
