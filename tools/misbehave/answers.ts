// Answers that no honest server gives: a byte a second, bytes without an end, half a body.

import { gzipSync } from 'node:zlib';

const DRIP_MILLIS = 1_000;
const CHUNK_BYTES = 1024 * 1024;

/** The path's body as a body of other bytes; undefined = 404. What was not found stays so. */
export async function changed(
  truth: Response,
  change: (body: Uint8Array) => Uint8Array | undefined,
): Promise<Response> {
  if (truth.status !== 200) return truth;
  const body = change(new Uint8Array(await truth.arrayBuffer()));
  return body === undefined ? notFound() : withBody(body);
}

export function notFound(): Response {
  return new Response('not found\n', { status: 404 });
}

/** A complete, well-formed answer with these bytes. */
export function withBody(body: Uint8Array): Response {
  return new Response(body.slice(), {
    headers: { 'Content-Type': 'application/octet-stream', 'Cache-Control': 'no-store' },
  });
}

/** The true bytes, one a second: it would be there some day. */
export async function dripped(truth: Response, ended: AbortSignal): Promise<Response> {
  const body = new Uint8Array(await truth.arrayBuffer());
  let sent = 0;
  const stream = new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      if (sent > 0) await pause(DRIP_MILLIS, ended);
      if (ended.aborted || sent === body.length) controller.close();
      else controller.enqueue(body.slice(sent, ++sent));
    },
  });
  return new Response(stream, { status: truth.status });
}

/** Zeros without an end; compressed a thousand to one for a reader that takes gzip, so that they cost the sender little. */
export function endless(request: Request, ended: AbortSignal): Response {
  const zeros = new Uint8Array(CHUNK_BYTES);
  const isPacked = /\bgzip\b/.test(request.headers.get('accept-encoding') ?? '');
  const chunk = isPacked ? new Uint8Array(gzipSync(zeros)) : zeros;
  const stream = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      if (ended.aborted) controller.close();
      else controller.enqueue(chunk.slice());
    },
  });
  return new Response(stream, { headers: isPacked ? { 'Content-Encoding': 'gzip' } : {} });
}

/** Resolves after that time, or when the log ends. */
function pause(millis: number, ended: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      ended.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, millis);
    ended.addEventListener('abort', done);
  });
}
