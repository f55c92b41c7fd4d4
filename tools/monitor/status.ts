// limmat monitor status: how the logs stand and what is wrong, from the running monitor, or from what one remembers that
// is not running. Looks at no log.

import type { Command } from 'commander';

import { monitorJson } from '../../src/adapters/http/index.ts';
import type { MonitorJson } from '../../src/adapters/http/index.ts';
import { LimmatError } from '../../src/errors.ts';
import { assertMonitor } from '../../src/node/monitor/data.ts';
import { NodeMonitor } from '../../src/node/monitor/open.ts';
import { readMonitorSettings } from '../../src/node/monitor/settings.ts';
import { askForStatus } from '../support/admin.ts';
import { DEFAULT_URL, jsonOption } from '../support/config.ts';
import { createOutput } from '../support/output.ts';
import { monitorDirOption } from './options.ts';
import { acknowledgedOf, exitOf, statusLines, worstOf } from './report.ts';

interface StatusOptions {
  readonly data: string;
  readonly json?: boolean;
}

export function register(monitor: Command): void {
  monitor
    .command('status')
    .summary('say how the logs stand')
    .description(
      'Says how the logs stand and which alerts are open, without looking at any log. Exit codes are those of the monitor.',
    )
    .addOption(monitorDirOption())
    .addOption(jsonOption())
    .action(status);
}

async function status(options: StatusOptions): Promise<void> {
  const output = createOutput(options);
  assertMonitor(options.data);
  const settings = readMonitorSettings(options.data);
  const { root } = settings.paths;
  const running = await askForStatus(root);
  const standing = running ?? (await remembered(options.data));
  const worst = worstOf(standing.alerts);
  const acknowledged = acknowledgedOf(standing);
  const classes = { ...(acknowledged !== undefined && { acknowledged }), ...(worst !== undefined && { worst }) };
  output.result({ running: running !== undefined, ...standing, ...classes }, [
    ...statusLines(standing, root),
    `the key of this monitor, for its peers: ${standing.vkey}`,
    ...(running === undefined ? ['the monitor is not running: this is what it remembers'] : []),
  ]);
  process.exitCode = exitOf(worst);
}

async function remembered(data: string): Promise<MonitorJson> {
  const monitor = await NodeMonitor.open(readMonitorSettings(data), {
    defaultUrl: DEFAULT_URL,
    // Whoever is to be told of something is told when the monitor runs.
    notifier: () => Promise.reject(new LimmatError('hook-failed', 'the monitor is not running')),
  });
  try {
    return monitorJson(monitor.view(), await monitor.evidenceIds());
  } finally {
    await monitor.close();
  }
}
