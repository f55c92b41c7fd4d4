// Keys of a log that lies: made when it starts, gone when it ends.

import { randomBytes } from 'node:crypto';

import { nodeCrypto } from '../../src/adapters/node-crypto.ts';
import { generateSignerKey, SIGNATURE_TYPE } from '../../src/note/key.ts';
import { noteSigner } from '../../src/note/signer.ts';
import type { CheckpointSigner } from '../../src/note/signer.ts';

/** A name that no other log has, under a domain that can never be anybody's. */
export function freshOrigin(): string {
  return `limmat.invalid/lying-${randomBytes(8).toString('hex')}`;
}

const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));

/** A fresh key of a witness. */
export function freshWitness(): CheckpointSigner {
  const name = `limmat.invalid/witness-${randomBytes(8).toString('hex')}`;
  return noteSigner(generateSignerKey(name, SIGNATURE_TYPE.cosignatureEd25519, random, nodeCrypto), nodeCrypto);
}

/** Two fresh keys of a limmat log with that name: its note key and its head key. */
export function freshSigners(origin: string): readonly CheckpointSigner[] {
  const types = [SIGNATURE_TYPE.ed25519, SIGNATURE_TYPE.mldsa44] as const;
  return types.map((type) => noteSigner(generateSignerKey(origin, type, random, nodeCrypto), nodeCrypto));
}
