// The one error class and the closed list of its codes. Codes are a promise: they appear in HTTP problem bodies,
// in `--json` output and in the README's table, and a test keeps the three equal. Messages may change at any time.

/** Every code that limmat reports, with the HTTP status that `adapters/http` answers for it. */
export const ERROR_STATUS = {
  // What was sent cannot be taken as it is.
  malformed: 400,
  'bad-parameter': 400,
  'body-too-large': 413,
  'entry-too-large': 413,
  'too-many-entries': 413,
  'unsupported-media-type': 415,
  'method-not-allowed': 405,
  // Who sent it, and what they may send.
  'unknown-key': 403,
  'bad-signature': 403,
  'not-permitted': 403,
  'quota-exceeded': 429,
  // The record itself.
  'bad-record': 422,
  'not-admitted': 422,
  'iat-out-of-window': 422,
  'already-logged': 409,
  // What was asked for.
  'not-found': 404,
  'not-published': 404,
  'no-witnesses': 409,
  withheld: 451,
  // The log's own condition. A client may try again.
  'queue-full': 503,
  'read-only': 503,
  'outcome-unknown': 503,
  'shutting-down': 503,
  'no-checkpoint': 503,
  'not-witnessed': 503,
  'signed-elsewhere': 503,
  // Verification: proofs, notes and proof files.
  'bad-proof': 400,
  'bad-tile': 502,
  'bad-note': 400,
  'log-signature-missing': 400,
  'quorum-not-met': 400,
  'bad-proof-file': 400,
  'bad-trust-file': 400,
  'too-old': 400,
  'from-the-future': 400,
  fork: 409,
  'not-consistent': 409,
  'bad-evidence': 400,
  'artifact-mismatch': 400,
  'wrong-type': 400,
  'wrong-namespace': 400,
  'wrong-product': 400,
  'wrong-channel': 400,
  'bad-channel-head': 400,
  'channel-rollback': 409,
  'channel-expired': 400,
  'below-minimum': 400,
  recalled: 400,
  'false-channel-head': 409,
  'unknown-issuer': 400,
  'unknown-log': 400,
  'fingerprint-mismatch': 400,
  // Reading another log over the network.
  network: 502,
  'bad-response': 502,
  // Starting and keeping a log on a machine.
  'guard-missing': 500,
  'state-missing': 500,
  'guard-mismatch': 500,
  'guard-locked': 500,
  'clock-behind': 503,
  'store-locked': 500,
  'store-corrupt': 500,
  'store-failed': 500,
  'bad-key': 500,
  'bad-config': 500,
  'wrong-log': 500,
  'port-in-use': 500,
  'hook-failed': 502,
  usage: 400,
  internal: 500,
} as const;

export type ErrorCode = keyof typeof ERROR_STATUS;

/** Facts that belong to an error, safe to show to whoever caused it: numbers, names, both sides of a comparison. */
export type ErrorDetails = Readonly<Record<string, string | number | boolean>>;

/**
 * What limmat throws for anything but a programming mistake (those are TypeError and RangeError).
 * The message is lower-case, names the thing and both numbers, and says what would mend it where that is known.
 */
export class LimmatError extends Error {
  override readonly name = 'LimmatError';
  readonly code: ErrorCode;
  readonly details: ErrorDetails;
  /** Seconds after which trying again makes sense; absent where it does not. */
  readonly retryAfterSeconds: number | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options: { readonly details?: ErrorDetails; readonly retryAfterSeconds?: number; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details ?? {};
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

/** True for a LimmatError, and with a second argument only for one with that code. */
export function isLimmatError(error: unknown, code?: ErrorCode): error is LimmatError {
  return error instanceof LimmatError && (code === undefined || error.code === code);
}

/** Any thrown value as a LimmatError; what is not one already becomes `internal` with the original as its cause. */
export function asLimmatError(error: unknown): LimmatError {
  if (error instanceof LimmatError) return error;
  return new LimmatError('internal', error instanceof Error ? error.message : String(error), { cause: error });
}
