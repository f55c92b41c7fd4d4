// The page of one watched log: its newest verified head, how far the monitor is, what is wrong.

import { html } from 'hono/html';
import { toHex } from '../../../bytes.ts';
import { formatKeyId } from '../../../note/key.ts';
import { count } from '../../../record/words.ts';
import type { RecordCoverage } from '../../../monitor/records/coverage.ts';
import type { LogView, MonitorView } from '../served-monitor.ts';
import type { Html, Place } from './layout.ts';
import { definitions, layout } from './layout.ts';
import { agoInWords, alertList, branchNotice, evidenceList } from './monitor-words.ts';

/** The page at `/logs/{origin hash}`. */
export function monitorLogPage(view: MonitorView, log: LogView, place: Place): Html {
  const { base } = place;
  const { origin, head } = log;
  return layout(
    `${origin}, as ${view.name} sees it`,
    html`<nav><a href="${base === '' ? '/' : base}">${view.name}</a></nav>
      <h1>${origin}</h1>
      <h2>Alerts</h2>
      ${alertList(
        view.alerts.filter((alert) => alert.origin === origin),
        place,
        'None.',
      )}
      <h2>Head</h2>
      ${branchNotice(log)} ${head === undefined ? html`<p>No head was verified yet.</p>` : headOf(log, head, place)}
      <h2>Watching</h2>
      ${definitions([
        ['Address', log.url],
        ['Last seen', agoInWords(log.seenAtSeconds, place)],
        ['Rounds with trouble', count(log.failures)],
        ['Entries checked', count(log.verifiedSize)],
        ['Backlog', count(log.backlog)],
        ['Heads to be judged', count(log.unresolved)],
        ['Entries that are statements', count(log.counts.statements)],
        ['Other entries', count(log.counts.unknown)],
        ['Withheld entries', count(log.counts.withheld)],
        ['Keys', log.verifiers.map(({ name, keyId }) => html`<div><code>${name}+${formatKeyId(keyId)}</code></div>`)],
      ])}
      ${log.witnessed === undefined ? '' : witnessesOf(log.witnessed, place)}
      ${log.records === undefined ? '' : recordsOf(log.records)}
      ${
        log.evidence.length === 0
          ? ''
          : html`<h2>Evidence</h2>
              ${evidenceList(log.evidence, place)}`
      }
      ${head === undefined ? '' : comparing(log, place)}`,
  );
}

function headOf(log: LogView, head: NonNullable<LogView['head']>, place: Place): Html {
  return html`${definitions([
      ['Entries', count(head.size)],
      ['Root hash', html`<code>${toHex(head.rootHash)}</code>`],
      ['Signed', head.timestampSeconds === 0 ? 'the log states no time' : agoInWords(head.timestampSeconds, place)],
    ])}
    <nav><a href="${place.base}/gossip/v1/${log.originHash}/checkpoint">signed checkpoint</a></nav>`;
}

/** What the log's witnesses have cosigned. */
function witnessesOf(witnessed: NonNullable<LogView['witnessed']>, place: Place): Html {
  return html`<h2>Witnesses</h2>
    ${definitions(
      witnessed.map(({ witness, size, timestampSeconds, isLost, isBehind }) => [
        witness,
        html`${isLost ? html`<span class="bad">lost</span>; ` : ''}${isBehind ? html`<span class="bad">behind others</span>; ` : ''}${
          size === 0 ? 'nothing yet' : html`${count(size)} entries, ${agoInWords(timestampSeconds, place)}`
        }`,
      ]),
    )}`;
}

/** How far the records of a log with a genesis were judged, and what came of it. */
function recordsOf({ size, types, findings, unreadable, withheld, latest }: RecordCoverage): Html {
  const rules = Object.entries(findings);
  return html`<h2>Records</h2>
    ${definitions([
      ['Entries judged', count(size)],
      ...Object.entries(types).map(([type, number]): [string, string] => [`Records: ${type}`, count(number)]),
      ['Unreadable entries', count(unreadable)],
      ['Withheld entries', count(withheld)],
      ...rules.map(([rule, number]): [string, string] => [`Found by ${rule}`, count(number)]),
    ])}
    ${
      latest.length === 0
        ? html`<p>No rule found anything.</p>`
        : html`<ol>
            ${latest.map(({ rule, severity, sentence }) => html`<li>${rule} (${severity}): ${sentence}</li>`)}
          </ol>`
    }`;
}

function comparing(log: LogView, { url }: Place): Html {
  return html`<h2>Compare</h2>
    <p>
      The head above is what this monitor was shown. If the log shows you another one of the same size, or one that does
      not start with this tree, it has signed two histories. Ask the log yourself:
    </p>
    <pre>
curl -fsS ${log.url}checkpoint
curl -fsS ${url}/gossip/v1/${log.originHash}/checkpoint</pre>`;
}
