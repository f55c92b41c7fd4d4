// Runs a log over HTTP: the apps of DESIGN §6 on one listener, metrics on another. It connects parts and decides nothing.

import { existsSync } from 'node:fs';
import type { RequestListener } from 'node:http';

import {
  BodyBudget,
  MetricsRegistry,
  assertLogReady,
  channelApp,
  cosigningMetrics,
  ctApp,
  healthApp,
  httpMetrics,
  logApp,
  logMetrics,
  lookupApp,
  namespacesApp,
  pagesApp,
  schemasApp,
  serverApp,
} from '../adapters/http/index.ts';
import type { HttpMetrics } from '../adapters/http/index.ts';
import { nodeListener } from '../adapters/http/node-listener.ts';
import { nodeHasher } from '../adapters/node-crypto.ts';
import { asLimmatError } from '../errors.ts';
import type { ChannelHeads } from '../log/channel-heads.ts';
import type { Log } from '../log/index.ts';
import type { TreeHead } from '../merkle/tree-head.ts';
import { DEFAULT_HEARTBEAT_INTERVAL_MILLIS, Heartbeats } from './heartbeat.ts';
import { metricsListener } from './app-listener.ts';
import { openChannelHeads } from './channel-key.ts';
import { listen } from './listen.ts';
import type { Listener } from './listen.ts';
import { createLogger, logEvents, logRequests } from './logger.ts';
import type { Logger } from './logger.ts';
import { nodeClock, openNodeLog } from './open-log.ts';
import { DEFAULT_LISTEN } from './settings.ts';
import type { Settings } from './settings.ts';
import { loadStatementSigner } from './statement-key.ts';

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
  const opened = await openNodeLog(settings, { onEvent: logEvents(logger) });
  const { log } = opened;
  const registry = new MetricsRegistry();
  const metrics = httpMetrics(registry);
  logMetrics(registry, log);
  cosigningMetrics(registry, log);
  const listeners: Listener[] = [];
  let heartbeats: Heartbeats | undefined;
  const closeAll = async (): Promise<void> => {
    for (const listener of listeners) listener.drain();
    await heartbeats?.stop();
    await opened.close();
    await Promise.all(listeners.map((listener) => listener.close()));
  };
  try {
    const channels = await openChannelHeads(log, log.lookups, settings);
    const main = await listen(logListener(log, channels, logger, metrics), config.listen ?? DEFAULT_LISTEN, '--listen');
    listeners.push(main);
    const metricsAddress = config['metrics-listen'];
    const other = metricsAddress && (await listen(metricsListener(registry), metricsAddress, '--metrics-listen'));
    if (other !== undefined) listeners.push(other);
    heartbeats = startHeartbeats(log, settings, logger);
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

/** The heartbeats of a log of records that has the key for them; a log without it says so, and does everything else. */
function startHeartbeats(log: Log, { paths, config }: Settings, logger: Logger): Heartbeats | undefined {
  const intervalMillis = config['heartbeat-interval'] ?? DEFAULT_HEARTBEAT_INTERVAL_MILLIS;
  if (log.admission === 'open' || intervalMillis === 0) return undefined;
  if (!existsSync(paths.logStatementsKey)) {
    logger.warn({ key: paths.logStatementsKey }, 'there is no key for log events: this log makes no heartbeats');
    return undefined;
  }
  return new Heartbeats({
    log,
    signer: loadStatementSigner(paths.logStatementsKey),
    intervalMillis,
    clock: nodeClock,
    onBeat: ({ size, heads }) => logger.info({ size, chains: heads.length }, 'heartbeat'),
    onError: (error) => {
      const { code, message } = asLimmatError(error);
      logger.warn({ code }, `no heartbeat: ${message}`);
    },
  });
}

function logListener(
  log: Log,
  channels: ChannelHeads | undefined,
  logger: Logger,
  metrics: HttpMetrics,
): RequestListener {
  const bodies = BodyBudget.for(log);
  const app = serverApp({
    mounts: [
      { prefix: '', app: logApp(log, { hasher: nodeHasher, bodies, channelKey: channels?.vkey }) },
      { prefix: '', app: ctApp(log) },
      { prefix: '', app: namespacesApp(log) },
      { prefix: '', app: lookupApp(log.lookups) },
      { prefix: '', app: channelApp(channels, { hasher: nodeHasher }) },
      { prefix: '', app: schemasApp() },
      { prefix: '', app: healthApp(() => assertLogReady(log)) },
      { prefix: '', app: pagesApp(log, { hasher: nodeHasher }) },
    ],
    metrics,
    onRequest: logRequests(logger),
  });
  return nodeListener({
    app,
    log,
    lookups: log.lookups,
    hasher: nodeHasher,
    bodies,
    metrics,
    onRequest: logRequests(logger),
  });
}
