// The page of a mirror: what it holds of which log, and what is wrong.

import { html } from 'hono/html';
import type { Mirror, MirroredLogView } from '../../../mirror/mirror.ts';
import { count } from '../../../record/words.ts';
import type { Html, Place } from './layout.ts';
import { definitions, layout } from './layout.ts';
import { agoInWords } from './monitor-words.ts';

/** The page at `/`. */
export function mirrorPage(mirror: Mirror, place: Place): Html {
  const { name, vkeys } = mirror.signer;
  return layout(
    `Mirror ${name}`,
    html`<header>
        <h1>Mirror ${name}</h1>
        <p class="soft">
          Keeps a copy of ${count(mirror.logs.length, 'log')}, byte for byte, in which every entry was hashed again. Its
          signature on a checkpoint says that all of the tree is stored here.
        </p>
      </header>
      <h2>Logs</h2>
      <ol>
        ${mirror.logs.map((log) => logItem(log.view(), place))}
      </ol>
      <h2>This mirror</h2>
      ${definitions(vkeys.map((vkey) => ['Key', html`<code>${vkey}</code>`]))}
      <nav><a href="${place.base}/api/v1/mirror">as JSON</a></nav>`,
  );
}

function logItem(log: MirroredLogView, place: Place): Html {
  const base = `${place.base}/${log.originHash}`;
  return html`<li>
    <a href="${base}/checkpoint">${log.origin}</a>
    <div>
      ${log.size === undefined ? 'no checkpoint yet' : `${entries(log.size)} mirrored`},
      ${log.lag === 0 ? 'nothing behind' : `${entries(log.lag)} behind`}; complete
      ${agoInWords(log.currentAtSeconds, place)}
    </div>
    ${
      log.stopped === undefined
        ? ''
        : html`<div class="bad">
            Followed no more: ${log.stopped}. <a href="${base}/contradictions">What it signed beside what is here</a>
          </div>`
    }
    ${
      log.trouble === undefined || log.stopped !== undefined
        ? ''
        : html`<div class="bad">
            ${log.trouble.code}: ${log.trouble.message} (${count(log.failures, 'look')} in a row)
          </div>`
    }
  </li>`;
}

function entries(value: number): string {
  return `${count(value)} ${value === 1 ? 'entry' : 'entries'}`;
}
