// Records by index, for answers: read once a question, and never above the published tree.

import { LimmatError } from '../../errors.ts';
import type { Hasher } from '../../merkle/hash.ts';
import type { Hash } from '../../merkle/hash.ts';
import { TILE_WIDTH } from '../../merkle/tile.ts';
import { parseStatement } from '../../record/statement.ts';
import type { Statement } from '../../record/statement.ts';
import type { RecordType } from '../../record/types.ts';
import type { LogStorage } from '../../storage.ts';

/** What lookups ask of a log. */
export interface LookupSource {
  /** The store as it is now: a log may open it anew. */
  storage(): Pick<LogStorage, 'scan' | 'findLeaves'>;
  /** The published size. */
  size(): number;
  /** The leaf bytes of the published entries [start, end). */
  entries(start: number, end: number): Promise<readonly Uint8Array[]>;
  readonly hasher: Hasher;
}

/** A record that was found. */
export interface FoundRecord {
  readonly index: number;
  readonly leafHash: Hash;
  readonly statement: Statement;
}

/** A found record whose type is known. */
export type FoundOf<T extends RecordType> = FoundRecord & {
  readonly statement: Statement & { readonly record: { readonly type: T } };
};

export function isOf<T extends RecordType>(found: FoundRecord, type: T): found is FoundOf<T> {
  return found.statement.record.type === type;
}

/** The records of these indexes, in their order; entries of one bundle are read together. */
export async function readRecords(source: LookupSource, indexes: readonly number[]): Promise<FoundRecord[]> {
  const bundles = new Map<number, { start: number; end: number }>();
  for (const index of indexes) {
    const bundle = Math.floor(index / TILE_WIDTH);
    const { start = index, end = index + 1 } = bundles.get(bundle) ?? {};
    bundles.set(bundle, { start: Math.min(start, index), end: Math.max(end, index + 1) });
  }
  const read = new Map<number, { start: number; entries: readonly Uint8Array[] }>();
  await Promise.all(
    [...bundles].map(async ([bundle, { start, end }]) => {
      read.set(bundle, { start, entries: await source.entries(start, end) });
    }),
  );
  return indexes.map((index) => {
    const { start, entries } = read.get(Math.floor(index / TILE_WIDTH))!;
    const bytes = entries[index - start];
    if (bytes === undefined)
      throw new LimmatError('store-corrupt', `a lookup row names entry ${index}, which is not there`);
    return { index, leafHash: source.hasher.leafHash(bytes), statement: parseStatement(bytes) };
  });
}
