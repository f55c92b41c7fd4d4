// A witness's store and guard in memory, for tests and for runtimes without a disk: what it holds lives as long as the
// place that it is opened on.

import { LimmatError } from '../../errors.ts';
import type { StoredMark, WitnessGuard, WitnessMark, WitnessStore } from '../../witness/ports.ts';
import { suspicionId } from '../../witness/suspicion.ts';
import type { Suspicion } from '../../witness/suspicion.ts';

/** Called before and after each commit takes effect; what it throws is that commit failing. */
export type WitnessFaults = (moment: 'before' | 'after') => void;

/** What outlives a store: open several on it, one after another. */
export class MemoryWitnessPlace {
  mark: StoredMark | undefined;
  readonly heads = new Map<string, Uint8Array>();
  readonly cosigned = new Map<string, Uint8Array>();
  readonly suspicions = new Map<string, Suspicion>();
  guarded: WitnessMark | undefined;

  /** A copy as it is now, as a backup would be. */
  copy(): MemoryWitnessPlace {
    const copy = new MemoryWitnessPlace();
    copy.mark = this.mark;
    copy.guarded = this.guarded;
    for (const [origin, note] of this.heads) copy.heads.set(origin, note);
    for (const [origin, note] of this.cosigned) copy.cosigned.set(origin, note);
    for (const [id, suspicion] of this.suspicions) copy.suspicions.set(id, suspicion);
    return copy;
  }
}

/** The store of a place. */
export function memoryWitnessStore(place: MemoryWitnessPlace, faults?: WitnessFaults): WitnessStore {
  let closed = false;
  const inTurn = <T>(task: () => T): Promise<T> =>
    Promise.resolve().then(() => {
      if (closed) throw new LimmatError('store-failed', 'the store of the witness is closed');
      return task();
    });
  return {
    load: () =>
      inTurn(() => ({
        mark: place.mark,
        heads: [...place.heads].map(([origin, note]) => ({ origin, note: note.slice() })),
        suspicions: [...place.suspicions.values()],
      })),
    commit: (mark, heads) =>
      inTurn(() => {
        faults?.('before');
        place.mark = mark;
        for (const { origin, note } of heads) place.heads.set(origin, note.slice());
        faults?.('after');
      }),
    keep: ({ cosigned, suspicions, dropped }) =>
      inTurn(() => {
        for (const { origin, note } of cosigned) place.cosigned.set(origin, note.slice());
        for (const one of dropped) place.suspicions.delete(keyOf(one));
        for (const one of suspicions) place.suspicions.set(keyOf(one), one);
      }),
    read: (origin) => inTurn(() => ({ head: place.heads.get(origin), cosigned: place.cosigned.get(origin) })),
    close: () => {
      closed = true;
      return Promise.resolve();
    },
  };
}

/** The guard of a place. */
export function memoryWitnessGuard(place: MemoryWitnessPlace, faults?: WitnessFaults): WitnessGuard {
  return {
    read: () => Promise.resolve(place.guarded),
    write: (mark) =>
      Promise.resolve().then(() => {
        faults?.('before');
        place.guarded = mark;
        faults?.('after');
      }),
    close: () => Promise.resolve(),
  };
}

function keyOf(one: Suspicion): string {
  return `${suspicionId(one)} ${one.origin}`;
}
