// The page of a witness: who it is, and how the logs stand that it cosigns for.

import { html } from 'hono/html';
import { toBase64 } from '../../../bytes.ts';
import { count } from '../../../record/words.ts';
import type { Witness, WitnessedLog } from '../../../witness/witness.ts';
import type { Html, Place } from './layout.ts';
import { definitions, layout } from './layout.ts';

/** Logs on the page; JSON has them all. */
const MAX_SHOWN = 500;

/** The page at `/`. */
export function witnessPage(witness: Pick<Witness, 'name' | 'vkeys' | 'logs'>, place: Place): Html {
  const logs = witness.logs();
  const left = logs.length - MAX_SHOWN;
  return layout(
    `Witness ${witness.name}`,
    html`<header>
        <h1>Witness ${witness.name}</h1>
        <p class="soft">
          Cosigns the heads of ${count(logs.length, 'log')}: each only if it extends the one before it. A cosignature
          says nothing about what is in a log.
        </p>
      </header>
      <h2>Logs</h2>
      ${
        logs.length === 0
          ? html`<p>None.</p>`
          : html`<ol>
              ${logs.slice(0, MAX_SHOWN).map((log) => logItem(log, place))}
            </ol>`
      }
      ${left > 0 ? html`<p>And ${left} more.</p>` : ''}
      <h2>This witness</h2>
      ${definitions(witness.vkeys.map((vkey) => ['Key', html`<code>${vkey}</code>`]))}
      <nav><a href="${place.base}/api/v1/witness">as JSON</a></nav>`,
  );
}

function logItem({ origin, originHash, head, suspicions }: WitnessedLog, place: Place): Html {
  return html`<li>
    ${origin}
    <div>
      ${
        head === undefined
          ? html`<span class="soft">nothing cosigned yet</span>`
          : html`<a href="${place.base}/${originHash}/checkpoint">size ${head.size}</a>, root
              <code>${toBase64(head.rootHash)}</code>`
      }${
        suspicions === 0
          ? ''
          : html`; <a class="bad" href="${place.base}/${originHash}/refused">${count(suspicions, 'suspect head')}</a>`
      }
    </div>
  </li>`;
}
