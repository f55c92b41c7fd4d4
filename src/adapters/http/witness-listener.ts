// The listener of a witness for node:http. A plain add-checkpoint is read and answered here: a Request, a router and a body
// as a stream cost more than a third of what deciding and signing do. All else goes to the app, with the same answers.

import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import type { App } from './app.ts';
import { CHECKPOINT_PATH } from './checkpoint-intake.ts';
import type { CheckpointIntake } from './checkpoint-intake.ts';
import { RawAnswers, plainLength, receive } from './raw-request.ts';
import type { RawAnswersOptions } from './raw-request.ts';

export interface WitnessListenerOptions extends RawAnswersOptions {
  /** Everything that has no fast way. */
  readonly app: App;
  /** The one that the app has, so that both ways together stay within its limits. */
  readonly intake: CheckpointIntake;
}

/** A request listener for `http.createServer`, of a witness that is mounted at the root. */
export function witnessListener(options: WitnessListenerOptions): RequestListener {
  const { intake, metrics } = options;
  const { limit, budget, millis } = intake;
  const answers = new RawAnswers(options);
  const fallback = getRequestListener(options.app.fetch);

  const addCheckpoint = async (request: IncomingMessage, response: ServerResponse, length: number): Promise<void> => {
    const started = performance.now();
    let held = 0;
    let isRead = false;
    try {
      const source = intake.take(request.socket.remoteAddress ?? '');
      budget.reserve(length);
      held = length;
      const body = await receive(request, length, millis);
      if (body === undefined) return;
      isRead = true;
      const { status, headers, body: text } = await intake.answer(body, source);
      metrics?.request('POST', CHECKPOINT_PATH, status, (performance.now() - started) / 1000);
      response.writeHead(status, {
        ...headers,
        'X-Request-Id': answers.idOf(request),
        'Content-Length': Buffer.byteLength(text ?? ''),
      });
      response.end(text);
    } catch (error) {
      // Of a body that nobody waits for any more, no byte is taken.
      if (!isRead) response.once('finish', () => request.destroy());
      answers.fail(CHECKPOINT_PATH, request, response, error, started, isRead ? {} : { Connection: 'close' });
    } finally {
      budget.release(held);
    }
  };

  return (request, response) => {
    if (request.method === 'POST' && request.url === CHECKPOINT_PATH) {
      const length = plainLength(request, limit.bytes);
      if (length !== undefined) {
        void addCheckpoint(request, response, length);
        return;
      }
    }
    void fallback(request, response);
  };
}
