// The directory of a witness (docs/witness.md): its settings, its keys, and what it remembers. The guard is elsewhere.

import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { openGuard } from '../../adapters/guard.ts';
import type { GuardOptions } from '../../adapters/guard.ts';
import { toHex } from '../../bytes.ts';
import type { CryptoSuite } from '../../crypto/suite.ts';
import { SIZES } from '../../crypto/suite.ts';
import { LimmatError, isLimmatError } from '../../errors.ts';
import { SIGNATURE_TYPE, formatSignerKey, generateSignerKey } from '../../note/key.ts';
import type { SignatureTypeByte } from '../../note/key.ts';
import { noteSigner } from '../../note/signer.ts';
import type { CheckpointSigner } from '../../note/signer.ts';
import type { WitnessGuard } from '../../witness/index.ts';
import { replaceFile } from '../replace-file.ts';
import { readSecretFile, writeSecretFile } from '../secret-file.ts';
import { witnessTemplate } from './config.ts';

/** Where a witness's directory is unless told otherwise. */
export const DEFAULT_WITNESS_DIR = './witness';

/** The types of a witness's keys, in the order of their files. */
const KEY_TYPES: readonly SignatureTypeByte[] = [SIGNATURE_TYPE.cosignatureEd25519, SIGNATURE_TYPE.mldsa44];

/** Where everything of a witness is. All paths are absolute. */
export interface WitnessPaths {
  readonly root: string;
  readonly config: string;
  /** The Ed25519 key (0x04) and the ML-DSA-44 key (0x06), of one name. A witness may do without one of them. */
  readonly keys: readonly [ed25519: string, mldsa44: string];
  /** The log list of a new witness. */
  readonly list: string;
  readonly store: string;
  /** There until the witness has begun: nothing was ever signed with the keys. */
  readonly unused: string;
  /** Where the guard of a new witness goes: beside the directory. */
  readonly defaultGuard: string;
}

export function witnessPaths(dir: string): WitnessPaths {
  const root = resolve(dir);
  return {
    root,
    config: join(root, 'witness.toml'),
    keys: [join(root, 'witness.skey'), join(root, 'witness.mldsa.skey')],
    list: join(root, 'logs.txt'),
    store: join(root, 'store'),
    unused: join(root, 'unused-keys'),
    defaultGuard: `${root}.guard`,
  };
}

/** Fails with `bad-config` unless there is a witness in this directory, and names the option that makes one. */
export function assertWitness(dir: string): void {
  if (existsSync(witnessPaths(dir).config)) return;
  throw new LimmatError(
    'bad-config',
    `there is no witness in ${dir}: add --init to begin one, or name another with --data. If it was there before, bring ` +
      'it back: a witness that begins anew has forgotten what it signed, and needs new keys',
  );
}

export interface NewWitness {
  readonly dir: string;
  /** The name of its keys; default: unique. */
  readonly name?: string | undefined;
  /** Path of the log list; default: logs.txt in the directory. */
  readonly list?: string | undefined;
  /** Types of the keys to make; default: both. */
  readonly keyTypes?: readonly SignatureTypeByte[] | undefined;
  /** True says of keys that are in the directory already that nothing was ever signed with them. */
  readonly unusedKeys?: boolean | undefined;
}

const OWN_NAMES: ReadonlySet<string> = new Set([
  'witness.toml',
  'witness.skey',
  'witness.mldsa.skey',
  'logs.txt',
  'store',
  'unused-keys',
  'lost+found',
]);

/**
 * Makes a witness's directory: keys and settings. An interrupted first try is gone on with. Keys that came from elsewhere
 * are kept where `unusedKeys` says that they are new, such as those of `limmat keygen`; else `state-missing`: they may be
 * a backup's, and a witness that begins anew with them could cosign another history than it did. `bad-config` when the
 * directory holds something else, or is a witness's already and `unusedKeys` is given.
 */
export function createWitness(options: NewWitness, crypto: CryptoSuite): void {
  const { dir, list, unusedKeys = false } = options;
  const paths = witnessPaths(dir);
  const strangers = existsSync(paths.root) ? readdirSync(paths.root).filter((entry) => !OWN_NAMES.has(entry)) : [];
  if (strangers.length > 0) {
    throw new LimmatError(
      'bad-config',
      `${dir} is not empty and holds no witness: ${strangers.toSorted().slice(0, 3).join(', ')}; name another directory with --data`,
    );
  }
  if (existsSync(paths.config)) {
    if (!unusedKeys) return;
    throw new LimmatError('bad-config', `there is a witness in ${dir} already: --unused-keys is for keys without one`);
  }
  const found = paths.keys.find((path) => existsSync(path));
  if (found !== undefined && !unusedKeys && !existsSync(paths.unused)) {
    throw new LimmatError(
      'state-missing',
      `${found} is there, and nothing that says what was signed with it. If it ever cosigned anything, bring the whole ` +
        'directory and its guard back, or begin another witness with new keys elsewhere: one that begins anew with an old ' +
        'key could cosign a second history. Only if it never did, add --unused-keys',
    );
  }
  mkdirSync(paths.root, { recursive: true, mode: 0o700 });
  // Before the keys: who finds one without it does not know where it was before.
  replaceFile(paths.unused, 'Nothing was signed with these keys yet.\n');
  makeKeys(paths, options, crypto);
  replaceFile(paths.config, witnessTemplate({ guard: paths.defaultGuard, list: list ?? 'logs.txt' }));
}

/** `bad-config` unless nothing was ever signed with the keys in this directory, so that a witness may begin with them. */
export function assertUnusedKeys({ root, unused }: WitnessPaths): void {
  if (existsSync(unused)) return;
  throw new LimmatError(
    'bad-config',
    `the witness in ${root} has begun already, and goes on: leave --init out. If its store or its guard is lost, bring it ` +
      'back, or begin another witness with new keys elsewhere: one that begins anew with old keys has forgotten what it signed',
  );
}

/** The witness has begun: from now on nobody may begin one with its keys. */
export function markKeysUsed({ unused }: WitnessPaths): void {
  rmSync(unused, { force: true });
}

/** The keys that are wanted, of one name. Those that are there are kept: of `limmat keygen`, or of an interrupted try. */
function makeKeys({ keys }: WitnessPaths, { name, keyTypes = KEY_TYPES }: NewWitness, crypto: CryptoSuite): void {
  const there = keys.find((path) => existsSync(path));
  let known = there === undefined ? name : noteSigner(readSecretFile(there).trim(), crypto).name;
  const files = [
    [keys[0], SIGNATURE_TYPE.cosignatureEd25519],
    [keys[1], SIGNATURE_TYPE.mldsa44],
  ] as const;
  for (const [path, type] of files) {
    if (!keyTypes.includes(type) || existsSync(path)) continue;
    const secret = new Uint8Array(randomBytes(SIZES.Ed25519.secretSize));
    known ??= uniqueName(type, secret, crypto);
    writeSecretFile(path, `${formatSignerKey(generateSignerKey(known, type, () => secret, crypto))}\n`);
  }
}

/** A name that no other witness has: a hash of the public key, under a domain that can never be anybody's. */
function uniqueName(type: SignatureTypeByte, secret: Uint8Array, crypto: CryptoSuite): string {
  const algorithm = type === SIGNATURE_TYPE.mldsa44 ? crypto.mldsa44 : crypto.ed25519;
  return `limmat.invalid/witness/${toHex(crypto.sha256(algorithm.publicKey(secret))).slice(0, 16)}`;
}

/** The keys in this directory. `bad-key` when there is none, and for one that others can read or that is no key. */
export function readWitnessKeys({ root, keys }: WitnessPaths, crypto: CryptoSuite): readonly CheckpointSigner[] {
  const there = keys.filter((path) => existsSync(path));
  if (there.length === 0)
    throw new LimmatError('bad-key', `there is no key in ${root}: witness.skey, witness.mldsa.skey`);
  return there.map((path) => noteSigner(readSecretFile(path).trim(), crypto));
}

/**
 * The guard of a witness in that directory: the same database as a log's, which says name, commit, chain and time where
 * that says origin, size, root and time. Errors: those of openGuard.
 */
export async function openWitnessGuard(dir: string, options: GuardOptions): Promise<WitnessGuard> {
  const guard = await openGuard(dir, options).catch((error: unknown) => {
    if (!isLimmatError(error, 'guard-missing')) throw error;
    throw new LimmatError(
      'guard-missing',
      `there is no guard in ${dir}, so what this witness signed last is not known; put the guard directory back, or ` +
        'close this witness and start another one with new keys',
      { cause: error },
    );
  });
  return {
    read: async () => {
      const state = await guard.read();
      if (state === undefined) return undefined;
      const { origin, size, rootHash, timestampSeconds } = state;
      return { name: origin, sequence: size, chain: rootHash, lastSeconds: timestampSeconds };
    },
    write: ({ name, sequence, chain, lastSeconds }) =>
      guard.write({ origin: name, size: sequence, rootHash: chain, timestampSeconds: lastSeconds }),
    close: () => guard.close(),
  };
}
