// An app as a listener of node:http, and the app that has nothing but metrics.

import type { RequestListener } from 'node:http';

import { getRequestListener } from '@hono/node-server';

import { metricsApp, serverApp } from '../adapters/http/index.ts';
import type { App, MetricsRegistry } from '../adapters/http/index.ts';

/** The app for a server of node:http. */
export function appListener(app: App): RequestListener {
  const listener = getRequestListener(app.fetch);
  return (request, response) => void listener(request, response);
}

/** Nothing but /metrics: operations are nobody else's business. */
export function metricsListener(registry: MetricsRegistry): RequestListener {
  return appListener(serverApp({ mounts: [{ prefix: '', app: metricsApp(registry) }] }));
}
