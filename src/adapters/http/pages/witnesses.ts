// What the pages of a log say of its witnesses.

import { html } from 'hono/html';
import type { WitnessStatus } from '../../../log/cosigner.ts';
import { count } from '../../../record/words.ts';
import type { ServedLog } from '../served-log.ts';
import { isUncosigned } from '../served-log.ts';
import type { Html } from './layout.ts';
import { definitions } from './layout.ts';
import { durationInWords } from './words.ts';

/** A line that no page leaves out while readers see a checkpoint without the quorum's cosignatures. */
export function uncosignedNotice(log: Pick<ServedLog, 'status'>): Html | '' {
  if (!isUncosigned(log)) return '';
  return html`<p class="bad">
    <strong>Uncosigned</strong>: the quorum of this log's witnesses has not cosigned the checkpoint that is shown here,
    so nothing but the log's own word says that everybody sees the same one.
  </p>`;
}

/** Who cosigns, under which rule, and how each of them does; nothing for a log without witnesses. */
export function witnessesPart(log: Pick<ServedLog, 'status'>, nowSeconds: number): Html | '' {
  const { cosigning, published } = log.status();
  if (cosigning === undefined) return '';
  const { quorum, failOpen, witnesses } = cosigning;
  const openWords = failOpen
    ? '; without them it is published all the same'
    : '; without them nothing new is published';
  return html` <h2>Witnesses</h2>
    ${definitions([
      ['Quorum', quorum === undefined ? 'none is asked for' : html`${quorum}${openWords}`],
      ...(published?.isCosigned === undefined
        ? []
        : [['Checkpoint', published.isCosigned ? 'cosigned by the quorum' : 'uncosigned'] as const]),
      ...witnesses.map((witness) => [witness.name, doing(witness, nowSeconds)] as const),
    ])}`;
}

/** The reasons of its failures name addresses of the operator's, and stay in the operator's log. */
function doing(witness: WitnessStatus, nowSeconds: number): Html | string {
  const { size, latencyMillis, lastSuccessSeconds, failures, failuresInRow, isAlarming, stepsBack } = witness;
  const cosigned =
    lastSuccessSeconds === undefined || latencyMillis === undefined
      ? 'has not cosigned since the start'
      : `cosigned size ${count(size ?? 0)} ${durationInWords(nowSeconds - lastSuccessSeconds)} ago, in ${Math.round(latencyMillis)} ms`;
  const failed = failures === 0 ? '' : `; ${count(failures, 'failure')} since the start`;
  if (isAlarming) return html`<span class="bad">contradicts this log</span>; ${cosigned}${failed}`;
  if (stepsBack > 0) return html`<span class="bad">has forgotten what it cosigned</span>; ${cosigned}${failed}`;
  if (failuresInRow > 0) return html`<span class="bad">does not cosign</span>; ${cosigned}${failed}`;
  return `${cosigned}${failed}`;
}
