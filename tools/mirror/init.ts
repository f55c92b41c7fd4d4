// `limmat mirror --init`: makes a mirror's directory from what the command line names, all of which is checked before
// anything is written.

import { nodeCrypto } from '../../src/adapters/node-crypto.ts';
import { createMirror, mirrorPaths } from '../../src/node/mirror/data.ts';
import { readMirrorSettings } from '../../src/node/mirror/open.ts';
import { listsNamed } from '../support/log-list.ts';
import type { MirrorFlags } from './options.ts';

/** Makes the directory, or what is missing in it. `usage` when nothing says what to mirror; errors of createMirror. */
export function initMirror(flags: MirrorFlags): void {
  const { data, name } = flags;
  const lists = listsNamed(flags, readMirrorSettings(data).config, mirrorPaths(data).root, 'what to mirror');
  createMirror({ dir: data, name, ...lists }, nodeCrypto);
}
