// The state that judging a batch of entries looks at: what was read for it, and over that what entries before them wrote.

import type { AdmissionWrite, Facts } from '../../record/admission.ts';
import type { StateKey } from '../../record/admission.ts';
import type { KeyedRow } from '../ports.ts';

/** Rows that were written, by their keys. */
export type WrittenRows = ReadonlyMap<StateKey, KeyedRow>;

/** The values that the entries of a batch are judged by, each read once, and the rows that judging them makes. */
export class BatchFacts implements Facts {
  readonly #keys = new Set<StateKey>();
  readonly #values = new Map<StateKey, Uint8Array | undefined>();
  readonly #rows = new Map<StateKey, KeyedRow>();

  ask(key: StateKey): void {
    this.#keys.add(key);
  }

  /** What is known without reading, such as the root of a tree. */
  know(key: StateKey, value: Uint8Array | undefined): void {
    this.#values.set(key, value);
  }

  async read(get: (keys: readonly StateKey[]) => Promise<readonly (Uint8Array | undefined)[]>): Promise<void> {
    const values = await get([...this.#keys]);
    let i = 0;
    for (const key of this.#keys) this.#values.set(key, values[i++]);
    this.#keys.clear();
  }

  /** What was written while it was read. */
  catchUp(rows: WrittenRows): void {
    for (const [key, { value }] of rows) {
      if (this.#values.has(key)) this.#values.set(key, value ?? undefined);
    }
  }

  get(key: StateKey): Uint8Array | undefined {
    const row = this.#rows.get(key);
    if (row !== undefined) return row.value ?? undefined;
    const value = this.#values.get(key);
    if (value !== undefined || this.#values.has(key)) return value;
    throw new Error('bad math in records: judging looks at a key that nobody named');
  }

  apply(writes: readonly AdmissionWrite[]): void {
    for (const write of writes) this.#rows.set(write.key, write);
  }

  /** What the entries judged so far changed, each key once. */
  get rows(): WrittenRows {
    return this.#rows;
  }
}
