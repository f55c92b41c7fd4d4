// Answers as values: status, headers, body. Handlers make them, the Hono apps and the raw Node listener send them. A
// Response is made once, from a plain record of headers, and never changed: touching its headers afterwards would cost
// several times the rest of the request.

/** How long an answer stays true. */
export type Freshness = 'fixed' | 'changing' | 'momentary';

/** An HTTP answer. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array | null;
}

const CACHE: Readonly<Record<Freshness, string>> = Object.freeze({
  // What is said about a fixed size or an index of an append-only log stays true.
  fixed: 'public, max-age=31536000, immutable',
  changing: 'no-cache',
  momentary: 'no-store',
});

/** The headers that say what a body is and how long it stays true. */
export function bodyHeaders(contentType: string, freshness: Freshness): Record<string, string> {
  return { 'Content-Type': contentType, 'Cache-Control': CACHE[freshness], 'X-Content-Type-Options': 'nosniff' };
}

/**
 * True for an answer that shared caches may keep for a year. Whom it was made for first is nobody else's business, so it
 * carries no request id.
 */
export function isForAllTime(answer: Pick<Answer, 'headers'>): boolean {
  return answer.headers['Cache-Control'] === CACHE.fixed;
}

/** 200 with JSON: compact, one trailing newline; members that are undefined are left out. */
export function jsonAnswer(value: unknown, freshness: Freshness): Answer {
  return { status: 200, headers: bodyHeaders('application/json', freshness), body: `${JSON.stringify(value)}\n` };
}

/** 200 with text. */
export function textAnswer(text: string, freshness: Freshness): Answer {
  return { status: 200, headers: bodyHeaders('text/plain; charset=utf-8', freshness), body: text };
}

/** The header that lets pages of any origin read an answer. */
export const OPEN_TO_ALL: Readonly<Record<string, string>> = Object.freeze({ 'Access-Control-Allow-Origin': '*' });

/** The answer as a Response, with more headers. */
export function toResponse(answer: Answer, more: Readonly<Record<string, string>>): Response {
  const { status, headers, body } = answer;
  const init = { status, headers: { ...headers, ...more } };
  return new Response(body instanceof Uint8Array ? unshared(body) : body, init);
}

/** The same bytes in the form that a Response takes: not over shared memory. */
function unshared(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer } = bytes;
  return buffer instanceof ArrayBuffer ? new Uint8Array(buffer, bytes.byteOffset, bytes.length) : new Uint8Array(bytes);
}
