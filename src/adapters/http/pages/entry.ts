// The page of an entry: what it says, what proves it, and when it was logged.

import { html } from 'hono/html';
import { toBase64, toHex } from '../../../bytes.ts';
import type { PublishedHead, TimeBracket } from '../../../log/archive.ts';
import type { Hash, Hasher } from '../../../merkle/hash.ts';
import { factsOf } from '../../../record/facts.ts';
import type { Statement } from '../../../record/statement.ts';
import { describe, recordToJson } from '../../../record/types.ts';
import { bytesInWords, count } from '../../../record/words.ts';
import { statementIn } from '../entry-json.ts';
import type { ServedLog } from '../served-log.ts';
import { publishedHead } from '../served-log.ts';
import { UNKNOWN_NOW, bracketOf } from './bracket.ts';
import type { Html } from './layout.ts';
import type { Place } from './layout.ts';
import { definitions, layout, verifyCommands } from './layout.ts';
import { uncosignedNotice } from './witnesses.ts';
import { timeInWords } from './words.ts';

/** Bytes of an opaque leaf that the page shows. */
const PREVIEW_BYTES = 256;

/** The page at `/log/{index}`. Errors as Log.entry: `not-found`, `not-published`. */
export async function entryPage(log: ServedLog, index: number, place: Place, hasher: Hasher): Promise<Html> {
  const leaf = await log.entry(index);
  // One size for the page, so that index, size, root and proof belong together.
  const { head } = publishedHead(log);
  const [proof, bracket] = await Promise.all([log.inclusionProof(index, head.size), bracketOf(log, index)]);
  const statement = statementIn(leaf);
  const { base } = place;
  const title = `Entry ${count(index)} of ${log.origin}`;
  return layout(
    title,
    html` <nav>
        <a href="${base === '' ? '/' : base}">${log.origin}</a
        >${index > 0 ? html`<a href="${base}/log/${index - 1}">previous</a>` : ''}${
          index + 1 < head.size ? html`<a href="${base}/log/${index + 1}">next</a>` : ''
        }
      </nav>
      <h1>Entry ${count(index)}</h1>
      ${uncosignedNotice(log)} ${statement === undefined ? opaque(leaf) : stated(statement)}
      <h2>When it was logged</h2>
      ${logged(bracket)}
      <h2>Proof</h2>
      ${definitions([
        ['Leaf hash', html`<code>${toHex(hasher.leafHash(leaf))}</code>`],
        ['In the tree of', count(head.size)],
        ['Root hash', html`<code>${toHex(head.rootHash)}</code>`],
        ['Audit path', audit(proof)],
      ])}
      <p>To check it without this server:</p>
      ${verifyCommands(index, place)}
      <nav>
        <a href="${base}/api/v1/entries/${index}/proof">proof file</a
        ><a href="${base}/api/v1/entries/${index}">as JSON</a
        ><a href="${base}/api/v1/entries/${index}/time">time bracket</a>
      </nav>`,
  );
}

function stated(statement: Statement): Html {
  const { fields } = recordToJson(statement.record);
  return html`<p>${describe(statement.record)}</p>
    <h2>What it says</h2>
    ${definitions(factsOf(fields))}
    <h2>Who signed it</h2>
    ${definitions([
      ['Issuer', statement.iss],
      ['Subject', statement.sub],
      ['Type', statement.type],
      ['Namespace', statement.namespace],
      ['Signed at', html`${timeInWords(statement.iat)} <span class="soft">(by the signer's own clock)</span>`],
      ['Key', html`<code>${toHex(statement.kid)}</code>`],
    ])}`;
}

function opaque(leaf: Uint8Array): Html {
  const preview = toBase64(leaf.subarray(0, PREVIEW_BYTES));
  const more = leaf.length > PREVIEW_BYTES ? ', the first of them' : '';
  return html`<p>${bytesInWords(leaf.length)} that are no statement${more} in base64:</p>
    <pre>${preview}</pre>`;
}

function logged(bracket: TimeBracket | undefined): Html {
  if (bracket === undefined) return html`<p>The log's times are ${UNKNOWN_NOW}.</p>`;
  const { before, after } = bracket;
  const from = before === undefined ? '' : html`after ${signed(before)}, and `;
  return html`<p>
    Logged ${from}no later than ${signed(after)}. ${before === undefined ? 'The time is' : 'Both times are'} signed by
    the log.
  </p>`;
}

function signed(head: PublishedHead): Html {
  return html`<strong>${timeInWords(head.timestampSeconds)}</strong>
    <span class="soft">(checkpoint of ${count(head.size)})</span>`;
}

function audit(proof: readonly Hash[]): Html {
  if (proof.length === 0) return html`none: it is the only entry`;
  return html`${proof.map((hash) => html`<div><code>${toHex(hash)}</code></div>`)}`;
}
