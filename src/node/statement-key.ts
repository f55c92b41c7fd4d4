// Statement keys on a machine: PKCS#8 PEM (Ed25519 or P-256) from a file or the environment, or a command that signs;
// public keys as SPKI PEM. Signing is native, so that an import of thousands is not held up by it.

import { createPrivateKey, createPublicKey, generateKeyPairSync, sign as signNative } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';

import { checkCoseKey, coseAlgorithm, coseKey, externalSigner } from '../cose/index.ts';
import type { CoseKey, StatementSigner } from '../cose/index.ts';
import { LimmatError } from '../errors.ts';
import { readSecretFile } from './secret-file.ts';
import { parseCommandSignature, parseKeySpec, readSecret, runSigningCommand } from './key-spec.ts';

/** The kinds of statement keys, as `limmat keygen --type` names them. */
export const STATEMENT_KEY_TYPES = ['ed25519', 'p256'] as const;
export type StatementKeyType = (typeof STATEMENT_KEY_TYPES)[number];

/** A new key pair in PEM: PKCS#8 and SPKI. */
export function generateStatementKey(type: StatementKeyType): {
  readonly secretPem: string;
  readonly publicPem: string;
} {
  const { privateKey, publicKey } =
    type === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  return {
    secretPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    publicPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  };
}

/** The public key, in SPKI PEM, of the secret key in this file. */
export function formatPublicKey(secretFile: string): string {
  return createPublicKey(readSecretFile(secretFile)).export({ type: 'spki', format: 'pem' }).toString();
}

/** The public key in SPKI PEM text; `what` names its source in errors (`bad-key`). */
export function parsePublicKey(pem: string, what: string): CoseKey {
  // createPublicKey would take a secret key as well and derive the public one from it.
  if (pem.includes('PRIVATE KEY')) {
    throw new LimmatError('bad-key', `${what} holds a secret key where a public key belongs; keep it away from here`);
  }
  return coseKeyOf(
    parsePem(() => createPublicKey(pem), what, 'public key in SPKI PEM'),
    what,
  );
}

/** As parsePublicKey, from a file. */
export function readPublicKey(path: string): CoseKey {
  return parsePublicKey(readFileSync(path, 'utf8'), path);
}

/** The signer that `--key` names; exec: needs the path of the public key. Fails with `bad-key`. */
export function loadStatementSigner(text: string, publicKeyPath?: string): StatementSigner {
  const spec = parseKeySpec(text);
  if (spec.kind === 'exec') {
    if (publicKeyPath === undefined) {
      throw new LimmatError('usage', 'with --key exec:COMMAND the public key has to be given: --public-key FILE');
    }
    const key = readPublicKey(publicKeyPath);
    const { signatureSize, name } = coseAlgorithm(key.alg)!;
    return externalSigner(key, async (message) =>
      parseCommandSignature(await runSigningCommand(spec.command, message), signatureSize, name === 'ECDSA-P256'),
    );
  }
  const what = spec.kind === 'file' ? spec.path : `environment variable ${spec.name}`;
  const secret = parsePem(() => createPrivateKey(readSecret(spec)), what, 'secret key in PKCS#8 PEM');
  const key = coseKeyOf(createPublicKey(secret), what);
  const digest = coseAlgorithm(key.alg)!.name === 'Ed25519' ? null : 'sha256';
  return externalSigner(key, (message) =>
    Promise.resolve(new Uint8Array(signNative(digest, message, { key: secret, dsaEncoding: 'ieee-p1363' }))),
  );
}

function parsePem(parse: () => KeyObject, what: string, wanted: string): KeyObject {
  try {
    return parse();
  } catch (error) {
    if (error instanceof LimmatError) throw error;
    throw new LimmatError('bad-key', `${what} is not a ${wanted}`, { cause: error });
  }
}

/** The bytes of a coordinate in a JWK. */
function bytes(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'base64url'));
}

function coseKeyOf(publicKey: KeyObject, what: string): CoseKey {
  const { crv, x = '', y = '' } = publicKey.export({ format: 'jwk' });
  let key: CoseKey;
  if (crv === 'Ed25519') key = coseKey(-19, bytes(x));
  else if (crv === 'P-256') key = coseKey(-9, new Uint8Array([0x04, ...bytes(x), ...bytes(y)]));
  else
    throw new LimmatError('bad-key', `${what} is a key of another kind: statements are signed with Ed25519 or P-256`);
  checkCoseKey(key);
  return key;
}
