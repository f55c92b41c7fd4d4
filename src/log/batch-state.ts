// What an entry of a batch is judged by: the state that the store holds, under what the batch that is being written and
// the entries before it in its own batch have changed; and the roots of all trees up to it.

import { sizeOfRootKey } from '../record/admission.ts';
import type { AdmissionWrite, Facts, StateKey } from '../record/admission.ts';
import { textOf } from '../record/admission/state.ts';

/** Changes by the keys' `textOf`; null where a value was deleted. */
export type StateChanges = ReadonlyMap<string, Uint8Array | null>;

export class BatchState implements Facts {
  readonly #changes = new Map<string, Uint8Array | null>();
  readonly #before: StateChanges | undefined;
  readonly #committed: ReadonlyMap<string, Uint8Array | undefined>;
  readonly #rootAt: (size: number) => Uint8Array | undefined;

  /**
   * `before`: what the batch that is being written changes. `committed`: the values of every key that will be asked for
   * and that nobody has changed since, by `textOf`.
   */
  constructor(
    before: StateChanges | undefined,
    committed: ReadonlyMap<string, Uint8Array | undefined>,
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
    const text = textOf(key);
    let changed = this.#changes.get(text);
    if (changed === undefined) changed = this.#before?.get(text);
    return changed === undefined ? this.#committed.get(text) : (changed ?? undefined);
  }

  apply(writes: readonly AdmissionWrite[]): void {
    for (const { key, value } of writes) this.#changes.set(textOf(key), value);
  }
}
