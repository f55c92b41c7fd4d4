// What the subcommands of `limmat monitor` take.

import { Option } from 'commander';

import { DEFAULT_MONITOR_DIR } from '../../src/node/monitor/data.ts';
import { watchOptions } from '../support/watch-options.ts';
import type { WatchFlags } from '../support/watch-options.ts';

/** What monitorOptions give. */
export interface MonitorFlags extends WatchFlags {
  readonly data: string;
  readonly init?: boolean;
  readonly once?: boolean;
  readonly json?: boolean;
}

/** --data DIR: a monitor's directory. */
export const monitorDirOption = (): Option =>
  new Option('--data <dir>', "the monitor's directory").default(DEFAULT_MONITOR_DIR);

export const monitorOptions = (): readonly Option[] => [
  new Option('--init', 'begin to watch: make the directory and vouch for what comes from now on'),
  new Option('--once', 'look once, catch up, compare with the peers, and end with the exit code of what was found'),
  ...watchOptions({
    what: 'whom to watch',
    verb: 'watch',
    name: "the monitor's name, to peers and in evidence",
    interval: '1min',
    listen: 'where pages and gossip are (default: 127.0.0.1:6972)',
  }),
];
