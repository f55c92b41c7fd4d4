// Ed25519 verification by libsodium, where its optional package is installed: twice OpenSSL's speed, because OpenSSL
// computes with small limbs. It makes exactly the strict check of crypto/portable.ts.

import { createRequire } from 'node:module';

/** True when the signature (64 bytes) is the key's (32 bytes) over the message. */
export type VerifyDetached = (signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array) => boolean;

interface SodiumNative {
  crypto_sign_verify_detached: VerifyDetached;
}

/** libsodium's verify; undefined where the package is not installed or has no build for this platform. */
export function openLibsodium(): VerifyDetached | undefined {
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a native package without types
    const sodium = createRequire(import.meta.url)('sodium-native') as SodiumNative;
    return sodium.crypto_sign_verify_detached;
  } catch {
    return undefined;
  }
}
