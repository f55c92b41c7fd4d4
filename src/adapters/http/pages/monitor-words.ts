// What a monitor's pages say of logs, alerts and peers, in words.

import { html } from 'hono/html';
import type { Alert } from '../../../monitor/alerts.ts';
import { adviceOn } from '../../../monitor/checks.ts';
import type { FindingClass } from '../../../monitor/finding.ts';
import { branchInWords } from '../../../monitor/status.ts';
import { count } from '../../../record/words.ts';
import { sortedAlerts } from '../monitor-json.ts';
import type { LogView } from '../served-monitor.ts';
import type { Html, Place } from './layout.ts';
import { durationInWords, timeInWords } from './words.ts';

/** True for a class that a reader should be alarmed by. */
function isGrave(kind: FindingClass): boolean {
  return kind === 'proof' || kind === 'suspicion';
}

/** "3 minutes ago" with the time in UTC behind it; undefined is "never". */
export function agoInWords(seconds: number | undefined, { nowSeconds }: Place): Html {
  if (seconds === undefined) return html`never`;
  return html`${durationInWords(nowSeconds - seconds)} ago <span class="soft">(${timeInWords(seconds)})</span>`;
}

/** How a log stands, in a few words. */
export function logInWords(log: LogView, place: Place): Html {
  const { head, verifiedSize, failures, unresolved } = log;
  if (head === undefined)
    return html`${failures > 0 ? `nothing verified in ${count(failures, 'round')}` : 'not looked at yet'}`;
  const parts = [`${count(verifiedSize)} of ${count(head.size)} entries checked`];
  if (failures > 0) parts.push(`trouble for ${count(failures, 'round')}`);
  if (unresolved > 0) parts.push(`${count(unresolved, 'larger head')} to be judged`);
  const age = head.timestampSeconds === 0 ? html`` : html`, signed ${agoInWords(head.timestampSeconds, place)}`;
  return html`${parts.join(', ')}${age}${branchNotice(log)}`;
}

/** That the monitor does not follow all that the log signs; nothing for a log with one history. */
export function branchNotice(log: LogView): Html {
  const words = branchInWords(log);
  return words === undefined ? html`` : html`<div class="bad">${words[0]!.toUpperCase()}${words.slice(1)}.</div>`;
}

/** A list of alerts, each with what its class means; nothing at all when there are none. */
export function alertList(alerts: readonly Alert[], place: Place, none: string): Html {
  if (alerts.length === 0) return html`<p>${none}</p>`;
  return html`<ol>
    ${sortedAlerts(alerts).map((alert) => alertItem(alert, place))}
  </ol>`;
}

function alertItem(alert: Alert, place: Place): Html {
  const { class: kind, check, origin, summary, state, evidence, key } = alert;
  const times = alert.count > 1 ? `, seen ${count(alert.count)} times` : '';
  const { means, advice } = adviceOn(alert);
  return html`<li>
    <strong class="${state === 'open' && isGrave(kind) ? 'bad' : 'soft'}">${kind}</strong> ${summary}
    <div>${means} ${advice}</div>
    <div class="soft">
      ${origin === '' ? '' : `${origin}; `}check ${check}; since
      ${timeInWords(alert.openedAtSeconds)}${times}${state === 'acknowledged' ? '; acknowledged' : ''}; key
      <code>${key}</code>
    </div>
    ${evidence.map((id) => html`<div><a href="${place.base}/evidence/${id}">evidence, explained</a></div>`)}
  </li>`;
}

/** Links to pieces of evidence. */
export function evidenceList(ids: readonly string[], { base }: Place): Html {
  return html`<ol>
    ${ids.map(
      (id) =>
        html`<li>
          <a href="${base}/evidence/${id}"><code>${id}</code></a>
        </li>`,
    )}
  </ol>`;
}
