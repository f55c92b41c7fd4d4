// /healthz: the process answers. /readyz: the log takes entries and has a checkpoint, or the code of why not.

import { LimmatError } from '../../errors.ts';
import { textAnswer } from './answer.ts';
import type { App } from './app.ts';
import { newApp, onRead } from './app.ts';
import type { ServedLog } from './served-log.ts';

/** Liveness and readiness of one log. */
export function healthApp(log: ServedLog): App {
  const app = newApp();
  onRead(app, '/healthz', () => textAnswer('ok\n', 'momentary'));
  onRead(app, '/readyz', () => {
    const { state, published } = log.status();
    if (state === 'closed') throw new LimmatError('shutting-down', 'the log is closed');
    if (state === 'read-only') throw new LimmatError('read-only', 'the log is read-only');
    if (state === 'not-signing') throw new LimmatError('clock-behind', 'the log signs nothing');
    if (published === undefined) throw new LimmatError('no-checkpoint', 'the log has not published a checkpoint yet');
    return textAnswer('ready\n', 'momentary');
  });
  return app;
}
