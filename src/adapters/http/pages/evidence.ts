// The page of a piece of evidence: what it shows in plain words, a drawing, the file, and how to check it without this
// monitor.

import { html, raw } from 'hono/html';
import type { Explanation } from '../../../monitor/evidence/explain.ts';
import { explanationSvg } from '../../../monitor/evidence/explain.ts';
import type { Html, Place } from './layout.ts';
import { layout } from './layout.ts';

/** The page at `/evidence/{id}`; without an explanation when this monitor has nothing to check it with. */
export function evidencePage(name: string, id: string, explanation: Explanation | undefined, place: Place): Html {
  const { base, url } = place;
  const at = `${base}/evidence/${id}`;
  return layout(
    explanation?.headline ?? 'Evidence',
    html`<nav><a href="${base === '' ? '/' : base}">${name}</a></nav>
      ${explanation === undefined ? notWatched() : explained(explanation)}
      <h2>The file</h2>
      <p>
        The file is all that counts. It convinces whoever has the log's keys, offline, and whether they trust this
        monitor or not:
      </p>
      <pre>
curl -fsS ${url}/gossip/v1/evidence/${id} -o evidence.json
npx limmat evidence verify evidence.json --trust trust.txt</pre>
      <nav>
        <a href="${base}/gossip/v1/evidence/${id}">evidence file</a>${
          explanation === undefined ? '' : html`<a href="${at}.txt">as text</a><a href="${at}.svg">drawing</a>`
        }
      </nav>
      <p class="soft">id <code>${id}</code></p>`,
  );
}

function explained(explanation: Explanation): Html {
  return html`<h1>${explanation.headline}</h1>
    ${raw(explanationSvg(explanation))}
    ${explanation.sections.map(
      ({ heading, paragraphs }) =>
        html`<h2>${heading}</h2>
          ${paragraphs.map((paragraph) => html`<p>${paragraph}</p>`)}`,
    )}`;
}

function notWatched(): Html {
  return html`<h1>Evidence</h1>
    <p>
      The log that this is about is not watched here any more, or with other keys than those that signed it, so this
      monitor has nothing to check it with.
    </p>`;
}
