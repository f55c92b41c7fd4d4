// Makes a log in a data directory. Every step may be cut short and done again: keys that are there are kept, and
// meta.json, without which there is no log, is written last.

import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { openGuard } from '../adapters/guard.ts';
import { nodeCrypto } from '../adapters/node-crypto.ts';
import { DEFAULT_CLOCK_SKEW_SECONDS, formatTrust } from '../client/trust.ts';
import type { Trust } from '../client/trust.ts';
import { thumbprintHex } from '../cose/key.ts';
import type { CoseKey } from '../cose/key.ts';
import { DEFAULT_IAT_WINDOW_SECONDS } from '../log/validate.ts';
import { LimmatError } from '../errors.ts';
import { parseVerifierKey } from '../note/key.ts';
import type { SubmitterList } from '../record/submitters.ts';
import { CONFIG_TEMPLATE, readConfig } from './config.ts';
import { makeLogKeys } from './log-keys.ts';
import { dataPaths, holdsLog, writeMeta } from './meta.ts';
import type { Meta } from './meta.ts';
import { openNodeLog } from './open-log.ts';
import { submittersText, writeSubmitters } from './submitter-file.ts';

export interface CreateLogOptions {
  readonly dir: string;
  /** Default: unique, `limmat.invalid/<hash of the note key>`. */
  readonly origin?: string | undefined;
  /** Default `records`. */
  readonly admission?: 'records' | 'open' | undefined;
  /** Who may submit from the start. */
  readonly submitters: SubmitterList;
  /** Whose records the trust file beside the log believes. */
  readonly issuers: readonly { readonly iss: string; readonly key: CoseKey }[];
}

/** A log that was just made. */
export interface CreatedLog {
  readonly meta: Meta;
  readonly vkeys: readonly string[];
}

/**
 * Makes a log with fresh keys, an empty tree and a first checkpoint. `wrong-log` when there is one already,
 * `bad-config` for a directory with other things in it,
 * `guard-mismatch` when the guard of an earlier log stands beside the directory.
 */
export async function createLog(options: CreateLogOptions): Promise<CreatedLog> {
  const { dir } = options;
  const paths = dataPaths(dir);
  if (holdsLog(dir)) throw new LimmatError('wrong-log', `there is a log in ${dir} already; nothing was changed`);
  assertMayBecomeLog(dir);
  // Before the keys, which are named by the origin, are made for nothing.
  submittersText(options.submitters);
  mkdirSync(paths.root, { recursive: true, mode: 0o700 });
  if (!existsSync(paths.config)) writeFileSync(paths.config, CONFIG_TEMPLATE);
  const config = readConfig(paths.config);
  const keys = makeLogKeys(paths, options.origin ?? config.origin, nodeCrypto);
  if (!existsSync(paths.submitters)) writeSubmitters(paths.submitters, options.submitters);
  const admission = options.admission ?? config.admission ?? 'records';
  const iatWindowSeconds = (config['iat-window'] ?? DEFAULT_IAT_WINDOW_SECONDS * 1000) / 1000;
  // Only who takes statements alone can promise something about their times.
  const iatWindows = new Map(admission === 'records' ? [[keys.origin, iatWindowSeconds]] : []);
  writeFileSync(paths.trust, trustFile(keys, options.issuers, iatWindows));
  await assertGuardUnused(paths.defaultGuard, dir, keys.origin);
  const meta: Omit<Meta, 'format'> = {
    origin: keys.origin,
    guard: paths.defaultGuard,
    admission,
    createdAt: new Date().toISOString(),
  };
  const made = await openNodeLog({ paths, meta: { format: 'limmat-data/1', ...meta }, config }, { create: true });
  await made.close();
  return { meta: writeMeta(dir, meta), vkeys: keys.vkeys };
}

/** What a first try that was cut short leaves, and what an operator may have put there before: settings, a volume. */
const OWN_NAMES: ReadonlySet<string> = new Set([
  'limmat.toml',
  'keys',
  'submitters.json',
  'submitters.json.new',
  'trust.txt',
  'db',
  'index',
  'entries',
  'meta.json.new',
  'lost+found',
]);
const KEY_NAMES: ReadonlySet<string> = new Set(['log.skey', 'log-mldsa.skey', 'submitter.pem', 'submitter.pub.pem']);

/**
 * Fails with `bad-config` where something else lives: a log that moves in with somebody's files would share their fate.
 * An empty directory, none, and what an interrupted first try left are all right.
 */
export function assertMayBecomeLog(dir: string): void {
  const { root } = dataPaths(dir);
  const names = namesIn(root);
  const strangers = [
    ...names.filter((name) => !OWN_NAMES.has(name)),
    ...namesIn(join(root, 'keys'))
      .filter((name) => !KEY_NAMES.has(name))
      .map((name) => join('keys', name)),
    // The keys are made first: a store without them is one that lost the rest, and not a new log's.
    ...(names.includes('keys') ? [] : names.filter((name) => ['db', 'index', 'entries'].includes(name))),
  ].toSorted();
  if (strangers.length === 0) return;
  const shown = strangers.slice(0, 3).join(', ');
  const more = strangers.length > 3 ? ` and ${strangers.length - 3} more` : '';
  throw new LimmatError(
    'bad-config',
    `${dir} is not empty and holds no log: ${shown}${more}; nothing was changed, name another directory with --data`,
    { details: { path: root } },
  );
}

function namesIn(dir: string): readonly string[] {
  return existsSync(dir) ? readdirSync(dir) : [];
}

/** The guard of an empty tree of this origin is what an interrupted first try left; any other belongs to another log. */
async function assertGuardUnused(path: string, dir: string, origin: string): Promise<void> {
  if (!existsSync(path)) return;
  const guard = await openGuard(path);
  try {
    const used = await guard.read();
    if (used === undefined || (used.origin === origin && used.size === 0)) return;
    throw new LimmatError(
      'guard-mismatch',
      `${path} is the guard of ${used.origin}, which signed a tree of ${used.size} entries from ${dir}: ` +
        'put that log back, or, if it is gone for good, remove the guard too or choose another --data',
      { details: { guardOrigin: used.origin, guardSize: used.size } },
    );
  } finally {
    await guard.close();
  }
}

function trustFile(
  keys: { readonly vkeys: readonly string[] },
  issuers: CreateLogOptions['issuers'],
  iatWindows: Trust['iatWindows'],
): string {
  return formatTrust({
    policy: {
      logs: keys.vkeys.map((vkey) => ({ key: parseVerifierKey(vkey) })),
      witnesses: [],
      groups: [],
      quorum: 'none',
    },
    issuers: issuers.map(({ iss, key }) => ({ iss, key, kid: thumbprintHex(key) })),
    expected: {},
    maxAgeSeconds: undefined,
    clockSkewSeconds: DEFAULT_CLOCK_SKEW_SECONDS,
    iatWindows,
    channelKeys: new Map(),
    retiredKeys: new Map(),
  });
}
