// The fingerprint of somebody's public keys: short enough to be read out, printed or put on a page that is believed, so
// that keys which were fetched from anywhere can be told to be the right ones.

import { compareBytes, concat, toHex, utf8 } from '../bytes.ts';
import { portableCrypto } from '../crypto/portable.ts';
import { parseVerifierKey } from './key.ts';

/**
 * SHA-256, 64 lowercase hex digits, over the vkeys in the order of their UTF-8 bytes, each followed by a newline: for a
 * log its two keys and, where it has one, its channel-head key; for a witness or a mirror its keys. One key more, one
 * fewer or another name gives another fingerprint. RangeError for no key or one twice, LimmatError `bad-key` for no vkey.
 */
export function keysFingerprint(vkeys: readonly string[]): string {
  if (vkeys.length === 0) throw new RangeError('no key has no fingerprint');
  if (new Set(vkeys).size !== vkeys.length) throw new RangeError('a key is there twice');
  const lines = vkeys.map((vkey) => utf8(`${parseVerifierKey(vkey).vkey}\n`));
  return toHex(portableCrypto.sha256(concat(...lines.toSorted(compareBytes))));
}

/** The fingerprint as it may be typed: 64 hex digits of either case, in groups or not; undefined for anything else. */
export function parseFingerprint(text: string): string | undefined {
  const digits = text.replaceAll(/[ :]/g, '').toLowerCase();
  return /^[0-9a-f]{64}$/.test(digits) ? digits : undefined;
}
