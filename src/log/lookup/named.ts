// Which entries speak of many files, as indexes alone: what whoever verifies the entries anyway needs to know. No entry is
// read: a read of the store for the rows of all files, one for what was said of the entries that they name, one
// for what became of that.

import type { Hash } from '../../merkle/hash.ts';
import { digestList, listPage } from './lists.ts';
import type { Page } from './queries.ts';
import { MAX_FATES, MAX_MENTIONS } from './reader.ts';
import type { LookupReader } from './reader.ts';

/** Records of one file that an answer names. */
const MAX_RECORDS = 20;
/** Entries that an answer names before it leaves the rest of the digests to be asked for alone. */
const MAX_NAMED = 20_000;
/** Digests that are looked for at once. */
const AT_ONCE = 256;
/** Records whose mentions are looked for at once, and those of one file more. */
const RECORDS_AT_ONCE = 64;
/** A cursor that leaves nothing out: entry 0 is the genesis, and names no file. */
const FROM_THE_START = 0;

/** A rebuild, and those that take it back. */
export interface NamedRebuild {
  readonly index: number;
  readonly takenBack: readonly number[];
}

/** An entry that names a file, and those that are about it. */
export interface NamedRecord {
  readonly index: number;
  readonly rebuilds: readonly NamedRebuild[];
  /** True where there are more of them. */
  readonly moreRebuilds: boolean;
  readonly takenBack: readonly number[];
}

/**
 * The records about the files with these SHA-256 digests, for each oldest first. A row has half of a digest, and nobody
 * looks into the entry here: whoever made two files with the same half (2^64 hashes) sees the records of both.
 */
export async function namedBy(reader: LookupReader, sha256s: readonly Hash[]): Promise<readonly Page<NamedRecord>[]> {
  const size = reader.source.size();
  const pages: Page<NamedRecord>[] = [];
  let named = 0;
  for (let start = 0; start < sha256s.length; start += AT_ONCE) {
    const lists = sha256s.slice(start, start + AT_ONCE).map(digestList);
    if (named >= MAX_NAMED) {
      pages.push(...lists.map(() => ({ size, items: [], next: FROM_THE_START })));
      continue;
    }
    const rows = await reader.get(lists.map(({ key }) => key));
    const page = { size, after: undefined, limit: MAX_RECORDS };
    const found = await Promise.all(lists.map((list, i) => listPage(reader.source.storage(), list, rows[i], page)));
    const records = new Map<number, NamedRecord>();
    for (const [i, { items, next }] of found.entries()) {
      if (named >= MAX_NAMED) {
        pages.push({ size, items: [], next: FROM_THE_START });
        continue;
      }
      // A few files' records at once: of all of them together far more may be said than is answered.
      if (items.some(({ index }) => !records.has(index))) {
        const wanted = new Set<number>();
        for (const file of found.slice(i)) {
          if (wanted.size >= RECORDS_AT_ONCE) break;
          for (const { index } of file.items) if (!records.has(index)) wanted.add(index);
        }
        for (const [index, record] of await recordsOf(reader, wanted, size)) records.set(index, record);
      }
      const own = items.map(({ index }) => records.get(index)!);
      for (const { rebuilds, takenBack } of own) {
        named += 1 + takenBack.length;
        for (const rebuild of rebuilds) named += 1 + rebuild.takenBack.length;
      }
      pages.push({ size, items: own, next });
    }
  }
  return pages;
}

async function recordsOf(
  reader: LookupReader,
  named: ReadonlySet<number>,
  size: number,
): Promise<ReadonlyMap<number, NamedRecord>> {
  const indexes = [...named];
  const mentions = await reader.mentionsAt(indexes, ['rebuild', 'takenBack'], size, MAX_MENTIONS + 1);
  const rebuilds = [...new Set(mentions.flatMap(([of]) => of!.slice(0, MAX_MENTIONS).map((one) => one.index)))];
  const fates = await reader.mentionsAt(rebuilds, ['takenBack'], size, MAX_FATES);
  const fateOf = new Map(rebuilds.map((index, i) => [index, fates[i]![0]!.map((one) => one.index)]));
  return new Map(
    indexes.map((index, i) => {
      const [rebuilt, takenBack] = mentions[i]!.map((of) => of.slice(0, MAX_MENTIONS).map((one) => one.index));
      const moreRebuilds = mentions[i]![0]!.length > MAX_MENTIONS;
      const withFate = rebuilt!.map((one): NamedRebuild => ({ index: one, takenBack: fateOf.get(one)! }));
      return [index, { index, rebuilds: withFate, moreRebuilds, takenBack: takenBack! }];
    }),
  );
}
