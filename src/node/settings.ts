// The settings that a log runs with: flags over limmat.toml over defaults, checked against what the log is.

import { LimmatError } from '../errors.ts';
import { readConfig } from './config.ts';
import type { Config } from './config.ts';
import { dataPaths, readMeta } from './meta.ts';
import type { DataPaths, Meta } from './meta.ts';
import type { ListenAddress } from './units.ts';

/** Where a log listens unless told otherwise (DESIGN §6). */
export const DEFAULT_LISTEN: ListenAddress = Object.freeze({ host: '127.0.0.1', port: 6962 });
export { DEFAULT_DATA_DIR } from './defaults.ts';

/** A log that exists, and how it is to be run. */
export interface Settings {
  readonly paths: DataPaths;
  readonly meta: Meta;
  readonly config: Config;
}

/**
 * What runs in this directory when these flags are given. Errors: `bad-config`; `wrong-log` when the flags or
 * limmat.toml name another origin or admission than the log has: both are part of every signature or entry in it.
 */
export function readSettings(dir: string, flags: Config = {}): Settings {
  const paths = dataPaths(dir);
  const meta = readMeta(dir);
  const config = { ...readConfig(paths.config), ...withoutUndefined(flags) };
  for (const name of ['origin', 'admission'] as const) {
    const wanted = config[name];
    if (wanted === undefined || wanted === meta[name]) continue;
    throw new LimmatError(
      'wrong-log',
      `the log in ${dir} has the ${name} "${meta[name]}", not "${wanted}", and that cannot change: ` +
        'leave it out, or name another directory with --data',
      { details: { existing: meta[name], wanted } },
    );
  }
  return { paths, meta, config };
}

function withoutUndefined(flags: Config): Config {
  return Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined));
}
