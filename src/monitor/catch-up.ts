// The entries of a log from an index on, each found to be under a signed head before anybody looks at it (M04). Of the
// full level 0 tiles, which clients use, the log has to serve those that the entries hash to. A few bundles are fetched
// ahead; their checks are in order.

import { concat, equalBytes, toHex } from '../bytes.ts';
import { LimmatError, isLimmatError } from '../errors.ts';
import { HASH_SIZE } from '../merkle/hash.ts';
import type { Hasher } from '../merkle/hash.ts';
import { TILE_HEIGHT, TILE_WIDTH, formatTilePath, parseEntryBundle } from '../merkle/tile.ts';
import type { EntryBundlePath, HashTilePath, TilePath } from '../merkle/tile.ts';
import type { TreeHead } from '../merkle/tree-head.ts';
import { isReadError } from './source.ts';
import type { LogSource, Way } from './source.ts';

/** Entries [start, start + leafHashes.length / 32) of the tree. */
export interface VerifiedEntries {
  readonly start: number;
  /** Views of the fetched bundle, at most 256; none when the log withholds the bundle (451). */
  readonly entries: readonly Uint8Array[];
  /** 32 bytes an entry, in order, also of those that are withheld. */
  readonly leafHashes: Uint8Array;
}

export interface CatchUpOptions {
  readonly source: LogSource;
  readonly hasher: Hasher;
  /** Verified. */
  readonly head: TreeHead;
  /** Index of the first entry. */
  readonly start: number;
  /** Bundles that are fetched ahead. */
  readonly parallel?: number;
  /** Gets bytes that are not what the head commits to, twice asked for, before the error is thrown. */
  readonly onSuspect?: (path: string, bytes: Uint8Array) => void;
}

/** Keeps a local link busy. */
const DEFAULT_PARALLEL = 8;
/** Bytes of bundles like the last one that are fetched ahead; of the largest, of 16 MiB, that is two. */
const AHEAD_BYTES = 32 * 1024 * 1024;

interface Fetched {
  readonly bundle: Uint8Array | LimmatError;
  readonly tile: Uint8Array | LimmatError | undefined;
}

/**
 * The entries [start, head.size), a bundle at a time. Throws `bad-tile` with the detail `path` when a bundle or a tile is
 * not what the head commits to, on every way that there is to the log, and what the ways fail with.
 */
export async function* verifiedEntries(options: CatchUpOptions): AsyncGenerator<VerifiedEntries, void, undefined> {
  const { head, start } = options;
  const ahead: Promise<Fetched>[] = [];
  let parallel = options.parallel ?? DEFAULT_PARALLEL;
  if (start >= head.size) return;
  let index = Math.floor(start / TILE_WIDTH);
  for (let wanted = index; index * TILE_WIDTH < head.size; index++) {
    for (; ahead.length < parallel && wanted * TILE_WIDTH < head.size; wanted++) {
      const fetched = fetchBoth(options.source, bundlePath(wanted, head.size));
      // Whoever takes it from the queue sees its failure; nobody does when an earlier bundle ends the loop.
      fetched.catch(() => undefined);
      ahead.push(fetched);
    }
    const fetched = await ahead.shift()!;
    const { entries, leafHashes } = await verifyBundle(fetched, bundlePath(index, head.size), options);
    const bytes = fetched.bundle instanceof Uint8Array ? fetched.bundle.length : 0;
    parallel = Math.max(1, Math.min(options.parallel ?? DEFAULT_PARALLEL, Math.floor(AHEAD_BYTES / (bytes + 1))));
    const skip = Math.max(0, start - index * TILE_WIDTH);
    yield {
      start: index * TILE_WIDTH + skip,
      entries: skip === 0 ? entries : entries.slice(skip),
      leafHashes: skip === 0 ? leafHashes : leafHashes.subarray(HASH_SIZE * skip),
    };
  }
}

function bundlePath(index: number, size: number): EntryBundlePath {
  return { kind: 'entries', index, width: Math.min(TILE_WIDTH, size - index * TILE_WIDTH) };
}

/** The bundle and, where it is full, the tile beside it, from the log's address; a failure stays for later. */
async function fetchBoth(source: LogSource, path: EntryBundlePath): Promise<Fetched> {
  const [bundle, tile] = await Promise.all([
    fetchOne(source, path),
    path.width === TILE_WIDTH ? fetchOne(source, tileOf(path)) : undefined,
  ]);
  return { bundle, tile };
}

async function fetchOne(source: LogSource, path: TilePath): Promise<Uint8Array | LimmatError> {
  try {
    return (await source.ways[0]!.reader.read([path]))[0]!;
  } catch (error) {
    if (!isReadError(error)) throw error;
    return error;
  }
}

function tileOf({ index, width }: EntryBundlePath): HashTilePath {
  return { kind: 'tile', level: 0, index, width };
}

type Content = Pick<VerifiedEntries, 'entries' | 'leafHashes'>;

async function verifyBundle(fetched: Fetched, path: EntryBundlePath, options: CatchUpOptions): Promise<Content> {
  const { source } = options;
  const committed = await source.attempt(({ prover }) => committedHashes(prover, options, path));
  let content: Content;
  try {
    content = await orAgain(options, path, fetched.bundle, (bytes) => readBundle(bytes, path, committed, options));
  } catch (error) {
    if (!isLimmatError(error, 'withheld')) throw error;
    // The bodies are gone, the tree is not: its tiles say what the leaf hashes are.
    const leafHashes = await source.attempt(({ prover }) => committedLeaves(prover, options.head, path));
    content = { entries: [], leafHashes };
  }
  if (fetched.tile !== undefined) {
    const { leafHashes } = content;
    await orAgain(options, tileOf(path), fetched.tile, (bytes) => {
      if (!equalBytes(bytes, leafHashes)) throw notCommitted(tileOf(path), options.head);
    });
  }
  return content;
}

/** What the head commits to for a bundle: the root over a full one, or the leaf hashes of the one at the right edge. */
async function committedHashes(
  prover: Way['prover'],
  { head }: CatchUpOptions,
  path: EntryBundlePath,
): Promise<Uint8Array> {
  if (path.width < TILE_WIDTH) return committedLeaves(prover, head, path);
  return (await prover.nodes(head, [{ height: TILE_HEIGHT, index: path.index }]))[0]!;
}

/** The leaf hashes of a bundle, by the log's tiles. */
async function committedLeaves(
  prover: Way['prover'],
  head: TreeHead,
  { index, width }: EntryBundlePath,
): Promise<Uint8Array> {
  const leaves = Array.from({ length: width }, (_, i) => ({ height: 0, index: index * TILE_WIDTH + i }));
  return concat(...(await prover.nodes(head, leaves)));
}

/** `bad-tile` unless these bytes are the bundle that `committed` says. */
function readBundle(
  bytes: Uint8Array,
  path: EntryBundlePath,
  committed: Uint8Array,
  { hasher, head }: CatchUpOptions,
): Content {
  let entries: readonly Uint8Array[];
  try {
    entries = parseEntryBundle(bytes, path.width);
  } catch (error) {
    if (!isLimmatError(error)) throw error;
    const name = formatTilePath(path);
    throw new LimmatError('bad-tile', `${name}: ${error.message}`, { details: { path: name }, cause: error });
  }
  const leafHashes = new Uint8Array(HASH_SIZE * entries.length);
  for (const [i, entry] of entries.entries()) hasher.leafHashInto(entry, leafHashes, HASH_SIZE * i);
  const found = path.width === TILE_WIDTH ? rootOver(leafHashes, hasher) : leafHashes;
  if (!equalBytes(found, committed)) throw notCommitted(path, head);
  return { entries, leafHashes };
}

/** The root over 256 leaf hashes. */
function rootOver(leafHashes: Uint8Array, hasher: Hasher): Uint8Array {
  const level = new Uint8Array(leafHashes.length / 2);
  hasher.foldPairs(leafHashes, 0, TILE_WIDTH / 2, level, 0);
  for (let pairs = TILE_WIDTH / 4; pairs >= 1; pairs /= 2) hasher.foldPairs(level, 0, pairs, level, 0);
  return level.subarray(0, HASH_SIZE);
}

/** Checks what the log's address gave, and when that fails what the other ways give. */
async function orAgain<T>(
  { source, onSuspect }: CatchUpOptions,
  path: TilePath,
  first: Uint8Array | LimmatError,
  check: (bytes: Uint8Array) => T,
): Promise<T> {
  const checked = (bytes: Uint8Array): T => {
    try {
      return check(bytes);
    } catch (error) {
      if (isLimmatError(error, 'bad-tile')) onSuspect?.(formatTilePath(path), bytes);
      throw error;
    }
  };
  let failure: LimmatError;
  if (first instanceof LimmatError) {
    failure = first;
  } else {
    try {
      return checked(first);
    } catch (error) {
      if (!isReadError(error)) throw error;
      failure = error;
    }
  }
  return source.again(async ({ reader }) => checked((await reader.read([path]))[0]!), failure);
}

function notCommitted(path: TilePath, head: TreeHead): LimmatError {
  const name = formatTilePath(path);
  return new LimmatError(
    'bad-tile',
    `${name} is not what the head of size ${head.size} and root ${toHex(head.rootHash)} commits to`,
    { details: { path: name } },
  );
}
