// Follows a tlog-tiles log: every entry is hashed and authenticated against a verified checkpoint before it is handed
// out, and every checkpoint is proven to extend the one before. Out of scope: what the entries mean.

import { equalBytes, toHex } from '../bytes.ts';
import { LimmatError, isLimmatError } from '../errors.ts';
import type { Hasher } from '../merkle/hash.ts';
import { authenticateBundle } from '../merkle/bundle.ts';
import { Prover } from '../merkle/prover.ts';
import { formatTilePath, parseEntryBundle, TILE_WIDTH } from '../merkle/tile.ts';
import type { TilePath } from '../merkle/tile.ts';
import { openLogCheckpoint } from '../note/open.ts';
import type { CheckpointVerifier } from '../note/signer.ts';
import type { LogReader } from './http-reader.ts';
import { compareHeads, trimNote } from './state.ts';
import type { LogHead } from './state.ts';

export interface FollowOptions {
  readonly reader: LogReader;
  readonly origin: string;
  /** The log's keys; every one of them must have signed a checkpoint. */
  readonly verifiers: readonly CheckpointVerifier[];
  readonly hasher?: Hasher;
  /** Index of the first entry to hand out; default 0. */
  readonly start?: number;
  /** The head that was verified last time; the first checkpoint must extend it. */
  readonly head?: LogHead;
  /** Entry bundles that are fetched ahead. */
  readonly parallel?: number;
  /** Milliseconds between looks at the checkpoint once all entries are handed out; absent = stop there. */
  readonly pollMillis?: number;
  readonly sleep?: (millis: number, signal: AbortSignal | undefined) => Promise<void>;
  /** Ends the generator, quietly, when it aborts. */
  readonly signal?: AbortSignal;
}

/** Verified entries [start, start + entries.length) of the tree under head. */
export interface FollowedEntries {
  readonly head: LogHead;
  readonly start: number;
  /** Views of the fetched bundle, at most 256; none when head is new but brought no entry that was asked for. */
  readonly entries: readonly Uint8Array[];
  /** 32 bytes an entry, in order. */
  readonly leafHashes: Uint8Array;
}

/** Twice the bundles that a local link needs to stay busy; at most 128 MiB of the largest entries. */
const DEFAULT_PARALLEL = 8;
/** Level 0 tiles are used once; this keeps the tiles above them for 100 million entries and more. */
const CACHE_BYTES = 8 * 1024 * 1024;

/**
 * Verified entries from options.start on, in order, a bundle at a time. Each new checkpoint gives at least one batch,
 * so that the caller learns the head; its last batch ends at head.size.
 *
 * Throws `bad-note` or `log-signature-missing` for a checkpoint, `fork` when it contradicts the last one,
 * `not-consistent` when of its tree and the last one the smaller is no part of the larger, `bad-tile` when a tile or an
 * entry is not in its tree, and what the reader throws. After an error the caller may start again from what it got, with the last head.
 */
export async function* follow(options: FollowOptions): AsyncGenerator<FollowedEntries, void, undefined> {
  const { reader, signal } = options;
  const sleep = options.sleep ?? wait;
  const prover = new Prover({
    read: (paths) => reader.read(paths),
    cacheBytes: CACHE_BYTES,
    ...(options.hasher !== undefined && { hasher: options.hasher }),
  });
  let next = options.start ?? 0;
  let head = options.head;
  let announced = false;
  const isOver = (): boolean => signal?.aborted === true;
  while (!isOver()) {
    const seen = await readHead(options);
    const order = head === undefined ? 'newer' : compareHeads(head, seen);
    if (order === 'newer') {
      if (head !== undefined) await proveExtension(prover, head, seen);
      head = seen;
      announced = false;
    } else if (order === 'same' && seen.timestampSeconds > head!.timestampSeconds) {
      head = seen;
      announced = false;
    } else if (order === 'older') {
      // A cache's, as long as its tree is the beginning of the known one, which stays in force.
      await proveExtension(prover, seen, head!);
    }
    const current = head!;
    for await (const batch of entriesOf(current, next, prover, options)) {
      if (isOver()) return;
      announced = true;
      next = batch.start + batch.entries.length;
      yield batch;
    }
    if (!announced) {
      announced = true;
      yield { head: current, start: Math.min(next, current.size), entries: [], leafHashes: new Uint8Array(0) };
    }
    if (options.pollMillis === undefined) return;
    await sleep(options.pollMillis, signal);
  }
}

/** The log's newest checkpoint with all its log signatures verified; the time is 0 where no key signs one. */
export async function readHead(options: Pick<FollowOptions, 'reader' | 'origin' | 'verifiers'>): Promise<LogHead> {
  const { checkpoint, note, timestampSeconds } = await openLogCheckpoint(await options.reader.checkpoint(), options);
  const { origin, size, rootHash } = checkpoint;
  return { origin, size, rootHash, timestampSeconds, note: trimNote(note, options.verifiers) };
}

/** `not-consistent` unless the tree under head, truncated to oldHead.size, has oldHead's root. Both heads are signed. */
async function proveExtension(prover: Prover, oldHead: LogHead, head: LogHead): Promise<void> {
  const rootHash = await prover.rootHashAt(head, oldHead.size);
  if (!equalBytes(rootHash, oldHead.rootHash)) {
    throw new LimmatError(
      'not-consistent',
      `${head.origin} changed its past: it signed root ${toHex(oldHead.rootHash)} for entries [0, ${oldHead.size}), under its tree of size ${head.size} they have ${toHex(rootHash)}`,
      { details: { origin: head.origin, oldSize: oldHead.size, size: head.size } },
    );
  }
}

/** The entries [start, head.size), fetched a few bundles ahead and checked in order. */
async function* entriesOf(
  head: LogHead,
  start: number,
  prover: Prover,
  options: FollowOptions,
): AsyncGenerator<FollowedEntries, void, undefined> {
  const parallel = options.parallel ?? DEFAULT_PARALLEL;
  const ahead: Promise<Uint8Array>[] = [];
  const fetchBundle = async (path: TilePath): Promise<Uint8Array> => (await options.reader.read([path]))[0]!;
  let bundle = Math.floor(start / TILE_WIDTH);
  let wanted = bundle;
  for (; bundle * TILE_WIDTH < head.size && start < head.size; bundle++) {
    for (; ahead.length < parallel && wanted * TILE_WIDTH < head.size; wanted++) {
      const fetched = fetchBundle(bundlePath(wanted, head.size));
      // Whoever takes it from the queue sees its failure; nobody does when an earlier bundle ends the loop.
      fetched.catch(() => {});
      ahead.push(fetched);
    }
    const path = bundlePath(bundle, head.size);
    const entries = parseBundle(await ahead.shift()!, path);
    const leafHashes = await authenticateBundle(prover, head, bundle, entries);
    const skip = Math.max(0, start - bundle * TILE_WIDTH);
    yield {
      head,
      start: bundle * TILE_WIDTH + skip,
      entries: skip === 0 ? entries : entries.slice(skip),
      leafHashes: skip === 0 ? leafHashes : leafHashes.subarray(32 * skip),
    };
  }
}

function bundlePath(index: number, size: number): TilePath {
  return { kind: 'entries', index, width: Math.min(TILE_WIDTH, size - index * TILE_WIDTH) };
}

function parseBundle(bytes: Uint8Array, path: TilePath): readonly Uint8Array[] {
  try {
    return parseEntryBundle(bytes, path.width);
  } catch (error) {
    if (!isLimmatError(error)) throw error;
    throw new LimmatError('bad-tile', `${formatTilePath(path)}: ${error.message}`, { cause: error });
  }
}

function wait(millis: number, signal: AbortSignal | undefined): Promise<void> {
  // An abort that has happened raises no event any more.
  if (signal?.aborted === true) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, millis);
    signal?.addEventListener('abort', done);
  });
}
