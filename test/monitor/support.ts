// A monitor over logs that exist only as the resources they would serve, with a clock that stands until it is moved.

import { memoryMonitorStore, monitorMedium } from '../../src/adapters/memory/monitor-store.ts';
import type { MonitorMedium } from '../../src/adapters/memory/monitor-store.ts';
import { nodeHasher } from '../../src/adapters/node-crypto.ts';
import { utf8 } from '../../src/bytes.ts';
import { httpReader } from '../../src/client/http-reader.ts';
import type { Fetch } from '../../src/client/http-reader.ts';
import type { Alert } from '../../src/monitor/alerts.ts';
import type { FindingClass } from '../../src/monitor/finding.ts';
import { Monitor } from '../../src/monitor/round.ts';
import type { MonitorOptions, RoundReport } from '../../src/monitor/round.ts';
import type { WatchedLog } from '../../src/monitor/watched-log.ts';
import { ServedLog, numberedEntries } from '../support/served-log.ts';
import { seededRandom } from '../support/random.ts';

export const T = 1_790_000_000;

/** What is configured about a served log; `fresh` reads it past what `log.tamper` does where that is given. */
export function watched(log: ServedLog, more: Partial<WatchedLog> = {}): WatchedLog {
  const url = `http://${log.origin.split('/')[0]}/`;
  return { origin: log.origin, verifiers: log.verifiers, reader: httpReader({ url, fetch: log.fetch }), ...more };
}

export async function servedLog(size: number, origin?: string): Promise<ServedLog> {
  const log = new ServedLog(numberedEntries(size), origin);
  await log.publish(T);
  return log;
}

/** Another history of a log, under the same keys: its entries from `at` on are others. */
export function forkOf(log: ServedLog, at: number, size: number = log.entries.length): ServedLog {
  const entries = numberedEntries(size).map((entry, i) => (i < at ? entry : utf8(`other entry ${i}`)));
  return new ServedLog(entries, log.origin);
}

/** What is watched is what it shows: this log until another one is put in its place. */
export class Stage {
  shown: ServedLog;
  /** What answers instead of the shown log. */
  answer: ((path: string) => Response | Promise<Response> | undefined) | undefined;

  constructor(shown: ServedLog) {
    this.shown = shown;
  }

  readonly fetch: Fetch = async (url, init) => {
    const answered = await this.answer?.(new URL(url).pathname.slice(1));
    return answered ?? this.shown.fetch(url, init);
  };

  watched(more: Partial<WatchedLog> = {}): WatchedLog {
    return watched(this.shown, { reader: httpReader({ url: 'http://log.example/', fetch: this.fetch }), ...more });
  }
}

/** Grows a log and publishes its head. */
export async function grow(log: ServedLog, count: number, seconds: number): Promise<void> {
  log.entries.push(...numberedEntries(count, log.entries.length));
  await log.publish(seconds);
}

/** A monitor with what it told, and a clock. */
export class Desk {
  readonly medium: MonitorMedium;
  readonly told: Alert[] = [];
  seconds = T;
  monitor!: Monitor;
  #store: ReturnType<typeof memoryMonitorStore> | undefined;

  constructor(medium: MonitorMedium = monitorMedium()) {
    this.medium = medium;
  }

  async open(logs: readonly WatchedLog[], more: Partial<MonitorOptions> = {}, init = true): Promise<Monitor> {
    this.#store = memoryMonitorStore({ medium: this.medium, hasher: nodeHasher });
    this.monitor = await Monitor.open(
      {
        store: this.#store,
        logs,
        notify: async (alert) => void this.told.push(alert),
        nowMillis: () => this.seconds * 1000,
        random: seededRandom(1),
        hasher: nodeHasher,
        ...more,
      },
      init,
    );
    return this.monitor;
  }

  /** Lets go of everything and opens it again, as after a restart. */
  async reopen(logs: readonly WatchedLog[], more: Partial<MonitorOptions> = {}): Promise<Monitor> {
    await this.close();
    return this.open(logs, more, false);
  }

  async close(): Promise<void> {
    await this.monitor.close();
    await this.#store?.close();
  }

  /** A round at this time. */
  async round(seconds: number = this.seconds): Promise<RoundReport> {
    this.seconds = seconds;
    return this.monitor.round();
  }

  /** Keys of what was told, without the news about the configuration. */
  keys(): readonly string[] {
    return this.told.filter(({ class: kind }) => kind !== 'info').map(({ key }) => key);
  }

  classes(): readonly FindingClass[] {
    return this.told.filter(({ class: kind }) => kind !== 'info').map((alert) => alert.class);
  }
}
