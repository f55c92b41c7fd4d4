// The frame of every page: one document, its style inline and named in the content security policy by its digest, no
// script anywhere, so that a page shows what the server says and nothing that someone else put into a record.

import { html, raw } from 'hono/html';
import { bodyHeaders } from '../answer.ts';
import { toBase64, utf8 } from '../../../bytes.ts';
import { portableHasher } from '../../../merkle/hash.ts';

/** Where the reader is: `base` is the path prefix of the log's links, `url` the same with scheme and host. */
export interface Place {
  readonly base: string;
  readonly url: string;
  readonly nowSeconds: number;
}

/** The commands that fetch the proof of an entry and check a file against it. */
export function verifyCommands(index: number, { url }: Place): Html {
  return html`<pre>
curl -fsS ${url}/api/v1/entries/${index}/proof -o FILE.tlog-proof
npx limmat verify FILE --proof FILE.tlog-proof --trust trust.txt</pre>`;
}

/** A piece of HTML in which everything from outside is escaped. */
export type Html = ReturnType<typeof html>;

const STYLE = `
:root { color-scheme: light dark; --line: #8884; --soft: #777; --bad: #b00020; }
@media (prefers-color-scheme: dark) { :root { --soft: #aaa; --bad: #ff8a80; } }
* { box-sizing: border-box; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 46rem; margin: 0 auto; padding: 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.4rem; margin: .5rem 0; }
h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; border-bottom: 1px solid var(--line); }
dl { display: grid; grid-template-columns: minmax(7rem, 12rem) 1fr; gap: .25rem 1rem; margin: .5rem 0; }
dt { color: var(--soft); } dd { margin: 0; }
code, pre { font: .85rem/1.5 ui-monospace, monospace; }
pre { padding: .75rem; border: 1px solid var(--line); border-radius: .25rem; white-space: pre-wrap; }
ol { padding-left: 0; list-style: none; } ol li { padding: .4rem 0; border-bottom: 1px solid var(--line); }
nav { display: flex; flex-wrap: wrap; gap: 1rem; } .soft { color: var(--soft); } .bad { color: var(--bad); }
input, button { font: inherit; padding: .2rem .5rem; } input { width: 9rem; }
summary { cursor: pointer; }
@media (max-width: 34rem) { dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: .5rem; } }
`;

/** The headers of every page. The digest covers the style element's text as it is sent. */
export function pageHeaders(): Record<string, string> {
  const digest = toBase64(portableHasher.sha256(utf8(STYLE)));
  return {
    ...bodyHeaders('text/html; charset=utf-8', 'changing'),
    'Content-Security-Policy':
      `default-src 'none'; style-src 'sha256-${digest}'; base-uri 'none'; form-action 'self'; ` +
      `frame-ancestors 'none'`,
    'Referrer-Policy': 'no-referrer',
  };
}

/** A whole document. */
export function layout(title: string, body: Html): Html {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        ${raw(`<style>${STYLE}</style>`)}
      </head>
      <body>
        ${body}
      </body>
    </html> `;
}

/** Pairs of a term and what it is. */
export function definitions(rows: readonly (readonly [term: string, value: unknown])[]): Html {
  return html`<dl>
    ${rows.map(
      ([term, value]) =>
        html`<dt>${term}</dt>
          <dd>${value}</dd>`,
    )}
  </dl>`;
}
