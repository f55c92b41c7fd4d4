// Brings a store that is behind up to a head that the log itself signed, with entries from anywhere. Nothing is trusted
// but the signed head: the store's tree has to be a part of it, and every entry has to be in it before it is stored.

import { equalBytes } from '../../src/bytes.ts';
import { LimmatError } from '../../src/errors.ts';
import { derive } from '../../src/log/derive.ts';
import { loadEdge, type Edge } from '../../src/log/edge.ts';
import type { SequencedEntry } from '../../src/log/entry.ts';
import { integrate } from '../../src/log/integrate.ts';
import {
  asHash,
  authenticateBundle,
  HASH_SIZE,
  Prover,
  TILE_WIDTH,
  type Hasher,
  type TreeHead,
} from '../../src/merkle/index.ts';
import type { LogStorage, StateWrite } from '../../src/storage.ts';
import type { LogSource } from '../support/log-source.ts';
import { readBundles, type ReadBundle } from '../support/rehash.ts';
import { sharedHistory } from './history.ts';

export interface BringUpOptions {
  readonly storage: LogStorage;
  /** A head that carries the log's own signatures. */
  readonly head: TreeHead;
  readonly source: LogSource;
  readonly hasher: Hasher;
  /** Leaves are records, from which the state is derived that later ones are judged and found by. */
  readonly records: boolean;
  readonly onProgress: (entries: number, total: number) => void;
}

async function readStored(
  storage: LogStorage,
  paths: Parameters<LogStorage['read']>[0],
): Promise<readonly Uint8Array[]> {
  const contents = await storage.read(paths);
  return contents.map((content) => {
    if (content === undefined)
      throw new LimmatError('store-corrupt', 'a tile of the right edge is missing in the store');
    return content;
  });
}

/** The entries of a step that the store lacks, each found to be in the signed tree. */
async function missingEntries(
  batch: readonly ReadBundle[],
  size: number,
  prover: Prover,
  head: TreeHead,
): Promise<SequencedEntry[]> {
  const missing: SequencedEntry[] = [];
  for (const { path, entries } of batch) {
    const leafHashes = await authenticateBundle(prover, head, path.index, entries);
    for (const [i, bytes] of entries.entries()) {
      const index = path.index * TILE_WIDTH + i;
      if (index < size) continue;
      const leafHash = asHash(leafHashes.slice(i * HASH_SIZE, (i + 1) * HASH_SIZE));
      missing.push({ entry: { bytes, leafHash, record: undefined }, index });
    }
  }
  return missing;
}

/**
 * What these entries write to the state, as sequencing would have. One that the rules do not admit writes nothing; it is
 * in the signed tree, whatever it is: a log that dropped it now would fork.
 */
async function stateWrites(
  entries: readonly SequencedEntry[],
  { storage, head, hasher }: BringUpOptions,
  prover: Prover,
): Promise<readonly StateWrite[]> {
  const leaves = entries.map(({ entry }) => entry);
  const { writes } = await derive(leaves, entries[0]!.index, {
    get: (keys) => storage.get(keys),
    rootHashAt: (size) => prover.rootHashAt(head, size),
    hasher,
  });
  return writes;
}

/**
 * Appends what the store lacks of the tree under `head`, step by step, each step durable: run again after an
 * interruption, it goes on. How many entries were added. Errors: `not-consistent` when neither the store's tree nor the
 * signed one is a part of the other, `bad-tile` when the source's tiles or entries are not.
 */
export async function bringUp(options: BringUpOptions): Promise<number> {
  const { storage, head, source, hasher, records } = options;
  const stored = (await storage.load()).head;
  // Also of a store that lacks nothing: it may hold as many entries, and others.
  await sharedHistory(storage, { head, source }, hasher);
  if (stored.size >= head.size) return 0;
  const prover = new Prover({ read: (paths) => source.read(paths), hasher });
  let edge: Edge = await loadEdge(stored, (paths) => readStored(storage, paths), hasher);
  for await (const batch of readBundles((paths) => source.read(paths), head.size, stored.size)) {
    const entries = await missingEntries(batch, edge.head.size, prover, head);
    const step = integrate(edge, entries, records ? await stateWrites(entries, options, prover) : []);
    await storage.commit(step.growth);
    edge = step.edge;
    options.onProgress(edge.head.size - stored.size, head.size - stored.size);
  }
  if (edge.head.size !== head.size || !equalBytes(edge.head.rootHash, head.rootHash)) {
    throw new LimmatError('internal', 'bad math in bringUp: authenticated entries do not lead to the signed root');
  }
  return head.size - stored.size;
}
