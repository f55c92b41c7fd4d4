// What listeners of node:http need that answer some requests without a Request and a router: a header, a body that is
// bounded before it is read, and refusals that look, count and are reported as the app's do.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { parseDecimal } from '../../bytes.ts';
import { asLimmatError } from '../../errors.ts';
import { requestIds } from './app.ts';
import type { RequestEvent } from './app.ts';
import type { HttpMetrics } from './http-metrics.ts';
import { problemOf, publicError } from './problem.ts';
import { tooSlow } from './timed-body.ts';

/** A header's values, joined as Headers joins them, without parsing the others. */
export function headerOf(request: IncomingMessage, name: string): string | undefined {
  const { rawHeaders } = request;
  let found: string | undefined;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const candidate = rawHeaders[i]!;
    if (candidate.length !== name.length || candidate.toLowerCase() !== name) continue;
    found = found === undefined ? rawHeaders[i + 1] : `${found}, ${rawHeaders[i + 1]}`;
  }
  return found;
}

/** The declared length of a body that is small enough and sent as it is; undefined leaves the request to the app. */
export function plainLength(request: IncomingMessage, maxBytes: number): number | undefined {
  if (headerOf(request, 'content-encoding') !== undefined || headerOf(request, 'transfer-encoding') !== undefined) {
    return undefined;
  }
  const length = parseDecimal(headerOf(request, 'content-length') ?? '');
  return length !== undefined && length > 0 && length <= maxBytes ? length : undefined;
}

/**
 * The body of that declared length, or undefined when the sender went away: then nobody is left to answer. `malformed`
 * when it has not arrived within so many milliseconds; default: the server's own time for a request.
 */
export function receive(
  request: IncomingMessage,
  length: number,
  withinMillis?: number,
): Promise<Uint8Array | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const timer =
      withinMillis === undefined ? undefined : setTimeout(() => reject(tooSlow(withinMillis)), withinMillis);
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      clearTimeout(timer);
      const whole = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, length);
      // A plain Uint8Array: Buffer's slice() is a view where everybody else expects a copy.
      resolve(new Uint8Array(whole.buffer, whole.byteOffset, whole.length));
    });
    // Comes after an error too, and after the end, when it changes nothing any more.
    request.on('close', () => {
      clearTimeout(timer);
      resolve(undefined);
    });
  });
}

export interface RawAnswersOptions {
  readonly metrics?: HttpMetrics;
  /** Called for what is refused or fails here; what is answered well is only counted, because it is so much. */
  readonly onRequest?: (event: RequestEvent) => void;
}

/** Ids and refusals for requests that are answered beside the app. */
export class RawAnswers {
  readonly #options: RawAnswersOptions;
  readonly #nextId = requestIds();

  constructor(options: RawAnswersOptions) {
    this.#options = options;
  }

  /** The request's id: its own where that is short and plain. */
  idOf(request: IncomingMessage): string {
    return this.#nextId(headerOf(request, 'x-request-id'));
  }

  /** Answers with the problem that was thrown, `more` headers beside it; `started` is performance.now of the beginning. */
  fail(
    route: string,
    request: IncomingMessage,
    response: ServerResponse,
    thrown: unknown,
    started: number,
    more: Readonly<Record<string, string>> = {},
  ): void {
    const { metrics, onRequest } = this.#options;
    const requestId = this.idOf(request);
    const { status, headers, body } = problemOf(thrown, requestId);
    const error = asLimmatError(thrown);
    const method = request.method ?? '';
    const durationMillis = performance.now() - started;
    metrics?.problem(publicError(error).code);
    metrics?.request(method, route, status, durationMillis / 1000);
    onRequest?.({ requestId, method, path: request.url ?? '', status, durationMillis, error });
    response.writeHead(status, {
      ...headers,
      ...more,
      'X-Request-Id': requestId,
      'Content-Length': Buffer.byteLength(body ?? ''),
    });
    response.end(body);
  }
}
