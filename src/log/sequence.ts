// Sequencing: entries → places. The only judge of "already logged": by what the store holds, by the batch that is being
// written just now, and by the entries before it in its own batch. Nobody hears an index before the growth is durable.

import { equalBytes, readUint, toHex, uintBytes } from '../bytes.ts';
import { LimmatError } from '../errors.ts';
import { permits } from '../record/submitters.ts';
import type { SubmitterList } from '../record/submitters.ts';
import { statementKey } from '../storage.ts';
import type { LogStorage, StateKey, StateWrite } from '../storage.ts';
import type { Entry, SequencedEntry } from './entry.ts';

/** What became of an entry: a new index, the index it had already, or a refusal. */
export type Outcome = { readonly index: number; readonly duplicate: boolean } | LimmatError;

/** A batch in order: the new entries with their places, the state writes they bring, and every entry's outcome. */
export interface Sequenced {
  readonly entries: readonly SequencedEntry[];
  readonly writes: readonly StateWrite[];
  /** One for each entry given, in order. */
  readonly outcomes: readonly Outcome[];
  /** Where the new entries are, for the batch that comes while this one is being written. */
  readonly places: BatchIndex;
}

/**
 * Gives places from `size` on. The same leaf again gets its first index, before any rule. `submitters` is the list in
 * force now: an entry validated under another one is checked against it again. `writing` holds what was placed before
 * `size` and may not be in the store yet.
 */
export async function sequence(
  batch: readonly Entry[],
  size: number,
  storage: LogStorage,
  submitters: SubmitterList | undefined,
  writing: BatchIndex | undefined,
): Promise<Sequenced> {
  const known = await lookUp(batch, storage);
  const places = new BatchIndex();
  const find = (hash: Uint8Array): number | undefined => writing?.find(hash) ?? places.find(hash);
  const entries: SequencedEntry[] = [];
  const writes: StateWrite[] = [];
  const outcomes: Outcome[] = [];
  for (const [i, entry] of batch.entries()) {
    const loggedAt = known.leaves[i] ?? find(entry.leafHash);
    const refusal = loggedAt === undefined ? refuse(entry, known.statements[i], find, submitters) : undefined;
    if (loggedAt !== undefined) outcomes.push({ index: loggedAt, duplicate: true });
    else if (refusal !== undefined) outcomes.push(refusal);
    else {
      const index = size + entries.length;
      entries.push({ entry, index });
      outcomes.push({ index, duplicate: false });
      places.add(entry.leafHash, index);
      if (entry.record !== undefined) {
        places.add(entry.record.statementHash, index);
        writes.push({ key: statementKey(entry.record.statementHash), value: uintBytes(index, 8) });
      }
    }
  }
  return { entries, writes, outcomes, places };
}

async function lookUp(
  batch: readonly Entry[],
  storage: LogStorage,
): Promise<{ readonly leaves: readonly (number | undefined)[]; readonly statements: (number | undefined)[] }> {
  const leaves = await storage.findLeaves(batch.map(({ leafHash }) => leafHash));
  const statements: (number | undefined)[] = [];
  const keys: StateKey[] = [];
  const positions: number[] = [];
  for (const [i, { record }] of batch.entries()) {
    if (record === undefined || leaves[i] !== undefined) continue;
    keys.push(statementKey(record.statementHash));
    positions.push(i);
  }
  if (keys.length === 0) return { leaves, statements };
  for (const [k, value] of (await storage.get(keys)).entries()) {
    statements[positions[k]!] = value && readUint(value, 0, 8);
  }
  return { leaves, statements };
}

function refuse(
  { record }: Entry,
  loggedStatement: number | undefined,
  find: (hash: Uint8Array) => number | undefined,
  submitters: SubmitterList | undefined,
): LimmatError | undefined {
  if (record === undefined) return undefined;
  const firstIndex = loggedStatement ?? find(record.statementHash);
  if (firstIndex !== undefined) {
    return new LimmatError(
      'already-logged',
      `this statement is logged at index ${firstIndex} with another signature; that entry stands for it`,
      { details: { index: firstIndex, statement: toHex(record.statementHash) } },
    );
  }
  if (submitters === undefined || submitters === record.verifiedBy) return undefined;
  return permits(submitters, record.statement);
}

/**
 * Hashes of one batch → indexes. Found by the first six bytes as a number, which a Map does faster than by text; a hash
 * that shares them with another one lies one step of 2^48 further.
 */
export class BatchIndex {
  readonly #rows = new Map<number, number>();
  readonly #hashes: Uint8Array[] = [];
  readonly #indexes: number[] = [];

  add(hash: Uint8Array, index: number): void {
    let key = readUint(hash, 0, 6)!;
    while (this.#rows.has(key)) key += 2 ** 48;
    this.#rows.set(key, this.#hashes.push(hash) - 1);
    this.#indexes.push(index);
  }

  find(hash: Uint8Array): number | undefined {
    for (let key = readUint(hash, 0, 6)!; ; key += 2 ** 48) {
      const row = this.#rows.get(key);
      if (row === undefined) return undefined;
      if (equalBytes(this.#hashes[row]!, hash)) return this.#indexes[row];
    }
  }
}
