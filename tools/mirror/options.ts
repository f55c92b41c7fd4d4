// What `limmat mirror` takes.

import { Option } from 'commander';

import { DEFAULT_MIRROR_DIR } from '../../src/node/mirror/data.ts';
import { jsonOption } from '../support/config.ts';
import { watchOptions } from '../support/watch-options.ts';
import type { WatchFlags } from '../support/watch-options.ts';

/** What mirrorOptions give. */
export interface MirrorFlags extends WatchFlags {
  readonly data: string;
  readonly init?: boolean;
  readonly once?: boolean;
  readonly check?: boolean;
  readonly resume?: string;
  readonly json?: boolean;
}

export const mirrorOptions = (): readonly Option[] => [
  new Option('--data <dir>', "the mirror's directory").default(DEFAULT_MIRROR_DIR),
  new Option('--init', 'make the directory, with keys of its own'),
  new Option('--once', 'copy what is new, cosign it, and end with the exit code of what was found'),
  new Option('--check', 'hash every copied entry again, compare every tile and every signature, and end'),
  new Option('--resume <origin>', 'follow a log again that contradicted itself, on the branch that is kept here'),
  ...watchOptions({
    what: 'what to mirror',
    verb: 'mirror',
    name: "the name of the mirror's keys",
    interval: '10s',
    listen: 'where the copies are (default: 127.0.0.1:6992)',
  }),
  jsonOption(),
];
