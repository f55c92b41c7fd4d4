// The three monitors of the demo of a fork: real ones, each with a directory, a key, peers and an HTTP listener.

import { join } from 'node:path';

import { nodeCrypto } from '../../src/adapters/node-crypto.ts';
import { createMonitor, monitorPaths, readMonitorKey } from '../../src/node/monitor/data.ts';
import { serveMonitor } from '../../src/node/monitor/serve.ts';
import type { ServedNodeMonitor } from '../../src/node/monitor/serve.ts';
import { readMonitorSettings } from '../../src/node/monitor/settings.ts';
import { freePort } from '../support/serve-process.ts';

/** The shortest that a monitor may be told to wait between two rounds. */
const INTERVAL_MILLIS = 1_000;

/** One of them, and what has come of it so far. */
export interface DemoMonitor {
  /** Where it stands, for the story. */
  readonly place: string;
  readonly dir: string;
  readonly vkey: string;
  readonly served: ServedNodeMonitor;
  /** Entries that it has hashed and found under the log's head. */
  entries(): number;
  /** When it told its operator of a proof (performance.now), and what it said. */
  proof(): { readonly atMillis: number; readonly summary: string } | undefined;
  /** Everything else that it told of but news of its own settings. */
  complaints(): readonly string[];
}

/**
 * Starts a monitor at each place, all of them peers of each other, watching the log of this trust file; `url` says where
 * the log is when the file does not.
 */
export async function startMonitors(
  dir: string,
  trust: string,
  places: readonly string[],
  url = '',
): Promise<DemoMonitor[]> {
  const planned: (Pick<DemoMonitor, 'place' | 'dir' | 'vkey'> & { readonly port: number })[] = [];
  for (const place of places) {
    const home = join(dir, place.toLowerCase());
    createMonitor({ dir: home, name: `${place.toLowerCase()}.example/monitor`, trust: [trust] }, nodeCrypto);
    const { vkey } = readMonitorKey(monitorPaths(home), nodeCrypto);
    planned.push({ place, dir: home, vkey, port: await freePort() });
  }
  return Promise.all(
    planned.map(async ({ port, ...one }) => {
      const others = planned.filter(({ vkey }) => vkey !== one.vkey);
      const settings = readMonitorSettings(one.dir, {
        listen: { host: '127.0.0.1', port },
        interval: INTERVAL_MILLIS,
        'log-level': 'silent',
        peer: others.map((other) => ({ key: other.vkey, url: `http://127.0.0.1:${other.port}/` })),
      });
      return startMonitor(one, settings, url);
    }),
  );
}

async function startMonitor(
  one: Pick<DemoMonitor, 'place' | 'dir' | 'vkey'>,
  settings: Parameters<typeof serveMonitor>[0],
  defaultUrl: string,
): Promise<DemoMonitor> {
  let entries = 0;
  let proof: ReturnType<DemoMonitor['proof']>;
  const told: string[] = [];
  const deliver = async (message: string): Promise<void> => {
    const alert: unknown = JSON.parse(message);
    if (!isAlert(alert)) throw new TypeError('bad math in deliver: an alert has a class and a summary');
    if (alert.class === 'proof') proof ??= { atMillis: performance.now(), summary: alert.summary };
    else if (alert.class !== 'info') told.push(alert.summary);
  };
  const served = await serveMonitor(settings, {
    init: true,
    defaultUrl,
    hooks: [{ name: 'the story', deliver }],
    onRound: ({ logs }) => {
      for (const { size = 0, backlog } of logs) entries = size - backlog;
    },
  });
  return { ...one, served, entries: () => entries, proof: () => proof, complaints: () => told };
}

function isAlert(value: unknown): value is { readonly class: string; readonly summary: string } {
  return (
    typeof value === 'object' &&
    value !== null &&
    'class' in value &&
    'summary' in value &&
    typeof value.summary === 'string'
  );
}
