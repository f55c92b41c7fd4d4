// The directory of a mirror (docs/mirror.md): its settings, its keys, and the copies.

import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { toHex } from '../../bytes.ts';
import type { CryptoSuite } from '../../crypto/suite.ts';
import { SIZES } from '../../crypto/suite.ts';
import { LimmatError } from '../../errors.ts';
import { SIGNATURE_TYPE, formatSignerKey, generateSignerKey } from '../../note/key.ts';
import { noteSigner } from '../../note/signer.ts';
import type { CheckpointSigner } from '../../note/signer.ts';
import { replaceFile } from '../replace-file.ts';
import { readSecretFile, writeSecretFile } from '../secret-file.ts';
import { mirrorTemplate } from './config.ts';

/** Where a mirror's directory is unless told otherwise. */
export const DEFAULT_MIRROR_DIR = './mirror';

/** Where everything of a mirror is. All paths are absolute. */
export interface MirrorPaths {
  readonly root: string;
  readonly config: string;
  /** The Ed25519 key (0x04) and the ML-DSA-44 key (0x06), of one name. */
  readonly keys: readonly [ed25519: string, mldsa44: string];
  /** The mirror's own log list: what was given as keys when it was made. */
  readonly list: string;
  /** A store a log, named by the log's origin hash. */
  readonly logs: string;
  /** What was signed, beside the directory: it must not come back with a backup of it. */
  readonly guard: string;
  /** There from before the keys are made until the mirror has begun. */
  readonly unused: string;
}

export function mirrorPaths(dir: string): MirrorPaths {
  const root = resolve(dir);
  return {
    root,
    config: join(root, 'mirror.toml'),
    keys: [join(root, 'mirror.skey'), join(root, 'mirror.mldsa.skey')],
    list: join(root, 'logs.txt'),
    logs: join(root, 'logs'),
    guard: `${root}.guard`,
    unused: join(root, 'unused-keys'),
  };
}

/** Fails with `bad-config` unless there is a mirror in this directory, and names the option that makes one. */
export function assertMirror(dir: string): void {
  if (existsSync(mirrorPaths(dir).config)) return;
  throw new LimmatError(
    'bad-config',
    `there is no mirror in ${dir}: add --init to begin one, or name another directory with --data`,
  );
}

export interface NewMirror {
  readonly dir: string;
  readonly trust: readonly string[];
  readonly url?: string | undefined;
  /** The name of its keys; default: unique. */
  readonly name?: string | undefined;
  /** Text of the mirror's own log list, where one is wanted. */
  readonly list?: string | undefined;
}

const OWN_NAMES: ReadonlySet<string> = new Set([
  'mirror.toml',
  'mirror.skey',
  'mirror.mldsa.skey',
  'logs.txt',
  'logs',
  'unused-keys',
  'lost+found',
]);

/**
 * Makes a mirror's directory: keys, settings, and its own log list. What is there already is kept, but keys that came back
 * alone: `guard-missing` then, as for openMirror. `bad-config` when the directory holds something else: a log's, a
 * witness's or a monitor's directory is no mirror's.
 */
export function createMirror(options: NewMirror, crypto: CryptoSuite): void {
  const { dir, name, list } = options;
  const paths = mirrorPaths(dir);
  const strangers = existsSync(paths.root) ? readdirSync(paths.root).filter((entry) => !OWN_NAMES.has(entry)) : [];
  if (strangers.length > 0) {
    throw new LimmatError(
      'bad-config',
      `${dir} is not empty and holds no mirror: ${strangers.toSorted().slice(0, 3).join(', ')}; name another directory with --data`,
    );
  }
  if (existsSync(paths.guard) && !existsSync(paths.keys[0])) {
    throw new LimmatError(
      'bad-config',
      `${paths.guard} says what an earlier mirror in ${dir} has signed: bring its directory back with its keys, or remove that first`,
    );
  }
  const isNew = !paths.keys.some((path) => existsSync(path));
  if (!isNew) assertGuarded(paths);
  mkdirSync(paths.logs, { recursive: true, mode: 0o700 });
  // Before the keys: who finds keys without it, and no guard, does not know what they have signed.
  if (isNew) replaceFile(paths.unused, 'Nothing was signed with these keys yet.\n');
  makeKeys(paths, name, crypto);
  if (list !== undefined) replaceFile(paths.list, list);
  if (!existsSync(paths.config)) replaceFile(paths.config, mirrorTemplate(options));
}

/** `guard-missing` when nothing says what was signed with the keys in this directory. */
export function assertGuarded({ root, guard, unused }: MirrorPaths): void {
  if (existsSync(guard) || existsSync(unused)) return;
  throw new LimmatError(
    'guard-missing',
    `there is no ${guard}, so what the mirror in ${root} has signed is not known: bring it back, or begin another mirror ` +
      'with new keys elsewhere. One that begins anew with old keys could cosign a second history',
  );
}

/** The mirror has begun: from now on its keys need its guard. */
export function markBegun({ guard, unused }: MirrorPaths): void {
  mkdirSync(guard, { recursive: true, mode: 0o700 });
  rmSync(unused, { force: true });
}

/** Both keys, of one name. What an interrupted first try left is as good as new. */
function makeKeys({ keys: [ed25519, mldsa44] }: MirrorPaths, name: string | undefined, crypto: CryptoSuite): void {
  if (!existsSync(ed25519)) {
    const secret = new Uint8Array(randomBytes(SIZES.Ed25519.secretSize));
    const unique = `limmat.invalid/mirror/${toHex(crypto.sha256(crypto.ed25519.publicKey(secret))).slice(0, 16)}`;
    const key = generateSignerKey(name ?? unique, SIGNATURE_TYPE.cosignatureEd25519, () => secret, crypto);
    writeSecretFile(ed25519, `${formatSignerKey(key)}\n`);
  }
  if (existsSync(mldsa44)) return;
  const { name: known } = noteSigner(readSecretFile(ed25519).trim(), crypto);
  const key = generateSignerKey(known, SIGNATURE_TYPE.mldsa44, (length) => new Uint8Array(randomBytes(length)), crypto);
  writeSecretFile(mldsa44, `${formatSignerKey(key)}\n`);
}

/** The keys of the mirror in this directory. `bad-key` when one is missing, readable by others or no key. */
export function readMirrorKeys({ keys }: MirrorPaths, crypto: CryptoSuite): readonly CheckpointSigner[] {
  return keys.map((path) => noteSigner(readSecretFile(path).trim(), crypto));
}
