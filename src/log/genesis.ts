// Entry 0 of a log of records says whose log it is. It has to say what this log is called and which keys it signs with:
// a log that began with another one's genesis would be judged by another one's policy.

import { LimmatError, isLimmatError } from '../errors.ts';
import { parseStatement } from '../record/statement.ts';
import type { Statement } from '../record/statement.ts';

/** What a log is called, and the vkeys of the keys that sign its checkpoints. */
export interface LogName {
  readonly origin: string;
  readonly vkeys: readonly string[];
}

/**
 * `not-admitted` (rule A01) when a genesis names another log. Keys that the log has changed since are for later log events
 * to say, so this is asked of the first entry when it comes, not again.
 */
export function genesisMismatch({ record }: Statement, { origin, vkeys }: LogName): LimmatError | undefined {
  if (record.type !== 'policy' || record.fields.log === undefined) return undefined;
  const { log } = record.fields;
  if (log.origin !== origin) return mismatch('log.origin', log.origin, origin);
  const missing = vkeys.find((vkey) => !log.vkeys.includes(vkey));
  if (missing !== undefined || log.vkeys.length !== vkeys.length) {
    return mismatch('log.vkeys', log.vkeys.join(', '), vkeys.join(', '));
  }
  return undefined;
}

/** `wrong-log` unless these bytes, entry 0 of the store, are the genesis of a log of this origin. */
export function assertGenesis(entry: Uint8Array, origin: string): void {
  const named = namedLog(entry);
  if (named === origin) return;
  const found = named === undefined ? 'no genesis: it is of an earlier version, or an open log' : `that of ${named}`;
  throw new LimmatError('wrong-log', `entry 0 of this log is ${found}; expected is the genesis of ${origin}`, {
    details: { origin },
  });
}

/**
 * `not-admitted` for a first leaf of an open log that is a genesis of this log: whoever watches the log would judge its
 * other leaves, which nobody judged, by a policy that a stranger wrote.
 */
export function forbidGenesis(leaf: Uint8Array, { origin }: LogName): LimmatError | undefined {
  if (namedLog(leaf) !== origin) return undefined;
  return new LimmatError('not-admitted', `a genesis of ${origin} cannot be in it: its admission is open`, {
    details: { rule: 'A01', field: 'log.origin', found: origin, expected: 'any other bytes' },
  });
}

/** The origin of the log that this leaf is the genesis of; undefined when it is none. */
function namedLog(leaf: Uint8Array): string | undefined {
  try {
    const { record } = parseStatement(leaf);
    return record.type === 'policy' ? record.fields.log?.origin : undefined;
  } catch (error) {
    if (!isLimmatError(error)) throw error;
    return undefined;
  }
}

function mismatch(field: string, found: string, expected: string): LimmatError {
  const message = `rule A01: ${field} is ${found}; accepted would be ${expected}, which this log is`;
  return new LimmatError('not-admitted', message, { details: { rule: 'A01', field, found, expected } });
}
