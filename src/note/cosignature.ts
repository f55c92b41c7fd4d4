// The two messages that cosigners sign, and the timestamped signature that carries them (C2SP tlog-cosignature v1.0.1
// and later). A log's own ML-DSA-44 line is such a cosignature too.

import { concat, readUint, uintBytes, utf8 } from '../bytes.ts';
import { LimmatError } from '../errors.ts';
import { HASH_SIZE } from '../merkle/hash.ts';

/** A signature and the time that it states. */
export interface TimestampedSignature {
  /** Seconds since 1970; 0 = "no statement about time or about being the largest" (ML-DSA-44 only). */
  readonly timestampSeconds: number;
  readonly signature: Uint8Array;
}

/** The bytes of a timestamp and a signature: what follows the key id on a line. */
export function formatTimestampedSignature(value: TimestampedSignature): Uint8Array {
  return concat(uintBytes(value.timestampSeconds, 8), value.signature);
}

/**
 * The time and the signature in what follows the key id. LimmatError `malformed` unless it is 8 bytes and a signature
 * of that size, with a time below 2^53 (the specification allows 2^63 - 1, some 290 thousand million years).
 */
export function parseTimestampedSignature(bytes: Uint8Array, signatureSize: number): TimestampedSignature {
  if (bytes.length !== 8 + signatureSize) {
    throw new LimmatError('malformed', `cosignature has ${bytes.length} bytes, not ${8 + signatureSize}`);
  }
  const timestampSeconds = readUint(bytes, 0, 8);
  if (timestampSeconds === undefined) throw new LimmatError('malformed', 'cosignature time is 2^53 or later');
  return Object.freeze({ timestampSeconds, signature: bytes.slice(8) });
}

/** What an Ed25519 cosigner (type 0x04) signs: two header lines, then the checkpoint's text. */
export function cosignatureMessage(timestampSeconds: number, textBytes: Uint8Array): Uint8Array {
  uintBytes(timestampSeconds, 8);
  return concat(utf8(`cosignature/v1\ntime ${timestampSeconds}\n`), textBytes);
}

const SUBTREE_LABEL = utf8('subtree/v1\n\0');

/** What an ML-DSA-44 cosigner (type 0x06) states. */
export interface SubtreeStatement {
  /** The cosigner's key name: 1 to 255 bytes of UTF-8. */
  readonly cosignerName: string;
  readonly timestampSeconds: number;
  /** The log's origin line without its newline: 1 to 255 bytes of UTF-8. */
  readonly origin: string;
  /** Entries [start, end); a checkpoint is [0, size). With start > 0 the timestamp must be 0. */
  readonly start: number;
  readonly end: number;
  readonly rootHash: Uint8Array;
}

/** The `cosigned_message` structure. RangeError when a field does not fit into it. */
export function subtreeMessage(statement: SubtreeStatement): Uint8Array {
  const { cosignerName, timestampSeconds, origin, start, end, rootHash } = statement;
  if (rootHash.length !== HASH_SIZE) throw new RangeError(`root hash has ${rootHash.length} bytes, not ${HASH_SIZE}`);
  if (start > end) throw new RangeError(`start ${start} is above end ${end}`);
  if (start !== 0 && timestampSeconds !== 0) throw new RangeError('a subtree that starts above 0 carries no time');
  return concat(
    SUBTREE_LABEL,
    shortVector('cosigner name', cosignerName),
    uintBytes(timestampSeconds, 8),
    shortVector('origin', origin),
    uintBytes(start, 8),
    uintBytes(end, 8),
    rootHash,
  );
}

/** Longest cosigner name and origin, in bytes: the length is one byte (RFC 8446 §3.4, `opaque x<1..2^8-1>`). */
export const MAX_COSIGNED_NAME_BYTES = 255;

function shortVector(what: string, text: string): Uint8Array {
  const bytes = utf8(text);
  if (bytes.length === 0 || bytes.length > MAX_COSIGNED_NAME_BYTES) {
    throw new RangeError(`${what} has ${bytes.length} bytes, not 1 to ${MAX_COSIGNED_NAME_BYTES}`);
  }
  return concat(uintBytes(bytes.length, 1), bytes);
}
