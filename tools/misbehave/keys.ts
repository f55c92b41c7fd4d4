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

/** Two fresh keys of a limmat log with that name: its note key and its head key. */
export function freshSigners(origin: string): readonly CheckpointSigner[] {
  const types = [SIGNATURE_TYPE.ed25519, SIGNATURE_TYPE.mldsa44] as const;
  return types.map((type) =>
    noteSigner(
      generateSignerKey(origin, type, (length) => new Uint8Array(randomBytes(length)), nodeCrypto),
      nodeCrypto,
    ),
  );
}
