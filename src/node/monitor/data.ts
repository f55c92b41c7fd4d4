// The directory of a monitor (docs/monitor.md): its settings, its key, and everything it remembers.

import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { toHex } from '../../bytes.ts';
import type { CryptoSuite } from '../../crypto/suite.ts';
import { SIZES } from '../../crypto/suite.ts';
import { LimmatError } from '../../errors.ts';
import { monitorSigner } from '../../monitor/monitor-key.ts';
import type { MonitorSigner } from '../../monitor/monitor-key.ts';
import { SIGNATURE_TYPE, formatSignerKey, generateSignerKey } from '../../note/key.ts';
import { replaceFile } from '../replace-file.ts';
import { readSecretFile, writeSecretFile } from '../secret-file.ts';
import { monitorTemplate } from './config.ts';
import type { FirstSettings } from './config.ts';

/** Where a monitor's directory is unless told otherwise. */
export const DEFAULT_MONITOR_DIR = './monitor';

/** Where everything of a monitor is. All paths are absolute. */
export interface MonitorPaths {
  readonly root: string;
  readonly config: string;
  readonly key: string;
  /** The monitor's own log list: what was given as keys when it was made. */
  readonly list: string;
  /** What it remembers: monitor.json, logs/, evidence/, alerts.jsonl, under one lock (adapters/monitor-store.ts). */
  readonly store: string;
}

export function monitorPaths(dir: string): MonitorPaths {
  const root = resolve(dir);
  return {
    root,
    config: join(root, 'monitor.toml'),
    key: join(root, 'monitor.skey'),
    list: join(root, 'logs.txt'),
    store: root,
  };
}

/** Fails with `bad-config` unless there is a monitor in this directory, and names the option that makes one. */
export function assertMonitor(dir: string): void {
  if (existsSync(monitorPaths(dir).config)) return;
  throw new LimmatError(
    'bad-config',
    `there is no monitor in ${dir}: add --init to begin one, or name another with --data. If it was there before, ` +
      'bring it back: a monitor that begins anew has forgotten what the logs have signed',
  );
}

export interface NewMonitor extends FirstSettings {
  readonly dir: string;
  /** The name of its key; default: unique. */
  readonly name?: string | undefined;
  /** Text of the monitor's own log list, where one is wanted. */
  readonly list?: string | undefined;
}

/**
 * Makes a monitor's directory: key, settings, and its own log list. What is there already is kept, an interrupted first
 * try or settings that were written by hand. `bad-config` when the directory holds something else.
 */
export function createMonitor(options: NewMonitor, crypto: CryptoSuite): void {
  const { dir } = options;
  const paths = monitorPaths(dir);
  const strangers = existsSync(paths.root) ? readdirSync(paths.root).filter((name) => !OWN_NAMES.has(name)) : [];
  if (strangers.length > 0) {
    throw new LimmatError(
      'bad-config',
      `${dir} is not empty and holds no monitor: ${strangers.toSorted().slice(0, 3).join(', ')}; name another directory with --data`,
    );
  }
  mkdirSync(paths.root, { recursive: true, mode: 0o700 });
  // A key that an interrupted first try left is as good as a new one.
  if (!existsSync(paths.key)) writeSecretFile(paths.key, `${formatSignerKey(newKey(options.name, crypto))}\n`);
  if (options.list !== undefined) replaceFile(paths.list, options.list);
  if (!existsSync(paths.config)) replaceFile(paths.config, monitorTemplate(options));
}

/** What an interrupted first try leaves, and what an operator may have put there before. */
const FIRST_NAMES = ['monitor.toml', 'monitor.skey', 'logs.txt', 'lost+found'];
/** A monitor's store. */
const STORE_NAMES = ['monitor.json', 'logs', 'evidence', 'alerts.jsonl', 'records', 'lock'];
const OWN_NAMES: ReadonlySet<string> = new Set([...FIRST_NAMES, ...STORE_NAMES]);

function newKey(name: string | undefined, crypto: CryptoSuite) {
  const secret = new Uint8Array(randomBytes(SIZES.Ed25519.secretSize));
  const unique = `limmat.invalid/monitor/${toHex(crypto.sha256(crypto.ed25519.publicKey(secret))).slice(0, 16)}`;
  return generateSignerKey(name ?? unique, SIGNATURE_TYPE.ed25519, () => secret, crypto);
}

/** The key of the monitor in this directory. `bad-key` when it is missing, readable by others or of another type. */
export function readMonitorKey(paths: MonitorPaths, crypto: CryptoSuite): MonitorSigner {
  return monitorSigner(readSecretFile(paths.key).trim(), crypto);
}
