// What every app of pages shares: where the reader is, how a page becomes an answer, how an error becomes a page.

import type { Context } from 'hono';
import { html } from 'hono/html';
import { asLimmatError } from '../../../errors.ts';
import type { Answer } from '../answer.ts';
import type { Refuse } from '../app.ts';
import { problemOf, publicError } from '../problem.ts';
import type { Html, Place } from './layout.ts';
import { layout, pageHeaders } from './layout.ts';

export interface FrameOptions {
  /** The service's address as readers know it, without a slash at the end, where a proxy changes host or path. */
  readonly publicUrl?: string;
  readonly nowMillis?: () => number;
}

export interface Frame {
  /** Where the reader of a request to an app's own path is. */
  readonly placeOf: (c: Context, ownPath: string) => Place;
  readonly answer: (page: Html, status?: number, more?: Readonly<Record<string, string>>) => Promise<Answer>;
  /** A page for readers who take pages, problem details for the others. */
  readonly refuse: Refuse;
}

export function pageFrame(options: FrameOptions): Frame {
  const headers = pageHeaders();
  const nowMillis = options.nowMillis ?? Date.now;
  const answer: Frame['answer'] = async (page, status = 200, more = {}) => ({
    status,
    headers: { ...headers, ...more },
    body: String(await page),
  });
  return {
    placeOf: (c, ownPath) => {
      const url = options.publicUrl === undefined ? new URL(c.req.url) : new URL(options.publicUrl);
      const base = options.publicUrl === undefined ? prefixOf(c.req.path, ownPath) : url.pathname.replace(/\/$/, '');
      return { base, url: `${url.origin}${base}`, nowSeconds: Math.floor(nowMillis() / 1000) };
    },
    answer,
    refuse: (thrown, c) => {
      const problem = problemOf(thrown, c.get('requestId'));
      if (!(c.req.header('accept') ?? '').includes('text/html')) return problem;
      const { code, detail } = publicError(asLimmatError(thrown));
      const retry = problem.headers['Retry-After'];
      const page = html`<h1>${problem.status}: ${code}</h1>
        <p>${detail}</p>`;
      return answer(layout(code, page), problem.status, retry === undefined ? {} : { 'Retry-After': retry });
    },
  };
}

/** What stands before the app's own path in the path of a request. */
function prefixOf(path: string, ownPath: string): string {
  return ownPath === '/' ? path.replace(/\/$/, '') : path.slice(0, path.length - ownPath.length);
}
