// The public keys of a log that a command checks, and where they were learned.

import { existsSync, readFileSync } from 'node:fs';

import { nodeCrypto } from '../../src/adapters/node-crypto.ts';
import { parseTrust } from '../../src/client/trust.ts';
import { utf8Text } from '../../src/bytes.ts';
import { LimmatError } from '../../src/errors.ts';
import { readConfig } from '../../src/node/config.ts';
import { loadLogSigners } from '../../src/node/log-keys.ts';
import { dataPaths, readMeta } from '../../src/node/meta.ts';
import { checkpointVerifier, parseVerifierKey, type CheckpointVerifier } from '../../src/note/index.ts';
import type { LogSource } from './log-source.ts';

export interface LogKeys {
  readonly origin: string;
  readonly verifiers: readonly CheckpointVerifier[];
  /** True when the keys came from the log itself: then a whole other log cannot be told from it. */
  readonly selfClaimed: boolean;
}

const MAX_LOG_JSON_BYTES = 64 * 1024;

/** The keys in these vkeys, which have to be of one log. */
export function keysOf(vkeys: readonly string[], selfClaimed = false): LogKeys {
  const names = new Set(vkeys.map((vkey) => parseVerifierKey(vkey).name));
  const [origin, ...others] = names;
  if (origin === undefined)
    throw new LimmatError('usage', 'no key of the log is given: use --trust FILE or --vkey KEY');
  if (others.length > 0) throw new LimmatError('usage', `the keys are of several logs: ${[...names].join(', ')}`);
  return { origin, verifiers: vkeys.map((vkey) => checkpointVerifier(vkey, nodeCrypto)), selfClaimed };
}

function keysOfTrust(file: string, origin: string | undefined): LogKeys {
  const { logs } = parseTrust(readFileSync(file));
  const found = origin === undefined && logs.size === 1 ? [...logs.values()][0] : logs.get(origin ?? '');
  if (found === undefined) {
    throw new LimmatError('usage', `${file} names ${[...logs.keys()].join(', ')}, not ${origin ?? 'one log alone'}`);
  }
  return keysOf([found.ed25519.vkey, found.mldsa44.vkey]);
}

/** The keys of the log in a data directory: its trust file's, or those of its own secret keys. */
export function keysOfData(dataDir: string): LogKeys {
  const paths = dataPaths(dataDir);
  const { origin } = readMeta(dataDir);
  if (existsSync(paths.trust)) return keysOfTrust(paths.trust, origin);
  return keysOf(loadLogSigners(paths, origin, readConfig(paths.config), nodeCrypto).map(({ vkey }) => vkey));
}

/** What a log says about itself at api/v1/log; undefined where there is no such resource. */
export async function logDescription(source: LogSource): Promise<Readonly<Record<string, unknown>> | undefined> {
  try {
    const value: unknown = JSON.parse(utf8Text(await source.resource('api/v1/log', MAX_LOG_JSON_BYTES)) ?? '');
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    if (error instanceof LimmatError && error.code === 'not-found') return undefined;
    throw error;
  }
}

/** The keys that the options name, else those that the log itself names. */
export async function keysFor(
  source: LogSource,
  options: { readonly trust?: string | undefined; readonly vkey?: readonly string[] | undefined },
): Promise<LogKeys> {
  if (options.vkey !== undefined && options.vkey.length > 0) return keysOf(options.vkey);
  const description = await logDescription(source);
  const origin = description?.['origin'];
  if (options.trust !== undefined) return keysOfTrust(options.trust, typeof origin === 'string' ? origin : undefined);
  const vkeys = description?.['vkeys'];
  if (!Array.isArray(vkeys) || !vkeys.every((vkey) => typeof vkey === 'string')) return keysOf([]);
  return keysOf(vkeys, true);
}
