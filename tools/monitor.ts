// limmat monitor: watches logs, and says what is wrong with them. Once, for cron and CI, or as a service.

import type { Command } from 'commander';

import { assertMonitor } from '../src/node/monitor/data.ts';
import { readMonitorSettings } from '../src/node/monitor/settings.ts';
import { LimmatError } from '../src/errors.ts';
import { register as registerAck } from './monitor/ack.ts';
import { initMonitor } from './monitor/init.ts';
import { watchOnce } from './monitor/once.ts';
import { monitorDirOption, monitorOptions } from './monitor/options.ts';
import type { MonitorFlags } from './monitor/options.ts';
import { register as registerSelfTest } from './monitor/self-test.ts';
import { serve } from './monitor/serve.ts';
import { register as registerStatus } from './monitor/status.ts';
import { jsonOption } from './support/config.ts';
import { settingsOf } from './support/watch-options.ts';

export function register(program: Command): void {
  const monitor = program
    .command('monitor')
    .summary('watch logs and say what is wrong with them')
    .description(
      'Watches logs: re-hashes every entry, keeps every signed head, compares heads with other monitors, and turns a ' +
        'contradiction into evidence that anybody can check. Runs until it is told to stop, or once. Exit code 6: proof; ' +
        '5: suspicion; 4: something about records; 3: it could not look; 0: clean. Flags override monitor.toml in --data.',
    )
    .addOption(monitorDirOption());
  for (const option of monitorOptions()) monitor.addOption(option);
  monitor.addOption(jsonOption()).action(watch);
  registerStatus(monitor);
  registerAck(monitor);
  registerSelfTest(monitor);
}

async function watch(flags: MonitorFlags): Promise<void> {
  checkFlags(flags);
  if (flags.init === true) initMonitor(flags);
  else assertMonitor(flags.data);
  const settings = readMonitorSettings(flags.data, settingsOf(flags));
  await (flags.once === true ? watchOnce(settings, flags) : serve(settings, flags));
}

/** Fails with `usage` for flags that mean nothing beside the others. */
function checkFlags({ init, once, key, name, listen, metricsListen }: MonitorFlags): void {
  if (init !== true && (key !== undefined || name !== undefined)) {
    throw new LimmatError(
      'usage',
      '--key and --name are for --init: keys of more logs go into a list of the monitor, and its name stays',
    );
  }
  if (once === true && (listen !== undefined || metricsListen !== undefined)) {
    throw new LimmatError('usage', 'with --once nothing listens: leave --listen and --metrics-listen out');
  }
}
