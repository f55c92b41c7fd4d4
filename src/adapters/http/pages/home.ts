// The page of a log: its head, how old that is, who signed it, what came last, and how not to take our word for it.

import { html } from 'hono/html';
import { toHex } from '../../../bytes.ts';
import type { LogStatus } from '../../../log/log.ts';
import type { Published } from '../../../log/publish.ts';
import { SIGNATURE_TYPE, formatKeyId, parseVerifierKey } from '../../../note/index.ts';
import { describe } from '../../../record/types.ts';
import { bytesInWords, count } from '../../../record/words.ts';
import { statementIn } from '../entry-json.ts';
import type { ServedLog } from '../served-log.ts';
import { UNKNOWN_NOW, bracketOf } from './bracket.ts';
import type { Html } from './layout.ts';
import type { Place } from './layout.ts';
import { definitions, layout, verifyCommands } from './layout.ts';
import { uncosignedNotice, witnessesPart } from './witnesses.ts';
import { durationInWords, rateInWords, timeInWords } from './words.ts';

/** Entries listed on the page. */
const LATEST = 20;

/** Entries that the rate looks back over; the archive widens that to at least a minute. */
const RATE_ENTRIES = 1000;

const NOTICES: Readonly<Record<Exclude<LogStatus['state'], 'ready'>, string>> = Object.freeze({
  'read-only': 'This log takes no entries at the moment. Reading goes on.',
  'not-signing': 'This log signs no new checkpoints at the moment, because of its clock. Reading goes on.',
  'not-witnessed':
    'This log publishes no new checkpoints at the moment, because too few of its witnesses cosign them. ' +
    'Entries are taken, and reading goes on.',
  stopped:
    'This log is stopped: a witness holds a checkpoint with this log’s signature that this log did not make. ' +
    'Reading goes on.',
  closed: 'This log is shutting down.',
});

/** The page at `/`. */
export async function homePage(log: ServedLog, place: Place): Promise<Html> {
  const { state, published } = log.status();
  const notices = [
    uncosignedNotice(log),
    state === 'ready' ? '' : html`<p class="bad">${NOTICES[state]}</p>`,
    log.admission === 'open' ? html`<p class="soft">Admission is open: anyone may append any bytes.</p>` : '',
  ];
  const body =
    published === undefined ? html`<p>No checkpoint is published yet.</p>` : await shown(log, published, place);
  return layout(
    log.origin,
    html`<header>
        <h1>${log.origin}</h1>
        <p class="soft">An append-only transparency log.</p>
        ${notices}
      </header>
      ${body}`,
  );
}

async function shown(log: ServedLog, published: Published, place: Place): Promise<Html> {
  const { size, rootHash } = published.head;
  const { base } = place;
  const start = Math.max(0, size - LATEST);
  const latest = size === 0 ? [] : await log.entries(start, size);
  const age = durationInWords(place.nowSeconds - published.timestampSeconds);
  return html` <h2>Head</h2>
    ${definitions([
      ['Entries', count(size)],
      ['Signed', html`${age} ago <span class="soft">(${timeInWords(published.timestampSeconds)})</span>`],
      ['Root hash', html`<code>${toHex(rootHash)}</code>`],
      ['Growing', await rate(log, published, place.nowSeconds)],
      ['Signers', log.vkeys.map(signer)],
    ])}
    ${witnessesPart(log, place.nowSeconds)}
    <nav><a href="${base}/checkpoint">checkpoint</a><a href="${base}/api/v1/log">as JSON</a></nav>
    <h2>Latest entries</h2>
    ${
      size === 0
        ? html`<p>None yet.</p>`
        : html`<ol>
              ${latest.toReversed().map((leaf, i) => item(size - 1 - i, leaf, base))}
            </ol>
            <form action="${base}/log">
              <label>Entry <input name="index" inputmode="numeric" pattern="[0-9]+" required /></label>
              <button>Show</button>
            </form>`
    }
    ${verifying(log, size, place)}`;
}

function item(index: number, leaf: Uint8Array, base: string): Html {
  const statement = statementIn(leaf);
  const words =
    statement === undefined ? `${bytesInWords(leaf.length)} that are no statement.` : describe(statement.record);
  const who =
    statement === undefined ? '' : html` <span class="soft">${statement.iss}, ${timeInWords(statement.iat)}</span>`;
  return html`<li><a href="${base}/log/${index}">${count(index)}</a> ${words}${who}</li>`;
}

function signer(vkey: string): Html {
  const { name, keyId, type } = parseVerifierKey(vkey);
  const algorithm = type === SIGNATURE_TYPE.mldsa44 ? 'ML-DSA-44, with the time' : 'Ed25519';
  return html`<div>
    <code>${name}+${formatKeyId(keyId)}</code>
    <span class="soft">(${algorithm})</span>
  </div>`;
}

async function rate(log: ServedLog, published: Published, nowSeconds: number): Promise<string> {
  const { size } = published.head;
  if (size === 0) return 'no entries yet';
  const bracket = await bracketOf(log, Math.max(0, size - RATE_ENTRIES));
  if (bracket === undefined) return UNKNOWN_NOW;
  const { before, after } = bracket;
  const since = before ?? after;
  // Up to now, so that a log that fell silent slows down on its page.
  return rateInWords(size - since.size, Math.max(nowSeconds, published.timestampSeconds) - since.timestampSeconds);
}

function verifying(log: ServedLog, size: number, place: Place): Html {
  return html` <h2>Check it yourself</h2>
    <p>Fetch the proof of an entry, keep it beside the file, and verify it without asking this server:</p>
    ${verifyCommands(Math.max(0, size - 1), place)}
    <p>
      The trust file names this log's keys, whose statements you accept, and the witnesses you rely on. Do not take the
      keys from this page alone: compare them with what the operator publishes elsewhere.
    </p>
    <details>
      <summary>This log's keys as lines of a trust file</summary>
      <pre>${log.vkeys.map((vkey) => `log ${vkey}\n`).join('')}quorum none</pre>
    </details>
    <p>
      Every tile is at <code>${place.url}/tile/</code> (C2SP tlog-tiles), so any client of that format can re-hash the
      whole log.
    </p>`;
}
