// JSON answers: compact, one trailing newline, never sniffed, and cached only as far as the content is fixed.

/** How long an answer stays true. */
export type Freshness = 'fixed' | 'changing';

const CACHE: Readonly<Record<Freshness, string>> = Object.freeze({
  // What is said about a fixed size or an index of an append-only log stays true.
  fixed: 'public, max-age=31536000, immutable',
  changing: 'no-cache',
});

/** A 200 answer. `undefined` members are left out. */
export function jsonResponse(value: unknown, freshness: Freshness): Response {
  return new Response(`${JSON.stringify(value)}\n`, {
    status: 200,
    headers: {
      'Content-Type': 'application/json',
      'Cache-Control': CACHE[freshness],
      'X-Content-Type-Options': 'nosniff',
    },
  });
}

/** The Cache-Control value by itself, for answers that are not JSON. */
export function cacheControl(freshness: Freshness): string {
  return CACHE[freshness];
}
