// `limmat monitor --init`: makes a monitor's directory from what the command line names, all of which is checked before
// anything is written.

import { resolve } from 'node:path';

import { nodeCrypto } from '../../src/adapters/node-crypto.ts';
import { LimmatError } from '../../src/errors.ts';
import { createMonitor, monitorPaths } from '../../src/node/monitor/data.ts';
import { readLogs } from '../../src/node/monitor/lists.ts';
import { readMonitorSettings } from '../../src/node/monitor/settings.ts';
import { DEFAULT_URL } from '../support/config.ts';
import { listOfKeys } from '../support/log-list.ts';
import type { MonitorFlags } from './options.ts';

/**
 * Makes the directory, or what is missing in it: settings that are there already are kept. `usage` when nothing says whom
 * to watch; errors of readLogs and createMonitor.
 */
export function initMonitor({ data, trust = [], key = [], url, name }: MonitorFlags): void {
  const { config } = readMonitorSettings(data);
  const known = config.trust ?? [];
  if (trust.length + key.length + known.length === 0) {
    throw new LimmatError('usage', 'say whom to watch: --trust FILE, or --key VKEY of one log');
  }
  const list = key.length === 0 ? undefined : listOfKeys(key, url);
  const paths = trust.map((path) => resolve(path));
  const { root } = monitorPaths(data);
  const lists = trust.length + key.length === 0 ? known : paths;
  if (lists.length > 0) readLogs({ trust: lists, root, url: url ?? config.url ?? DEFAULT_URL, crypto: nodeCrypto });
  createMonitor(
    {
      dir: data,
      trust: [...paths, ...(list === undefined ? [] : ['logs.txt'])],
      url: trust.length === 0 ? undefined : url,
      name,
      list,
    },
    nodeCrypto,
  );
}
