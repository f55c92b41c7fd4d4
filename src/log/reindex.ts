// Making the derived state again from the entries in the store (`limmat reindex`), while no log owns it. In scope: bounded
// batches and memory, and what a crash leaves: from the first change to the last a marker says that the state is not
// whole, and whoever finds it begins again. Out of scope: the tree itself, the archive, and the index of leaf hashes.

import { equalBytes, toHex } from '../bytes.ts';
import { LimmatError } from '../errors.ts';
import type { Hasher } from '../merkle/hash.ts';
import { Prover } from '../merkle/prover.ts';
import { CompactRange } from '../merkle/range.ts';
import { bundlesForSize, parseEntryBundle } from '../merkle/tile.ts';
import type { EntryBundlePath } from '../merkle/tile.ts';
import type { TreeHead } from '../merkle/tree-head.ts';
import type { StateKey } from '../record/admission.ts';
import type { ReplayFinding } from '../record/admission/replay.ts';
import { StateDigest } from '../record/admission/state.ts';
import { KEY_SPACE } from '../storage.ts';
import type { LogStorage, RewritableStorage, StateWrite } from '../storage.ts';
import { DERIVED_SPACES, derive } from './derive.ts';
import type { Leaf } from './derive.ts';
import { ROWS_VERSION, TAIL_KEY, VERSION_KEY, tailSize } from './lookup.ts';
import { readAll } from './read.ts';

/** Bundles of one batch: 1024 entries, some 1.5 MB, at most 64 MiB of the largest. */
const BUNDLES_AT_ONCE = 4;
/** Rows that are read or deleted at once. */
const ROWS_AT_ONCE = 4096;
/** Values that are kept from one batch to the next, some 300 bytes each; at the limit all are let go. */
const MAX_KEPT = 100_000;
/** Findings that are kept; the others are counted. */
const MAX_FINDINGS = 50;

const MARKER: StateKey = KEY_SPACE.reindex;

export interface ReindexOptions {
  readonly hasher: Hasher;
  readonly onProgress?: ((entries: number, total: number) => void) | undefined;
}

export interface Reindexed {
  readonly size: number;
  /** Rows that there are now. */
  readonly rows: number;
  /** Of the admission state, as a replay has it. */
  readonly digest: Uint8Array;
  /** Entries that the log should not have taken, the first of them; they have no rows. */
  readonly findings: readonly ReplayFinding[];
  readonly findingCount: number;
}

/** True when a reindex of this store was begun and not finished: its derived state is not to be gone by. */
export async function isReindexUnfinished(storage: Pick<LogStorage, 'get'>): Promise<boolean> {
  const [marker] = await storage.get([MARKER]);
  return marker !== undefined;
}

/** `store-corrupt` when the store's derived state is not whole. */
export async function assertReindexed(storage: Pick<LogStorage, 'get'>): Promise<void> {
  if (!(await isReindexUnfinished(storage))) return;
  throw new LimmatError('store-corrupt', 'a reindex of this store was not finished: finish it with limmat reindex');
}

/**
 * `store-corrupt` when the rows by which records are looked up are not those that this version writes and reads, or not
 * those of the `size` entries of the store.
 */
export async function assertLookupRows(storage: Pick<LogStorage, 'get'>, size: number): Promise<void> {
  await assertRowsVersion(storage);
  const [tail] = await storage.get([TAIL_KEY]);
  const of = tail === undefined ? undefined : tailSize(tail);
  if (of === size) return;
  throw new LimmatError(
    'store-corrupt',
    `the rows for lookups are those of ${of ?? 'no'} entries, and the store has ${size}: make them anew with limmat reindex`,
  );
}

/** `store-corrupt` when they are not those that this version writes and reads. */
export async function assertRowsVersion(storage: Pick<LogStorage, 'get'>): Promise<void> {
  const [version] = await storage.get([VERSION_KEY]);
  if (version?.length === 1 && version[0] === ROWS_VERSION) return;
  throw new LimmatError(
    'store-corrupt',
    'the rows of this store for lookups are those of another version of limmat: make them anew with limmat reindex',
  );
}

/** Begins a reindex of this store again that was not finished, if there is one: before anybody goes by its state. */
export async function finishReindex(storage: RewritableStorage, options: ReindexOptions): Promise<void> {
  if (await isReindexUnfinished(storage)) await reindex(storage, options);
}

/**
 * Makes all derived state of a log that takes records again: the rows in the store are afterwards those that its entries
 * lead to, whatever they were before. Errors: `store-corrupt` when entries cannot be read or do not lead to the store's
 * root (the marker stays), and what the store throws.
 */
export async function reindex(storage: RewritableStorage, options: ReindexOptions): Promise<Reindexed> {
  const { head } = await storage.load();
  await storage.rewriteState([{ key: MARKER, value: new Uint8Array(0) }]);
  for (const space of DERIVED_SPACES) await deleteAll(storage, space);
  const { findings, findingCount } = await rebuild(storage, head, options);
  const { digest, rows } = await storedDigest(storage, options.hasher);
  await storage.rewriteState([{ key: MARKER, value: null }]);
  return { size: head.size, rows, digest, findings, findingCount };
}

/** The digest of the admission state in a store, and how many rows of derived state it has in all. */
export async function storedDigest(
  storage: Pick<LogStorage, 'scan'>,
  hasher: Hasher,
): Promise<{ readonly digest: Uint8Array; readonly rows: number }> {
  const digest = new StateDigest(hasher);
  let rows = 0;
  for (const space of DERIVED_SPACES) {
    for await (const { key, value } of derivedRows(storage, space)) {
      rows++;
      if (space === KEY_SPACE.admission) digest.add(key, value);
    }
  }
  return { digest: digest.digest, rows };
}

/** The rows of a key space, ascending, page by page. */
export async function* derivedRows(
  storage: Pick<LogStorage, 'scan'>,
  space: StateKey,
): AsyncGenerator<{ readonly key: StateKey; readonly value: Uint8Array }> {
  for (let after: StateKey | undefined; ;) {
    const page = await storage.scan({ prefix: space, limit: ROWS_AT_ONCE, ...(after !== undefined && { after }) });
    yield* page;
    after = page.at(-1)?.key;
    if (page.length < ROWS_AT_ONCE) return;
  }
}

async function deleteAll(storage: RewritableStorage, prefix: StateKey): Promise<void> {
  for (;;) {
    const page = await storage.scan({ prefix, limit: ROWS_AT_ONCE });
    if (page.length === 0) return;
    await storage.rewriteState(page.map(({ key }) => ({ key, value: null })));
  }
}

async function rebuild(
  storage: RewritableStorage,
  head: TreeHead,
  { hasher, onProgress }: ReindexOptions,
): Promise<Pick<Reindexed, 'findings' | 'findingCount'>> {
  const prover = new Prover({ read: (paths) => readAll(storage, paths), hasher });
  const state = new KeptState(storage);
  const range = CompactRange.empty(hasher);
  const findings: ReplayFinding[] = [];
  let findingCount = 0;
  for await (const leaves of readLeaves(storage, head.size, hasher)) {
    const derived = await derive(leaves, range.size, {
      get: (keys) => state.get(keys),
      rootHashAt: (size) => prover.rootHashAt(head, size),
      hasher,
    });
    for (const { leafHash } of leaves) range.append(leafHash);
    await storage.rewriteState(derived.writes);
    state.apply(derived.writes);
    findingCount += derived.findings.length;
    findings.push(...derived.findings.slice(0, MAX_FINDINGS - findings.length));
    onProgress?.(range.size, head.size);
  }
  if (!equalBytes(range.rootHash(), head.rootHash)) {
    throw new LimmatError(
      'store-corrupt',
      `the ${head.size} entries lead to root ${toHex(range.rootHash())}, and the store's is ${toHex(head.rootHash)}: limmat fsck says which are damaged`,
    );
  }
  return { findings, findingCount };
}

async function* readLeaves(storage: LogStorage, size: number, hasher: Hasher): AsyncGenerator<readonly Leaf[]> {
  const paths = bundlesForSize(size);
  for (;;) {
    const batch: EntryBundlePath[] = [];
    while (batch.length < BUNDLES_AT_ONCE) {
      const path = paths.next();
      if (path.done === true) break;
      batch.push(path.value);
    }
    if (batch.length === 0) return;
    const bundles = await readAll(storage, batch);
    yield bundles.flatMap((bundle, i) => parseStored(bundle, batch[i]!, hasher));
  }
}

function parseStored(bundle: Uint8Array, { index, width }: EntryBundlePath, hasher: Hasher): Leaf[] {
  try {
    return parseEntryBundle(bundle, width).map((bytes) => ({ bytes, leafHash: hasher.leafHash(bytes) }));
  } catch (cause) {
    throw new LimmatError('store-corrupt', `entry bundle ${index} is damaged in the store`, { cause });
  }
}

/** The state in the store, with what was asked for or written lately in memory. */
class KeptState {
  readonly #storage: LogStorage;
  readonly #kept = new Map<string, Uint8Array | undefined>();

  constructor(storage: LogStorage) {
    this.#storage = storage;
  }

  async get(keys: readonly StateKey[]): Promise<readonly (Uint8Array | undefined)[]> {
    if (this.#kept.size > MAX_KEPT) this.#kept.clear();
    const missing = keys.filter((key) => !this.#kept.has(key));
    const found = await this.#storage.get(missing);
    for (const [i, key] of missing.entries()) this.#kept.set(key, found[i]);
    return keys.map((key) => this.#kept.get(key));
  }

  /** Takes note of what was written; of what nobody asks for (lookups, statements) only what is kept already. */
  apply(writes: readonly StateWrite[]): void {
    for (const { key, value } of writes) {
      const name = key;
      if (key[0] === KEY_SPACE.admission || this.#kept.has(name)) this.#kept.set(name, value ?? undefined);
    }
  }
}
