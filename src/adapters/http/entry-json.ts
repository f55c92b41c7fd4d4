// A logged entry as JSON: what its statement says, or, where the leaf is opaque, its bytes.

import { toBase64 } from '../../bytes.ts';
import { isLimmatError } from '../../errors.ts';
import type { Hasher } from '../../merkle/hash.ts';
import { parseStatement, statementToJson } from '../../record/statement.ts';
import type { Statement, StatementJson } from '../../record/statement.ts';
import { describe } from '../../record/types.ts';

/** The statement in a leaf; undefined for a leaf that is none, which an open log may hold. */
export function statementIn(leaf: Uint8Array): Statement | undefined {
  try {
    return parseStatement(leaf);
  } catch (error) {
    if (isLimmatError(error)) return undefined;
    throw error;
  }
}

export interface EntryJson {
  readonly index: number;
  /** Standard base64, as all hashes in JSON. */
  readonly leafHash: string;
  /** Bytes in the leaf. */
  readonly size: number;
  readonly description?: string;
  readonly statement?: StatementJson;
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
      statement: statementToJson(statement),
    }),
    leaf: toBase64(leaf),
    links: { proof: `${index}/proof`, time: `${index}/time` },
  };
}
