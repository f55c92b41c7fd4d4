// Provenance as builders write it, made here.

import { portableCrypto } from '../../../src/crypto/portable.ts';
import { toBase64, utf8 } from '../../../src/bytes.ts';
import { preAuthEncoding } from '../../../src/client/provenance/dsse.ts';
import { coseKey, type CoseKey } from '../../../src/cose/index.ts';

export const SHA256 = 'ab'.repeat(32);
export const PAYLOAD_TYPE = 'application/vnd.in-toto+json';

/** A JSON object to change. */
export interface Sample {
  [name: string]: unknown;
}

/** A whole in-toto statement with SLSA provenance; each call gives a new one. */
export function statement(): Sample {
  return {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [
      { name: 'app.bin', digest: { sha256: SHA256, sha512: 'cd'.repeat(64) } },
      { name: 'other', digest: { sha512: 'ef'.repeat(64) } },
    ],
    predicateType: 'https://slsa.dev/provenance/v1',
    predicate: {
      buildDefinition: {
        buildType: 'https://ci.example/workflow/v1',
        externalParameters: { ref: 'refs/tags/v1', deep: { deeper: [1, 2.5, null, true] } },
        resolvedDependencies: [
          { uri: 'git+https://git.example/app@refs/tags/v1', digest: { gitCommit: '9'.repeat(40) } },
          { uri: 'pkg:deb/zlib', digest: { sha256: '12'.repeat(32) } },
          { name: 'again', digest: { sha256: '12'.repeat(32) } },
        ],
      },
      runDetails: {
        builder: { id: 'https://ci.example/runner@v3', version: { runner: '3.1' } },
        metadata: { invocationId: 'x', startedOn: '2026-07-11T10:16:37.987Z', finishedOn: '2026-07-11T10:20:00Z' },
      },
    },
  };
}

/** A key of a fixed secret, and what it signs for an envelope. */
export function dsseSigner(
  name: 'Ed25519' | 'ECDSA-P256',
  fill: number,
): { key: CoseKey; sign: (payload: Uint8Array) => Promise<Uint8Array> } {
  const algorithm = name === 'Ed25519' ? portableCrypto.ed25519 : portableCrypto.p256;
  const secret = new Uint8Array(32).fill(fill);
  return {
    key: coseKey(name === 'Ed25519' ? -19 : -9, algorithm.publicKey(secret)),
    sign: (payload) => algorithm.sign(secret, preAuthEncoding({ payloadType: PAYLOAD_TYPE, payload })),
  };
}

export interface SampleEnvelope extends Sample {
  payloadType: string;
  payload: string;
  signatures: { sig: string; keyid?: string }[];
}

/** A DSSE envelope of this value, with a signature for each signer. */
export async function envelope(
  value: unknown,
  signers: readonly { sign: (payload: Uint8Array) => Promise<Uint8Array> }[],
): Promise<SampleEnvelope> {
  const payload = utf8(JSON.stringify(value));
  const signatures = await Promise.all(signers.map(async ({ sign }) => ({ sig: toBase64(await sign(payload)) })));
  return { payloadType: PAYLOAD_TYPE, payload: toBase64(payload), signatures };
}

/** A sigstore bundle around an envelope. Its certificate is none: nothing here reads it. */
export function bundle(dsseEnvelope: unknown): Sample {
  return {
    mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
    verificationMaterial: { certificate: { rawBytes: 'MIIB' }, tlogEntries: [] },
    dsseEnvelope,
  };
}

/** r ‖ s as DER. */
export function toDer(signature: Uint8Array): Uint8Array {
  const integers = [signature.subarray(0, 32), signature.subarray(32)].map((half) => {
    let digits = Array.from(half);
    while (digits.length > 1 && digits[0] === 0) digits = digits.slice(1);
    if (digits[0]! >= 0x80) digits.unshift(0);
    return [0x02, digits.length, ...digits];
  });
  const body = integers.flat();
  return Uint8Array.from([0x30, body.length, ...body]);
}
