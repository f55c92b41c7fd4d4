// A logged entry as JSON: what its statement says, or, where the leaf is opaque, its bytes.

import { toBase64, toHex } from '../../bytes.ts';
import { isLimmatError } from '../../errors.ts';
import type { Hasher } from '../../merkle/hash.ts';
import { parseStatement } from '../../record/statement.ts';
import type { Statement } from '../../record/statement.ts';
import { describe, recordToJson } from '../../record/types.ts';
import type { RecordJson } from '../../record/types.ts';

/** The statement in a leaf; undefined for a leaf that is none, which an open log may hold. */
export function statementIn(leaf: Uint8Array): Statement | undefined {
  try {
    return parseStatement(leaf);
  } catch (error) {
    if (isLimmatError(error)) return undefined;
    throw error;
  }
}

/** The header of a statement, beside its record. */
export interface StatementJson {
  /** COSE algorithm number: -19 Ed25519, -9 ESP256. */
  readonly alg: number;
  /** The signer's key thumbprint, hex. */
  readonly kid: string;
  readonly iss: string;
  readonly sub: string;
  /** Time of signing by the signer's clock, Unix seconds. */
  readonly iat: number;
}

export interface EntryJson {
  readonly index: number;
  /** Standard base64, as all hashes in JSON. */
  readonly leafHash: string;
  /** Bytes in the leaf. */
  readonly size: number;
  readonly description?: string;
  readonly statement?: StatementJson;
  readonly record?: RecordJson;
  /** The leaf itself, base64: what the leaf hash is over. */
  readonly leaf: string;
  /** Where its proof file and time bracket are, relative to this resource. */
  readonly links: { readonly proof: string; readonly time: string };
}

/** The JSON form of entry `index`. */
export function entryJson(index: number, leaf: Uint8Array, hasher: Hasher): EntryJson {
  const statement = statementIn(leaf);
  return {
    index,
    leafHash: toBase64(hasher.leafHash(leaf)),
    size: leaf.length,
    ...(statement && {
      description: describe(statement.record),
      statement: headerJson(statement),
      record: recordToJson(statement.record),
    }),
    leaf: toBase64(leaf),
    links: { proof: `${index}/proof`, time: `${index}/time` },
  };
}

/** The header part of a statement. */
export function headerJson({ alg, kid, iss, sub, iat }: Statement): StatementJson {
  return { alg, kid: toHex(kid), iss, sub, iat };
}
