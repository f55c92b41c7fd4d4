// Node's own cryptography behind the two ports that the portable parts declare: CryptoSuite and Hasher; and threads
// that verify many signatures at once. What is here gives the same answers as the portable code, only sooner.

import type { CryptoSuite } from '../crypto/suite.ts';
import { makeNodeCrypto } from './node-crypto/suite.ts';

export { nodeHasher } from './node-crypto/hasher.ts';
export { hasNativeMldsa44 } from './node-crypto/keys.ts';
export { makeNodeCrypto } from './node-crypto/suite.ts';
export { createVerifierPool } from './node-crypto/pool.ts';
export type { VerifierPool } from './node-crypto/pool.ts';
export { createSigningThreads } from './node-crypto/signing.ts';
export type { SigningThreads } from './node-crypto/signing.ts';

/** The suite that a Node process passes in. ML-DSA-44 is native where the runtime has it, else portable. */
export const nodeCrypto: CryptoSuite = makeNodeCrypto().suite;
