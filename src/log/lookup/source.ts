// Records by index, for answers: read once a question, and never above the published tree.

import { LimmatError, isLimmatError } from '../../errors.ts';
import type { Hasher } from '../../merkle/hash.ts';
import type { Hash } from '../../merkle/hash.ts';
import { TILE_WIDTH } from '../../merkle/tile.ts';
import type { TilePath } from '../../merkle/tile.ts';
import { parseStatement } from '../../record/statement.ts';
import type { Statement } from '../../record/statement.ts';
import type { RecordType } from '../../record/types.ts';
import type { LogStorage } from '../../storage.ts';
import { readAll } from '../read.ts';

/** What lookups ask of a log. */
export interface LookupSource {
  /** The store as it is now: a log may open it anew. */
  storage(): Pick<LogStorage, 'read' | 'readEntries' | 'get' | 'scan' | 'findLeaves'>;
  /** The published size. */
  size(): number;
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

/** The records of these indexes, all below the published size, in their order; each entry bundle is read once. */
export async function readRecords(source: LookupSource, indexes: readonly number[]): Promise<FoundRecord[]> {
  if (indexes.length === 0) return [];
  const widths = new Map<number, number>();
  for (const index of indexes) {
    const bundle = Math.floor(index / TILE_WIDTH);
    widths.set(bundle, Math.max(widths.get(bundle) ?? 0, (index % TILE_WIDTH) + 1));
  }
  const paths = [...widths].map(([index, width]): TilePath => ({ kind: 'entries', index, width }));
  const read = await readAll(source.storage(), paths);
  const bundles = new Map(paths.map(({ index }, i) => [index, read[i]!]));
  return indexes.map((index) => {
    const bytes = entryIn(bundles.get(Math.floor(index / TILE_WIDTH))!, index);
    return storedRecord(index, bytes, source.hasher);
  });
}

/** The record in these bytes of the store; `store-corrupt` when they are none, whatever is wrong with them. */
export function storedRecord(index: number, bytes: Uint8Array, hasher: Hasher): FoundRecord {
  try {
    return { index, leafHash: hasher.leafHash(bytes), statement: parseStatement(bytes) };
  } catch (cause) {
    // The log took it once: what is wrong now is not the fault of whoever asks.
    if (!isLimmatError(cause)) throw cause;
    throw new LimmatError('store-corrupt', `entry ${index} is damaged in the store, or is not where its row says`, {
      cause,
    });
  }
}

/** The bytes of an entry in its bundle. Only lengths are looked at on the way: a view of each entry before it costs more. */
function entryIn(bundle: Uint8Array, index: number): Uint8Array {
  let offset = 0;
  for (let before = index % TILE_WIDTH; offset + 2 <= bundle.length; before--) {
    const end = offset + 2 + bundle[offset]! * 256 + bundle[offset + 1]!;
    if (before === 0 && end <= bundle.length) return bundle.subarray(offset + 2, end);
    offset = end;
  }
  throw new LimmatError('store-corrupt', `entry ${index} is damaged in the store`);
}
