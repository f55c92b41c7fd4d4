// The state that judging a batch of entries looks at: what was read for it, and over that what entries before them wrote.

import type { AdmissionWrite, Facts } from '../../record/admission.ts';
import { textOf } from '../../record/admission/state.ts';
import type { StateKey } from '../../record/admission.ts';
import type { KeyedRow } from '../ports.ts';

/** Rows that were written, by the `textOf` of their keys. */
export type WrittenRows = ReadonlyMap<string, KeyedRow>;

/** The values that the entries of a batch are judged by, each read once, and the rows that judging them makes. */
export class BatchFacts implements Facts {
  readonly #keys = new Map<string, StateKey>();
  readonly #values = new Map<string, Uint8Array | undefined>();
  readonly #rows = new Map<string, KeyedRow>();

  ask(key: StateKey): void {
    const text = textOf(key);
    if (!this.#keys.has(text)) this.#keys.set(text, key);
  }

  /** What is known without reading, such as the root of a tree. */
  know(key: StateKey, value: Uint8Array | undefined): void {
    this.#values.set(textOf(key), value);
  }

  async read(get: (keys: readonly StateKey[]) => Promise<readonly (Uint8Array | undefined)[]>): Promise<void> {
    const values = await get([...this.#keys.values()]);
    let i = 0;
    for (const text of this.#keys.keys()) this.#values.set(text, values[i++]);
    this.#keys.clear();
  }

  /** What was written while it was read. */
  catchUp(rows: WrittenRows): void {
    for (const [text, { value }] of rows) {
      if (this.#values.has(text)) this.#values.set(text, value ?? undefined);
    }
  }

  get(key: StateKey): Uint8Array | undefined {
    const text = textOf(key);
    const row = this.#rows.get(text);
    if (row !== undefined) return row.value ?? undefined;
    const value = this.#values.get(text);
    if (value !== undefined || this.#values.has(text)) return value;
    throw new Error('bad math in records: judging looks at a key that nobody named');
  }

  apply(writes: readonly AdmissionWrite[]): void {
    for (const write of writes) this.#rows.set(textOf(write.key), write);
  }

  /** What the entries judged so far changed, each key once. */
  get rows(): WrittenRows {
    return this.#rows;
  }
}
