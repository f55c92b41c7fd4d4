// /metrics, for a listener of its own: operations are nobody else's business.

import { bodyHeaders } from './answer.ts';
import type { App } from './app.ts';
import { newApp, onRead } from './app.ts';
import type { MetricsRegistry } from './metrics.ts';

/** The registry's text at /metrics. */
export function metricsApp(registry: MetricsRegistry): App {
  const app = newApp();
  const headers = bodyHeaders('text/plain; version=0.0.4; charset=utf-8', 'momentary');
  onRead(app, '/metrics', () => ({ status: 200, headers, body: registry.render() }));
  return app;
}
