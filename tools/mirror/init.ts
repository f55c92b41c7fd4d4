// `limmat mirror --init`: makes a mirror's directory from what the command line names, all of which is checked before
// anything is written.

import { resolve } from 'node:path';

import { nodeCrypto } from '../../src/adapters/node-crypto.ts';
import { LimmatError } from '../../src/errors.ts';
import { createMirror, mirrorPaths } from '../../src/node/mirror/data.ts';
import { readMirrorSettings } from '../../src/node/mirror/open.ts';
import { readLogs } from '../../src/node/monitor/lists.ts';
import { DEFAULT_URL } from '../support/config.ts';
import { listOfKeys } from '../support/log-list.ts';
import type { MirrorFlags } from './options.ts';

/** Makes the directory, or what is missing in it. `usage` when nothing says what to mirror; errors of createMirror. */
export function initMirror({ data, trust = [], key = [], url, name }: MirrorFlags): void {
  const { config } = readMirrorSettings(data);
  const known = config.trust ?? [];
  if (trust.length + key.length + known.length === 0) {
    throw new LimmatError('usage', 'say what to mirror: --trust FILE, or --key VKEY of one log');
  }
  const list = key.length === 0 ? undefined : listOfKeys(key, url);
  const paths = trust.map((path) => resolve(path));
  const { root } = mirrorPaths(data);
  const lists = trust.length + key.length === 0 ? known : paths;
  if (lists.length > 0) readLogs({ trust: lists, root, url: url ?? config.url ?? DEFAULT_URL, crypto: nodeCrypto });
  createMirror(
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
