// The derived state in memory, and its digest, by which a log and whoever replays it compare theirs.

import { compareBytes, concat, uintBytes } from '../../bytes.ts';
import type { Hasher } from '../../merkle/hash.ts';
import type { AdmissionWrite, Facts } from './decision.ts';
import type { StateKey } from './keys.ts';

/** Values by key, with those of another source below them: what entries before this one in a batch have written. */
export class AdmissionState implements Facts {
  readonly #below: Facts | undefined;
  readonly #values = new Map<string, { readonly key: StateKey; readonly value: Uint8Array | undefined }>();

  constructor(below?: Facts) {
    this.#below = below;
  }

  get(key: StateKey): Uint8Array | undefined {
    const own = this.#values.get(textOf(key));
    return own === undefined ? this.#below?.get(key) : own.value;
  }

  apply(writes: readonly AdmissionWrite[]): void {
    for (const { key, value } of writes) this.#values.set(textOf(key), { key, value: value ?? undefined });
  }

  /** What was written here, in key order; deleted ones are not there. */
  pairs(): { readonly key: StateKey; readonly value: Uint8Array }[] {
    return [...this.#values.values()]
      .flatMap(({ key, value }) => (value === undefined ? [] : [{ key, value }]))
      .toSorted((a, b) => compareBytes(a.key, b.key));
  }
}

/**
 * Two bytes a character, and the length, so that no two keys have one text: half the characters to join, hash and keep.
 * Joined 32 bytes at a time, behind the two that say what a key is about most are a digest: each piece more costs as much
 * as all characters of one, and spreading a key into arguments several times as long.
 */
export function textOf(key: StateKey): string {
  const { length } = key;
  let text = String.fromCharCode(length, 256 * (key[0] ?? 0) + (key[1] ?? 0));
  let i = 2;
  for (; i + 32 <= length; i += 32) {
    text += String.fromCharCode(
      256 * key[i]! + key[i + 1]!,
      256 * key[i + 2]! + key[i + 3]!,
      256 * key[i + 4]! + key[i + 5]!,
      256 * key[i + 6]! + key[i + 7]!,
      256 * key[i + 8]! + key[i + 9]!,
      256 * key[i + 10]! + key[i + 11]!,
      256 * key[i + 12]! + key[i + 13]!,
      256 * key[i + 14]! + key[i + 15]!,
      256 * key[i + 16]! + key[i + 17]!,
      256 * key[i + 18]! + key[i + 19]!,
      256 * key[i + 20]! + key[i + 21]!,
      256 * key[i + 22]! + key[i + 23]!,
      256 * key[i + 24]! + key[i + 25]!,
      256 * key[i + 26]! + key[i + 27]!,
      256 * key[i + 28]! + key[i + 29]!,
      256 * key[i + 30]! + key[i + 31]!,
    );
  }
  for (; i + 8 <= length; i += 8) {
    text += String.fromCharCode(
      256 * key[i]! + key[i + 1]!,
      256 * key[i + 2]! + key[i + 3]!,
      256 * key[i + 4]! + key[i + 5]!,
      256 * key[i + 6]! + key[i + 7]!,
    );
  }
  for (; i < length; i++) text += String.fromCharCode(key[i]!);
  return text;
}

/** The key of a `textOf`. */
export function keyOfText(text: string): StateKey {
  const key = new Uint8Array(text.charCodeAt(0));
  // As textOf has it: a pair, then pairs as far as eight bytes are left, then one by one.
  const paired = 2 + Math.max(0, key.length - 2 - ((key.length - 2) % 8));
  let at = 1;
  for (let i = 0; i < key.length; at++) {
    const code = text.charCodeAt(at);
    if (i < paired) key[i++] = Math.floor(code / 256);
    if (i < key.length) key[i++] = code % 256;
  }
  return key;
}

/**
 * The digest of a state: SHA-256 over the digest so far (32 zero bytes at first), the key's length (2 bytes), the key and
 * the value, for each pair in key order. Takes the pairs as they come, so a store can be scanned page by page.
 */
export class StateDigest {
  readonly #hasher: Hasher;
  #digest: Uint8Array = new Uint8Array(32);
  #last: StateKey | undefined;

  constructor(hasher: Hasher) {
    this.#hasher = hasher;
  }

  /** RangeError unless the key is above the one before it. */
  add(key: StateKey, value: Uint8Array): void {
    if (this.#last !== undefined && compareBytes(key, this.#last) <= 0) throw new RangeError('keys are not ascending');
    this.#last = key;
    this.#digest = this.#hasher.sha256(concat(this.#digest, uintBytes(key.length, 2), key, value));
  }

  get digest(): Uint8Array {
    return this.#digest;
  }
}

/** The digest of a whole state in memory. */
export function stateDigest(state: AdmissionState, hasher: Hasher): Uint8Array {
  const digest = new StateDigest(hasher);
  for (const { key, value } of state.pairs()) digest.add(key, value);
  return digest.digest;
}
