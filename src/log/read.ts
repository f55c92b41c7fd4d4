// Reading the store for the log's own use, where a missing tile or bundle is damage and not a 404.

import { LimmatError } from '../errors.ts';
import { formatTilePath } from '../merkle/tile.ts';
import type { TilePath } from '../merkle/tile.ts';
import type { LogStorage, StateKey } from '../storage.ts';

/** The resources at these paths; `store-corrupt` where one is not there. */
export async function readAll(storage: Pick<LogStorage, 'read'>, paths: readonly TilePath[]): Promise<Uint8Array[]> {
  const contents = await storage.read(paths);
  return contents.map((content, i) => {
    if (content === undefined)
      throw new LimmatError('store-corrupt', `${formatTilePath(paths[i]!)} is missing in the store`);
    return content;
  });
}

/** Pairs that one scan takes from the store. */
const SCAN_PAGE = 256;

/** All pairs whose keys begin with this, ascending, page by page: each page is of one moment, several may not be. */
export async function* scanAll(
  storage: () => LogStorage,
  prefix: StateKey,
  from?: StateKey,
): AsyncGenerator<{ readonly key: StateKey; readonly value: Uint8Array }> {
  let after = from;
  for (;;) {
    const range = { prefix, limit: SCAN_PAGE, ...(after === undefined ? {} : { after }) };
    const page = await storage().scan(range);
    yield* page;
    if (page.length < SCAN_PAGE) return;
    after = page.at(-1)!.key;
  }
}
