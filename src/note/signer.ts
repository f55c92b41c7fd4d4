// Signers and verifiers of checkpoints: a key, and what its type's row says about the message.

import { utf8 } from '../bytes.ts';
import { SIZES, algorithmOf } from '../crypto/suite.ts';
import type { CryptoSuite } from '../crypto/suite.ts';
import { isLimmatError } from '../errors.ts';
import { parseCheckpoint } from './checkpoint.ts';
import { formatTimestampedSignature, parseTimestampedSignature } from './cosignature.ts';
import { parseSignerKey, parseVerifierKey, verifierKeyOf } from './key.ts';
import type { SignerKey, VerifierKey } from './key.ts';
import { formatSignatureLine } from './note.ts';
import type { Note, NoteSignature } from './note.ts';
import { signatureTypeOf } from './signature-type.ts';
import type { SignatureTypeByte } from './signature-type.ts';

/** Something that signs checkpoints: a key in memory, or a command that asks a key elsewhere. */
export interface CheckpointSigner {
  readonly name: string;
  readonly keyId: number;
  readonly type: SignatureTypeByte;
  /** The public key, as text. */
  readonly vkey: string;
  /**
   * A signature line, with its newline, over a checkpoint's text (with its final newline). The time goes into
   * timestamped types and is ignored by the others. LimmatError `malformed` when the text is no checkpoint.
   */
  sign(checkpointText: string, timestampSeconds: number): Promise<string>;
}

/** Something that checks the signature lines of one key. */
export interface CheckpointVerifier {
  readonly name: string;
  readonly keyId: number;
  readonly type: SignatureTypeByte;
  readonly vkey: string;
  /** The time that the signature states in seconds (0 where its type carries none), or false when it does not hold. */
  verify(note: Note, signature: NoteSignature): Promise<number | false>;
}

/**
 * The same signer with the signature made elsewhere: signMessage gets the exact bytes that the key's algorithm signs
 * and answers the raw signature. This is how hardware, cloud keys and commands take part.
 */
export function externalSigner(
  key: string | VerifierKey,
  signMessage: (message: Uint8Array) => Promise<Uint8Array>,
): CheckpointSigner {
  const { name, keyId, type, vkey } = typeof key === 'string' ? parseVerifierKey(key) : key;
  const row = signatureTypeOf(type)!;
  const { signatureSize } = SIZES[row.algorithm];
  return Object.freeze({
    name,
    keyId,
    type,
    vkey,
    sign: async (checkpointText: string, timestampSeconds: number): Promise<string> => {
      parseCheckpoint(checkpointText);
      const message = row.message(checkpointText, utf8(checkpointText), name, timestampSeconds);
      const signature = await signMessage(message);
      if (signature.length !== signatureSize) {
        throw new RangeError(`the signer of ${name} gave ${signature.length} bytes, not ${signatureSize}`);
      }
      const body = row.timestamped ? formatTimestampedSignature({ timestampSeconds, signature }) : signature;
      return formatSignatureLine(name, keyId, body);
    },
  });
}

/** The signer of an skey. LimmatError `bad-key`. */
export function noteSigner(skey: string | SignerKey, crypto: CryptoSuite): CheckpointSigner {
  const key = typeof skey === 'string' ? parseSignerKey(skey, crypto) : skey;
  const algorithm = algorithmOf(crypto, signatureTypeOf(key.type)!.algorithm);
  const secret = key.secret.slice();
  return externalSigner(verifierKeyOf(key, crypto), (message) => algorithm.sign(secret, message));
}

/** The verifier of a vkey. LimmatError `bad-key`. */
export function checkpointVerifier(vkey: string | VerifierKey, crypto: CryptoSuite): CheckpointVerifier {
  const key = typeof vkey === 'string' ? parseVerifierKey(vkey) : vkey;
  const row = signatureTypeOf(key.type)!;
  const algorithm = algorithmOf(crypto, row.algorithm);
  return Object.freeze({
    name: key.name,
    keyId: key.keyId,
    type: key.type,
    vkey: key.vkey,
    verify: async (note: Note, { name, keyId, signature }: NoteSignature): Promise<number | false> => {
      if (name !== key.name || keyId !== key.keyId) return false;
      try {
        const { timestampSeconds, signature: raw } = row.timestamped
          ? parseTimestampedSignature(signature, algorithm.signatureSize)
          : { timestampSeconds: 0, signature };
        const message = row.message(note.text, note.textBytes, key.name, timestampSeconds);
        return (await algorithm.verify(key.publicKey, message, raw)) && timestampSeconds;
      } catch (error) {
        // A text or a signature that this type cannot have signed.
        if (isLimmatError(error, 'malformed') || error instanceof RangeError) return false;
        throw error;
      }
    },
  });
}
