// The statement: a record, signed. Its bytes are the leaf and nothing else is: `D2 84 <protected> A0 <payload> <sig>`,
// a tagged COSE_Sign1 with an empty unprotected map (RFC 9052 §4.2, RFC 9943).
//
//   protected = {1: alg, 4: kid, 15: {1: iss, 2: sub, 6: iat}, 16: "application/vnd.limmat.<type>.v1+cbor"}
//   payload   = a deterministic CBOR map of the record's fields; no fact of the header again
//   sub       = <namespace>/<type>/<identity>, the identity derived from the payload
//
// In scope: form and content. Out of scope: whether the signature holds and whether the key may (admission.ts).

import { LimmatError } from '../errors.ts';
import { toHex } from '../bytes.ts';
import { coseAlgorithm, type CoseAlg } from '../cose/algorithm.ts';
import { decodeCbor, encodeCbor, type CborKey, type CborMap, type CborValue } from '../cose/cbor.ts';
import { decodeLeaf, encodeLeaf, sigStructure } from '../cose/sign1.ts';
import { checkSignatureForm, type StatementSigner } from '../cose/signer.ts';
import { MAX_ENTRY_SIZE } from '../merkle/tile.ts';
import { FieldError, show } from './field-error.ts';
import { text } from './fields.ts';
import { formatTime, MAX_TIME } from './time.ts';
import {
  decodePayload,
  encodePayload,
  isRecordType,
  recordToJson,
  subjectOf,
  type FieldsOf,
  type LimmatRecord,
  type RecordJson,
  type RecordType,
} from './types.ts';

export { externalSigner, statementSigner, verifySigned, type StatementSigner } from '../cose/signer.ts';

/** A statement whose form and record are checked; its signature is not. Byte fields are views of `bytes`. */
export interface Statement {
  /** The leaf. */
  readonly bytes: Uint8Array;
  readonly alg: CoseAlg;
  /** The thumbprint (RFC 9679) of the key that it says it is signed with: 32 bytes. */
  readonly kid: Uint8Array;
  /** Who signs, as an organisation. */
  readonly iss: string;
  readonly sub: string;
  /** Time of signing, Unix seconds. */
  readonly iat: number;
  readonly type: RecordType;
  readonly namespace: string;
  readonly payload: Uint8Array;
  /** What the signature covers: the Sig_structure (RFC 9052 §4.4). */
  readonly toBeSigned: Uint8Array;
  readonly signature: Uint8Array;
  readonly record: LimmatRecord;
}

const HEADER = { alg: 1, kid: 4, claims: 15, typ: 16 } as const;
const CLAIM = { iss: 1, sub: 2, iat: 6 } as const;
const TYP = /^application\/vnd\.limmat\.([a-z-]+)\.v1\+cbor$/;
const KID_SIZE = 32;
const issuerName = text(256);

/** The `typ` of a record type's statements. */
export function mediaType(type: RecordType): string {
  return `application/vnd.limmat.${type}.v1+cbor`;
}

/**
 * The statement in these bytes. `entry-too-large` above 65,535 bytes, `malformed` when CBOR or COSE form is not the
 * leaf's, `bad-record` (details: field, value) when header or payload are not as the record type demands.
 */
export function parseStatement(bytes: Uint8Array): Statement {
  checkSize(bytes.length);
  const { protectedBytes, payload, signature, toBeSigned } = decodeLeaf(bytes);
  const header = decodeCbor(protectedBytes);
  if (!(header instanceof Map)) throw new LimmatError('malformed', 'protected header is not a map');
  const alg = algOf(header);
  checkSignatureForm(alg, signature);
  const kid = header.get(HEADER.kid);
  if (!(kid instanceof Uint8Array) || kid.length !== KID_SIZE) {
    throw badHeader('kid', kid, `is not a thumbprint of ${KID_SIZE} bytes`);
  }
  const claims = header.get(HEADER.claims);
  if (!(claims instanceof Map)) throw badHeader('claims', claims, 'is not a map of CWT claims (label 15)');
  const iss = readIssuer(claims.get(CLAIM.iss));
  const sub = claims.get(CLAIM.sub);
  const iat = claims.get(CLAIM.iat);
  if (typeof iat !== 'number' || iat < 0 || iat > MAX_TIME) throw badHeader('iat', iat, 'is not a time in seconds');
  checkOnly(claims, CLAIM, 'claims');
  const type = typeOf(header);
  checkOnly(header, HEADER, 'protected');
  if (typeof sub !== 'string') throw badHeader('sub', sub, 'is not a text');
  const slash = sub.indexOf('/');
  const namespace = slash < 0 ? sub : sub.slice(0, slash);
  const record = decodePayload(type, namespace, payload);
  const subject = subjectOf(record);
  if (sub !== subject) throw badHeader('sub', sub, `is not what the payload says: ${show(subject)}`);
  return { bytes, alg, kid, iss, sub, iat, type, namespace, payload, toBeSigned, signature, record };
}

/** What a statement is to say. */
export interface StatementContent<T extends RecordType = RecordType> {
  readonly type: T;
  readonly namespace: string;
  readonly fields: FieldsOf<T>;
  /** Who signs, as an organisation: 1 to 256 bytes. */
  readonly issuer: string;
  /** Time of signing, Unix seconds. */
  readonly iatSeconds: number;
}

/**
 * Signs a record; gives the statement's bytes. What `parseStatement` would refuse is refused here with the same code,
 * before the signer is asked.
 */
export async function createStatement<T extends RecordType>(
  content: StatementContent<T>,
  signer: StatementSigner,
): Promise<Uint8Array> {
  const payload = encodePayload(content.type, content.fields);
  const record = decodePayload(content.type, content.namespace, payload);
  const iss = readIssuer(content.issuer);
  const iat = content.iatSeconds;
  if (!Number.isSafeInteger(iat) || iat < 0 || iat > MAX_TIME) throw badHeader('iat', iat, 'is not a time in seconds');
  const protectedBytes = encodeCbor(
    new Map<CborKey, CborValue>([
      [HEADER.alg, signer.alg],
      [HEADER.kid, signer.kid],
      [
        HEADER.claims,
        new Map<CborKey, CborValue>([
          [CLAIM.iss, iss],
          [CLAIM.sub, subjectOf(record)],
          [CLAIM.iat, iat],
        ]),
      ],
      [HEADER.typ, mediaType(content.type)],
    ]),
  );
  // The signature's length is known, so a record that is too large never reaches the signer.
  const signatureSize = coseAlgorithm(signer.alg)!.signatureSize;
  checkSize(encodeLeaf(protectedBytes, payload, new Uint8Array(signatureSize)).length);
  const signature = await signer.sign(sigStructure(protectedBytes, payload));
  checkSignatureForm(signer.alg, signature);
  return encodeLeaf(protectedBytes, payload, signature);
}

/** A statement in JSON: the record and what its header says. */
export interface StatementJson extends RecordJson {
  readonly subject: string;
  readonly issuer: string;
  /** The key's thumbprint, lowercase hexadecimal. */
  readonly keyId: string;
  readonly algorithm: string;
  /** RFC 3339, UTC. */
  readonly signedAt: string;
}

export function statementToJson(statement: Statement): StatementJson {
  return {
    ...recordToJson(statement.record),
    subject: statement.sub,
    issuer: statement.iss,
    keyId: toHex(statement.kid),
    algorithm: coseAlgorithm(statement.alg)!.title,
    signedAt: formatTime(statement.iat),
  };
}

/**
 * SHA-256 (32 bytes) of every file that the record is about, in the record's order: its artifacts, and before them the
 * content of an avdb-release; the archive of a source-snapshot. None for a record that is about no file: what a rebuild
 * gave need not be what its vendor ships.
 */
export function fileDigests(record: LimmatRecord): readonly Uint8Array[] {
  if (record.type === 'source-snapshot') {
    const { archiveDigest } = record.fields;
    return archiveDigest === undefined ? [] : [archiveDigest.sha256];
  }
  if (record.type !== 'build' && record.type !== 'avdb-release') return [];
  const files = (record.fields.artifacts ?? []).map(({ digest }) => digest.sha256);
  return record.type === 'avdb-release' ? [record.fields.contentDigest.sha256, ...files] : files;
}

function checkSize(size: number): void {
  if (size <= MAX_ENTRY_SIZE) return;
  throw new LimmatError('entry-too-large', `entry of ${size} bytes is larger than ${MAX_ENTRY_SIZE}`, {
    details: { size, limit: MAX_ENTRY_SIZE },
  });
}

function algOf(header: CborMap): CoseAlg {
  const row = coseAlgorithm(header.get(HEADER.alg));
  if (row === undefined) throw badHeader('alg', header.get(HEADER.alg), 'is neither Ed25519 (-19) nor ESP256 (-9)');
  return row.alg;
}

function typeOf(header: CborMap): RecordType {
  const typ = header.get(HEADER.typ);
  const type = typeof typ === 'string' ? TYP.exec(typ)?.[1] : undefined;
  if (type === undefined || !isRecordType(type)) {
    throw badHeader('typ', typ, 'is not application/vnd.limmat.<record type>.v1+cbor of a known type');
  }
  return type;
}

function readIssuer(value: CborValue | undefined): string {
  try {
    return issuerName.fromCbor(value ?? null);
  } catch (error) {
    if (error instanceof FieldError) throw badHeader('iss', value, 'is not a text of 1 to 256 fit bytes');
    throw error;
  }
}

function checkOnly(map: CborMap, labels: Readonly<Record<string, number>>, field: string): void {
  const known = Object.values(labels);
  if (map.size === known.length) return;
  const other = [...map.keys()].find((label) => typeof label !== 'number' || !known.includes(label));
  throw badHeader(field, other, `is a label beside ${known.join(', ')}`);
}

function badHeader(field: string, value: unknown, what: string): LimmatError {
  return new LimmatError('bad-record', `statement header: ${field} ${show(value)} ${what}`, {
    details: { field, value: show(value) },
  });
}
