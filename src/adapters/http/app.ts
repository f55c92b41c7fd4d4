// What every app here shares: how a resource is declared, what happens to an unknown path or a wrong method, and how
// apps are put together under path prefixes with request ids, one line a request, and counters.

import type { Context } from 'hono';
import { Hono } from 'hono';
import { routePath } from 'hono/route';
import { LimmatError, asLimmatError } from '../../errors.ts';
import type { Answer } from './answer.ts';
import { OPEN_TO_ALL, isForAllTime, toResponse } from './answer.ts';
import { printable } from './body.ts';
import type { HttpMetrics } from './http-metrics.ts';
import type { QuerySource } from './parameters.ts';
import { problemOf, publicError } from './problem.ts';

/** What handlers find in their context. */
export interface AppEnv {
  readonly Variables: { requestId?: string };
}

/** An app of this folder: mounts under any prefix with `route`. */
export type App = Hono<AppEnv>;

/** What answers a request; it throws what it refuses. */
export type RequestHandler = (c: Context<AppEnv>) => Answer | Promise<Answer>;

/**
 * Public reads that depend on nothing but their query, by path. The apps declare them; the Node listener answers them
 * beside the router, which costs as much as the answer.
 */
export type QueryReads = Readonly<Record<string, (request: QuerySource) => Answer | Promise<Answer>>>;

/** Declares each of these reads. */
export function onQueryReads(app: App, reads: QueryReads): void {
  for (const [path, read] of Object.entries(reads)) onRead(app, path, (c) => read(c.req));
}

/** Turns what a handler threw into an answer. */
export type Refuse = (thrown: unknown, c: Context<AppEnv>) => Answer | Promise<Answer>;

const refuseWithProblem: Refuse = (thrown, c) => problemOf(thrown, c.get('requestId'));

/** An empty app whose unknown paths answer problem details. */
export function newApp(): App {
  const app = new Hono<AppEnv>();
  app.notFound((c) => {
    const error = new LimmatError('not-found', `there is nothing at ${printable(c.req.path)}`);
    return send(c, refuseWithProblem, () => problemOf(error, c.get('requestId')));
  });
  return app;
}

/** Runs a handler. Errors are answered here and not by the router, whose own way costs every request a second round. */
async function send(
  c: Context<AppEnv>,
  refuse: Refuse,
  handler: RequestHandler,
  more: Readonly<Record<string, string>> = {},
): Promise<Response> {
  const id = c.get('requestId');
  const headers = id === undefined ? more : { ...more, 'X-Request-Id': id };
  try {
    const answer = await handler(c);
    return toResponse(answer, isForAllTime(answer) ? more : headers);
  } catch (thrown) {
    // Kept for whoever reports the request.
    c.error = thrown instanceof Error ? thrown : new Error(String(thrown));
    return toResponse(await refuse(thrown, c), headers);
  }
}

function methodNotAllowed(allow: string): RequestHandler {
  return (c) => {
    throw new LimmatError('method-not-allowed', `${printable(c.req.method)} is not possible here; allowed: ${allow}`, {
      details: { allow },
    });
  };
}

/** Declares a public read: GET and HEAD for everybody, from any origin. */
export function onRead(app: App, path: string, handler: RequestHandler, refuse: Refuse = refuseWithProblem): void {
  app.get(path, (c) => send(c, refuse, handler, OPEN_TO_ALL));
  app.options(path, (c) => send(c, refuse, () => ({ status: 204, headers: PREFLIGHT, body: null })));
  app.all(path, (c) => send(c, refuse, methodNotAllowed('GET, HEAD, OPTIONS')));
}

const PREFLIGHT = Object.freeze({
  ...OPEN_TO_ALL,
  'Access-Control-Allow-Methods': 'GET, HEAD',
  'Access-Control-Allow-Headers': 'If-None-Match',
  'Access-Control-Expose-Headers': 'ETag, Retry-After, X-Request-Id',
  'Access-Control-Max-Age': '86400',
});

/**
 * Declares a write: POST, and nothing said to other origins, so that no web page reads the answer. What keeps a page from
 * appending is that entries are signed; in an open log nothing does.
 */
export function onWrite(app: App, path: string, handler: RequestHandler): void {
  app.post(path, (c) => send(c, refuseWithProblem, handler));
  app.all(path, (c) => send(c, refuseWithProblem, methodNotAllowed('POST')));
}

/**
 * Declares a read whose question is a body: POST, for everybody and from any origin like other reads.
 */
export function onQuestion(app: App, path: string, handler: RequestHandler): void {
  app.post(path, (c) => send(c, refuseWithProblem, handler, OPEN_TO_ALL));
  app.options(path, (c) => send(c, refuseWithProblem, () => ({ status: 204, headers: ASKING, body: null })));
  app.all(path, (c) => send(c, refuseWithProblem, methodNotAllowed('OPTIONS, POST')));
}

const ASKING = Object.freeze({
  ...PREFLIGHT,
  'Access-Control-Allow-Methods': 'POST',
  'Access-Control-Allow-Headers': 'Content-Type',
});

/** Declares a path that is a public read with GET and a write with POST. */
export function onReadAndWrite(app: App, path: string, read: RequestHandler, write: RequestHandler): void {
  app.get(path, (c) => send(c, refuseWithProblem, read, OPEN_TO_ALL));
  app.options(path, (c) => send(c, refuseWithProblem, () => ({ status: 204, headers: PREFLIGHT, body: null })));
  app.post(path, (c) => send(c, refuseWithProblem, write));
  app.all(path, (c) => send(c, refuseWithProblem, methodNotAllowed('GET, HEAD, OPTIONS, POST')));
}

/** One finished request, for the operator's log. Never a body, never a header. */
export interface RequestEvent {
  readonly requestId: string;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly durationMillis: number;
  /** What was thrown, when something was. */
  readonly error?: LimmatError;
}

export interface ServerAppOptions {
  /** Apps by the prefix they are mounted under; '' is the root. */
  readonly mounts: readonly { readonly prefix: string; readonly app: App }[];
  /** Called after every request. */
  readonly onRequest?: (event: RequestEvent) => void;
  readonly metrics?: HttpMetrics;
  /** Monotonic milliseconds; default performance.now. */
  readonly monotonicMillis?: () => number;
}

/** A request id that a client may choose: nothing in it needs escaping anywhere. */
const GIVEN_ID = /^[A-Za-z0-9._-]{1,64}$/;

/** All the apps of one listener as one. A client's own X-Request-Id is kept when it is short and plain. */
export function serverApp(options: ServerAppOptions): App {
  const app = newApp();
  const now = options.monotonicMillis ?? (() => performance.now());
  const nextId = requestIds();
  app.use(async (c, next) => {
    const started = now();
    c.set('requestId', nextId(c.req.header('x-request-id')));
    await next();
    finish(c, now() - started, options);
  });
  for (const { prefix, app: mounted } of options.mounts) app.route(prefix === '' ? '/' : prefix, mounted);
  return app;
}

function finish(c: Context<AppEnv>, durationMillis: number, options: ServerAppOptions): void {
  const error = c.error === undefined ? undefined : asLimmatError(c.error);
  const { status } = c.res;
  if (options.metrics !== undefined) {
    const route = status === 404 && error === undefined ? 'unknown' : routePath(c, -1);
    options.metrics.request(c.req.method, route, status, durationMillis / 1000);
    if (error !== undefined) options.metrics.problem(publicError(error).code);
  }
  options.onRequest?.({
    requestId: c.get('requestId') ?? '',
    method: c.req.method,
    path: c.req.path,
    status,
    durationMillis,
    ...(error === undefined ? {} : { error }),
  });
}

/** The client's own id where it is short and plain, else one of this process: a random part and a counter. */
export function requestIds(): (given: string | undefined) => string {
  const random = crypto.randomUUID().slice(0, 8);
  let count = 0;
  return (given) => (given !== undefined && GIVEN_ID.test(given) ? given : `${random}-${(count++).toString(36)}`);
}
