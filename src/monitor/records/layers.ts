// The state that judging a batch of entries looks at: what was read for it, and over that what entries before them wrote.

import type { AdmissionWrite, Facts } from '../../record/admission.ts';
import { textOf } from '../../record/admission/state.ts';
import type { StateKey } from '../../record/admission.ts';
import type { KeyedRow } from '../ports.ts';

/** Values that were written, by key. */
export class Layer {
  readonly #rows = new Map<string, KeyedRow>();

  has(text: string): boolean {
    return this.#rows.has(text);
  }

  value(text: string): Uint8Array | undefined {
    return this.#rows.get(text)?.value ?? undefined;
  }

  apply(writes: readonly AdmissionWrite[]): void {
    for (const write of writes) this.#rows.set(textOf(write.key), write);
  }

  get rows(): KeyedRow[] {
    return [...this.#rows.values()];
  }
}

/** Keys, each once, and the values that were read of them. */
export class Loaded {
  readonly #keys = new Map<string, StateKey>();
  readonly #values = new Map<string, Uint8Array | undefined>();

  ask(key: StateKey): void {
    const text = textOf(key);
    if (!this.#values.has(text)) this.#keys.set(text, key);
  }

  /** What is known without reading, such as the root of a tree. */
  know(key: StateKey, value: Uint8Array | undefined): void {
    this.#values.set(textOf(key), value);
  }

  async read(get: (keys: readonly StateKey[]) => Promise<readonly (Uint8Array | undefined)[]>): Promise<void> {
    const asked = [...this.#keys];
    const values = await get(asked.map(([, key]) => key));
    for (const [i, [text]] of asked.entries()) this.#values.set(text, values[i]);
  }

  value(text: string): Uint8Array | undefined {
    if (this.#values.has(text)) return this.#values.get(text);
    throw new Error('bad math in records: judging looks at a key that nobody named');
  }
}

/** The first layer that has a key says its value, else what was read. */
export function factsOver(layers: readonly Layer[], loaded: Loaded): Facts {
  return {
    get(key) {
      const text = textOf(key);
      const layer = layers.find((one) => one.has(text));
      return layer === undefined ? loaded.value(text) : layer.value(text);
    },
  };
}
