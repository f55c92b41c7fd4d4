// A witness over HTTP (C2SP tlog-witness): add-checkpoint, the last cosigned checkpoint of each log for monitors, what was
// refused, and how the logs stand as a page and as JSON. What is answered is the witness's business; here are limits and
// paths. It mounts at one prefix for submission and monitoring.

import type { Context } from 'hono';
import { toBase64, utf8Text } from '../../bytes.ts';
import { LimmatError } from '../../errors.ts';
import { MAX_ADD_CHECKPOINT_BYTES, SIZE_MEDIA_TYPE } from '../../note/add-checkpoint.ts';
import { suspicionId } from '../../witness/suspicion.ts';
import type { Witness, WitnessAnswer } from '../../witness/witness.ts';
import { bodyHeaders, jsonAnswer } from './answer.ts';
import type { Answer } from './answer.ts';
import { newApp, onRead, onWrite } from './app.ts';
import type { App, AppEnv } from './app.ts';
import { BodyBudget } from './body-budget.ts';
import { bodyLimit, printable } from './body.ts';
import { pageFrame } from './pages/frame.ts';
import type { FrameOptions } from './pages/frame.ts';
import { witnessPage } from './pages/witness-home.ts';
import { NO_QUERY, queryOf } from './parameters.ts';
import { RateLimit, sourceOfAddress } from './rate-limit.ts';
import { withTimedBody } from './timed-body.ts';
import { witnessJson } from './witness-json.ts';

/** What the app asks of a witness. */
export type ServedWitness = Pick<
  Witness,
  'name' | 'vkeys' | 'addCheckpoint' | 'checkpoint' | 'suspicionsOf' | 'logs' | 'status'
>;

export interface WitnessAppOptions extends FrameOptions {
  /** Who sent a request, for the rate limit alone: an address. Default: everybody is one source. */
  readonly sourceOf?: (c: Context<AppEnv>) => string;
  /** How long a body may take to arrive, in milliseconds. */
  readonly bodyMillis?: number;
  /** Requests a second of one source, and of one source about one log; ten times as many at once. */
  readonly perSource?: number;
  readonly perLog?: number;
  /** Called with the status of every add-checkpoint that was decided. */
  readonly onAnswer?: (status: WitnessAnswer['status']) => void;
  /** Monotonic milliseconds, for the rate limit; default performance.now. */
  readonly monotonicMillis?: () => number;
}

/** The largest request in this time is a modem's speed. */
const DEFAULT_BODY_MILLIS = 10_000;
/** Bodies of all requests together: 128 of the largest, and 10,000 as they are. */
const BUDGET_BYTES = 128 * MAX_ADD_CHECKPOINT_BYTES;
/** A log that publishes every second, with retries; and a host of a hundred such logs. */
export const DEFAULT_PER_LOG = 5;
export const DEFAULT_PER_SOURCE = 200;
const SOURCES = 16_384;
/** Everybody together: more than a machine answers, so that it is each source's own share that counts. */
const TOTAL = 20_000;

const LIMIT = bodyLimit('body-too-large', MAX_ADD_CHECKPOINT_BYTES);

/** Everything of one witness, to be mounted at its prefix. */
export function witnessApp(witness: ServedWitness, options: WitnessAppOptions = {}): App {
  const app = newApp();
  const { sourceOf = () => '', bodyMillis: millis = DEFAULT_BODY_MILLIS, onAnswer } = options;
  const bySource = rateLimit(options.perSource ?? DEFAULT_PER_SOURCE, options);
  const byLog = rateLimit(options.perLog ?? DEFAULT_PER_LOG, options);
  const budget = new BodyBudget(BUDGET_BYTES);
  const { placeOf, answer: page, refuse } = pageFrame(options);

  onWrite(app, '/add-checkpoint', async (c) => {
    const source = sourceOfAddress(sourceOf(c));
    bySource.take(source);
    const answer = await withTimedBody(c.req.raw, { limit: LIMIT, millis, budget }, (body) =>
      // Of one source alone: who repeats what a log has signed must not keep the log itself out.
      witness.addCheckpoint(body, (origin) => byLog.take(`${source} ${origin}`)),
    );
    onAnswer?.(answer.status);
    return answerOf(answer);
  });
  onRead(app, '/:hash{[0-9a-f]{64}}/checkpoint', async (c) => {
    queryOf(c.req, NO_QUERY);
    bySource.take(sourceOfAddress(sourceOf(c)));
    const hash = c.req.param('hash') ?? '';
    const note = await witness.checkpoint(hash);
    if (note === undefined) {
      throw new LimmatError('not-found', `this witness has not cosigned for a log with the origin hash ${hash}`);
    }
    return { status: 200, headers: bodyHeaders('text/plain; charset=utf-8', 'changing'), body: note };
  });
  onRead(app, '/:hash{[0-9a-f]{64}}/refused', (c) => {
    queryOf(c.req, NO_QUERY);
    const hash = c.req.param('hash') ?? '';
    const refused = witness.suspicionsOf(hash);
    if (refused === undefined) throw new LimmatError('not-found', `no log has the origin hash ${printable(hash)} here`);
    const list = refused.map((one) => ({
      id: suspicionId(one),
      kind: one.kind,
      size: one.size,
      rootHash: toBase64(one.rootHash),
      refusedAt: one.atSeconds,
      note: utf8Text(one.note),
      against: utf8Text(one.against),
    }));
    return jsonAnswer({ refused: list }, 'changing');
  });
  onRead(app, '/api/v1/witness', (c) => {
    queryOf(c.req, NO_QUERY);
    return jsonAnswer(witnessJson(witness), 'changing');
  });
  onRead(app, '/', (c) => page(witnessPage(witness, placeOf(c, '/'))), refuse);
  return app;
}

function answerOf(answer: WitnessAnswer): Answer {
  if (answer.status === 200) {
    return { status: 200, headers: bodyHeaders('text/plain; charset=utf-8', 'momentary'), body: answer.lines };
  }
  if (answer.status === 409) {
    return { status: 409, headers: bodyHeaders(SIZE_MEDIA_TYPE, 'momentary'), body: `${answer.size}\n` };
  }
  const { status, reason } = answer;
  // A reason may quote what was sent: printable, and short.
  const text = `${reason.slice(0, 500).replaceAll(/[^\x20-\x7e]/gu, '?')}\n`;
  return { status, headers: bodyHeaders('text/plain; charset=utf-8', 'momentary'), body: text };
}

function rateLimit(perSecond: number, { monotonicMillis }: WitnessAppOptions): RateLimit {
  return new RateLimit({
    burst: 10 * perSecond,
    perSecond,
    totalBurst: TOTAL,
    totalPerSecond: TOTAL,
    sources: SOURCES,
    ...(monotonicMillis !== undefined && { monotonicMillis }),
  });
}
