// COSE_Key of statement keys (RFC 9052 §7, RFC 9053 §7) and its thumbprint (RFC 9679), which is the key id (kid).
// Only public keys, and only the members that the thumbprint covers: a key has one form.

import { LimmatError } from '../errors.ts';
import { toHex } from '../bytes.ts';
import { checkPublicKey } from '../crypto/public-key.ts';
import { portableHasher } from '../merkle/hash.ts';
import { COSE_ALGORITHMS, coseAlgorithm, type CoseAlg } from './algorithm.ts';
import { decodeCbor, encodeCbor, type CborKey, type CborValue } from './cbor.ts';

/** A public key and the one algorithm it is for. */
export interface CoseKey {
  readonly alg: CoseAlg;
  /** As the crypto suite takes it: 32 bytes for Ed25519; 0x04 ‖ x ‖ y, 65 bytes, for P-256. */
  readonly publicKey: Uint8Array;
}

const LABEL = { kty: 1, crv: -1, x: -2, y: -3 } as const;
const UNCOMPRESSED = 0x04;
const COORDINATE = 32;

/** A key of these bytes; `malformed` unless they have the algorithm's size and form. Says nothing about the curve. */
export function coseKey(alg: CoseAlg, publicKey: Uint8Array): CoseKey {
  const row = coseAlgorithm(alg)!;
  if (publicKey.length !== row.publicKeySize) {
    throw new LimmatError('malformed', `${row.title} key of ${publicKey.length} bytes, not ${row.publicKeySize}`);
  }
  if (row.publicKeySize === 65 && publicKey[0] !== UNCOMPRESSED) {
    throw new LimmatError('malformed', `${row.title} key is not an uncompressed point`);
  }
  return Object.freeze({ alg, publicKey: publicKey.slice() });
}

/**
 * The deterministic COSE_Key with the required members only (RFC 9679 §4), e.g.
 * `a3 01 01 20 06 21 5820 8a88…` (Ed25519) or `a4 01 02 20 01 21 5820 65ed… 22 5820 1e52…` (P-256).
 */
export function formatCoseKey(key: CoseKey): Uint8Array {
  const row = coseAlgorithm(key.alg)!;
  const members = new Map<CborKey, CborValue>([
    [LABEL.kty, row.kty],
    [LABEL.crv, row.crv],
  ]);
  if (row.publicKeySize === COORDINATE) members.set(LABEL.x, key.publicKey);
  else {
    members.set(LABEL.x, key.publicKey.subarray(1, 1 + COORDINATE));
    members.set(LABEL.y, key.publicKey.subarray(1 + COORDINATE));
  }
  return encodeCbor(members);
}

/** The key that `formatCoseKey` gives these bytes for; `malformed` for any other bytes. */
export function parseCoseKey(bytes: Uint8Array): CoseKey {
  const members = decodeCbor(bytes);
  if (!(members instanceof Map)) throw new LimmatError('malformed', 'COSE_Key is not a map');
  const kty = members.get(LABEL.kty);
  const crv = members.get(LABEL.crv);
  const row = COSE_ALGORITHMS.find((candidate) => candidate.kty === kty && candidate.crv === crv);
  if (row === undefined) throw new LimmatError('malformed', 'COSE_Key is neither Ed25519 nor P-256');
  const x = members.get(LABEL.x);
  const y = members.get(LABEL.y);
  const isPoint = row.publicKeySize !== COORDINATE;
  if (members.size !== (isPoint ? 4 : 3)) {
    throw new LimmatError('malformed', `COSE_Key has members beside those of a public ${row.title} key`);
  }
  const publicKey = new Uint8Array(row.publicKeySize);
  publicKey.set(coordinate(x), isPoint ? 1 : 0);
  if (isPoint) {
    publicKey[0] = UNCOMPRESSED;
    publicKey.set(coordinate(y), 1 + COORDINATE);
  }
  return coseKey(row.alg, publicKey);
}

function coordinate(value: CborValue | undefined): Uint8Array {
  if (value instanceof Uint8Array && value.length === COORDINATE) return value;
  throw new LimmatError('malformed', `COSE_Key coordinate is not ${COORDINATE} bytes`);
}

/** The key's thumbprint with SHA-256 (RFC 9679 §3): 32 bytes, the `kid` of its statements. */
export function thumbprint(key: CoseKey): Uint8Array {
  return portableHasher.sha256(formatCoseKey(key));
}

/** The thumbprint in lowercase hexadecimal, as files and messages write it. */
export function thumbprintHex(key: CoseKey): string {
  return toHex(thumbprint(key));
}

/** `bad-key` unless signatures may be trusted to this key: on its curve, canonical, not of small order. */
export function checkCoseKey(key: CoseKey): void {
  checkPublicKey(coseAlgorithm(key.alg)!.name, key.publicKey);
}
