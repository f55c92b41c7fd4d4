// Opens the mirror in a directory: keys, lists, stores. It connects parts and decides nothing else.

import { join } from 'node:path';

import { openLevelStorage } from '../../adapters/level.ts';
import { nodeCrypto, nodeHasher } from '../../adapters/node-crypto.ts';
import { httpReader } from '../../client/http-reader.ts';
import { LimmatError, isLimmatError } from '../../errors.ts';
import { Mirror, MirrorSigner } from '../../mirror/index.ts';
import type { MirrorOptions, MirrorSource } from '../../mirror/index.ts';
import { nodeGet } from '../http-get.ts';
import { readLogs } from '../monitor/lists.ts';
import type { LocatedLog } from '../monitor/lists.ts';
import { readMirrorConfig } from './config.ts';
import type { MirrorConfig } from './config.ts';
import { assertGuarded, markBegun, mirrorPaths, readMirrorKeys } from './data.ts';
import type { MirrorPaths } from './data.ts';
import { fileGuard } from './guard.ts';

/** A mirror's directory, and how it is to be run. */
export interface MirrorSettings {
  readonly paths: MirrorPaths;
  readonly config: MirrorConfig;
}

/** How the mirror in this directory runs when these flags are given. Errors: `bad-config`. */
export function readMirrorSettings(dir: string, flags: MirrorConfig = {}): MirrorSettings {
  const paths = mirrorPaths(dir);
  const given = Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined));
  return { paths, config: { ...readMirrorConfig(paths.config), ...given } };
}

export interface OpenMirrorOptions {
  /** Where the lists' only log is that has no address, when the settings do not say it either. */
  readonly defaultUrl: string;
  /** Ends every request when it aborts. */
  readonly signal: AbortSignal;
  readonly onProgress?: MirrorOptions['onProgress'];
}

/** The logs of a mirror's lists. `bad-config` when there is no list, and readLogs' errors. */
export function mirroredLogs({ paths, config }: MirrorSettings, defaultUrl: string): readonly LocatedLog[] {
  const { trust = [], url = defaultUrl } = config;
  if (trust.length === 0) {
    throw new LimmatError(
      'bad-config',
      'nothing says what to mirror: trust = ["FILE"] in mirror.toml, or --trust FILE',
    );
  }
  return readLogs({ trust, root: paths.root, url, crypto: nodeCrypto });
}

/** Times of this process, for what is signed. */
const systemTime = { nowMillis: () => Date.now(), monotonicMillis: () => performance.now() };

/** Opens it. Errors: `guard-missing`, `bad-config`, `bad-trust-file`, `bad-key`, `store-locked`. */
export async function openMirror(settings: MirrorSettings, options: OpenMirrorOptions): Promise<Mirror> {
  const { paths } = settings;
  assertGuarded(paths);
  const signer = new MirrorSigner({ signers: readMirrorKeys(paths, nodeCrypto), clock: systemTime });
  const logs = mirroredLogs(settings, options.defaultUrl);
  for (const { origin, verifiers, witnesses, channelVerifiers = [], retired = [] } of logs) {
    signer.assertDistinct(origin, [...verifiers, ...witnesses, ...channelVerifiers, ...retired]);
  }
  const get = nodeGet();
  const sources = logs.map(({ origin, verifiers, url }): MirrorSource => ({
    origin,
    verifiers,
    reader: httpReader({ url, get, signal: options.signal }),
  }));
  try {
    const mirror = await Mirror.open({
      logs: sources,
      openStorage: (hash) => openLevelStorage(join(paths.logs, hash)),
      openGuard: (hash) => fileGuard(paths.guard, hash),
      signer,
      hasher: nodeHasher,
      nowMillis: Date.now,
      ...(options.onProgress !== undefined && { onProgress: options.onProgress }),
    });
    // Before anything is signed: Mirror.open signs nothing.
    markBegun(paths);
    return mirror;
  } catch (error) {
    throw explainMirrorLock(error, paths.root);
  }
}

/** Says of a `store-locked` error that another process has the mirror; any other error as it is. */
export function explainMirrorLock(error: unknown, dir: string): unknown {
  if (!isLimmatError(error, 'store-locked')) return error;
  return new LimmatError('store-locked', `another process runs the mirror in ${dir}: stop it first`, {
    details: { location: dir, url: '' },
    cause: error,
  });
}
