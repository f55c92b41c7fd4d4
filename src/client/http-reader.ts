// Reads a tlog-tiles log over HTTP: https://c2sp.org/tlog-tiles. In scope: one GET at a time, bounded in bytes and
// time, and the rule for partial tiles that are gone. Out of scope: believing anything; what is returned is unverified.

import { LimmatError, isLimmatError } from '../errors.ts';
import { formatTilePath, TILE_WIDTH } from '../merkle/tile.ts';
import type { TilePath } from '../merkle/tile.ts';
import { boundedFetch } from './bounded-fetch.ts';
import type { Fetch, RequestBounds } from './bounded-fetch.ts';

export type { Fetch } from './bounded-fetch.ts';

/** Where unverified tiles, bundles and checkpoints of one log come from. */
export interface LogReader {
  /** The log's prefix, ending in a slash. */
  readonly url: string;
  /** The newest checkpoint note, unverified; at most 256 KiB. */
  checkpoint(): Promise<Uint8Array>;
  /** The resources at these paths, in order, unverified. A hash tile has exactly 32 × width bytes. */
  read(paths: readonly TilePath[]): Promise<readonly Uint8Array[]>;
  /**
   * The body at a path below the prefix (no leading slash), of at most maxBytes. With a question, lines of text, it is
   * what a POST of them is answered; asking again changes nothing.
   */
  resource(path: string, maxBytes: number, question?: string): Promise<Uint8Array>;
}

export interface HttpReaderOptions {
  /** The log's prefix: http or https, without credentials, query or fragment. */
  readonly url: string;
  readonly fetch?: Fetch;
  /** Instead of fetch: a way to make one request that the runtime is faster at. */
  readonly get?: Get;
  /** Milliseconds for one request, from sending it to the last byte of its body. */
  readonly timeoutMillis?: number;
  /** Requests that one read() has under way at once. */
  readonly parallel?: number;
  /** Ends every request when it aborts. */
  readonly signal?: AbortSignal;
}

/** A note is at most this long (DESIGN §7). */
const MAX_NOTE_BYTES = 256 * 1024;
/** An entry of a bundle: two bytes of length, then at most 65,535 bytes. */
const MAX_BUNDLED_ENTRY_BYTES = 2 + 65_535;
/** Enough for a full bundle of the largest entries (16 MiB) at 5 Mbit/s. */
const DEFAULT_TIMEOUT_MILLIS = 30_000;
const DEFAULT_PARALLEL = 8;

/**
 * One GET of a URL, or a POST of a question as text/plain, which may be sent again: its body when the status is 200. Rejects as the methods of httpReader do, with the signal's reason
 * when that aborts, and never follows a redirect.
 */
export type Get = (url: string, bounds: RequestBounds, question?: string) => Promise<Uint8Array>;

/**
 * A reader of the log at options.url. Its methods fail with `not-found` (404, 410), `withheld` (451), `bad-response`
 * (another status, a redirect, too many bytes, a tile of the wrong length) or `network` (no answer, or not in time);
 * RangeError for a URL that is none.
 */
export function httpReader(options: HttpReaderOptions): LogReader {
  const prefix = logPrefix(options.url);
  const send: Fetch = options.fetch ?? ((url, init) => fetch(url, init));
  const get: Get =
    options.get ??
    (async (from, bounds, question) => (await boundedFetch(send, from, requestOf(question), bounds)).body);
  const timeoutMillis = options.timeoutMillis ?? DEFAULT_TIMEOUT_MILLIS;
  const parallel = options.parallel ?? DEFAULT_PARALLEL;
  const resource: LogReader['resource'] = (path, maxBytes, question) =>
    get(prefix + path, { maxBytes, timeoutMillis, signal: options.signal }, question);
  return {
    url: prefix,
    checkpoint: () => resource('checkpoint', MAX_NOTE_BYTES),
    read: (paths) => mapBounded(paths, parallel, (path) => readTile(resource, path)),
    resource,
  };
}

function requestOf(question: string | undefined): RequestInit {
  if (question === undefined) return {};
  return { method: 'POST', headers: { 'Content-Type': 'text/plain' }, body: question };
}

/** The text as a log's prefix, ending in a slash; RangeError when it is no http(s) URL or carries more than a path. */
export function logPrefix(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new RangeError(`${JSON.stringify(text)} is not an http or https URL`);
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw new RangeError(`the log URL ${url.origin}${url.pathname} must not carry credentials, a query or a fragment`);
  }
  return url.href.endsWith('/') ? url.href : `${url.href}/`;
}

async function readTile(
  resource: (path: string, maxBytes: number) => Promise<Uint8Array>,
  path: TilePath,
): Promise<Uint8Array> {
  const entryBytes = path.kind === 'tile' ? 32 : MAX_BUNDLED_ENTRY_BYTES;
  let bytes: Uint8Array;
  try {
    bytes = await resource(formatTilePath(path), path.width * entryBytes);
  } catch (error) {
    if (path.width === TILE_WIDTH || !isLimmatError(error, 'not-found')) throw error;
    // A log may delete a partial tile once the full one is there; the partial one is its prefix.
    const full = await resource(formatTilePath({ ...path, width: TILE_WIDTH }), TILE_WIDTH * entryBytes);
    bytes = path.kind === 'tile' ? full.subarray(0, path.width * 32) : bundlePrefix(full, path.width);
  }
  if (path.kind === 'tile' && bytes.length !== path.width * 32) {
    throw new LimmatError('bad-response', `${formatTilePath(path)} has ${bytes.length} bytes, not ${path.width * 32}`);
  }
  return bytes;
}

/** The bytes of a bundle's first `width` entries, or all of it when it holds fewer (the parser then refuses it). */
function bundlePrefix(bundle: Uint8Array, width: number): Uint8Array {
  let offset = 0;
  for (let i = 0; i < width && offset + 2 <= bundle.length; i++) {
    offset += 2 + bundle[offset]! * 256 + bundle[offset + 1]!;
  }
  return bundle.subarray(0, offset);
}

/** The results for the items, in order, of which so many are worked on at once. */
export async function mapBounded<T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<R>,
): Promise<readonly R[]> {
  const results: R[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const i = next++;
      results[i] = await work(items[i]!);
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  return results;
}
