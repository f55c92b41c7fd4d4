// Reading tiles and bundles out of the store for the log's own use, where a missing one is damage and not a 404.

import { LimmatError } from '../errors.ts';
import { formatTilePath } from '../merkle/tile.ts';
import type { TilePath } from '../merkle/tile.ts';
import type { LogStorage } from '../storage.ts';

/** The resources at these paths; `store-corrupt` where one is not there. */
export async function readAll(storage: LogStorage, paths: readonly TilePath[]): Promise<Uint8Array[]> {
  const contents = await storage.read(paths);
  return contents.map((content, i) => {
    if (content === undefined)
      throw new LimmatError('store-corrupt', `${formatTilePath(paths[i]!)} is missing in the store`);
    return content;
  });
}
