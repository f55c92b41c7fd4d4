// Makes a log in a data directory. Every step may be cut short and done again: keys that are there are kept, and
// meta.json, without which there is no log, is written last.

import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { openGuard } from '../adapters/guard.ts';
import { nodeCrypto, nodeHasher } from '../adapters/node-crypto.ts';
import { DEFAULT_CLOCK_SKEW_SECONDS, formatTrust } from '../client/trust.ts';
import type { Trust } from '../client/trust.ts';
import { thumbprintHex } from '../cose/key.ts';
import type { CoseKey } from '../cose/key.ts';
import { LimmatError } from '../errors.ts';
import type { Log } from '../log/index.ts';
import { DEFAULT_IAT_WINDOW_SECONDS } from '../log/validate.ts';
import { parseVerifierKey } from '../note/key.ts';
import { createStatement, parseStatement, recordToJson } from '../record/index.ts';
import type { LimmatRecord, StatementSigner } from '../record/index.ts';
import { makeChannelKey } from './channel-key.ts';
import { CONFIG_TEMPLATE, readConfig } from './config.ts';
import { firstKeyRecord, genesisRecord } from './genesis.ts';
import type { GenesisOptions, InitialPolicy } from './genesis.ts';
import { appendHeartbeat, publishedHeads } from './heartbeat.ts';
import { makeLogKeys } from './log-keys.ts';
import { dataPaths, holdsLog, writeMeta } from './meta.ts';
import type { DataPaths, Meta } from './meta.ts';
import { nodeClock, openNodeLog } from './open-log.ts';
import { isTemporaryName, replaceFile } from './replace-file.ts';
import { writeSecretFile } from './secret-file.ts';
import { formatPublicKey, generateStatementKey, loadStatementSigner } from './statement-key.ts';

export interface CreateLogOptions {
  readonly dir: string;
  /** Default: unique, `limmat.invalid/<hash of the note key>`. */
  readonly origin?: string | undefined;
  /** Default `records`. */
  readonly admission?: 'records' | 'open' | undefined;
  /** The log's own namespace, and whose records keys/submitter.pem signs in it. */
  readonly namespace: string;
  readonly issuer: string;
  /** The first policy; default: one role, for keys/submitter.pem. */
  readonly policy?: InitialPolicy | undefined;
}

/** A log that was just made. */
export interface CreatedLog {
  readonly meta: Meta;
  readonly vkeys: readonly string[];
}

/** Genesis, key event and heartbeat: what a log of records has before anybody else appends. */
export const MAX_INITIAL_ENTRIES = 3;
const PUBLISH_MILLIS = 30_000;

/**
 * Makes a log with fresh keys and a first checkpoint: an empty tree where admission is open, else the genesis, the key
 * event of the submitter's key, and a heartbeat. `wrong-log` when there is one already, `bad-config` for a directory with
 * other things in it, `guard-mismatch` when the guard of an earlier log stands beside the directory.
 */
export async function createLog(options: CreateLogOptions): Promise<CreatedLog> {
  const { dir } = options;
  const paths = dataPaths(dir);
  if (holdsLog(dir)) throw new LimmatError('wrong-log', `there is a log in ${dir} already; nothing was changed`);
  assertMayBecomeLog(dir);
  mkdirSync(paths.root, { recursive: true, mode: 0o700 });
  if (!existsSync(paths.config)) replaceFile(paths.config, CONFIG_TEMPLATE);
  const config = readConfig(paths.config);
  const keys = makeLogKeys(paths, options.origin ?? config.origin, nodeCrypto);
  const admission = options.admission ?? config.admission ?? 'records';
  const submitter = { key: makePublicKey(paths.submitterKey, paths.submitterPublicKey), issuer: options.issuer };
  const own = admission === 'open' ? undefined : makeOwnKeys(paths, keys.origin);
  const iatWindowSeconds = (config['iat-window'] ?? DEFAULT_IAT_WINDOW_SECONDS * 1000) / 1000;
  const trust = {
    vkeys: keys.vkeys,
    issuers: [{ iss: options.issuer, key: submitter.key }],
    // Only who takes statements alone can promise something about their times.
    iatWindows: new Map(own === undefined ? [] : [[keys.origin, iatWindowSeconds]]),
    channelKeys: new Map(own === undefined ? [] : [[keys.origin, [parseVerifierKey(own.channelHead)]]]),
  };
  replaceFile(paths.trust, trustFile(trust));
  await assertGuardUnused(paths.defaultGuard, dir, keys.origin);
  const meta: Omit<Meta, 'format'> = {
    origin: keys.origin,
    guard: paths.defaultGuard,
    admission,
    createdAt: new Date().toISOString(),
  };
  // Nobody reads it yet, and no witness can know a log before its keys are made.
  const { 'witness-policy': _policy, 'fail-open': _failOpen, ...ownConfig } = config;
  const made = await openNodeLog(
    { paths, meta: { format: 'limmat-data/1', ...meta }, config: { ...ownConfig, 'checkpoint-interval': 0 } },
    { create: true },
  );
  try {
    if (own !== undefined) {
      const { namespace, policy } = options;
      await begin(made.log, own, { ...keys, channelHead: own.channelHead, namespace, policy, submitter });
    } else if (made.log.status().head.size > 0) throw otherStart('admission', 0);
  } finally {
    await made.close();
  }
  return { meta: writeMeta(dir, meta), vkeys: keys.vkeys };
}

/** The keys by which a log of records speaks: who decides, who signs its events, who signs its channel heads. */
interface OwnKeys {
  readonly root: StatementSigner;
  readonly logStatements: StatementSigner;
  readonly channelHead: string;
}

function makeOwnKeys(paths: DataPaths, origin: string): OwnKeys {
  makePublicKey(paths.rootKey, paths.rootPublicKey);
  makePublicKey(paths.logStatementsKey);
  return {
    root: loadStatementSigner(paths.rootKey),
    logStatements: loadStatementSigner(paths.logStatementsKey),
    channelHead: makeChannelKey(paths, origin, nodeCrypto),
  };
}

/** Makes an Ed25519 key, or keeps the one that an interrupted start left. Answers the public key. */
function makePublicKey(file: string, publicFile?: string): CoseKey {
  if (!existsSync(file)) writeSecretFile(file, generateStatementKey('ed25519').secretPem);
  const { key } = loadStatementSigner(file);
  if (publicFile !== undefined) replaceFile(publicFile, formatPublicKey(file));
  return key;
}

/** Appends what a log of records begins with; each commit of it that an interrupted start made is kept. */
async function begin(
  log: Log,
  { root, logStatements }: OwnKeys,
  options: Omit<GenesisOptions, 'root' | 'logStatements'>,
): Promise<void> {
  const whole = { ...options, root: root.key, logStatements: logStatements.key };
  const { head } = log.status();
  if (head.size === 0) await append(log, await firstStatements(whole, root));
  await published(log);
  if (head.size > 0) await assertSameStart(log, whole);
  const heads = await publishedHeads(log);
  const beaten = log.status().head.size > (heads?.heads[0]?.sequence ?? 0);
  if (heads !== undefined && !beaten) await appendHeartbeat(log, heads, logStatements, nodeClock.nowMillis());
  await published(log);
}

/**
 * `bad-config` with the first field that differs, where an interrupted start began another log than these options make:
 * its entries stay, so what the operator asks for now would silently not be so.
 */
async function assertSameStart(log: Log, options: GenesisOptions): Promise<void> {
  const leaves = await log.entries(0, Math.min(2, log.status().head.size));
  const genesisLeafHash = nodeHasher.leafHash(await log.entry(0));
  const wanted = [genesisRecord(options), firstKeyRecord(options, genesisLeafHash)];
  const found = leaves.map((leaf) => parseStatement(leaf).record);
  for (const [i, want] of wanted.entries()) {
    const has = found[i];
    // Without a role for the submitter's key, the second entry is the heartbeat.
    if (want === undefined && has?.type !== 'key-event') continue;
    const field = want === undefined || has === undefined ? 'type' : firstDifference(jsonOf(has), jsonOf(want));
    if (field === undefined) continue;
    throw otherStart(field, i);
  }
}

function otherStart(field: string, entry: number): LimmatError {
  return new LimmatError(
    'bad-config',
    `an interrupted start began this log with another ${field} (entry ${entry}): give the options of that time, or ` +
      'remove the directory and its guard and begin anew',
    { details: { field, entry } },
  );
}

/** As its JSON form, where optional members that are absent are not there. */
function jsonOf(record: LimmatRecord): unknown {
  return JSON.parse(JSON.stringify(recordToJson(record)));
}

/** The way to the first member in which two values differ, e.g. `fields.roles[0].types`; undefined where none does. */
function firstDifference(a: unknown, b: unknown, path = ''): string | undefined {
  if (JSON.stringify(a) === JSON.stringify(b)) return undefined;
  if (Array.isArray(a) && Array.isArray(b) && a.length === b.length) {
    for (const [i, value] of a.entries()) {
      const inside = firstDifference(value, b[i], `${path}[${i}]`);
      if (inside !== undefined) return inside;
    }
    return undefined;
  }
  if (!isObject(a) || !isObject(b)) return path;
  for (const name of new Set([...Object.keys(a), ...Object.keys(b)])) {
    const inside = firstDifference(a[name], b[name], path === '' ? name : `${path}.${name}`);
    if (inside !== undefined) return inside;
  }
  return undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Genesis and key event, in one commit. */
async function firstStatements(options: GenesisOptions, root: StatementSigner): Promise<Uint8Array[]> {
  const content = { issuer: options.namespace, iatSeconds: Math.floor(nodeClock.nowMillis() / 1000) };
  const genesis = await createStatement({ ...genesisRecord(options), ...content }, root);
  const keyEvent = firstKeyRecord(options, nodeHasher.leafHash(genesis));
  return keyEvent === undefined ? [genesis] : [genesis, await createStatement({ ...keyEvent, ...content }, root)];
}

async function append(log: Log, statements: readonly Uint8Array[]): Promise<void> {
  for (const result of await log.append(statements)) if (!result.ok) throw result.error;
}

async function published(log: Log): Promise<void> {
  const last = log.status().head.size - 1;
  if ((await log.waitPublished(last, PUBLISH_MILLIS)) !== undefined) return;
  throw new LimmatError('not-published', `entry ${last} was not published within ${PUBLISH_MILLIS} ms`);
}

/** What a first try that was cut short leaves, and what an operator may have put there before: settings, a volume. */
const OWN_NAMES: ReadonlySet<string> = new Set([
  'limmat.toml',
  'keys',
  'trust.txt',
  'db',
  'index',
  'entries',
  'meta.json.new',
  'lost+found',
]);
const KEY_NAMES: ReadonlySet<string> = new Set([
  'log.skey',
  'log-mldsa.skey',
  'channel.skey',
  'root.pem',
  'root.pub.pem',
  'log-statements.pem',
  'submitter.pem',
  'submitter.pub.pem',
]);

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
  return existsSync(dir) ? readdirSync(dir).filter((name) => !isTemporaryName(name)) : [];
}

/** The guard of a tree of this origin that only just began is what an interrupted first try left; any other is a log's. */
async function assertGuardUnused(path: string, dir: string, origin: string): Promise<void> {
  if (!existsSync(path)) return;
  const guard = await openGuard(path);
  try {
    const used = await guard.read();
    if (used === undefined || (used.origin === origin && used.size <= MAX_INITIAL_ENTRIES)) return;
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

function trustFile({
  vkeys,
  issuers,
  iatWindows,
  channelKeys,
}: {
  readonly vkeys: readonly string[];
  readonly issuers: readonly { readonly iss: string; readonly key: CoseKey }[];
} & Pick<Trust, 'iatWindows' | 'channelKeys'>): string {
  return formatTrust({
    policy: {
      logs: vkeys.map((vkey) => ({ key: parseVerifierKey(vkey) })),
      witnesses: [],
      groups: [],
      quorum: 'none',
    },
    issuers: issuers.map(({ iss, key }) => ({ iss, key, kid: thumbprintHex(key) })),
    expected: {},
    maxAgeSeconds: undefined,
    clockSkewSeconds: DEFAULT_CLOCK_SKEW_SECONDS,
    iatWindows,
    channelKeys,
    retiredKeys: new Map(),
  });
}
