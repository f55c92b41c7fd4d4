// Runs a witness as a service: add-checkpoint and what monitors read on one listener, metrics on another, and the post to
// the monitors. It connects parts and decides nothing else.

import { getConnInfo } from '@hono/node-server/conninfo';

import {
  CheckpointIntake,
  MetricsRegistry,
  healthApp,
  httpMetrics,
  serverApp,
  witnessApp,
  witnessCounters,
  witnessGauges,
} from '../../adapters/http/index.ts';
import { witnessListener } from '../../adapters/http/witness-listener.ts';
import { LimmatError, asLimmatError } from '../../errors.ts';
import type { Suspicion, Witness } from '../../witness/index.ts';
import { metricsListener } from '../app-listener.ts';
import { listen } from '../listen.ts';
import type { Listener } from '../listen.ts';
import { createLogger, logRequests } from '../logger.ts';
import type { Logger } from '../logger.ts';
import { pause } from '../monitor/pause.ts';
import { DEFAULT_WITNESS_LISTEN } from './config.ts';
import { SuspicionPost } from './hand-in.ts';
import { openNodeWitness } from './open.ts';
import type { WitnessSettings } from './open.ts';

/** What an operator reads of a kept head. */
const SMELLS: Readonly<Record<Suspicion['kind'], string>> = Object.freeze({
  'same-size': 'another tree of the size that was cosigned here: it has forked',
  rollback: 'a smaller tree as its largest, later than a larger one: it went back, or its clock did',
  'not-consistent': 'a larger tree that was not shown to extend the one cosigned here',
});

/** A witness that is running. */
export interface ServedNodeWitness {
  readonly witness: Witness;
  readonly logger: Logger;
  /** Without a slash at the end. */
  readonly url: string;
  readonly metricsUrl: string | undefined;
  /** Answers what was asked, keeps what it came to, lets go of everything. */
  close(): Promise<void>;
}

/** Opens the witness of these settings and runs it. Errors: those of openNodeWitness, and `port-in-use`. */
export async function serveWitness(
  settings: WitnessSettings,
  options: { readonly init?: boolean } = {},
): Promise<ServedNodeWitness> {
  const { config } = settings;
  const logger = createLogger(config['log-level'] ?? 'info');
  const registry = new MetricsRegistry();
  const metrics = httpMetrics(registry);
  const counters = witnessCounters(registry);
  const stop = new AbortController();
  const post = new SuspicionPost({
    monitors: config.monitor ?? [],
    sleep: pause,
    signal: stop.signal,
    onDone: (monitor, outcome, { origin, kind, size }) => {
      counters.handedIn(outcome);
      logger.info({ monitor, outcome, origin, kind, size }, 'a kept head was handed in');
    },
    onFailed: (monitor, error) => {
      counters.handedIn('failed');
      logger.warn({ monitor, code: error.code }, error.message);
    },
  });
  const onSuspicion = (suspicion: Suspicion): void => {
    const { kind, origin, size } = suspicion;
    counters.suspicion(kind);
    logger.error({ kind, origin, size }, `the log has signed ${SMELLS[kind]}`);
    post.send(suspicion);
  };
  const node = await openNodeWitness(settings, {
    ...(options.init !== undefined && { init: options.init }),
    onSuspicion,
    onTrouble: (thrown) => {
      const error = asLimmatError(thrown);
      logger.error({ code: error.code }, error.message);
    },
    onList: ({ added, refused }) => {
      if (added > 0) logger.info({ added }, 'logs have joined');
      for (const { origin, why } of refused) {
        logger.warn({ origin }, `the log list was changed, and ${origin} stays as it is until a restart: ${why}`);
      }
    },
    onListError: (error) => logger.error({ code: error.code }, error.message),
  });
  const { witness } = node;
  const listeners: Listener[] = [];
  const close = async (): Promise<void> => {
    for (const listener of listeners) listener.drain();
    await Promise.all(listeners.map((listener) => listener.close()));
    stop.abort();
    await post.idle();
    await node.close();
  };
  try {
    // What could not be delivered before is handed in again: a monitor that has it takes no notice.
    for (const suspicion of witness.suspicions()) post.send(suspicion);
    witnessGauges(registry, witness);
    const intake = new CheckpointIntake(witness, {
      onAnswer: (status) => counters.answer(status),
      ...(config['per-source'] !== undefined && { perSource: config['per-source'] }),
      ...(config['per-log'] !== undefined && { perLog: config['per-log'] }),
    });
    const onRequest = logRequests(logger);
    const app = serverApp({
      mounts: [
        { prefix: '', app: witnessApp(witness, { intake, sourceOf: (c) => getConnInfo(c).remote.address ?? '' }) },
        { prefix: '', app: healthApp(() => assertReady(witness)) },
      ],
      metrics,
      onRequest,
    });
    const listener = witnessListener({ app, intake, metrics, onRequest });
    const main = await listen(listener, config.listen ?? DEFAULT_WITNESS_LISTEN, '--listen');
    listeners.push(main);
    const address = config['metrics-listen'];
    const other = address && (await listen(metricsListener(registry), address, '--metrics-listen'));
    if (other !== undefined) listeners.push(other);
    logger.info({ name: witness.name, logs: witness.status().logs, url: main.url }, 'cosigning');
    return { witness, logger, url: main.url, metricsUrl: other && `${other.url}/metrics`, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function assertReady(witness: Witness): void {
  if (!witness.status().isSound) throw new LimmatError('read-only', 'the last write failed');
}
