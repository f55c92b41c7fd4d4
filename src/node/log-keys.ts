// The log's own two keys (DESIGN §4): the note key (Ed25519) and the head key (ML-DSA-44, timestamped), both named by
// the origin. Files in the data directory by default; elsewhere where limmat.toml says so.

import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

import { toHex } from '../bytes.ts';
import type { CryptoSuite } from '../crypto/suite.ts';
import { SIZES } from '../crypto/suite.ts';
import { LimmatError } from '../errors.ts';
import {
  SIGNATURE_TYPE,
  formatSignerKey,
  generateSignerKey,
  parseSignerKey,
  parseVerifierKey,
  verifierKeyOf,
} from '../note/key.ts';
import { externalSigner, noteSigner } from '../note/signer.ts';
import type { CheckpointSigner } from '../note/signer.ts';
import { parseCommandSignature, parseKeySpec, readSecret, runSigningCommand } from './key-spec.ts';
import type { KeySpec } from './key-spec.ts';
import type { DataPaths } from './meta.ts';
import { readSecretFile, writeSecretFile } from './secret-file.ts';

const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));

/** Where the log's keys come from, as limmat.toml says; the files of the data directory where it says nothing. */
export interface LogKeySpecs {
  readonly 'note-key'?: string | undefined;
  readonly 'note-vkey'?: string | undefined;
  readonly 'head-key'?: string | undefined;
  readonly 'head-vkey'?: string | undefined;
}

/** Makes the log's keys, or keeps those that an interrupted start left. Answers the origin and both vkeys. */
export function makeLogKeys(
  paths: DataPaths,
  origin: string | undefined,
  crypto: CryptoSuite,
): { readonly origin: string; readonly vkeys: readonly string[] } {
  if (!existsSync(paths.noteKey)) {
    const secret = random(SIZES.Ed25519.secretSize);
    const named = origin ?? defaultOrigin(secret, crypto);
    const key = generateSignerKey(named, SIGNATURE_TYPE.ed25519, () => secret, crypto);
    writeSecretFile(paths.noteKey, `${formatSignerKey(key)}\n`);
  }
  const noteKey = parseSignerKey(readSecretFile(paths.noteKey).trim(), crypto);
  if (!existsSync(paths.headKey)) {
    const headKey = generateSignerKey(noteKey.name, SIGNATURE_TYPE.mldsa44, random, crypto);
    writeSecretFile(paths.headKey, `${formatSignerKey(headKey)}\n`);
  }
  const headKey = parseSignerKey(readSecretFile(paths.headKey).trim(), crypto);
  const named = origin ?? noteKey.name;
  for (const key of [noteKey, headKey]) checkName(key.name, named);
  return { origin: named, vkeys: [noteKey, headKey].map((key) => verifierKeyOf(key, crypto).vkey) };
}

/** A name that no other log has: a hash of the public key, under a domain that can never be anybody's. */
function defaultOrigin(secret: Uint8Array, crypto: CryptoSuite): string {
  return `limmat.invalid/${toHex(crypto.sha256(crypto.ed25519.publicKey(secret))).slice(0, 16)}`;
}

/** The two signers of a log, note key first. `bad-key` when one is missing or of another type, `wrong-log` by name. */
export function loadLogSigners(
  paths: DataPaths,
  origin: string,
  specs: LogKeySpecs,
  crypto: CryptoSuite,
): readonly CheckpointSigner[] {
  const rows = [
    {
      what: 'note-key',
      spec: specs['note-key'],
      file: paths.noteKey,
      vkey: specs['note-vkey'],
      type: SIGNATURE_TYPE.ed25519,
    },
    {
      what: 'head-key',
      spec: specs['head-key'],
      file: paths.headKey,
      vkey: specs['head-vkey'],
      type: SIGNATURE_TYPE.mldsa44,
    },
  ];
  return rows.map(({ what, spec, file, vkey, type }) => {
    const source = parseKeySpec(spec ?? file);
    const signer =
      source.kind === 'exec'
        ? commandSigner(what, source.command, vkey)
        : noteSigner(readSecret(inside(source, paths)).trim(), crypto);
    checkName(signer.name, origin);
    if (signer.type === type) return signer;
    throw new LimmatError('bad-key', `the log's ${what} is of signature type ${signer.type}, and has to be of ${type}`);
  });
}

/** A relative path in limmat.toml starts at the data directory, wherever the log is started from. */
function inside<T extends KeySpec>(spec: T, paths: DataPaths): T {
  return spec.kind === 'file' ? { ...spec, path: resolve(paths.root, spec.path) } : spec;
}

function commandSigner(what: string, command: string, vkey: string | undefined): CheckpointSigner {
  if (vkey === undefined) {
    const missing = what.replace('key', 'vkey');
    throw new LimmatError('bad-config', `limmat.toml: a ${what} with exec: needs its public key as "${missing}"`);
  }
  const { type } = parseVerifierKey(vkey);
  const size = type === SIGNATURE_TYPE.mldsa44 ? SIZES['ML-DSA-44'].signatureSize : SIZES.Ed25519.signatureSize;
  return externalSigner(vkey, async (message) =>
    parseCommandSignature(await runSigningCommand(command, message), size, false),
  );
}

function checkName(name: string, origin: string): void {
  if (name === origin) return;
  throw new LimmatError('wrong-log', `a key of the log is named ${name}, and the log is ${origin}`, {
    details: { keyName: name, origin },
  });
}
