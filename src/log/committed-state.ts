// The admission state that the store holds, for the stages that judge: what many entries ask for (the log, namespaces,
// keys, sites, heads of streams) is kept in memory, the rest is read. The log is the only writer, so what is kept is
// right as long as every commit is told of here.

import type { StateKey } from '../record/admission.ts';
import { isShared } from '../record/admission/keys.ts';
import type { LogStorage, StateWrite } from '../storage.ts';

/** Values kept in each of two generations: when the young one is full it becomes the old one. */
const GENERATION = 4096;

type Value = Uint8Array | undefined;

/** The values of the missing keys, in order, and then of the others. */
type Fetch = (
  missing: readonly StateKey[],
  others: readonly StateKey[],
) => Promise<readonly (Uint8Array | undefined)[]>;

/** Values that some entries will be judged by. What is kept in memory is there at once, and its key is not held on to. */
export class WantedValues {
  readonly #kept: (key: StateKey) => { readonly value: Value } | undefined;
  readonly #fetch: Fetch;
  readonly #values = new Map<StateKey, Value>();
  readonly #missing = new Set<StateKey>();
  readonly #others: StateKey[] = [];

  constructor(kept: (key: StateKey) => { readonly value: Value } | undefined, fetch: Fetch) {
    this.#kept = kept;
    this.#fetch = fetch;
  }

  /** A key of the admission state. */
  add(key: StateKey): void {
    if (this.#values.has(key) || this.#missing.has(key)) return;
    const kept = this.#kept(key);
    if (kept === undefined) this.#missing.add(key);
    else this.#values.set(key, kept.value);
  }

  /** Any other key, to be read along. */
  addOther(key: StateKey): void {
    this.#others.push(key);
  }

  /** The values by their keys, and the others in order. One read, and none where nothing is missing. */
  async read(): Promise<{ readonly values: ReadonlyMap<StateKey, Value>; readonly others: readonly Value[] }> {
    if (this.#missing.size === 0 && this.#others.length === 0) return { values: this.#values, others: [] };
    const found = await this.#fetch([...this.#missing], this.#others);
    let i = 0;
    for (const key of this.#missing) this.#values.set(key, found[i++]);
    return { values: this.#values, others: found.slice(i) };
  }
}

export class CommittedState {
  readonly #storage: () => Pick<LogStorage, 'get'>;
  #young = new Map<StateKey, { readonly value: Value }>();
  #old = new Map<StateKey, { readonly value: Value }>();
  /** Counts the changes, so that a value that was read before one is not kept after it. */
  #changes = 0;

  constructor(storage: () => Pick<LogStorage, 'get'>) {
    this.#storage = storage;
  }

  /** A list of the values that are wanted, to be filled by one read of the store. */
  wanted(): WantedValues {
    return new WantedValues((key) => this.#kept(key), this.#fetch);
  }

  readonly #fetch: Fetch = async (missing, others) => {
    const changes = this.#changes;
    const found = await this.#storage().get([...missing, ...others]);
    let i = 0;
    for (const key of missing) {
      // What is not there is not kept: strangers can name any number of such keys.
      if (found[i] !== undefined && changes === this.#changes && isShared(key)) this.#keep(key, found[i]);
      i++;
    }
    return found;
  };

  /** What a commit has written. */
  apply(writes: readonly StateWrite[]): void {
    this.#changes++;
    for (const { key, value } of writes) {
      if (isShared(key)) this.#keep(key, value ?? undefined);
    }
  }

  /** Forgets everything: the store was opened anew. */
  clear(): void {
    this.#changes++;
    this.#young.clear();
    this.#old.clear();
  }

  #kept(key: StateKey): { readonly value: Value } | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) this.#keep(key, old.value);
    return old;
  }

  #keep(key: StateKey, value: Value): void {
    if (this.#young.size >= GENERATION) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, { value });
  }
}
