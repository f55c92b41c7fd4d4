// DSSE v1.0.2 envelopes (secure-systems-lab/dsse): a payload, its type, and signatures over both. As the specification
// demands, members that it does not know are ignored, and a key id is a hint that nothing rests on.

import { concat, fromBase64, utf8 } from '../../bytes.ts';
import { LimmatError } from '../../errors.ts';
import { coseAlgorithm } from '../../cose/algorithm.ts';
import type { CoseKey } from '../../cose/key.ts';
import { toLowS } from '../../crypto/public-key.ts';
import { algorithmOf, type CryptoSuite } from '../../crypto/suite.ts';
import { isList, isObject, type Json, type JsonObject } from './json.ts';
import { MAX_SIGNATURE_CHARACTERS, MAX_SIGNATURES } from './limits.ts';

/** An envelope's parts; no signature is verified. */
export interface DsseEnvelope {
  readonly payloadType: string;
  readonly payload: Uint8Array;
  /** At least 1. */
  readonly signatures: readonly Uint8Array[];
}

/** The envelope in this object; `malformed` otherwise. `what` names it in errors. */
export function readEnvelope(object: JsonObject, what: string): DsseEnvelope {
  const payloadType = object.get('payloadType');
  if (typeof payloadType !== 'string') throw refuse(what, 'has no payloadType');
  const payload = base64Of(object.get('payload'));
  if (payload === undefined) throw refuse(what, 'has no payload in base64');
  const signatures = object.get('signatures');
  if (!isList(signatures) || signatures.length === 0) throw refuse(what, 'has no signatures');
  if (signatures.length > MAX_SIGNATURES) {
    throw refuse(what, `has ${signatures.length} signatures, more than ${MAX_SIGNATURES}`);
  }
  return { payloadType, payload, signatures: signatures.map((signature) => readSignature(signature, what)) };
}

function readSignature(value: Json, what: string): Uint8Array {
  const text = isObject(value) ? value.get('sig') : undefined;
  const isShort = typeof text === 'string' && text.length <= MAX_SIGNATURE_CHARACTERS;
  const signature = isShort && text !== '' ? base64Of(text) : undefined;
  if (signature === undefined) throw refuse(what, 'has a signature without a "sig" in base64');
  return signature;
}

/** Canonical base64 with padding in the standard or the URL-safe alphabet, which DSSE allows; not both in one text. */
function base64Of(value: Json | undefined): Uint8Array | undefined {
  if (typeof value !== 'string') return undefined;
  if (!/[-_]/.test(value)) return fromBase64(value);
  return /[+/]/.test(value) ? undefined : fromBase64(value.replaceAll('-', '+').replaceAll('_', '/'));
}

/** What is signed: `DSSEv1 <length> <type> <length> <body>`, lengths in bytes (PAE of protocol.md). */
export function preAuthEncoding({ payloadType, payload }: Pick<DsseEnvelope, 'payloadType' | 'payload'>): Uint8Array {
  const type = utf8(payloadType);
  return concat(utf8(`DSSEv1 ${type.length} `), type, utf8(` ${payload.length} `), payload);
}

/** Those of the keys that signed the envelope, each once. A signature of another key is no fault. */
export async function signersOf(
  envelope: DsseEnvelope,
  keys: readonly CoseKey[],
  crypto: CryptoSuite,
): Promise<readonly CoseKey[]> {
  const message = preAuthEncoding(envelope);
  const found: CoseKey[] = [];
  for (const key of keys) {
    const { name } = coseAlgorithm(key.alg)!;
    const algorithm = algorithmOf(crypto, name);
    for (const signature of envelope.signatures.flatMap((bytes) => formsOf(name, bytes))) {
      if (found.includes(key) || !(await algorithm.verify(key.publicKey, message, signature))) continue;
      found.push(key);
    }
  }
  return found;
}

/** The signature as the crypto suite takes it. DSSE leaves the form of ECDSA open: r ‖ s, or DER as sigstore writes it. */
function formsOf(algorithm: 'Ed25519' | 'ECDSA-P256', signature: Uint8Array): readonly Uint8Array[] {
  if (algorithm === 'Ed25519') return [signature];
  const forms = [signature.length === 64 ? signature : undefined, fromDer(signature)];
  // Whoever made it was free to take either of the two s.
  return forms.filter((form) => form !== undefined).map(toLowS);
}

/** r ‖ s of a P-256 signature in DER: SEQUENCE { INTEGER r, INTEGER s }, each positive and in its shortest form. */
function fromDer(der: Uint8Array): Uint8Array | undefined {
  if (der[0] !== 0x30 || der[1] !== der.length - 2) return undefined;
  const out = new Uint8Array(64);
  let offset = 2;
  for (const end of [32, 64]) {
    const length = der[offset + 1] ?? 0;
    const digits = der.subarray(offset + 2, offset + 2 + length);
    const [first = 0x80, second = 0x80] = digits;
    const isShortest = first < 0x80 && (first !== 0 || second >= 0x80);
    const number = first === 0 ? digits.subarray(1) : digits;
    if (der[offset] !== 0x02 || digits.length !== length || !isShortest || number.length > 32) return undefined;
    out.set(number, end - number.length);
    offset += 2 + length;
  }
  return offset === der.length ? out : undefined;
}

function refuse(what: string, why: string): LimmatError {
  return new LimmatError('malformed', `${what} ${why}`);
}
