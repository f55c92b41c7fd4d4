// The keys that vectors are signed with: from fixed seeds, through Node's OpenSSL and without any code of src.

import { createHash, createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { cbor, hex, map } from './vector-cbor.ts';

export interface VectorKey {
  readonly secret: Buffer;
  /** The COSE_Key of the public key, deterministic. */
  readonly coseKey: Buffer;
  /** Its SHA-256. */
  readonly kid: Buffer;
  sign(message: Buffer): Buffer;
}

/** The Ed25519 key of a seed of 32 times this byte. */
export function vectorKey(byte: number): VectorKey {
  const secret = Buffer.alloc(32, byte);
  const pkcs8 = Buffer.concat([hex('302e020100300506032b657004220420'), secret]);
  const privateKey = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
  const publicKey = createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(-32);
  const coseKey = cbor(map([1, 1], [-1, 6], [-2, publicKey]));
  const kid = createHash('sha256').update(coseKey).digest();
  return { secret, coseKey, kid, sign: (message) => sign(null, message, privateKey) };
}

/** Signs the statements. */
export const SIGNER = vectorKey(0x07);
/** Approves, and is a key that records name. */
export const OTHER = vectorKey(0x09);

/** In the header of every statement. */
export const ISSUER = 'vendor.example';
export const IAT = 1_783_765_031;
