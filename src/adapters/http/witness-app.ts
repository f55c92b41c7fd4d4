// A witness over HTTP (C2SP tlog-witness): add-checkpoint, the last cosigned checkpoint of each log for monitors, what was
// refused, and how the logs stand as a page and as JSON. What is answered is the witness's business; here are limits and
// paths. It mounts at one prefix for submission and monitoring.

import type { Context } from 'hono';
import { toBase64, utf8Text } from '../../bytes.ts';
import { LimmatError } from '../../errors.ts';
import { suspicionId } from '../../witness/suspicion.ts';
import type { Witness } from '../../witness/witness.ts';
import { bodyHeaders, jsonAnswer } from './answer.ts';
import { newApp, onRead, onWrite } from './app.ts';
import type { App, AppEnv } from './app.ts';
import { printable } from './body.ts';
import { CHECKPOINT_PATH, CheckpointIntake } from './checkpoint-intake.ts';
import type { CheckpointIntakeOptions } from './checkpoint-intake.ts';
import { pageFrame } from './pages/frame.ts';
import type { FrameOptions } from './pages/frame.ts';
import { witnessPage } from './pages/witness-home.ts';
import { NO_QUERY, queryOf } from './parameters.ts';
import { withTimedBody } from './timed-body.ts';
import { witnessJson } from './witness-json.ts';

/** Telling how so many logs stand costs about as much as deciding one request. */
const LOGS_A_REQUEST = 100;

/** What the app asks of a witness. */
export type ServedWitness = Pick<
  Witness,
  'name' | 'vkeys' | 'addCheckpoint' | 'checkpoint' | 'suspicionsOf' | 'logs' | 'status'
>;

export interface WitnessAppOptions extends FrameOptions, CheckpointIntakeOptions {
  /** Who sent a request, for the rate limit alone: an address. Default: everybody is one source. */
  readonly sourceOf?: (c: Context<AppEnv>) => string;
  /** The one that other ways to add-checkpoint have too; default one of these options. */
  readonly intake?: CheckpointIntake;
}

/** Everything of one witness, to be mounted at its prefix. */
export function witnessApp(witness: ServedWitness, options: WitnessAppOptions = {}): App {
  const app = newApp();
  const { sourceOf = () => '', intake = new CheckpointIntake(witness, options) } = options;
  const { placeOf, answer: page, refuse } = pageFrame(options);
  const takeList = (c: Context<AppEnv>): void => {
    intake.take(sourceOf(c), 1 + Math.floor(witness.status().logs / LOGS_A_REQUEST));
  };

  onWrite(app, CHECKPOINT_PATH, (c) => {
    const source = intake.take(sourceOf(c));
    return withTimedBody(c.req.raw, intake, (body) => intake.answer(body, source));
  });
  onRead(app, '/:hash{[0-9a-f]{64}}/checkpoint', async (c) => {
    queryOf(c.req, NO_QUERY);
    intake.take(sourceOf(c));
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
    intake.take(sourceOf(c), 1 + (refused?.length ?? 0));
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
    takeList(c);
    return jsonAnswer(witnessJson(witness), 'changing');
  });
  const showPage = (c: Context<AppEnv>): ReturnType<typeof page> => {
    takeList(c);
    return page(witnessPage(witness, placeOf(c, '/')));
  };
  onRead(app, '/', showPage, refuse);
  return app;
}
