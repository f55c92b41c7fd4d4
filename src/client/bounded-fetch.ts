// One HTTP request, bounded in bytes and in time. What comes back is unverified.

import { readToEnd } from '../bytes.ts';
import { LimmatError, isLimmatError } from '../errors.ts';

/** The part of the Fetch API that is needed. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** What one request may take. */
export interface RequestBounds {
  /** Of the body, as it is after any decompression. */
  readonly maxBytes: number;
  /** From sending the request to the last byte of its body. */
  readonly timeoutMillis: number;
  readonly signal: AbortSignal | undefined;
}

export interface FetchBounds extends RequestBounds {
  /** The statuses that are taken; default 200 alone. */
  readonly statuses?: readonly number[];
}

export interface BoundedAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

/**
 * One request and its answer. Redirects are never followed. LimmatError `not-found` (404, 410), `withheld` (451),
 * `bad-response` (another status than those that are taken, a redirect, too many bytes) or `network` (no answer, or not
 * in time); what the signal aborts with.
 */
export async function boundedFetch(
  send: Fetch,
  url: string,
  init: RequestInit,
  bounds: FetchBounds,
): Promise<BoundedAnswer> {
  const abort = new AbortController();
  const stop = (): void => abort.abort(bounds.signal?.reason);
  const timer = setTimeout(() => {
    abort.abort(tooSlow(url, bounds));
  }, bounds.timeoutMillis);
  // A fetch that was passed in may not heed the signal; the time limit holds all the same.
  const aborted = new Promise<never>((_, reject) => {
    abort.signal.addEventListener('abort', () => reject(abort.signal.reason), { once: true });
  });
  // Where `send` throws before it is raced, nobody waits for this promise, and the abort at the end rejects it.
  aborted.catch(() => undefined);
  bounds.signal?.addEventListener('abort', stop, { once: true });
  if (bounds.signal?.aborted === true) stop();
  let isComplete = false;
  try {
    // 'manual' and a look at the status never follows a redirect either, and unlike 'error' it exists in Workers.
    const response = await Promise.race([send(url, { ...init, redirect: 'manual', signal: abort.signal }), aborted]);
    const body = await Promise.race([readBody(url, response, bounds, abort.signal), aborted]);
    isComplete = true;
    return { status: response.status, headers: response.headers, body };
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

async function readBody(
  url: string,
  response: Response,
  { maxBytes, statuses = [200] }: FetchBounds,
  signal: AbortSignal,
): Promise<Uint8Array> {
  if (!statuses.includes(response.status)) {
    const isRedirect = response.type === 'opaqueredirect';
    throw statusError(url, isRedirect ? 307 : response.status, response.headers.get('retry-after') ?? undefined);
  }
  if (response.body === null) return new Uint8Array(0);
  // The bytes are counted as they come out of the decompressor, whatever the headers promised about them.
  return readToEnd(response.body.getReader(), (length) => {
    if (length > maxBytes) throw tooLong(url, maxBytes);
    signal.throwIfAborted();
  });
}

/** The error for a status that is not taken. */
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
export function tooSlow(url: string, { timeoutMillis }: RequestBounds): LimmatError {
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
