// Pages of lookup rows. A page ends when it is full, when there is nothing more, or when it has cost enough: then it says
// where to go on, and may be short or empty though there is more.

import type { LogStorage, StateKey } from '../../storage.ts';
import { indexText, lastIndex } from './rows.ts';

export interface Row {
  readonly key: StateKey;
  readonly value: Uint8Array;
}

/** Rows, or items of rows, that one question looks at: some ten milliseconds. Whoever wants more asks again. */
export const MAX_ROWS = 4096;
/** Rows that one scan takes from the store. */
export const SCAN_ROWS = 256;

export type Scanner = Pick<LogStorage, 'scan'>;

export interface IndexPage {
  readonly rows: readonly (Row & { readonly index: number })[];
  /** The index after (newest first: before) which to go on; undefined where there is nothing more. */
  readonly next: number | undefined;
}

export interface IndexScan {
  /** Of keys that end with an index right behind it. */
  readonly prefix: StateKey;
  /** Rows of entries below this only. */
  readonly size: number;
  /** Go on after this index; newest first: before it. */
  readonly after: number | undefined;
  readonly newestFirst: boolean;
  readonly limit: number;
  /** Which rows count. */
  readonly test?: (row: Row) => boolean;
}

/** The rows of a prefix in the order of their indexes. */
export async function scanByIndex(storage: Scanner, scan: IndexScan): Promise<IndexPage> {
  const { prefix, size, newestFirst, limit, test } = scan;
  const rows: (Row & { readonly index: number })[] = [];
  const start = newestFirst ? Math.min(scan.after ?? size, size) : scan.after;
  let after = start === undefined ? undefined : prefix + indexText(start);
  for (let looked = 0; ;) {
    // One more than is asked for tells whether there is a next page.
    const take = test === undefined ? Math.min(limit + 1 - rows.length, SCAN_ROWS) : SCAN_ROWS;
    const range = { prefix, limit: take, reverse: newestFirst, ...(after === undefined ? {} : { after }) };
    const page = await storage.scan(range);
    for (const { key, value } of page) {
      const index = lastIndex(key);
      if (index >= size) return { rows, next: undefined };
      if (test !== undefined && !test({ key, value })) continue;
      if (rows.length === limit) return { rows, next: rows.at(-1)!.index };
      rows.push({ key, value, index });
    }
    if (page.length < take) return { rows, next: undefined };
    after = page.at(-1)!.key;
    looked += page.length;
    if (looked >= MAX_ROWS) return { rows, next: lastIndex(after) };
  }
}

/** All rows of a prefix, page by page. */
export async function* scanRows(storage: Scanner, prefix: StateKey, from?: StateKey): AsyncGenerator<Row> {
  let after = from;
  for (;;) {
    const page = await storage.scan({ prefix, limit: SCAN_ROWS, ...(after === undefined ? {} : { after }) });
    yield* page;
    if (page.length < SCAN_ROWS) return;
    after = page.at(-1)!.key;
  }
}
