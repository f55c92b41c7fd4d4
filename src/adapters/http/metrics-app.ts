// /metrics, for a listener of its own: operations are nobody else's business.

import type { App } from './app.ts';
import { newApp, onRead } from './app.ts';
import type { MetricsRegistry } from './metrics.ts';

/** The registry's text at /metrics. */
export function metricsApp(registry: MetricsRegistry): App {
  const app = newApp();
  onRead(app, '/metrics', () => {
    const headers = { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8', 'Cache-Control': 'no-store' };
    return new Response(registry.render(), { headers });
  });
  return app;
}
