// Runs a log over HTTP: the apps of DESIGN §6 on one listener, metrics on another. It connects parts and decides nothing.

import type { RequestListener } from 'node:http';

import {
  BodyBudget,
  MetricsRegistry,
  assertLogReady,
  ctApp,
  healthApp,
  httpMetrics,
  logApp,
  logMetrics,
  lookupApp,
  pagesApp,
  schemasApp,
  serverApp,
} from '../adapters/http/index.ts';
import type { HttpMetrics } from '../adapters/http/index.ts';
import { nodeListener } from '../adapters/http/node-listener.ts';
import { nodeHasher } from '../adapters/node-crypto.ts';
import type { Log } from '../log/index.ts';
import type { TreeHead } from '../merkle/tree-head.ts';
import { metricsListener } from './app-listener.ts';
import { listen } from './listen.ts';
import type { Listener } from './listen.ts';
import { createLogger, logEvents, logRequests } from './logger.ts';
import type { Logger } from './logger.ts';
import { openNodeLog } from './open-log.ts';
import { DEFAULT_LISTEN } from './settings.ts';
import type { Settings } from './settings.ts';

/** A log that is being served. */
export interface ServedNodeLog {
  readonly log: Log;
  readonly logger: Logger;
  /** The log's address, without a slash at the end. */
  readonly url: string;
  readonly metricsUrl: string | undefined;
  /** Copies one committed state of the log into a new directory, while it goes on. */
  backup(dir: string): Promise<TreeHead>;
  /** Takes no new connections and refuses what arrives, finishes and publishes what was taken, answers, and lets go of everything. */
  close(): Promise<void>;
}

/** Opens the log of these settings and serves it. Errors: those of openNodeLog, and `port-in-use`. */
export async function serveNode(settings: Settings): Promise<ServedNodeLog> {
  const { config } = settings;
  const logger = createLogger(config['log-level'] ?? 'info');
  const opened = await openNodeLog(settings, {
    onEvent: logEvents(logger),
    onSubmitters: (count) => logger.info({ submitters: count }, 'submitters.json was read again'),
    onSubmittersError: (error) =>
      logger.error({ code: error.code }, `${error.message}; the list before stays in force`),
  });
  const { log } = opened;
  const registry = new MetricsRegistry();
  const metrics = httpMetrics(registry);
  logMetrics(registry, log);
  const listeners: Listener[] = [];
  const closeAll = async (): Promise<void> => {
    for (const listener of listeners) listener.drain();
    await opened.close();
    await Promise.all(listeners.map((listener) => listener.close()));
  };
  try {
    const main = await listen(logListener(log, logger, metrics), config.listen ?? DEFAULT_LISTEN, '--listen');
    listeners.push(main);
    const metricsAddress = config['metrics-listen'];
    const other = metricsAddress && (await listen(metricsListener(registry), metricsAddress, '--metrics-listen'));
    if (other !== undefined) listeners.push(other);
    logger.info({ origin: log.origin, size: log.status().head.size, url: main.url, metricsUrl: other?.url }, 'serving');
    return {
      log,
      logger,
      url: main.url,
      metricsUrl: other === undefined ? undefined : `${other.url}/metrics`,
      backup: (dir) => opened.backup(dir),
      close: closeAll,
    };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

function logListener(log: Log, logger: Logger, metrics: HttpMetrics): RequestListener {
  const bodies = BodyBudget.for(log);
  const app = serverApp({
    mounts: [
      { prefix: '', app: logApp(log, { hasher: nodeHasher, bodies }) },
      { prefix: '', app: ctApp(log) },
      { prefix: '', app: lookupApp(log.lookups) },
      { prefix: '', app: schemasApp() },
      { prefix: '', app: healthApp(() => assertLogReady(log)) },
      { prefix: '', app: pagesApp(log, { hasher: nodeHasher }) },
    ],
    metrics,
    onRequest: logRequests(logger),
  });
  return nodeListener({ app, log, hasher: nodeHasher, bodies, metrics, onRequest: logRequests(logger) });
}
