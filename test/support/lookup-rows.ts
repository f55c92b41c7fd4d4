// The lookup rows of entries as a log writes them, batch by batch, in memory.

import { LookupBatch } from '../../src/log/lookup.ts';
import { portableHasher } from '../../src/merkle/hash.ts';
import type { Facts } from '../../src/record/admission.ts';
import type { Statement } from '../../src/record/statement.ts';
import type { StateKey, StateWrite } from '../../src/storage.ts';

/** An entry that is admitted, and the state that the entries before it led to, or any later one. */
export interface PlacedStatement {
  readonly statement: Statement;
  readonly facts: Facts;
}

export class LookupRows {
  readonly rows = new Map<StateKey, Uint8Array>();
  size = 0;

  /** Writes the next entries as one batch; `before` is a batch that nobody has read the rows of. */
  batch(entries: readonly PlacedStatement[], before?: LookupBatch): { batch: LookupBatch; writes: StateWrite[] } {
    const batch = new LookupBatch(this.size, before, portableHasher);
    for (const { statement } of entries) batch.want(statement);
    batch.give(this.#read(batch));
    if (entries.length > 0) batch.wantTargets(entries.at(-1)!.facts);
    batch.give(this.#read(batch));
    for (const { statement, facts } of entries) batch.add(statement, statement.bytes.length, facts);
    this.size += entries.length;
    return { batch, writes: batch.writes() };
  }

  apply(writes: readonly StateWrite[]): void {
    for (const { key, value } of writes) {
      if (value === null) this.rows.delete(key);
      else this.rows.set(key, value.slice());
    }
  }

  /** Writes the next entry alone. */
  next(statement: Statement, facts: Facts): StateWrite[] {
    const { writes } = this.batch([{ statement, facts }]);
    this.apply(writes);
    return writes;
  }

  #read(batch: LookupBatch): (Uint8Array | undefined)[] {
    return batch.keys().map((key) => this.rows.get(key));
  }
}
