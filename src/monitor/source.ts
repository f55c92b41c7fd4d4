// One log as its several ways lead to it: its address, its address past caches, its mirrors. What one way gives is only
// held against the log when another way gives the same. In scope: which way to try next, and what a failure is called.

import { isLimmatError } from '../errors.ts';
import type { LimmatError, ErrorCode } from '../errors.ts';
import { httpReader } from '../client/http-reader.ts';
import type { Fetch, HttpReaderOptions, LogReader } from '../client/http-reader.ts';
import type { Hasher } from '../merkle/hash.ts';
import { Prover } from '../merkle/prover.ts';
import { formatTilePath } from '../merkle/tile.ts';
import type { TilePath } from '../merkle/tile.ts';
import type { PlainTrouble } from './checks.ts';

/** One way to a log. */
export interface Way {
  readonly kind: 'address' | 'fresh' | 'mirror';
  readonly reader: LogReader;
  /** Proofs from what this way gives. */
  readonly prover: Prover;
}

/** Where a log's resources come from. */
export interface LogReaders {
  readonly reader: LogReader;
  /** The same address past caches; see pastCaches. */
  readonly fresh?: LogReader | undefined;
  /** The log's resources elsewhere. */
  readonly mirrors?: readonly LogReader[] | undefined;
}

/** The same fetch, with the wish that no cache on the way answers. */
export function pastCaches(fetch: Fetch): Fetch {
  return (url, init) => {
    const headers = new Headers(init.headers);
    headers.set('cache-control', 'no-cache');
    headers.set('pragma', 'no-cache');
    return fetch(url, { ...init, headers });
  };
}

/** The readers of a log that is served at a URL; RangeError when that is none. */
export function readersOf(options: HttpReaderOptions): LogReaders {
  const send: Fetch = options.fetch ?? ((url, init) => fetch(url, init));
  return { reader: httpReader(options), fresh: httpReader({ ...options, fetch: pastCaches(send) }) };
}

/** Tiles are read once but for those above level 0, which this keeps for 100 million entries and more. */
const CACHE_BYTES = 8 * 1024 * 1024;
/** Hash tiles of which the bytes are at hand when one of them turns out to be wrong. */
const RECENT_TILES = 16;

/** What says that a way cannot be used now; nothing is known about the log. */
const UNREAD: readonly ErrorCode[] = ['network', 'bad-response', 'not-found', 'withheld'];
/** What says that a way gave something that is not the log's, or that the log should not have given. */
const WRONG: readonly ErrorCode[] = ['bad-tile', 'malformed', 'bad-note', 'log-signature-missing', 'wrong-log'];

/** True for an error that is about what was read, and not about this machine or this program. */
export function isReadError(error: unknown): error is LimmatError {
  return isLimmatError(error) && (UNREAD.includes(error.code) || WRONG.includes(error.code));
}

/** The log's ways, the first of which is its own address. */
export class LogSource {
  readonly ways: readonly Way[];
  readonly #recent = new Map<string, Uint8Array>();

  constructor({ reader, fresh, mirrors = [] }: LogReaders, hasher: Hasher) {
    const way = (kind: Way['kind'], from: LogReader): Way => ({
      kind,
      reader: from,
      prover: new Prover({ read: (paths) => this.#readTiles(from, paths), hasher, cacheBytes: CACHE_BYTES }),
    });
    this.ways = [
      way('address', reader),
      ...(fresh === undefined ? [] : [way('fresh', fresh)]),
      ...mirrors.map((mirror) => way('mirror', mirror)),
    ];
  }

  /** The hash tiles that were read last, by path: suspects, when one of them is wrong. */
  get recent(): ReadonlyMap<string, Uint8Array> {
    return this.#recent;
  }

  /**
   * The result of an operation over the first way on which it succeeds. When it fails on all, what is wrong on a way
   * counts only if a second way, or the same one asked again, had it wrong too; else the other way's failure to answer
   * is thrown. Errors that are not about reading are thrown at once.
   */
  attempt<T>(operation: (way: Way) => Promise<T>): Promise<T> {
    return this.#attempt(operation, this.ways, []);
  }

  /** The same after an operation failed on the log's address with an error. */
  again<T>(operation: (way: Way) => Promise<T>, error: LimmatError): Promise<T> {
    return this.#attempt(operation, this.ways.slice(1), [error]);
  }

  async #attempt<T>(operation: (way: Way) => Promise<T>, ways: readonly Way[], failures: LimmatError[]): Promise<T> {
    for (const way of ways) {
      // What does not answer does not answer past caches either.
      if (way.kind === 'fresh' && failures[0]?.code === 'network') continue;
      const result = await this.#try(operation, way, failures);
      if (result !== undefined) return result.value;
    }
    const wrong = failures.filter(({ code }) => WRONG.includes(code));
    if (wrong.length === 1 && failures.length === 1) {
      const result = await this.#try(operation, this.ways[0]!, failures);
      if (result !== undefined) return result.value;
    }
    const confirmed = failures.filter(({ code }) => WRONG.includes(code));
    if (confirmed.length >= 2) throw confirmed[0]!;
    throw failures.find(({ code }) => UNREAD.includes(code)) ?? failures[0]!;
  }

  async #try<T>(
    operation: (way: Way) => Promise<T>,
    way: Way,
    failures: LimmatError[],
  ): Promise<{ readonly value: T } | undefined> {
    try {
      return { value: await operation(way) };
    } catch (error) {
      if (!isReadError(error)) throw error;
      failures.push(error);
      return undefined;
    }
  }

  async #readTiles(reader: LogReader, paths: readonly TilePath[]): Promise<readonly Uint8Array[]> {
    const contents = await reader.read(paths);
    for (const [i, path] of paths.entries()) {
      this.#recent.set(formatTilePath(path), contents[i]!);
    }
    for (const oldest of this.#recent.keys()) {
      if (this.#recent.size <= RECENT_TILES) break;
      this.#recent.delete(oldest);
    }
    return contents;
  }
}

/** What a failure to read is called; `checkpoint` or `tiles` is what was being read. */
export function troubleOf(error: unknown, what: 'checkpoint' | 'tiles'): PlainTrouble {
  if (!isReadError(error)) return 'own-trouble';
  switch (error.code) {
    case 'network':
      return 'unreachable';
    case 'not-found':
    case 'withheld':
      return what === 'tiles' ? 'missing-tile' : 'bad-answer';
    case 'bad-note':
      return 'bad-signature';
    case 'log-signature-missing':
      return 'unknown-key';
    case 'wrong-log':
      return 'wrong-origin';
    case 'bad-tile':
      return 'tile-mismatch';
    default:
      return 'bad-answer';
  }
}
