// A monitor's own key: signed notes over texts of the monitor's (observations, gossip requests), as opposed to
// checkpoints. Ed25519, type 0x01. The first line of every such text names its purpose and its version, so that a
// signature made for one is none for another.

import { utf8 } from '../bytes.ts';
import type { CryptoSuite } from '../crypto/suite.ts';
import { LimmatError } from '../errors.ts';
import { SIGNATURE_TYPE, formatKeyId, parseSignerKey, parseVerifierKey, verifierKeyOf } from '../note/key.ts';
import type { SignerKey, VerifierKey } from '../note/key.ts';
import { formatNote, formatSignatureLine, parseNote } from '../note/note.ts';

/** Who a monitor is: the public half of its key. */
export interface MonitorIdentity {
  readonly name: string;
  readonly keyId: number;
  readonly vkey: string;
}

/** Signs as a monitor. */
export interface MonitorSigner extends MonitorIdentity {
  /** The note of this text (with its final newline). RangeError when the text cannot be a note's. */
  sign(text: string): Promise<string>;
}

/** Knows a monitor's signature. */
export interface MonitorVerifier extends MonitorIdentity {
  /**
   * The text that the monitor signed. LimmatError `malformed` when these bytes are no note, `unknown-key` when none of
   * its lines is by this key, `bad-signature` when one is and does not hold.
   */
  open(note: Uint8Array | string): Promise<string>;
}

/** The signer of an skey. LimmatError `bad-key`; also when the key is of another type than Ed25519 (0x01). */
export function monitorSigner(skey: string | SignerKey, crypto: CryptoSuite): MonitorSigner {
  const key = typeof skey === 'string' ? parseSignerKey(skey, crypto) : skey;
  const { name, keyId, vkey } = ofMonitorType(verifierKeyOf(key, crypto));
  const secret = key.secret.slice();
  return Object.freeze({
    name,
    keyId,
    vkey,
    sign: async (text: string): Promise<string> => {
      const signature = await crypto.ed25519.sign(secret, utf8(text));
      return formatNote(text, [formatSignatureLine(name, keyId, signature)]);
    },
  });
}

/** The verifier of a vkey. LimmatError `bad-key`; also when the key is of another type than Ed25519 (0x01). */
export function monitorVerifier(text: string | VerifierKey, crypto: CryptoSuite): MonitorVerifier {
  const { name, keyId, vkey, publicKey } = ofMonitorType(typeof text === 'string' ? parseVerifierKey(text) : text);
  return Object.freeze({
    name,
    keyId,
    vkey,
    open: async (bytes: Uint8Array | string): Promise<string> => {
      const note = parseNote(bytes);
      const line = note.signatures.find((one) => one.name === name && one.keyId === keyId);
      if (line === undefined) {
        throw new LimmatError('unknown-key', `no signature on the note is by ${name}+${formatKeyId(keyId)}`);
      }
      if (!(await crypto.ed25519.verify(publicKey, note.textBytes, line.signature))) {
        throw new LimmatError('bad-signature', `the signature of ${name}+${formatKeyId(keyId)} does not hold`);
      }
      return note.text;
    },
  });
}

function ofMonitorType(key: VerifierKey): VerifierKey {
  if (key.type === SIGNATURE_TYPE.ed25519) return key;
  throw new LimmatError('bad-key', `the key of monitor ${key.name} has type 0x0${key.type}, not Ed25519 (0x01)`);
}
