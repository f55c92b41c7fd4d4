// The options that every service over other people's logs takes, and what they are in the words of its settings.

import { resolve } from 'node:path';

import { Option } from 'commander';

import { LOG_LEVELS } from '../../src/node/config.ts';
import { parseDuration, parseListen } from '../../src/node/units.ts';
import type { ListenAddress } from '../../src/node/units.ts';
import { checked, parseUrl, repeated } from './config.ts';

/** What watchOptions give. */
export interface WatchFlags {
  readonly trust?: readonly string[];
  readonly key?: readonly string[];
  readonly url?: string;
  readonly name?: string;
  readonly interval?: number;
  readonly listen?: ListenAddress;
  readonly metricsListen?: ListenAddress;
  readonly logLevel?: (typeof LOG_LEVELS)[number];
}

/** What differs from one service to the next, in the words of its help. */
export interface WatchWords {
  /** Such as "whom to watch". */
  readonly what: string;
  /** Such as "watch". */
  readonly verb: string;
  readonly name: string;
  readonly interval: string;
  readonly listen: string;
}

export const watchOptions = (words: WatchWords): readonly Option[] => [
  new Option('--trust <file>', `${words.what}: a trust file, or any list of logs; may be repeated`).argParser(repeated),
  new Option(
    '--key <vkey>',
    `with --init: a key of the log to ${words.verb}, instead of a list; may be repeated`,
  ).argParser(repeated),
  new Option('--url <url>', 'where the log is, if the list does not say it (default: http://127.0.0.1:6962)').argParser(
    checked(parseUrl),
  ),
  new Option('--name <name>', `with --init: ${words.name} (default: a unique one)`),
  new Option('--interval <time>', `between two looks at each log (default: ${words.interval})`).argParser(
    checked(parseDuration),
  ),
  new Option('--listen <host:port>', words.listen).argParser(checked(parseListen)),
  ...operatingOptions(),
];

export const operatingOptions = (): readonly Option[] => [
  new Option('--metrics-listen <host:port>', 'where to serve /metrics (default: nowhere)').argParser(
    checked(parseListen),
  ),
  new Option('--log-level <level>', 'what is written to standard error (default: info, on a terminal warn)').choices(
    LOG_LEVELS,
  ),
];

/** The flags in the words of the settings. Paths start at the working directory, and not at the service's. */
export function settingsOf({ trust, url, interval, listen, metricsListen, logLevel }: WatchFlags) {
  return {
    trust: trust?.map((path) => resolve(path)),
    url,
    interval,
    listen,
    'metrics-listen': metricsListen,
    'log-level': logLevel,
  };
}
