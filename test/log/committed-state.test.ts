// What is kept in memory of the admission state is what the store has, however reads and commits interleave.

import { expect, it } from 'vitest';
import { uintBytes } from '../../src/bytes.ts';
import { CommittedState } from '../../src/log/committed-state.ts';
import { LOG_KEY, entryKey, namespaceKey } from '../../src/record/admission/keys.ts';
import type { StateKey, StateWrite } from '../../src/storage.ts';
import { chooseSeed, seededRandom } from '../support/random.ts';

const seed = chooseSeed();

/** A store of values whose reads see what it holds when they begin or when they end, and end when told. */
class SlowStore {
  readonly values = new Map<StateKey, Uint8Array>();
  readonly ends: (() => void)[] = [];
  reads = 0;
  late = false;

  async get(keys: readonly StateKey[]): Promise<(Uint8Array | undefined)[]> {
    this.reads++;
    const seen = this.#read(keys);
    const { late } = this;
    await new Promise<void>((end) => this.ends.push(end));
    return late ? this.#read(keys) : seen;
  }

  write(writes: readonly StateWrite[]): void {
    for (const { key, value } of writes) {
      if (value === null) this.values.delete(key);
      else this.values.set(key, value);
    }
  }

  end(): void {
    this.ends.shift()?.();
  }

  #read(keys: readonly StateKey[]): (Uint8Array | undefined)[] {
    return keys.map((key) => this.values.get(key));
  }
}

const KEYS = [LOG_KEY, ...Array.from({ length: 12 }, (_, i) => namespaceKey(`n${i}`)), entryKey(new Uint8Array(32))];

/** The values of these keys once no read is under way. */
async function settled(state: CommittedState, store: SlowStore, keys: readonly StateKey[]) {
  const wanted = state.wanted();
  for (const key of keys) wanted.add(key);
  const result = wanted.read();
  while (store.ends.length > 0) store.end();
  return (await result).values;
}

it(`is never behind a commit that was told of (seed ${seed})`, async () => {
  const random = seededRandom(seed);
  let store = new SlowStore();
  const state = new CommittedState(() => store);
  let number = 0;
  for (let step = 0; step < 3000; step++) {
    const dice = random();
    const some = KEYS.filter(() => random() < 0.3);
    if (dice < 0.4) {
      store.late = random() < 0.5;
      const wanted = state.wanted();
      for (const key of some) wanted.add(key);
      void wanted.read();
    } else if (dice < 0.7) {
      store.end();
      await Promise.resolve();
    } else if (dice < 0.9) {
      const writes = some.map((key) => ({ key, value: random() < 0.2 ? null : uintBytes(number++, 8) }));
      // A read that ends between the commit and the word of it may have seen either.
      store.write(writes);
      if (random() < 0.5) store.end();
      state.apply(writes);
    } else {
      // The write of these has failed, and perhaps arrived all the same: the store is opened anew.
      const reopened = new SlowStore();
      for (const [key, value] of store.values) reopened.values.set(key, value);
      reopened.write(random() < 0.5 ? some.map((key) => ({ key, value: uintBytes(number++, 8) })) : []);
      const old = store;
      store = reopened;
      state.clear();
      while (old.ends.length > 0) old.end();
    }
    if (step % 10 !== 0) continue;
    const values = await settled(state, store, KEYS);
    for (const key of KEYS) expect(values.get(key)).toEqual(store.values.get(key));
  }
});

it('keeps what many entries ask for, however many keys there are, and reads the rest each time', async () => {
  const store = new SlowStore();
  const state = new CommittedState(() => store);
  const keys = Array.from({ length: 20_000 }, (_, i) => namespaceKey(`n${i}`));
  const writes = keys.map((key, i) => ({ key, value: uintBytes(i, 8) }));
  store.write(writes);
  state.apply(writes);
  const recent = keys.slice(-4000);
  expect((await settled(state, store, recent)).get(recent[0]!)).toEqual(uintBytes(16_000, 8));
  expect(store.reads).toBe(0);
  const all = await settled(state, store, keys);
  expect(store.reads).toBe(1);
  for (const [i, key] of keys.entries()) expect(all.get(key)).toEqual(uintBytes(i, 8));
  const entry = entryKey(new Uint8Array(32));
  for (let reads = 2; reads < 5; reads++) {
    await settled(state, store, [entry, recent[0]!]);
    expect(store.reads).toBe(reads);
  }
});
