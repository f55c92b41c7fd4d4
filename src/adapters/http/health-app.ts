// /healthz: the process answers. /readyz: it does what it is there for, or the code of why not.

import { LimmatError } from '../../errors.ts';
import { textAnswer } from './answer.ts';
import type { App } from './app.ts';
import { newApp, onRead } from './app.ts';
import type { ServedLog } from './served-log.ts';

/** Liveness and readiness of one process; assertReady throws the reason why it is not ready. */
export function healthApp(assertReady: () => void): App {
  const app = newApp();
  onRead(app, '/healthz', () => textAnswer('ok\n', 'momentary'));
  onRead(app, '/readyz', () => {
    assertReady();
    return textAnswer('ready\n', 'momentary');
  });
  return app;
}

/** Throws unless the log takes entries and has a checkpoint. */
export function assertLogReady(log: ServedLog): void {
  const { state, published } = log.status();
  if (state === 'closed') throw new LimmatError('shutting-down', 'the log is closed');
  if (state === 'read-only') throw new LimmatError('read-only', 'the log is read-only');
  if (state === 'not-signing') throw new LimmatError('clock-behind', 'the log signs nothing');
  if (state === 'stopped') throw new LimmatError('signed-elsewhere', 'the log is stopped');
  if (state === 'not-witnessed') {
    throw new LimmatError(
      'not-witnessed',
      'new checkpoints are not published: the quorum of witnesses does not cosign',
    );
  }
  if (published === undefined) throw new LimmatError('no-checkpoint', 'the log has not published a checkpoint yet');
}
