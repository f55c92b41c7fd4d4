// limmat monitor ack: takes note of an alert, so that it counts no more. A running monitor is asked; of one that is not
// running the alerts are changed here.

import type { Command } from 'commander';

import { openMonitorStore } from '../../src/adapters/monitor-store.ts';
import { LimmatError } from '../../src/errors.ts';
import { AlertBook } from '../../src/monitor/alerts.ts';
import type { Alert } from '../../src/monitor/alerts.ts';
import { assertMonitor, monitorPaths } from '../../src/node/monitor/data.ts';
import { explainMonitorLock } from '../../src/node/monitor/parts.ts';
import { askToAcknowledge } from '../support/admin.ts';
import type { Acknowledged } from '../support/admin.ts';
import { jsonOption } from '../support/config.ts';
import { createOutput } from '../support/output.ts';
import { monitorDirOption } from './options.ts';
import { nowSeconds } from './report.ts';

interface AckOptions {
  readonly data: string;
  readonly json?: boolean;
}

export function register(monitor: Command): void {
  monitor
    .command('ack')
    .summary('take note of an alert')
    .description(
      'Takes note of an open alert: it counts no more in exit codes and is not told again while the same trouble goes on. ' +
        'The key stands beside the alert; enough of its start will do.',
    )
    .argument('<key...>', "the alert's key")
    .addOption(monitorDirOption())
    .addOption(jsonOption())
    .action(ack);
}

async function ack(words: readonly string[], options: AckOptions): Promise<void> {
  const output = createOutput(options);
  assertMonitor(options.data);
  const key = words.join(' ');
  const { root, store } = monitorPaths(options.data);
  const taken = (await askToAcknowledge(root, key)) ?? (await acknowledgeStopped(root, store, key));
  output.result(taken, `taken note of: ${taken.summary}`);
}

async function acknowledgeStopped(root: string, dir: string, key: string): Promise<Acknowledged> {
  const store = await openMonitorStore(dir).catch((error: unknown) => {
    throw explainMonitorLock(error, root);
  });
  try {
    const book = await AlertBook.open(store.alerts);
    return await acknowledgeOpen(book.list(), (found) => book.acknowledge(found, nowSeconds()), key);
  } finally {
    await store.close();
  }
}

/**
 * Takes note of the one open alert whose key is, or starts with, this text. `not-found` when there is none, `usage` when
 * there are several.
 */
export async function acknowledgeOpen(
  alerts: readonly Alert[],
  acknowledge: (key: string) => Promise<Alert>,
  text: string,
): Promise<Acknowledged> {
  const keys = alerts.filter(({ state }) => state === 'open').map(({ key }) => key);
  const matching = keys.includes(text) ? [text] : keys.filter((key) => key.startsWith(text));
  if (matching.length > 1) {
    throw new LimmatError(
      'usage',
      `${matching.length} open alerts have keys that start with "${text}": give more of it`,
    );
  }
  const { key, class: kind, summary } = await acknowledge(matching[0] ?? text);
  return { key, class: kind, summary };
}
