// The page of a monitor: what is wrong, how every log stands, with whom heads are compared.

import { html } from 'hono/html';
import { count } from '../../../record/words.ts';
import type { LogView, MonitorView, PeerView } from '../served-monitor.ts';
import type { Html, Place } from './layout.ts';
import { definitions, layout } from './layout.ts';
import { agoInWords, alertList, evidenceList, logInWords } from './monitor-words.ts';

/** The page at `/`. */
export function monitorPage(view: MonitorView, evidenceIds: readonly string[], place: Place): Html {
  const { name, vkey, logs, peers, alerts } = view;
  return layout(
    `Monitor ${name}`,
    html`<header>
        <h1>Monitor ${name}</h1>
        <p class="soft">
          Re-checks every entry of ${count(logs.length, 'log')}, and compares heads with ${count(peers.length, 'peer')}.
          Last round ${agoInWords(view.roundAtSeconds, place)}.
        </p>
      </header>
      <h2>Alerts</h2>
      ${alertList(alerts, place, 'None.')}
      <h2>Logs</h2>
      ${
        logs.length === 0
          ? html`<p>None.</p>`
          : html`<ol>
              ${logs.map((log) => logItem(log, place))}
            </ol>`
      }
      <h2>Peers</h2>
      ${peers.length === 0 ? html`<p>None: nobody else's view of these logs is compared with this one.</p>` : peerList(peers, place)}
      ${
        evidenceIds.length === 0
          ? ''
          : html`<h2>Evidence</h2>
              ${evidenceList(evidenceIds, place)}`
      }
      <h2>This monitor</h2>
      ${definitions([
        ['Key', html`<code>${vkey}</code>`],
        ['Watching since', agoInWords(view.sinceSeconds, place)],
      ])}
      <nav><a href="${place.base}/api/v1/monitor">as JSON</a></nav>`,
  );
}

function logItem(log: LogView, place: Place): Html {
  return html`<li>
    <a href="${place.base}/logs/${log.originHash}">${log.origin}</a>
    <div>${logInWords(log, place)}</div>
  </li>`;
}

function peerList(peers: readonly PeerView[], place: Place): Html {
  return html`<ol>
    ${peers.map(
      ({ id, operator, called, heardAtSeconds, trouble }) =>
        html`<li>
          ${id}${operator === undefined ? '' : html` <span class="soft">(${operator})</span>`}
          <div>
            ${called ? 'called' : 'calls in'}, last heard
            ${agoInWords(heardAtSeconds, place)}${
              trouble === undefined ? '' : html`; <span class="bad">the last call failed: ${trouble}</span>`
            }
          </div>
        </li>`,
    )}
  </ol>`;
}
