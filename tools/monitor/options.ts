// What the subcommands of `limmat monitor` take, and what the flags are in the words of monitor.toml.

import { resolve } from 'node:path';

import { Option } from 'commander';

import { LOG_LEVELS } from '../../src/node/config.ts';
import type { MonitorConfig } from '../../src/node/monitor/config.ts';
import { DEFAULT_MONITOR_DIR } from '../../src/node/monitor/data.ts';
import { parseDuration, parseListen } from '../../src/node/units.ts';
import { checked, parseUrl, repeated } from '../support/config.ts';

/** What monitorOptions give. */
export interface MonitorFlags {
  readonly data: string;
  readonly init?: boolean;
  readonly once?: boolean;
  readonly trust?: readonly string[];
  readonly key?: readonly string[];
  readonly url?: string;
  readonly name?: string;
  readonly interval?: number;
  readonly listen?: MonitorConfig['listen'];
  readonly metricsListen?: MonitorConfig['metrics-listen'];
  readonly logLevel?: MonitorConfig['log-level'];
  readonly json?: boolean;
}

/** --data DIR: a monitor's directory. */
export const monitorDirOption = (): Option =>
  new Option('--data <dir>', "the monitor's directory").default(DEFAULT_MONITOR_DIR);

export const monitorOptions = (): readonly Option[] => [
  new Option('--init', 'begin to watch: make the directory and vouch for what comes from now on'),
  new Option('--once', 'look once, catch up, compare with the peers, and end with the exit code of what was found'),
  new Option('--trust <file>', 'whom to watch: a trust file, or any list of logs; may be repeated').argParser(repeated),
  new Option('--key <vkey>', 'with --init: a key of the log to watch, instead of a list; may be repeated').argParser(
    repeated,
  ),
  new Option('--url <url>', 'where the log is, if the list does not say it (default: http://127.0.0.1:6962)').argParser(
    checked(parseUrl),
  ),
  new Option('--name <name>', "with --init: the monitor's name, to peers and in evidence (default: a unique one)"),
  new Option('--interval <time>', 'between two looks at each log (default: 1min)').argParser(checked(parseDuration)),
  new Option('--listen <host:port>', 'where pages and gossip are (default: 127.0.0.1:6972)').argParser(
    checked(parseListen),
  ),
  new Option('--metrics-listen <host:port>', 'where to serve /metrics (default: nowhere)').argParser(
    checked(parseListen),
  ),
  new Option('--log-level <level>', 'what is written to standard error (default: info, on a terminal warn)').choices(
    LOG_LEVELS,
  ),
];

/** The flags in the words of monitor.toml. Paths start at the working directory, and not at the monitor's. */
export function configOfFlags(flags: MonitorFlags): MonitorConfig {
  const { trust, url, interval, listen, metricsListen, logLevel } = flags;
  return {
    trust: trust?.map((path) => resolve(path)),
    url,
    interval,
    listen,
    'metrics-listen': metricsListen,
    'log-level': logLevel,
  };
}
