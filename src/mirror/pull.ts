// Pulling: one look at a log, and everything of it that is not here yet. Checkpoint → proven to extend the last one →
// kept as pending → every bundle re-hashed and found in its tree → durable → cosigned. A crash between any two of these
// leaves a state that the next look goes on from.

import { equalBytes, toHex } from '../bytes.ts';
import type { LogReader } from '../client/http-reader.ts';
import { compareHeads } from '../client/state.ts';
import type { LogHead } from '../client/state.ts';
import { LimmatError, isLimmatError } from '../errors.ts';
import { HASH_SIZE } from '../merkle/hash.ts';
import type { Hasher } from '../merkle/hash.ts';
import { Prover } from '../merkle/prover.ts';
import { TILE_HEIGHT, TILE_WIDTH, formatTilePath, parseEntryBundle } from '../merkle/tile.ts';
import type { EntryBundlePath } from '../merkle/tile.ts';
import type { MirroredLog } from './mirrored-log.ts';
import { fullTileRoot } from './tree.ts';
import type { Piece } from './tree.ts';

export interface PullOptions {
  readonly log: MirroredLog;
  readonly reader: LogReader;
  readonly hasher: Hasher;
  /** Ends the look at the next bundle when it aborts; what is durable stays. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/** What one look came to. */
export interface PullReport {
  /** The size of the log's checkpoint. */
  readonly logSize: number;
  /** Entries that were copied. */
  readonly entries: number;
  /** True when the mirror checkpoint is the log's. */
  readonly isCurrent: boolean;
}

/** Bundles that are fetched ahead: what a local link needs to stay busy. */
const PARALLEL = 16;
/** Bytes of bundles like the last one that are fetched ahead; of the largest, of 16 MiB, that is two. */
const AHEAD_BYTES = 32 * 1024 * 1024;
/** Entries' bytes and bundles that one commit writes: a flush a commit, and what memory holds of them twice. */
const COMMIT_BYTES = 8 * 1024 * 1024;
const COMMIT_BUNDLES = 64;
/** The tiles above level 0 for 100 million entries and more. */
const CACHE_BYTES = 8 * 1024 * 1024;

/**
 * Looks at the log once and copies what is new. Errors: the reader's; openLogCheckpoint's; `bad-tile` for what is not in
 * the tree that the log signed; `fork` and `not-consistent` when the log contradicts itself, after which the mirror has
 * stopped following it with the note kept; the store's.
 */
export async function pull(options: PullOptions): Promise<PullReport> {
  const { log, reader, hasher } = options;
  if (log.stopped !== undefined) {
    throw new LimmatError('fork', `the mirror follows ${log.origin} no more: ${log.stopped}`);
  }
  const seen = await log.openNote(await reader.checkpoint());
  const prover = new Prover({ read: (paths) => reader.read(paths), cacheBytes: CACHE_BYTES, hasher });
  await adopt(options, prover, seen);
  const head = log.newest!;
  const from = log.nextEntry;
  if (from < head.size) await copyEntries(options, prover, head);
  const isOver = options.signal?.aborted === true && log.nextEntry < head.size;
  const published = isOver ? undefined : await log.publish(head.size);
  return {
    logSize: Math.max(seen.size, head.size),
    entries: log.nextEntry - from,
    isCurrent: published !== undefined && published.size >= seen.size,
  };
}

/** Makes the head that was seen the pending one if it is newer, and stops where it contradicts what was signed before. */
async function adopt({ log }: PullOptions, prover: Prover, seen: LogHead): Promise<void> {
  for (;;) {
    const known = log.newest;
    try {
      if (known !== undefined) await checkExtends(log, prover, known, seen);
    } catch (error) {
      if (isLimmatError(error, 'fork') || isLimmatError(error, 'not-consistent')) await log.stop(error.message, seen);
      throw error;
    }
    if (known !== undefined && !isNews(known, seen)) return;
    // An upload may have brought another one meanwhile: then it is compared with that.
    if (await log.admit(seen, known?.size ?? 0)) return;
  }
}

/** Throws `fork` or `not-consistent` unless the smaller of two signed trees is the beginning of the larger. */
async function checkExtends(log: MirroredLog, prover: Prover, known: LogHead, seen: LogHead): Promise<void> {
  const order = compareHeads(known, seen);
  if (order === 'same') return;
  const [smaller, larger] = order === 'newer' ? [known, seen] : [seen, known];
  const rootHash =
    order === 'older' && smaller.size <= log.nextEntry
      ? await log.rootHashAt(smaller.size)
      : await prover.rootHashAt(larger, smaller.size);
  if (equalBytes(rootHash, smaller.rootHash)) return;
  throw new LimmatError(
    'not-consistent',
    `${log.origin} changed its past: it signed root ${toHex(smaller.rootHash)} for entries [0, ${smaller.size}), and under its tree of size ${larger.size} they have ${toHex(rootHash)}`,
    { details: { origin: log.origin, size: smaller.size, otherSize: larger.size } },
  );
}

/** A larger tree, or another note of the same one that is no older: it may have more cosignatures. */
function isNews(known: LogHead, seen: LogHead): boolean {
  if (seen.size !== known.size) return seen.size > known.size;
  return seen.timestampSeconds >= known.timestampSeconds && !equalBytes(seen.note, known.note);
}

/** Copies the entries up to head.size. Fetching, hashing and writing go on side by side. */
async function copyEntries(options: PullOptions, prover: Prover, head: LogHead): Promise<void> {
  const { log, onProgress } = options;
  let group: Piece[] = [];
  let bytes = 0;
  let writing: Promise<unknown> = Promise.resolve();
  const write = async (): Promise<void> => {
    const pieces = group;
    group = [];
    bytes = 0;
    await writing;
    writing = log.append(pieces).then((next) => onProgress?.(next, head.size));
    // Whoever waits for it next sees its failure.
    writing.catch(() => undefined);
  };
  try {
    for await (const piece of verifiedPieces(options, prover, head)) {
      group.push(piece);
      bytes += piece.bytes.length;
      if (group.length >= COMMIT_BUNDLES || bytes >= COMMIT_BYTES) await write();
    }
  } finally {
    // What was found to be in the tree stays, also where a bundle behind it cannot be had: the next look begins there.
    if (group.length > 0) await write();
    await writing;
  }
}

/** The entries [log.nextEntry, head.size), a bundle at a time, fetched a few ahead and found to be in the tree. */
async function* verifiedPieces(
  { log, reader, hasher, signal }: PullOptions,
  prover: Prover,
  head: LogHead,
): AsyncGenerator<Piece, void, undefined> {
  const ahead: Promise<Uint8Array>[] = [];
  // What of the first bundle is here already, append skips.
  let index = Math.floor(log.nextEntry / TILE_WIDTH);
  // Until it is known how large they are.
  let parallel = 2;
  for (let wanted = index; index * TILE_WIDTH < head.size; index++) {
    if (signal?.aborted === true) return;
    for (; ahead.length < parallel && wanted * TILE_WIDTH < head.size; wanted++) {
      const fetched = reader.read([bundlePath(wanted, head.size)]).then(([bytes]) => bytes!);
      // Whoever takes it from the queue sees its failure; nobody does when an earlier bundle ends the loop.
      fetched.catch(() => undefined);
      ahead.push(fetched);
    }
    const bytes = await ahead.shift()!.catch((error: unknown) => Promise.reject(explainWithheld(error, index, head)));
    parallel = Math.max(1, Math.min(PARALLEL, Math.floor(AHEAD_BYTES / (bytes.length + 1))));
    yield await verifiedPiece(prover, hasher, head, bundlePath(index, head.size), bytes);
  }
}

/** Says of a `withheld` error (451) how far the mirror can get; any other error as it is. */
function explainWithheld(error: unknown, index: number, { origin, size }: LogHead): unknown {
  if (!isLimmatError(error, 'withheld')) return error;
  const path = formatTilePath(bundlePath(index, size));
  const message = `${origin} withholds ${path} (451): entries from ${index * TILE_WIDTH} on cannot be mirrored or cosigned`;
  return new LimmatError('withheld', message, { details: { origin, index: index * TILE_WIDTH }, cause: error });
}

function bundlePath(index: number, size: number): EntryBundlePath {
  return { kind: 'entries', index, width: Math.min(TILE_WIDTH, size - index * TILE_WIDTH) };
}

/** The bundle's entries as a piece; `bad-tile` unless they are what the head commits to. */
async function verifiedPiece(
  prover: Prover,
  hasher: Hasher,
  head: LogHead,
  path: EntryBundlePath,
  bytes: Uint8Array,
): Promise<Piece> {
  const entries = parsed(bytes, path);
  const leafHashes = new Uint8Array(HASH_SIZE * entries.length);
  for (const [i, entry] of entries.entries()) hasher.leafHashInto(entry, leafHashes, HASH_SIZE * i);
  if (path.width === TILE_WIDTH) {
    // A full bundle needs no level 0 tile: the root over its own hashes is what the tile above names.
    const [root] = await prover.nodes(head, [{ height: TILE_HEIGHT, index: path.index }]);
    if (!equalBytes(fullTileRoot(leafHashes, hasher), root!)) {
      throw new LimmatError('bad-tile', `${formatTilePath(path)} is not in the tree of size ${head.size}`);
    }
  } else {
    await prover.checkTile(head, { kind: 'tile', level: 0, index: path.index, width: path.width }, leafHashes);
  }
  return { start: path.index * TILE_WIDTH, bytes, leafHashes };
}

function parsed(bytes: Uint8Array, path: EntryBundlePath): readonly Uint8Array[] {
  try {
    return parseEntryBundle(bytes, path.width);
  } catch (error) {
    if (!isLimmatError(error)) throw error;
    throw new LimmatError('bad-tile', `${formatTilePath(path)}: ${error.message}`, { cause: error });
  }
}
