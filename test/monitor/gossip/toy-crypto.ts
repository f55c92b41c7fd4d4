// Signatures for simulations: as fast as a hash, the same every time, and computed within the turn, so that a virtual
// clock stays in charge. They have the lengths of real ones and real public keys. Anyone could forge them; nobody in a
// simulation tries.

import { nodeCrypto } from '../../../src/adapters/node-crypto.ts';
import { concat, equalBytes } from '../../../src/bytes.ts';
import type { CryptoSuite, SignatureAlgorithm } from '../../../src/crypto/suite.ts';
import { checkpointVerifier, noteSigner } from '../../../src/note/signer.ts';
import type { SignatureTypeByte } from '../../../src/note/key.ts';
import { testKey } from '../../support/notes.ts';
import type { TestKeys } from '../evidence/support.ts';

function toyAlgorithm(real: SignatureAlgorithm): SignatureAlgorithm {
  const publicKeys = new Map<string, Uint8Array>();
  const publicKey = (secret: Uint8Array): Uint8Array => {
    const name = String(secret);
    const key = publicKeys.get(name) ?? real.publicKey(secret);
    publicKeys.set(name, key);
    return key;
  };
  const signatureOf = (key: Uint8Array, message: Uint8Array): Uint8Array => {
    const signature = new Uint8Array(real.signatureSize);
    signature.set(nodeCrypto.sha256(concat(key.subarray(0, 32), message)));
    return signature;
  };
  return {
    ...real,
    publicKey,
    sign: (secret, message) => Promise.resolve(signatureOf(publicKey(secret), message)),
    verify: (key, message, signature) => Promise.resolve(equalBytes(signatureOf(key, message), signature)),
  };
}

/** The suite. */
export const toyCrypto: CryptoSuite = {
  ...nodeCrypto,
  ed25519: toyAlgorithm(nodeCrypto.ed25519),
  mldsa44: toyAlgorithm(nodeCrypto.mldsa44),
};

/** A log with toy keys of these types. */
export function toyKeys(origin: string, types: readonly SignatureTypeByte[], fill = 1): TestKeys {
  const signers = types.map((type, i) => noteSigner(testKey(origin, type, fill + i, toyCrypto), toyCrypto));
  return { signers, log: { origin, verifiers: signers.map(({ vkey }) => checkpointVerifier(vkey, toyCrypto)) } };
}
