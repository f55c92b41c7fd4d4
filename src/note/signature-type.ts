// The signature types of notes, one row each, keyed by the type byte (C2SP signed-note, "Signature types"). A new type
// is a new row; keys, signers and verifiers read everything from here.

import type { AlgorithmName } from '../crypto/suite.ts';
import { cosignatureMessage, subtreeMessage } from './cosignature.ts';
import { parseCheckpoint } from './checkpoint.ts';

/** The type bytes by name. */
export const SIGNATURE_TYPE = Object.freeze({ ed25519: 0x01, cosignatureEd25519: 0x04, mldsa44: 0x06 });

/** A type byte that this library can sign and verify with. */
export type SignatureTypeByte = (typeof SIGNATURE_TYPE)[keyof typeof SIGNATURE_TYPE];

/** How one type signs. */
export interface SignatureType {
  readonly type: SignatureTypeByte;
  /** For messages to people. */
  readonly label: string;
  readonly algorithm: AlgorithmName;
  /** True when the signature carries the time at which it was made. */
  readonly timestamped: boolean;
  /**
   * The bytes that the algorithm signs for a checkpoint's text (with its final newline, UTF-8 beside it), by the key
   * of that name, at that time. LimmatError `malformed` or RangeError when the text cannot be signed so.
   */
  message(text: string, textBytes: Uint8Array, name: string, timestampSeconds: number): Uint8Array;
}

const TYPES: readonly SignatureType[] = [
  {
    type: SIGNATURE_TYPE.ed25519,
    label: 'Ed25519',
    algorithm: 'Ed25519',
    timestamped: false,
    message: (_text, textBytes) => textBytes,
  },
  {
    type: SIGNATURE_TYPE.cosignatureEd25519,
    label: 'Ed25519 cosignature',
    algorithm: 'Ed25519',
    timestamped: true,
    message: (_text, textBytes, _name, timestampSeconds) => cosignatureMessage(timestampSeconds, textBytes),
  },
  {
    type: SIGNATURE_TYPE.mldsa44,
    label: 'ML-DSA-44 cosignature',
    algorithm: 'ML-DSA-44',
    timestamped: true,
    message: (text, _textBytes, cosignerName, timestampSeconds) => {
      const { origin, size, rootHash } = parseCheckpoint(text);
      return subtreeMessage({ cosignerName, timestampSeconds, origin, start: 0, end: size, rootHash });
    },
  },
];

/** The row of a type byte, or undefined for a type that is not supported. */
export function signatureTypeOf(type: number): SignatureType | undefined {
  return TYPES.find((row) => row.type === type);
}
