// Runs a monitor as a service: rounds over the logs, calls of the peers, pages and gossip on one listener, metrics on
// another. It connects parts and decides nothing else.

import { getConnInfo } from '@hono/node-server/conninfo';

import {
  MetricsRegistry,
  gossipApp,
  healthApp,
  httpMetrics,
  monitorApp,
  monitorCounters,
  monitorGauges,
  serverApp,
} from '../../adapters/http/index.ts';
import type { App, HttpMetrics } from '../../adapters/http/index.ts';
import { LimmatError, asLimmatError } from '../../errors.ts';
import { gossipLoop } from '../../monitor/gossip/schedule.ts';
import type { RoundReport } from '../../monitor/round.ts';
import { appListener, metricsListener } from '../app-listener.ts';
import { listen } from '../listen.ts';
import type { Listener } from '../listen.ts';
import { createLogger, logRequests } from '../logger.ts';
import type { Logger } from '../logger.ts';
import { DEFAULT_INTERVAL_MILLIS, DEFAULT_MONITOR_LISTEN } from './config.ts';
import type { Hook } from './hook.ts';
import { createNotifier } from './notify.ts';
import { NodeMonitor } from './open.ts';
import { pause } from './pause.ts';
import { gossipEvents } from './gossip-log.ts';
import { progressLog } from './progress-log.ts';
import { hooksOf } from './settings.ts';
import type { MonitorSettings } from './settings.ts';

export interface ServeMonitorOptions {
  readonly init?: boolean;
  readonly defaultUrl: string;
  /** Hooks beside those of the settings: the report of a command. */
  readonly hooks?: readonly Hook[];
  readonly onRound?: (report: RoundReport, monitor: NodeMonitor) => void;
  /** Default: a line in the operator's log every few seconds. */
  readonly onProgress?: (origin: string, done: number, total: number) => void;
}

/** A monitor that is running. */
export interface ServedNodeMonitor {
  readonly monitor: NodeMonitor;
  readonly logger: Logger;
  /** Without a slash at the end. */
  readonly url: string;
  readonly metricsUrl: string | undefined;
  /** Ends rounds and calls where they are, keeps what they came to, answers what was asked, lets go of everything. */
  close(): Promise<void>;
}

/** Opens the monitor of these settings and runs it. Errors: those of NodeMonitor.open and hooksOf, and `port-in-use`. */
export async function serveMonitor(
  settings: MonitorSettings,
  options: ServeMonitorOptions,
): Promise<ServedNodeMonitor> {
  const { config } = settings;
  const logger = createLogger(config['log-level'] ?? 'info');
  const registry = new MetricsRegistry();
  const http = httpMetrics(registry);
  const counters = monitorCounters(registry);
  const notifier = createNotifier({
    hooks: [...(options.hooks ?? []), ...hooksOf(settings)],
    sleep: pause,
    onDelivered: ({ name }) => counters.delivered(name),
    onFailed: ({ name }, error) => {
      counters.failed(name);
      logger.error({ code: error.code, hook: name }, error.message);
    },
  });
  const monitor = await NodeMonitor.open(settings, {
    notifier,
    defaultUrl: options.defaultUrl,
    ...(options.init !== undefined && { init: options.init }),
    onProgress: options.onProgress ?? progressLog(logger),
    onLists: (logs) => logger.info({ logs }, 'the log lists were read again'),
    onListsError: (error) => logger.error({ code: error.code }, `${error.message}; the lists before stay in force`),
    onGossip: gossipEvents(logger),
  });
  monitorGauges(registry, () => monitor.view());
  const listeners: Listener[] = [];
  let running: Promise<unknown> = Promise.resolve();
  const close = async (): Promise<void> => {
    for (const listener of listeners) listener.drain();
    monitor.stop();
    await running;
    await Promise.all(listeners.map((listener) => listener.close()));
    await monitor.close();
  };
  try {
    const main = await listen(
      appListener(monitorServer(monitor, logger, http)),
      config.listen ?? DEFAULT_MONITOR_LISTEN,
      '--listen',
    );
    listeners.push(main);
    const metricsAddress = config['metrics-listen'];
    const other = metricsAddress && (await listen(metricsListener(registry), metricsAddress, '--metrics-listen'));
    if (other !== undefined) listeners.push(other);
    const { name } = monitor.signer;
    logger.info({ name, logs: monitor.monitor.logs.length, url: main.url, metricsUrl: other?.url }, 'watching');
    const intervalMillis = config.interval ?? DEFAULT_INTERVAL_MILLIS;
    const onRound = (report: RoundReport): void => {
      counters.round(report.seconds);
      options.onRound?.(report, monitor);
    };
    running = Promise.all([
      rounds(monitor, { intervalMillis, logger, onRound }),
      gossipLoop(monitor.node, {
        intervalSeconds: intervalMillis / 1000,
        sleep: pause,
        random: Math.random,
        signal: monitor.stopping,
      }),
    ]);
    return { monitor, logger, url: main.url, metricsUrl: other && `${other.url}/metrics`, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Pages, JSON, gossip and health of one monitor. */
function monitorServer(monitor: NodeMonitor, logger: Logger, metrics: HttpMetrics): App {
  const assertReady = (): void => {
    if (monitor.stopping.aborted) throw new LimmatError('shutting-down', 'the monitor is closing');
    if (monitor.view().roundAtSeconds !== undefined) return;
    throw new LimmatError('no-checkpoint', 'the monitor has not looked at every log yet');
  };
  return serverApp({
    mounts: [
      { prefix: '', app: gossipApp(monitor.node, { sourceOf: (c) => getConnInfo(c).remote.address ?? '' }) },
      { prefix: '', app: monitorApp(monitor) },
      { prefix: '', app: healthApp(assertReady) },
    ],
    metrics,
    onRequest: logRequests(logger),
  });
}

interface RoundsOptions {
  readonly intervalMillis: number;
  readonly logger: Logger;
  readonly onRound: (report: RoundReport) => void;
}

/** Round after round until the monitor closes; at once while entries are still to be checked. */
async function rounds(monitor: NodeMonitor, { intervalMillis, logger, onRound }: RoundsOptions): Promise<void> {
  const { stopping } = monitor;
  while (!stopping.aborted) {
    let checked = 0;
    try {
      const report = await monitor.round();
      checked = report.backlog === 0 ? 0 : report.logs.reduce((sum, { entries }) => sum + entries, 0);
      if (!stopping.aborted) onRound(report);
    } catch (thrown) {
      // Alerts that cannot be kept: the disk is full or gone, and the next round tries again.
      const error = asLimmatError(thrown);
      logger.error({ code: error.code }, error.message);
    }
    // A log that gives nothing of what is still to be checked is not asked again at once.
    if (checked === 0) await pause(intervalMillis * (0.9 + 0.2 * Math.random()), stopping);
  }
}
