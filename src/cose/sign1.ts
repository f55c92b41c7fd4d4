// COSE_Sign1 (RFC 9052 §4.2, §4.4): taking it apart, what its signature covers, the leaf form.
// In scope: the tagged form, payload attached or detached, no external data. Out of scope: countersignatures, crit.

import { LimmatError } from '../errors.ts';
import { concat } from '../bytes.ts';
import { byteStringHead, CborReader, decodeCbor, Tagged, type CborMap } from './cbor.ts';

/** A COSE_Sign1 as it came: nothing about it is verified. */
export interface Sign1 {
  /** The content of the protected byte string, as received: what the signature covers. */
  readonly protectedBytes: Uint8Array;
  readonly protected: CborMap;
  readonly unprotected: CborMap;
  /** null where it is detached. */
  readonly payload: Uint8Array | null;
  readonly signature: Uint8Array;
}

/** The parts of a statement in leaf form; views of its bytes. */
export interface LeafParts {
  readonly protectedBytes: Uint8Array;
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
  /** The Sig_structure, new bytes. */
  readonly toBeSigned: Uint8Array;
}

const TAG_SIGN1 = 18;
const TAGGED_ARRAY_OF_4 = [0xd2, 0x84] as const;
const EMPTY_MAP = 0xa0;
const EMPTY_BYTES = new Uint8Array(0);
const EMPTY_MAP_VALUE: CborMap = new Map();
/** 84 6a "Signature1": an array of four whose first item is the context. */
const CONTEXT = Uint8Array.of(0x84, 0x6a, 0x53, 0x69, 0x67, 0x6e, 0x61, 0x74, 0x75, 0x72, 0x65, 0x31);
const NO_EXTERNAL_DATA = 0x40;

/** Takes a tagged COSE_Sign1 apart; `malformed` unless it is deterministic CBOR of that shape with distinct labels. */
export function decodeSign1(bytes: Uint8Array): Sign1 {
  const message = decodeCbor(bytes);
  if (!(message instanceof Tagged) || message.tag !== TAG_SIGN1) throw malformed('has no tag 18');
  const parts = message.value;
  if (!Array.isArray(parts) || parts.length !== 4) throw malformed('is not an array of four');
  const [protectedBytes, unprotected, payload, signature] = parts;
  if (!(protectedBytes instanceof Uint8Array)) throw malformed('protected header is not a byte string');
  if (!(unprotected instanceof Map)) throw malformed('unprotected header is not a map');
  if (payload !== null && !(payload instanceof Uint8Array)) throw malformed('payload is neither bytes nor null');
  if (!(signature instanceof Uint8Array)) throw malformed('signature is not a byte string');
  const header = decodeProtected(protectedBytes);
  for (const label of unprotected.keys()) {
    if (header.has(label)) throw malformed(`label ${label} is in both headers`);
  }
  return { protectedBytes, protected: header, unprotected, payload, signature };
}

/** The map in a protected byte string; a zero-length string is the empty map. */
export function decodeProtected(protectedBytes: Uint8Array): CborMap {
  if (protectedBytes.length === 0) return EMPTY_MAP_VALUE;
  const header = decodeCbor(protectedBytes);
  if (!(header instanceof Map)) throw malformed('protected header is not a map');
  return header;
}

/**
 * The bytes that the signature covers: `["Signature1", protected, h'', payload]` (RFC 9052 §4.4). The protected bytes
 * go in as received, except that the empty map has one form, the zero-length string.
 */
export function sigStructure(protectedBytes: Uint8Array, payload: Uint8Array): Uint8Array {
  const header = protectedBytes.length === 1 && protectedBytes[0] === EMPTY_MAP ? EMPTY_BYTES : protectedBytes;
  return concat(
    CONTEXT,
    byteStringHead(header.length),
    header,
    Uint8Array.of(NO_EXTERNAL_DATA),
    byteStringHead(payload.length),
    payload,
  );
}

/**
 * Takes a statement in leaf form apart: exactly `D2 84 <protected> A0 <payload> <signature>`, the three in shortest
 * byte strings, nothing left over. `malformed` otherwise. The fast path of intake: one walk, no map.
 */
export function decodeLeaf(bytes: Uint8Array): LeafParts {
  if (bytes[0] !== TAGGED_ARRAY_OF_4[0] || bytes[1] !== TAGGED_ARRAY_OF_4[1]) {
    throw malformed('does not start with D2 84 (tag 18, array of four)');
  }
  const reader = new CborReader(bytes);
  reader.offset = 2;
  const protectedBytes = reader.byteString();
  const protectedEnd = reader.offset;
  if (bytes[protectedEnd] !== EMPTY_MAP) throw malformed('unprotected header is not the empty map');
  const payloadStart = protectedEnd + 1;
  reader.offset = payloadStart;
  if (bytes[payloadStart] === 0xf6) throw malformed('payload is detached: a log could not be replayed');
  const payload = reader.byteString();
  const payloadEnd = reader.offset;
  const signature = reader.byteString();
  reader.end();
  // The leaf holds the heads in their only form already, so the Sig_structure is copied together from it.
  const toBeSigned = new Uint8Array(CONTEXT.length + protectedEnd - 2 + 1 + payloadEnd - payloadStart);
  toBeSigned.set(CONTEXT);
  toBeSigned.set(bytes.subarray(2, protectedEnd), CONTEXT.length);
  toBeSigned[CONTEXT.length + protectedEnd - 2] = NO_EXTERNAL_DATA;
  toBeSigned.set(bytes.subarray(payloadStart, payloadEnd), CONTEXT.length + protectedEnd - 1);
  return { protectedBytes, payload, signature, toBeSigned };
}

/** The leaf form of these parts. */
export function encodeLeaf(protectedBytes: Uint8Array, payload: Uint8Array, signature: Uint8Array): Uint8Array {
  return concat(
    Uint8Array.of(...TAGGED_ARRAY_OF_4),
    byteStringHead(protectedBytes.length),
    protectedBytes,
    Uint8Array.of(EMPTY_MAP),
    byteStringHead(payload.length),
    payload,
    byteStringHead(signature.length),
    signature,
  );
}

function malformed(what: string): LimmatError {
  return new LimmatError('malformed', `COSE_Sign1 ${what}`);
}
