// `limmat monitor --init`: makes a monitor's directory from what the command line names, all of which is checked before
// anything is written.

import { nodeCrypto } from '../../src/adapters/node-crypto.ts';
import { createMonitor, monitorPaths } from '../../src/node/monitor/data.ts';
import { readMonitorSettings } from '../../src/node/monitor/settings.ts';
import { listsNamed } from '../support/log-list.ts';
import type { MonitorFlags } from './options.ts';

/**
 * Makes the directory, or what is missing in it: settings that are there already are kept. `usage` when nothing says whom
 * to watch; errors of readLogs and createMonitor.
 */
export function initMonitor(flags: MonitorFlags): void {
  const { data, name } = flags;
  const lists = listsNamed(flags, readMonitorSettings(data).config, monitorPaths(data).root, 'whom to watch');
  createMonitor({ dir: data, name, ...lists }, nodeCrypto);
}
