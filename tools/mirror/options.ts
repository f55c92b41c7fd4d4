// What `limmat mirror` takes, and what the flags are in the words of mirror.toml.

import { resolve } from 'node:path';

import { Option } from 'commander';

import { LOG_LEVELS } from '../../src/node/config.ts';
import type { MirrorConfig } from '../../src/node/mirror/config.ts';
import { DEFAULT_MIRROR_DIR } from '../../src/node/mirror/data.ts';
import { parseDuration, parseListen } from '../../src/node/units.ts';
import { checked, jsonOption, parseUrl, repeated } from '../support/config.ts';

/** What mirrorOptions give. */
export interface MirrorFlags {
  readonly data: string;
  readonly init?: boolean;
  readonly once?: boolean;
  readonly check?: boolean;
  readonly resume?: string;
  readonly trust?: readonly string[];
  readonly key?: readonly string[];
  readonly url?: string;
  readonly name?: string;
  readonly interval?: number;
  readonly listen?: MirrorConfig['listen'];
  readonly metricsListen?: MirrorConfig['metrics-listen'];
  readonly logLevel?: MirrorConfig['log-level'];
  readonly json?: boolean;
}

export const mirrorOptions = (): readonly Option[] => [
  new Option('--data <dir>', "the mirror's directory").default(DEFAULT_MIRROR_DIR),
  new Option('--init', 'make the directory, with keys of its own'),
  new Option('--once', 'copy what is new, cosign it, and end with the exit code of what was found'),
  new Option('--check', 'hash every copied entry again, compare every tile and every signature, and end'),
  new Option('--resume <origin>', 'follow a log again that contradicted itself, on the branch that is kept here'),
  new Option('--trust <file>', 'what to mirror: a trust file, or any list of logs; may be repeated').argParser(
    repeated,
  ),
  new Option('--key <vkey>', 'with --init: a key of the log to mirror, instead of a list; may be repeated').argParser(
    repeated,
  ),
  new Option('--url <url>', 'where the log is, if the list does not say it (default: http://127.0.0.1:6962)').argParser(
    checked(parseUrl),
  ),
  new Option('--name <name>', "with --init: the name of the mirror's keys (default: a unique one)"),
  new Option('--interval <time>', 'between two looks at each log (default: 10s)').argParser(checked(parseDuration)),
  new Option('--listen <host:port>', 'where the copies are (default: 127.0.0.1:6992)').argParser(checked(parseListen)),
  new Option('--metrics-listen <host:port>', 'where to serve /metrics (default: nowhere)').argParser(
    checked(parseListen),
  ),
  new Option('--log-level <level>', 'what is written to standard error (default: info, on a terminal warn)').choices(
    LOG_LEVELS,
  ),
  jsonOption(),
];

/** The flags in the words of mirror.toml. Paths start at the working directory, and not at the mirror's. */
export function configOfFlags(flags: MirrorFlags): MirrorConfig {
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
