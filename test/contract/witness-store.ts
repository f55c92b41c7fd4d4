// The contract of a witness's store (src/witness/ports.ts): one set of tests that every adapter passes, on a fresh store and
// again after reopening it.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { utf8 } from '../../src/bytes.ts';
import { nodeHasher } from '../../src/adapters/node-crypto.ts';
import { firstMark, nextMark } from '../../src/witness/index.ts';
import type { StoredHead, StoredMark, Suspicion, WitnessStore } from '../../src/witness/index.ts';

/** A place that keeps what a store holds while no store is open on it. */
export interface WitnessStorePlace {
  open(faults?: (moment: 'before' | 'after') => void): Promise<WitnessStore>;
  remove(): Promise<void>;
}

const NAME = 'witness.example/w1';
const head = (origin: string, text: string): StoredHead => ({ origin, note: utf8(text) });
const after = (mark: StoredMark, heads: readonly StoredHead[], seconds: number): StoredMark =>
  nextMark(mark, heads, seconds, nodeHasher);

function suspicion(origin: string, size: number): Suspicion {
  return {
    kind: 'same-size',
    origin,
    size,
    rootHash: nodeHasher.sha256(utf8(`root ${size}`)),
    note: utf8(`note ${size}\n`),
    against: utf8('against\n'),
    atSeconds: 1_790_000_000 + size,
  };
}

export function witnessStoreContract(what: string, makePlace: () => Promise<WitnessStorePlace>): void {
  describe(`the store of a witness ${what}`, () => {
    let place: WitnessStorePlace;
    let open: WitnessStore[];

    beforeEach(async () => {
      place = await makePlace();
      open = [];
    });
    afterEach(async () => {
      for (const store of open) await store.close();
      await place.remove();
    });

    const opened = async (faults?: (moment: 'before' | 'after') => void): Promise<WitnessStore> => {
      for (const store of open.splice(0)) await store.close();
      const store = await place.open(faults);
      open.push(store);
      return store;
    };

    test('a new one knows nothing', async () => {
      const store = await opened();
      expect(await store.load()).toEqual({ mark: undefined, heads: [], suspicions: [] });
      expect(await store.read('log.example')).toEqual({ head: undefined, cosigned: undefined });
    });

    test('holds the last mark and the last head of each log, after reopening too', async () => {
      let store = await opened();
      const first = [head('b', 'b 1'), head('a', 'a 1'), head('Zürich/—', 'z')];
      const second = [head('a', 'a 2')];
      let mark = after(firstMark(NAME), first, 7);
      await store.commit(mark, first);
      mark = after(mark, second, 9);
      await store.commit(mark, second);
      for (let round = 0; round < 2; round++) {
        const state = await store.load();
        expect(state.mark).toEqual(mark);
        const heads = Object.fromEntries(
          state.heads.map(({ origin, note }) => [origin, new TextDecoder().decode(note)]),
        );
        expect(heads).toEqual({ a: 'a 2', b: 'b 1', 'Zürich/—': 'z' });
        expect((await store.read('a')).head).toEqual(utf8('a 2'));
        store = await opened();
      }
    });

    test('a commit without heads changes the mark alone', async () => {
      const store = await opened();
      const heads = [head('a', 'a 1')];
      const mark = after(firstMark(NAME), heads, 7);
      await store.commit(mark, heads);
      await store.commit(after(mark, [], 8), []);
      const state = await store.load();
      expect(state.mark).toEqual(after(mark, [], 8));
      expect(state.heads).toEqual(heads);
    });

    test('keeps cosigned notes and refused heads, and lets go of them', async () => {
      let store = await opened();
      const both = [suspicion('a', 1), suspicion('a', 2), suspicion('b', 1)];
      await store.keep({ cosigned: [head('a', 'cosigned')], suspicions: both, dropped: [] });
      await store.keep({ cosigned: [head('a', 'cosigned later')], suspicions: [], dropped: [both[1]!] });
      store = await opened();
      const { suspicions, heads } = await store.load();
      expect(heads).toEqual([]);
      expect(new Set(suspicions.map(({ origin, size }) => `${origin} ${size}`))).toEqual(new Set(['a 1', 'b 1']));
      expect(suspicions).toContainEqual(both[0]);
      expect(await store.read('a')).toEqual({ head: undefined, cosigned: utf8('cosigned later') });
    });

    test.each(['before', 'after'] as const)(
      'after a commit that fails %s it took effect, reads what is there',
      async (when) => {
        let failing = false;
        const store = await opened((moment) => {
          if (failing && moment === when) throw new Error('no space left');
        });
        const first = [head('a', 'a 1')];
        const mark = after(firstMark(NAME), first, 7);
        await store.commit(mark, first);
        failing = true;
        const second = [head('a', 'a 2'), head('b', 'b 2')];
        const next = after(mark, second, 8);
        await expect(store.commit(next, second)).rejects.toThrow();
        failing = false;
        const state = await store.load();
        // All of it or nothing of it.
        expect([state.mark, state.heads.length]).toEqual(when === 'after' ? [next, 2] : [mark, 1]);
        const third = after(state.mark!, first, 9);
        await store.commit(third, first);
        expect((await (await opened()).load()).mark).toEqual(third);
      },
    );
  });
}
