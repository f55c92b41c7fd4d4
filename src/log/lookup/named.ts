// Which entries speak of many files, as indexes alone: what whoever verifies the entries anyway needs to know. No entry is
// read, so a digest costs a look at its rows, and an entry that names many of the files one look at what was said of it.

import type { Hash } from '../../merkle/hash.ts';
import type { Page } from './queries.ts';
import { ABOUT, digestPart, indexPart, mentionPart, rowKey } from './rows.ts';
import type { MentionKind } from './rows.ts';
import { scanByIndex } from './scan.ts';
import type { LookupSource } from './source.ts';

/** Records of one file, and of what was said of a record, that an answer names. */
const MAX_RECORDS = 20;
const MAX_MENTIONS = 100;
/** Entries that an answer names before it leaves the rest of the digests to be asked for alone. */
const MAX_NAMED = 20_000;
/** Digests that are looked for at once. */
const PARALLEL = 16;
/** A cursor that leaves nothing out: entry 0 is the genesis, and names no file. */
const FROM_THE_START = 0;

/** An entry that names a file, and those that are about it. */
export interface NamedRecord {
  readonly index: number;
  readonly rebuilds: readonly number[];
  readonly takenBack: readonly number[];
}

/**
 * The records about the files with these SHA-256 digests, for each oldest first. A row has half of a digest, and nobody
 * looks into the entry here: whoever made two files with the same half (2^64 hashes) sees the records of both.
 */
export async function namedBy(source: LookupSource, sha256s: readonly Hash[]): Promise<readonly Page<NamedRecord>[]> {
  const size = source.size();
  const known = new Map<number, Promise<NamedRecord>>();
  let named = 0;
  const one = async (sha256: Hash): Promise<Page<NamedRecord>> => {
    if (named >= MAX_NAMED) return { size, items: [], next: FROM_THE_START };
    const prefix = rowKey(ABOUT.digest, digestPart(sha256));
    const scan = { prefix, size, after: undefined, newestFirst: false, limit: MAX_RECORDS };
    const { rows, next } = await scanByIndex(source.storage(), scan);
    const items = await Promise.all(
      rows.map(({ index }) => {
        let record = known.get(index);
        if (record === undefined) known.set(index, (record = recordAt(source, index, size)));
        return record;
      }),
    );
    for (const { rebuilds, takenBack } of items) named += 1 + rebuilds.length + takenBack.length;
    return { size, items, next };
  };
  const pages: Page<NamedRecord>[] = [];
  for (let i = 0; i < sha256s.length; i += PARALLEL) {
    pages.push(...(await Promise.all(sha256s.slice(i, i + PARALLEL).map(one))));
  }
  return pages;
}

async function recordAt(source: LookupSource, index: number, size: number): Promise<NamedRecord> {
  // Mostly nothing was said of an entry: one look tells of both kinds.
  const [any] = await source.storage().scan({ prefix: rowKey(ABOUT.mention, indexPart(index)), limit: 1 });
  if (any === undefined) return { index, rebuilds: [], takenBack: [] };
  const of = async (kind: MentionKind): Promise<number[]> => {
    const prefix = rowKey(ABOUT.mention, indexPart(index), mentionPart(kind));
    const scan = { prefix, size, after: undefined, newestFirst: false, limit: MAX_MENTIONS };
    return (await scanByIndex(source.storage(), scan)).rows.map((row) => row.index);
  };
  return { index, rebuilds: await of('rebuild'), takenBack: await of('takenBack') };
}
