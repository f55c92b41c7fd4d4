// Reads a tlog-tiles log over HTTP: https://c2sp.org/tlog-tiles. In scope: one GET at a time, bounded in bytes and
// time, and the rule for partial tiles that are gone. Out of scope: believing anything; what is returned is unverified.

import { LimmatError, isLimmatError } from '../errors.ts';
import { formatTilePath, TILE_WIDTH } from '../merkle/tile.ts';
import type { TilePath } from '../merkle/tile.ts';

/** The part of the Fetch API that the reader needs. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** Where unverified tiles, bundles and checkpoints of one log come from. */
export interface LogReader {
  /** The log's prefix, ending in a slash. */
  readonly url: string;
  /** The newest checkpoint note, unverified; at most 256 KiB. */
  checkpoint(): Promise<Uint8Array>;
  /** The resources at these paths, in order, unverified. A hash tile has exactly 32 × width bytes. */
  read(paths: readonly TilePath[]): Promise<readonly Uint8Array[]>;
  /** The body at a path below the prefix (no leading slash), of at most maxBytes. */
  resource(path: string, maxBytes: number): Promise<Uint8Array>;
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

/** What one GET may take. */
export interface GetBounds {
  /** Of the body, as it is after any decompression. */
  readonly maxBytes: number;
  /** From sending the request to the last byte of its body. */
  readonly timeoutMillis: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * One GET of a URL: its body when the status is 200. Rejects as the methods of httpReader do, with the signal's reason
 * when that aborts, and never follows a redirect.
 */
export type Get = (url: string, bounds: GetBounds) => Promise<Uint8Array>;

/**
 * A reader of the log at options.url. Its methods fail with `not-found` (404, 410), `withheld` (451), `bad-response`
 * (another status, a redirect, too many bytes, a tile of the wrong length) or `network` (no answer, or not in time);
 * RangeError for a URL that is none.
 */
export function httpReader(options: HttpReaderOptions): LogReader {
  const prefix = logPrefix(options.url);
  const send: Fetch = options.fetch ?? ((url, init) => fetch(url, init));
  const get = options.get ?? ((from, bounds): Promise<Uint8Array> => getByFetch(send, from, bounds));
  const timeoutMillis = options.timeoutMillis ?? DEFAULT_TIMEOUT_MILLIS;
  const parallel = options.parallel ?? DEFAULT_PARALLEL;
  const resource = (path: string, maxBytes: number): Promise<Uint8Array> =>
    get(prefix + path, { maxBytes, timeoutMillis, signal: options.signal });
  return {
    url: prefix,
    checkpoint: () => resource('checkpoint', MAX_NOTE_BYTES),
    read: (paths) => mapBounded(paths, parallel, (path) => readTile(resource, path)),
    resource,
  };
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

async function getByFetch(send: Fetch, url: string, bounds: GetBounds): Promise<Uint8Array> {
  const abort = new AbortController();
  const stop = (): void => abort.abort(bounds.signal?.reason);
  const timer = setTimeout(() => {
    abort.abort(tooSlow(url, bounds));
  }, bounds.timeoutMillis);
  // A fetch that was passed in may not heed the signal; the time limit holds all the same.
  const aborted = new Promise<never>((_, reject) => {
    abort.signal.addEventListener('abort', () => reject(abort.signal.reason), { once: true });
  });
  bounds.signal?.addEventListener('abort', stop, { once: true });
  if (bounds.signal?.aborted === true) stop();
  let isComplete = false;
  try {
    // 'manual' and a look at the status never follows a redirect either, and unlike 'error' it exists in Workers.
    const response = await Promise.race([send(url, { redirect: 'manual', signal: abort.signal }), aborted]);
    const bytes = await Promise.race([readBody(url, response, bounds.maxBytes, abort.signal), aborted]);
    isComplete = true;
    return bytes;
  } catch (error) {
    if (isLimmatError(error)) throw error;
    if (bounds.signal?.aborted === true) throw error;
    if (isLimmatError(abort.signal.reason)) throw abort.signal.reason;
    throw unreadable(url, error);
  } finally {
    clearTimeout(timer);
    bounds.signal?.removeEventListener('abort', stop);
    // Lets go of the connection where the body was not read to its end.
    if (!isComplete) abort.abort();
  }
}

async function readBody(url: string, response: Response, maxBytes: number, signal: AbortSignal): Promise<Uint8Array> {
  if (response.status !== 200) {
    const isRedirect = response.type === 'opaqueredirect';
    throw statusError(url, isRedirect ? 307 : response.status, response.headers.get('retry-after') ?? undefined);
  }
  if (response.body === null) return new Uint8Array(0);
  const reader = response.body.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  // The bytes are counted as they come out of the decompressor, whatever the headers promised about them.
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > maxBytes) {
      throw tooLong(url, maxBytes);
    }
    signal.throwIfAborted();
    chunks.push(value);
  }
  if (chunks.length === 1) return chunks[0]!;
  const out = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    out.set(chunk, offset);
    offset += chunk.length;
  }
  return out;
}

/** The error for an answer that is not 200. */
export function statusError(url: string, status: number, retryAfter: string | undefined): LimmatError {
  if (status === 404 || status === 410) return new LimmatError('not-found', `${url} is not there (status ${status})`);
  if (status === 451) return new LimmatError('withheld', `${url} is withheld (status 451)`);
  if (status >= 300 && status < 400) {
    return new LimmatError('bad-response', `${url} redirects elsewhere, which is never followed`);
  }
  return new LimmatError('bad-response', `${url} answered with status ${status}`, {
    details: { status },
    ...(/^[0-9]{1,6}$/.test(retryAfter ?? '') && { retryAfterSeconds: Number(retryAfter) }),
  });
}

/** The error for a body that is longer than it may be. */
export function tooLong(url: string, maxBytes: number): LimmatError {
  return new LimmatError('bad-response', `${url} has more than the ${maxBytes} bytes that it may have`, {
    details: { maxBytes },
  });
}

/** The error for an answer that took too long. */
export function tooSlow(url: string, { timeoutMillis }: GetBounds): LimmatError {
  return new LimmatError('network', `${url} took longer than ${timeoutMillis} ms`);
}

/** The error for what failed below HTTP. */
export function unreadable(url: string, cause: unknown): LimmatError {
  return new LimmatError('network', `cannot read ${url}: ${reason(cause)}`, { cause });
}

/** What went wrong below fetch, whose own message ("fetch failed") says nothing. */
function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (!(error.cause instanceof Error)) return error.message;
  return error.cause.message === '' ? error.cause.name : error.cause.message;
}

async function mapBounded<T, R>(
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
