// Progress of a long catch-up, over all logs together: the rate, the time left, what is still to be checked.

import { createProgress } from '../support/progress.ts';
import type { Progress } from '../support/progress.ts';

/** Fewer entries than this are checked before anybody looks. */
const MIN_ENTRIES = 20_000;

export interface CatchUp {
  /** Of this log, [0, done) entries are checked, of total. */
  update(origin: string, done: number, total: number): void;
  /** Removes the line; what comes next is another catch-up. */
  clear(): void;
}

/** A display on standard error; with `silent` there is none. */
export function catchUpProgress(silent: boolean): CatchUp {
  const logs = new Map<string, { readonly from: number; done: number; total: number }>();
  let progress: Progress | undefined;
  return {
    update(origin, done, total) {
      const log = logs.get(origin) ?? { from: done, done, total };
      log.done = done;
      log.total = total;
      logs.set(origin, log);
      const all = [...logs.values()];
      const sum = all.reduce((entries, one) => entries + one.total - one.from, 0);
      if (sum < MIN_ENTRIES) return;
      progress ??= createProgress({ label: 'checking', unit: 'entries', silent });
      progress.update(
        all.reduce((entries, one) => entries + one.done - one.from, 0),
        sum,
      );
    },
    clear() {
      progress?.clear();
      progress = undefined;
      logs.clear();
    },
  };
}
