// Pages for people: `/` and `/log/{index}`, made on the server, readable without style and without script.

import * as v from 'valibot';
import type { Context } from 'hono';
import { html } from 'hono/html';
import { asLimmatError } from '../../errors.ts';
import type { Hasher } from '../../merkle/hash.ts';
import { portableHasher } from '../../merkle/hash.ts';
import type { Answer } from './answer.ts';
import type { App, Refuse } from './app.ts';
import { newApp, onRead } from './app.ts';
import { entryPage } from './pages/entry.ts';
import { homePage } from './pages/home.ts';
import type { Html, Place } from './pages/layout.ts';
import { layout, pageHeaders } from './pages/layout.ts';
import { decimal, pathDecimal, queryOf } from './parameters.ts';
import { problemOf, publicError } from './problem.ts';
import type { ServedLog } from './served-log.ts';

const INDEX_QUERY = v.object({ index: decimal });

export interface PagesOptions {
  /** The log's address as readers know it, without a slash at the end, where a proxy changes host or path. */
  readonly publicUrl?: string;
  readonly hasher?: Hasher;
  readonly nowMillis?: () => number;
}

/** The pages of one log, to be mounted where its API is. */
export function pagesApp(log: ServedLog, options: PagesOptions = {}): App {
  const app = newApp();
  const headers = pageHeaders();
  const hasher = options.hasher ?? portableHasher;
  const nowMillis = options.nowMillis ?? Date.now;

  const placeOf = (c: Context, ownPath: string): Place => {
    const url = options.publicUrl === undefined ? new URL(c.req.url) : new URL(options.publicUrl);
    const base = options.publicUrl === undefined ? prefixOf(c.req.path, ownPath) : url.pathname.replace(/\/$/, '');
    return { base, url: `${url.origin}${base}`, nowSeconds: Math.floor(nowMillis() / 1000) };
  };
  const answer = async (page: Html, status = 200, more: Readonly<Record<string, string>> = {}): Promise<Answer> => ({
    status,
    headers: { ...headers, ...more },
    body: String(await page),
  });

  const refuse: Refuse = (thrown, c) => {
    const problem = problemOf(thrown, c.get('requestId'));
    if (!(c.req.header('accept') ?? '').includes('text/html')) return problem;
    const { code, detail } = publicError(asLimmatError(thrown));
    const retry = problem.headers['Retry-After'];
    const page = html`<h1>${problem.status}: ${code}</h1>
      <p>${detail}</p>`;
    return answer(layout(code, page), problem.status, retry === undefined ? {} : { 'Retry-After': retry });
  };

  onRead(app, '/', async (c) => answer(await homePage(log, placeOf(c, '/'))), refuse);
  onRead(
    app,
    '/log',
    (c) => {
      const { index } = queryOf(c.req, INDEX_QUERY);
      const location = `${placeOf(c, '/log').base}/log/${index}`;
      return { status: 303, headers: { Location: location, 'Cache-Control': 'no-cache' }, body: null };
    },
    refuse,
  );
  onRead(
    app,
    '/log/:index',
    async (c) => {
      const index = pathDecimal(c, 'index');
      return answer(await entryPage(log, index, placeOf(c, `/log/${c.req.param('index')}`), hasher));
    },
    refuse,
  );
  return app;
}

/** What stands before the app's own path in the path of a request. */
function prefixOf(path: string, ownPath: string): string {
  return ownPath === '/' ? path.replace(/\/$/, '') : path.slice(0, path.length - ownPath.length);
}
