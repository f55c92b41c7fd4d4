// What an entry of a batch is judged by: the state that the store holds, under what the batch that is being written and
// the entries before it in its own batch have changed; and the roots of all trees up to it.

import { sizeOfRootKey } from '../record/admission.ts';
import type { AdmissionWrite, Facts, StateKey } from '../record/admission.ts';

/** What was changed; null where a value was deleted. */
export type StateChanges = ReadonlyMap<StateKey, Uint8Array | null>;

export class BatchState implements Facts {
  readonly #changes = new Map<StateKey, Uint8Array | null>();
  readonly #before: StateChanges | undefined;
  readonly #committed: ReadonlyMap<StateKey, Uint8Array | undefined>;
  readonly #rootAt: (size: number) => Uint8Array | undefined;

  /**
   * `before`: what the batch that is being written changes. `committed`: the values of every key that will be asked for
   * and that nobody has changed since.
   */
  constructor(
    before: StateChanges | undefined,
    committed: ReadonlyMap<StateKey, Uint8Array | undefined>,
    rootAt: (size: number) => Uint8Array | undefined,
  ) {
    this.#before = before;
    this.#committed = committed;
    this.#rootAt = rootAt;
  }

  /** What this batch changes. */
  get changes(): StateChanges {
    return this.#changes;
  }

  get(key: StateKey): Uint8Array | undefined {
    const size = sizeOfRootKey(key);
    if (size !== undefined) return this.#rootAt(size);
    let changed = this.#changes.get(key);
    if (changed === undefined) changed = this.#before?.get(key);
    return changed === undefined ? this.#committed.get(key) : (changed ?? undefined);
  }

  apply(writes: readonly AdmissionWrite[]): void {
    for (const { key, value } of writes) this.#changes.set(key, value);
  }
}
