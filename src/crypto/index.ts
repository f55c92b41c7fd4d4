// Public names of the cryptography part.

export { SIZES, algorithmOf } from './suite.ts';
export type { AlgorithmName, CryptoSuite, SignatureAlgorithm, VerifyJob } from './suite.ts';
export { portableCrypto } from './portable.ts';
export { checkPublicKey, isLowS, isStrictEd25519Key, toLowS } from './public-key.ts';
