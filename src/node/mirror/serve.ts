// Runs a mirror as a service: rounds over the logs, the copies on one listener, metrics on another. It connects parts and
// decides nothing else.

import { getConnInfo } from '@hono/node-server/conninfo';

import {
  MetricsRegistry,
  healthApp,
  httpMetrics,
  mirrorApp,
  mirrorGauges,
  mirrorUploadApp,
  serverApp,
} from '../../adapters/http/index.ts';
import { LimmatError, asLimmatError } from '../../errors.ts';
import type { Mirror, MirrorRound } from '../../mirror/index.ts';
import { appListener, metricsListener } from '../app-listener.ts';
import { listen } from '../listen.ts';
import type { Listener } from '../listen.ts';
import { createLogger, logRequests } from '../logger.ts';
import type { Logger } from '../logger.ts';
import { pause } from '../monitor/pause.ts';
import { progressLog } from '../monitor/progress-log.ts';
import { DEFAULT_MIRROR_INTERVAL_MILLIS, DEFAULT_MIRROR_LISTEN } from './config.ts';
import { openMirror } from './open.ts';
import type { MirrorSettings } from './open.ts';

export interface ServeMirrorOptions {
  readonly defaultUrl: string;
  readonly onRound?: (round: MirrorRound, mirror: Mirror) => void;
}

/** A mirror that is running. */
export interface ServedMirror {
  readonly mirror: Mirror;
  readonly logger: Logger;
  /** Without a slash at the end. */
  readonly url: string;
  readonly metricsUrl: string | undefined;
  /** Ends rounds where they are, answers what was asked, lets go of everything. */
  close(): Promise<void>;
}

/** Opens the mirror of these settings and runs it. Errors: those of openMirror, and `port-in-use`. */
export async function serveMirror(settings: MirrorSettings, options: ServeMirrorOptions): Promise<ServedMirror> {
  const { config } = settings;
  const logger = createLogger(config['log-level'] ?? 'info');
  const stop = new AbortController();
  const mirror = await openMirror(settings, {
    defaultUrl: options.defaultUrl,
    signal: stop.signal,
    onProgress: progressLog(logger),
  });
  const registry = new MetricsRegistry();
  const metrics = httpMetrics(registry);
  mirrorGauges(registry, mirror);
  const listeners: Listener[] = [];
  let running: Promise<unknown> = Promise.resolve();
  const close = async (): Promise<void> => {
    for (const listener of listeners) listener.drain();
    stop.abort();
    await running;
    await Promise.all(listeners.map((listener) => listener.close()));
    await mirror.close();
  };
  try {
    let isReady = false;
    const assertReady = (): void => {
      if (stop.signal.aborted) throw new LimmatError('shutting-down', 'the mirror is closing');
      if (!isReady) throw new LimmatError('no-checkpoint', 'the mirror has not looked at every log yet');
    };
    const app = serverApp({
      mounts: [
        { prefix: '', app: mirrorApp(mirror) },
        { prefix: '', app: mirrorUploadApp(mirror, { sourceOf: (c) => getConnInfo(c).remote.address ?? '' }) },
        { prefix: '', app: healthApp(assertReady) },
      ],
      metrics,
      onRequest: logRequests(logger),
    });
    const main = await listen(appListener(app), config.listen ?? DEFAULT_MIRROR_LISTEN, '--listen');
    listeners.push(main);
    const address = config['metrics-listen'];
    const other = address && (await listen(metricsListener(registry), address, '--metrics-listen'));
    if (other !== undefined) listeners.push(other);
    logger.info({ name: mirror.signer.name, logs: mirror.logs.length, url: main.url }, 'mirroring');
    running = rounds(mirror, {
      intervalMillis: config.interval ?? DEFAULT_MIRROR_INTERVAL_MILLIS,
      logger,
      stopping: stop.signal,
      onRound: (round) => {
        isReady = true;
        options.onRound?.(round, mirror);
      },
    });
    return { mirror, logger, url: main.url, metricsUrl: other && `${other.url}/metrics`, close };
  } catch (error) {
    await close();
    throw error;
  }
}

interface RoundsOptions {
  readonly intervalMillis: number;
  readonly logger: Logger;
  readonly stopping: AbortSignal;
  readonly onRound: (round: MirrorRound) => void;
}

/** Round after round until the mirror closes. */
async function rounds(mirror: Mirror, { intervalMillis, logger, stopping, onRound }: RoundsOptions): Promise<void> {
  while (!stopping.aborted) {
    try {
      const round = await mirror.round(stopping);
      if (stopping.aborted) return;
      for (const [origin, { code, message }] of round.failed) {
        // Whoever reads the log of the operator need not be told every few seconds.
        const failures = mirror.log(origin)?.view().failures ?? 0;
        if (Number.isInteger(Math.log2(failures))) logger.warn({ origin, code, failures }, message);
      }
      onRound(round);
    } catch (thrown) {
      const error = asLimmatError(thrown);
      logger.error({ code: error.code }, error.message);
    }
    await pause(intervalMillis * (0.9 + 0.2 * Math.random()), stopping);
  }
}
