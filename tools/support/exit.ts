// Exit codes (README): what a script may conclude from how a command ended.

import { asLimmatError, LimmatError, type ErrorCode } from '../../src/errors.ts';
import { explainLock } from '../../src/node/admin-file.ts';

export const EXIT = {
  /** Did what was asked; for a check: nothing to complain about. */
  clean: 0,
  /** A fault in limmat. Never a verdict about a log. */
  crash: 1,
  /** The command line, the configuration, or a key that they name is wrong. Nothing was done. */
  usage: 2,
  /** The world did not play along: network, disk, a port, a log that is busy or read-only. Try again. */
  operational: 3,
  /** What was checked, or was to be logged, is refused or damaged. Trying again changes nothing. */
  finding: 4,
  /** Something looks wrong, and what is at hand does not prove it. */
  suspicion: 5,
  /** The log contradicts itself, and what is at hand proves it. */
  proof: 6,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Codes that do not mean "operational". */
const EXIT_BY_CODE: Partial<Record<ErrorCode, ExitCode>> = {
  internal: EXIT.crash,
  usage: EXIT.usage,
  'bad-parameter': EXIT.usage,
  'bad-config': EXIT.usage,
  'bad-key': EXIT.usage,
  'wrong-log': EXIT.usage,
  'bad-trust-file': EXIT.usage,
  'bad-proof': EXIT.finding,
  'bad-proof-file': EXIT.finding,
  'bad-evidence': EXIT.finding,
  'bad-tile': EXIT.finding,
  'bad-note': EXIT.finding,
  'bad-signature': EXIT.finding,
  'log-signature-missing': EXIT.finding,
  'quorum-not-met': EXIT.finding,
  'too-old': EXIT.finding,
  'from-the-future': EXIT.finding,
  'artifact-mismatch': EXIT.finding,
  'wrong-type': EXIT.finding,
  'wrong-namespace': EXIT.finding,
  'wrong-product': EXIT.finding,
  'wrong-channel': EXIT.finding,
  'bad-channel-head': EXIT.finding,
  'channel-rollback': EXIT.finding,
  'channel-expired': EXIT.finding,
  'below-minimum': EXIT.finding,
  recalled: EXIT.finding,
  'unknown-issuer': EXIT.finding,
  'unknown-log': EXIT.finding,
  'fingerprint-mismatch': EXIT.finding,
  'bad-record': EXIT.finding,
  // A log that looked at an entry and does not want it: sending it again changes nothing.
  malformed: EXIT.finding,
  'entry-too-large': EXIT.finding,
  'unknown-key': EXIT.finding,
  'not-permitted': EXIT.finding,
  'not-admitted': EXIT.finding,
  'iat-out-of-window': EXIT.finding,
  'already-logged': EXIT.finding,
  'store-corrupt': EXIT.finding,
  // Two heads that both carry the log's signature.
  fork: EXIT.proof,
  'not-consistent': EXIT.proof,
  // A channel head and a proof file, likewise.
  'false-channel-head': EXIT.proof,
};

/** The exit code for anything that was thrown. */
export function exitCodeFor(error: unknown): ExitCode {
  return EXIT_BY_CODE[asLimmatError(error).code] ?? EXIT.operational;
}

const FILE_TROUBLE: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  EACCES: 'permission denied',
  EISDIR: 'it is a directory',
  ENOTDIR: 'a part of the path is not a directory',
  EEXIST: 'it is there already',
};

/**
 * Anything that was thrown, as the error to report. What the operating system said about a file becomes a sentence:
 * `usage` where another path would mend it, else `store-failed`.
 */
export function asCommandError(thrown: unknown): LimmatError {
  const error = explainLock(thrown);
  if (error instanceof LimmatError || !(error instanceof Error) || !('syscall' in error)) return asLimmatError(error);
  const code = 'code' in error ? String(error.code) : '';
  const trouble = FILE_TROUBLE[code];
  if (trouble === undefined) return new LimmatError('store-failed', error.message, { cause: error });
  const path = 'path' in error ? `${String(error.path)}: ` : '';
  return new LimmatError('usage', `${path}${trouble}`, { cause: error });
}
