// The log list of a witness: `log` lines of any C2SP tlog-policy or trust file, and nothing else of it. A witness may know
// thousands of logs, which is more than a policy is read with.

import { toHex, utf8Text } from '../bytes.ts';
import { LimmatError, isLimmatError } from '../errors.ts';
import { SIGNATURE_TYPE, parseVerifierKey } from '../note/key.ts';
import type { VerifierKey } from '../note/key.ts';

/** A log by its keys; its origin is their name (tlog-policy, "Defining a log"). */
export interface LogKeys {
  readonly origin: string;
  /** In the order of the list, at least one. */
  readonly keys: readonly VerifierKey[];
}

/** 10,000 logs with two keys each take 20 MB. */
const MAX_LIST_BYTES = 64 * 1024 * 1024;
const LOG_TYPES: readonly number[] = [SIGNATURE_TYPE.ed25519, SIGNATURE_TYPE.mldsa44];

/**
 * The logs of a list, in the order in which they come first. A line is `log <vkey> [<url>]`, one a key; keys of one name are
 * one log's. Comments and lines with other keywords are skipped. `bad-trust-file`, with the line's number, for a key that
 * is none, that no log signs with, or that is there twice; and when there is no log at all.
 */
export function parseWitnessLogs(list: Uint8Array): readonly LogKeys[] {
  if (list.length > MAX_LIST_BYTES) throw refused(`it has ${list.length} bytes, above the limit of ${MAX_LIST_BYTES}`);
  const text = utf8Text(list);
  if (text === undefined) throw refused('it is not UTF-8');
  const logs = new Map<string, VerifierKey[]>();
  const names = new Map<string, string>();
  for (const [i, line] of text.split('\n').entries()) {
    const [keyword, vkey = '', , ...rest] = line.split(/[ \t]+/).filter((item) => item !== '');
    if (keyword !== 'log') continue;
    const number = i + 1;
    if (rest.length > 0) throw refused('the form is "log <vkey> [<url>]"', number);
    const key = readKey(vkey, number);
    const publicKey = toHex(key.publicKey);
    const other = names.get(publicKey);
    if (other !== undefined) throw refused(`the log key of ${key.name} is that of ${other} too`, number);
    names.set(publicKey, key.name);
    const own = logs.get(key.name);
    if (own === undefined) logs.set(key.name, [key]);
    else own.push(key);
  }
  if (logs.size === 0) throw refused('it names no log: add a line "log <vkey>"');
  return [...logs].map(([origin, keys]) => Object.freeze({ origin, keys: Object.freeze(keys) }));
}

function readKey(vkey: string, line: number): VerifierKey {
  try {
    const key = parseVerifierKey(vkey);
    if (LOG_TYPES.includes(key.type)) return key;
    throw refused(`a log does not sign with keys of type 0x0${key.type}`, line);
  } catch (error) {
    if (!isLimmatError(error, 'bad-key')) throw error;
    throw refused(error.message, line);
  }
}

function refused(message: string, line?: number): LimmatError {
  const where = line === undefined ? 'the log list' : `line ${line} of the log list`;
  return new LimmatError('bad-trust-file', `${where}: ${message}`, line === undefined ? {} : { details: { line } });
}
