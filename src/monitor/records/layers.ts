// The state that judging a batch of entries looks at: what was read for it, and over that what entries before them wrote.

import type { AdmissionWrite, Facts } from '../../record/admission.ts';
import type { StateKey } from '../../record/admission.ts';
import type { KeyedRow } from '../ports.ts';

/** Rows that were written, by their keys. */
export type WrittenRows = ReadonlyMap<StateKey, KeyedRow>;

/** The values that the entries of a batch are judged by, each read once, and the rows that judging them makes. */
export class BatchFacts implements Facts {
  /** Keys to be read. */
  #asked: StateKey[] = [];
  /** As they are now; null where there is none: one look at a map is all that most of judging does. */
  readonly #values = new Map<StateKey, Uint8Array | null>();
  readonly #rows = new Map<StateKey, KeyedRow>();

  ask(key: StateKey): void {
    if (this.#values.has(key)) return;
    this.#values.set(key, null);
    this.#asked.push(key);
  }

  /** What is known without reading, such as the root of a tree. */
  know(key: StateKey, value: Uint8Array | undefined): void {
    this.#values.set(key, value ?? null);
  }

  async read(get: (keys: readonly StateKey[]) => Promise<readonly (Uint8Array | undefined)[]>): Promise<void> {
    const keys = this.#asked;
    this.#asked = [];
    const values = await get(keys);
    for (const [i, key] of keys.entries()) {
      const value = values[i];
      if (value !== undefined) this.#values.set(key, value);
    }
  }

  /** What was written while it was read. */
  catchUp(rows: WrittenRows): void {
    for (const [key, { value }] of rows) if (this.#values.has(key)) this.#values.set(key, value);
  }

  get(key: StateKey): Uint8Array | undefined {
    const value = this.#values.get(key);
    if (value === undefined) throw new Error('bad math in records: judging looks at a key that nobody named');
    return value ?? undefined;
  }

  apply(writes: readonly AdmissionWrite[]): void {
    for (const write of writes) {
      this.#rows.set(write.key, write);
      this.#values.set(write.key, write.value);
    }
  }

  /** What the entries judged so far changed, each key once. */
  get rows(): WrittenRows {
    return this.#rows;
  }
}
