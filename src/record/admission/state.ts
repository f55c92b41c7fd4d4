// The derived state in memory, and its digest, by which a log and whoever replays it compare theirs.

import { concat, textBytes, uintBytes } from '../../bytes.ts';
import type { Hasher } from '../../merkle/hash.ts';
import type { AdmissionWrite, Facts } from './decision.ts';
import type { StateKey } from './keys.ts';

/** Values by key, with those of another source below them: what entries before this one in a batch have written. */
export class AdmissionState implements Facts {
  readonly #below: Facts | undefined;
  readonly #values = new Map<StateKey, { readonly value: Uint8Array | undefined }>();

  constructor(below?: Facts) {
    this.#below = below;
  }

  get(key: StateKey): Uint8Array | undefined {
    const own = this.#values.get(key);
    return own === undefined ? this.#below?.get(key) : own.value;
  }

  apply(writes: readonly AdmissionWrite[]): void {
    for (const { key, value } of writes) this.#values.set(key, { value: value ?? undefined });
  }

  /** What was written here, in key order; deleted ones are not there. */
  pairs(): { readonly key: StateKey; readonly value: Uint8Array }[] {
    return [...this.#values]
      .flatMap(([key, { value }]) => (value === undefined ? [] : [{ key, value }]))
      .toSorted((a, b) => (a.key < b.key ? -1 : 1));
  }
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
    if (this.#last !== undefined && key <= this.#last) throw new RangeError('keys are not ascending');
    this.#last = key;
    this.#digest = this.#hasher.sha256(concat(this.#digest, uintBytes(key.length, 2), textBytes(key), value));
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
