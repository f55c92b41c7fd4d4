// The listener for node:http. Checkpoints, tiles, plain POST /add, proofs and lookups of files are answered here without
// building a Request: that is most of a log's traffic, and a router and a Request cost more than the answer. All else goes
// to the app. Both ways use the same resource, append and read code, so the answers are the same.

import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { getQueryParams } from 'hono/utils/url';
import { ENTRY_LIMIT, addEntry } from './add.ts';
import { OPEN_TO_ALL, isForAllTime, textAnswer } from './answer.ts';
import type { App, QueryReads } from './app.ts';
import { ARTIFACT_PATH, artifactRead, assertLookups } from './artifacts-app.ts';
import { BodyBudget } from './body-budget.ts';
import type { Hasher } from '../../merkle/hash.ts';
import { ctReads } from './ct-app.ts';
import type { LookupQueries } from '../../log/lookup.ts';
import { proofReads } from './log-app.ts';
import { RawAnswers, headerOf, plainLength, receive } from './raw-request.ts';
import type { RawAnswersOptions } from './raw-request.ts';
import type { Resource } from './resource.ts';
import { Resources, resourceAnswer } from './resource.ts';
import type { ServedLog } from './served-log.ts';

export interface NodeListenerOptions extends RawAnswersOptions {
  /** Everything that has no fast way. */
  readonly app: App;
  readonly log: ServedLog;
  /** Its lookups, where the app serves any. */
  readonly lookups?: Pick<LookupQueries, 'artifact'> | undefined;
  /** Where the log is mounted; '' is the root. */
  readonly prefix?: string;
  /** Bytes of full tiles kept ready to send. */
  readonly cacheBytes?: number;
  /** For ETags; default the portable one. */
  readonly hasher?: Hasher;
  /** The one that the app has, so that both ways together stay within it; default one of its own. */
  readonly bodies?: BodyBudget;
}

/** Half of it holds what was asked for last: the full tiles of a log of two million entries. */
const DEFAULT_CACHE_BYTES = 128 * 1024 * 1024;

/** 256 hashes. An entry bundle that happens to be as long may be kept as well. */
const FULL_TILE_BYTES = 8192;

/** A query, a fragment, an escape or a dot segment: how to read those is the router's business. */
const UNUSUAL_IN_PATH = /[^\w./-]|\/\./;

/** A resource in the shape that node:http sends fastest: flat lists of header names and values. */
interface Prepared {
  readonly resource: Resource;
  readonly headers: string[];
  readonly notModifiedHeaders: string[];
  /** Whether the request's id goes with it. */
  readonly withId: boolean;
}

function prepare(resource: Resource): Prepared {
  const { whole, notModified } = resource;
  return {
    resource,
    headers: Object.entries(whole.headers).flat(),
    notModifiedHeaders: Object.entries(notModified.headers).flat(),
    withId: !isForAllTime(whole),
  };
}

/** A read that needs no router, and the name that it is counted under. */
interface NamedRead {
  readonly route: string;
  readonly read: QueryReads[string];
}

/** What can be a digest, or is said to be none. */
const DIGEST = /^[0-9a-f]{64}$/;

/** Counters of a route's two good answers. */
interface ReadCounters {
  readonly whole: () => void;
  readonly notModified: () => void;
}

/** A request listener for `http.createServer`. */
export function nodeListener(options: NodeListenerOptions): RequestListener {
  const { log, metrics } = options;
  const prefix = options.prefix ?? '';
  const resources = new Resources(log, options.hasher);
  const cache = new ByteCache<Prepared>(options.cacheBytes ?? DEFAULT_CACHE_BYTES);
  const answers = new RawAnswers(options);
  const bodies = options.bodies ?? BodyBudget.for(log);
  const fallback = getRequestListener(options.app.fetch);
  const tileStart = `${prefix}/tile/`;
  const tileRoute = `${tileStart}*`;
  const checkpointPath = `${prefix}/checkpoint`;
  const addPath = `${prefix}/add`;
  const addHeaders = Object.entries(textAnswer('', 'momentary').headers).flat();
  const reads = new Map(
    Object.entries({ ...proofReads(log), ...ctReads(log) }).map(([path, read]): [string, NamedRead] => [
      prefix + path,
      { route: prefix + path, read },
    ]),
  );
  const artifact = artifactRead(() => assertLookups(options.lookups));
  const artifactStart = prefix + ARTIFACT_PATH;
  const artifactRoute = `${artifactStart}:digest`;
  let checkpoint: Prepared | undefined;
  const burst = new Burst();

  const countersOf = (route: string): ReadCounters => ({
    whole: metrics?.ready('GET', route, 200) ?? ignore,
    notModified: metrics?.ready('GET', route, 304) ?? ignore,
  });
  const tileCounters = countersOf(tileRoute);
  const checkpointCounters = countersOf(checkpointPath);

  const send = (
    counters: ReadCounters,
    request: IncomingMessage,
    response: ServerResponse,
    { resource, headers, notModifiedHeaders, withId }: Prepared,
  ): void => {
    const named = (list: string[]): string[] => (withId ? [...list, 'X-Request-Id', answers.idOf(request)] : list);
    const ifNoneMatch = headerOf(request, 'if-none-match');
    if (ifNoneMatch !== undefined && resourceAnswer(resource, ifNoneMatch) === resource.notModified) {
      counters.notModified();
      response.writeHead(304, named(notModifiedHeaders));
      response.end();
    } else {
      counters.whole();
      response.writeHead(200, named(headers));
      response.end(resource.whole.body);
    }
  };

  const getCheckpoint = (request: IncomingMessage, response: ServerResponse): void => {
    const started = performance.now();
    try {
      const resource = resources.checkpoint();
      if (checkpoint?.resource !== resource) checkpoint = prepare(resource);
      send(checkpointCounters, request, response, checkpoint);
    } catch (error) {
      answers.fail(checkpointPath, request, response, error, started);
    }
  };

  const getTile = async (url: string, request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const started = performance.now();
    try {
      const prepared = prepare(await resources.tile(url.slice(prefix.length + 1)));
      // Bundles are large, and whoever reads them reads them all once: they would only push the tiles out.
      const { length } = prepared.resource.whole.body;
      if (prepared.resource.full && length === FULL_TILE_BYTES) cache.set(url, prepared, length);
      send(tileCounters, request, response, prepared);
    } catch (error) {
      answers.fail(tileRoute, request, response, error, started);
    }
  };

  const postEntry = async (request: IncomingMessage, response: ServerResponse, length: number): Promise<void> => {
    const started = performance.now();
    let held = 0;
    try {
      bodies.reserve(length);
      held = length;
      const bytes = await receive(request, length);
      if (bytes === undefined) return;
      const text = String((await addEntry(log, bytes)).index);
      metrics?.request('POST', addPath, 200, (performance.now() - started) / 1000);
      burst.hold(request.socket);
      response.writeHead(200, [
        ...addHeaders,
        'Content-Length',
        String(text.length),
        'X-Request-Id',
        answers.idOf(request),
      ]);
      response.end(text, 'latin1');
    } catch (error) {
      answers.fail(addPath, request, response, error, started);
    } finally {
      bodies.release(held);
    }
  };

  const answerRead = async (
    { route, read }: NamedRead,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> => {
    const started = performance.now();
    try {
      const answer = await read({ queries: () => queriesOf(request.url ?? '') });
      const { status, headers, body } = answer;
      const text = typeof body === 'string' ? body : Buffer.from(body ?? '').toString('latin1');
      const length = typeof body === 'string' ? Buffer.byteLength(body) : text.length;
      metrics?.request('GET', route, status, (performance.now() - started) / 1000);
      response.writeHead(status, {
        ...headers,
        ...OPEN_TO_ALL,
        ...(!isForAllTime(answer) && { 'X-Request-Id': answers.idOf(request) }),
        'Content-Length': length,
      });
      burst.hold(request.socket);
      // Text in one byte a character leaves with the headers, in one write.
      response.end(text, length === text.length ? 'latin1' : 'utf8');
    } catch (error) {
      answers.fail(route, request, response, error, started, OPEN_TO_ALL);
    }
  };

  return (request, response) => {
    const { method } = request;
    const url = request.url ?? '';
    if (method === 'GET') {
      const cached = cache.get(url);
      if (cached !== undefined) {
        send(tileCounters, request, response, cached);
        return;
      }
      if (url.startsWith(tileStart) && url.length > tileStart.length && !UNUSUAL_IN_PATH.test(url)) {
        void getTile(url, request, response);
        return;
      }
      if (url === checkpointPath) {
        getCheckpoint(request, response);
        return;
      }
      const queryStart = url.indexOf('?');
      const read = queryStart === -1 ? undefined : reads.get(url.slice(0, queryStart));
      if (read !== undefined && !url.includes('#')) {
        void answerRead(read, request, response);
        return;
      }
      if (url.startsWith(artifactStart) && !url.includes('#')) {
        const digest = url.slice(artifactStart.length, queryStart === -1 ? undefined : queryStart);
        if (DIGEST.test(digest)) {
          void answerRead({ route: artifactRoute, read: (query) => artifact(digest, query) }, request, response);
          return;
        }
      }
    } else if (method === 'POST' && url === addPath) {
      const length = plainLength(request, ENTRY_LIMIT.bytes);
      if (length !== undefined) {
        void postEntry(request, response, length);
        return;
      }
    }
    void fallback(request, response);
  };
}

/**
 * Answers that become ready in one turn of the event loop leave together at its end: a reader that is woken for the first
 * of them finds the others there. One at a time, with the work of making the next between them, each would wake it anew,
 * which costs as much as a proof.
 */
class Burst {
  #held: Socket[] = [];
  readonly #sendAll = (): void => {
    const held = this.#held;
    this.#held = [];
    for (const socket of held) socket.uncork();
  };

  /** Keeps what is written to the socket until the end of this turn. */
  hold(socket: Socket): void {
    socket.cork();
    if (this.#held.push(socket) === 1) setImmediate(this.#sendAll);
  }
}

function ignore(): void {}

/** Every value of every parameter, read by the function that the router uses. */
function queriesOf(url: string): Record<string, string[]> {
  const values = getQueryParams(url);
  return values === undefined || Array.isArray(values) ? {} : values;
}

/**
 * Values by key up to a number of bytes, in two generations: what was not asked for while one generation filled goes
 * with the older one. Unlike a strict least-recently-used order this costs nothing on a hit.
 */
export class ByteCache<T> {
  readonly #generationBytes: number;
  #young = new Map<string, { readonly value: T; readonly bytes: number }>();
  #old = new Map<string, { readonly value: T; readonly bytes: number }>();
  #youngBytes = 0;

  constructor(maxBytes: number) {
    this.#generationBytes = maxBytes / 2;
  }

  get(key: string): T | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young.value;
    const old = this.#old.get(key);
    if (old === undefined) return undefined;
    this.set(key, old.value, old.bytes);
    return old.value;
  }

  set(key: string, value: T, bytes: number): void {
    if (bytes > this.#generationBytes) return;
    if (this.#youngBytes + bytes > this.#generationBytes) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#youngBytes = 0;
    }
    if (!this.#young.has(key)) this.#youngBytes += bytes;
    this.#young.set(key, { value, bytes });
  }
}
