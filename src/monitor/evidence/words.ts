// Small pieces of sentences about evidence. English and UTC everywhere, whatever the reader's machine says.

import { fromBase64, toHex } from '../../bytes.ts';
import { isLimmatError } from '../../errors.ts';
import type { Hasher } from '../../merkle/hash.ts';
import { SIGNATURE_TYPE, formatKeyId, parseVerifierKey } from '../../note/key.ts';
import { describe } from '../../record/types.ts';
import { parseStatement } from '../../record/statement.ts';
import { MAX_TIME, formatTime } from '../../record/time.ts';
import { count } from '../../record/words.ts';
import type { ClaimEntry, EvidenceHead } from './evidence.ts';

/** "1 entry", "12,345 entries". */
export function entriesInWords(size: number): string {
  return size === 1 ? '1 entry' : `${count(size)} entries`;
}

/** "2026-09-21 14:13:20 UTC". A log may sign any time; one beyond the calendar stays a number. */
export function timeInWords(seconds: number): string {
  if (seconds > MAX_TIME) return `second ${seconds} after 1970`;
  return `${formatTime(seconds).replace('T', ' ').replace('Z', '')} UTC`;
}

const UNITS = [
  { seconds: 86_400, name: 'day' },
  { seconds: 3600, name: 'hour' },
  { seconds: 60, name: 'minute' },
] as const;

/** "90 seconds", "2 hours", "5 days", rounded down. */
export function durationInWords(seconds: number): string {
  const unit = UNITS.find((candidate) => seconds >= 2 * candidate.seconds);
  if (unit === undefined) return count(seconds, 'second');
  return count(Math.floor(seconds / unit.seconds), unit.name);
}

/** The first eight hexadecimal digits of a hash, and a mark that there are more. */
export function shortHash(hash: Uint8Array): string {
  return `${toHex(hash.subarray(0, 4))}…`;
}

/** A hash of a claim as bytes; its form was checked when the file was read. */
export function hashBytes(base64: string): Uint8Array {
  return fromBase64(base64)!;
}

// What has no width, turns the direction of what follows, or ends a line: a stranger may have written it.
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** The text with every character that does not show replaced by its number. */
export function printable(text: string): string {
  return text.replaceAll(UNSEEN, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`);
}

/** "log.example/a+0123abcd (Ed25519)". */
export function keyInWords(vkey: string): string {
  const { name, keyId, type } = parseVerifierKey(vkey);
  return `${printable(name)}+${formatKeyId(keyId)} (${type === SIGNATURE_TYPE.mldsa44 ? 'ML-DSA-44' : 'Ed25519'})`;
}

/** When the head's signatures say it was the largest tree; undefined when none says. */
export function datesInWords({ signatures }: EvidenceHead): string | undefined {
  const times = signatures.map(({ timestampSeconds }) => timestampSeconds).filter((seconds) => seconds !== 0);
  return times.length === 0 ? undefined : times.map(timeInWords).join(' and ');
}

/** "key log.example/a+0123abcd (Ed25519)", "keys log.example/a+0123abcd (Ed25519) and log.example/a+4567cdef (ML-DSA-44)". */
export function keysInWords(vkeys: readonly string[]): string {
  const keys = vkeys.map(keyInWords);
  return keys.length === 1 ? `key ${keys[0]}` : `keys ${keys.slice(0, -1).join(', ')} and ${keys.at(-1)}`;
}

/** What an entry of a claim is, in a sentence, and the fingerprint of its bytes. */
export function entryInWords(entry: ClaimEntry, hasher: Hasher): string {
  const leaf = fromBase64(entry.leaf)!;
  const digest = toHex(hasher.sha256(leaf));
  try {
    const { record, iss, iat } = parseStatement(leaf);
    // Its signature is not looked at: the log is convicted by what it took, whoever signed it.
    const what = printable(describe(record)).replace(/\.$/, '');
    return `${what}; it says that ${printable(iss)} signed it at ${timeInWords(iat)} (SHA-256 ${digest})`;
  } catch (error) {
    if (!isLimmatError(error)) throw error;
    return `${count(leaf.length, 'byte')} that are no record this version knows (SHA-256 ${digest})`;
  }
}
