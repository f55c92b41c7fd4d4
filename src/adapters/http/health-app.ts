// /healthz: the process answers. /readyz: the log takes entries and has a checkpoint, or the code of why not.

import { LimmatError } from '../../errors.ts';
import type { App } from './app.ts';
import { newApp, onRead } from './app.ts';
import type { ServedLog } from './served-log.ts';

function plain(text: string): Response {
  return new Response(text, {
    headers: { 'Content-Type': 'text/plain; charset=utf-8', 'Cache-Control': 'no-store' },
  });
}

/** Liveness and readiness of one log. */
export function healthApp(log: ServedLog): App {
  const app = newApp();
  onRead(app, '/healthz', () => plain('ok\n'));
  onRead(app, '/readyz', () => {
    const { state, published } = log.status();
    if (state === 'closed') throw new LimmatError('shutting-down', 'the log is closed');
    if (state === 'read-only') throw new LimmatError('read-only', 'the log is read-only');
    if (state === 'not-signing') throw new LimmatError('clock-behind', 'the log signs nothing');
    if (published === undefined) throw new LimmatError('no-checkpoint', 'the log has not published a checkpoint yet');
    return plain('ready\n');
  });
  return app;
}
