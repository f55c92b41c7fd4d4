// Entries that a lookup names, verified: included under a checkpoint that the trust file is satisfied with, and signed by
// an issuer of the trust file, or marked as a stranger's.

import { asHash, portableHasher } from '../../merkle/hash.ts';
import type { Hash, Hasher } from '../../merkle/hash.ts';
import { parseTlogProof } from '../../note/tlog-proof.ts';
import type { CryptoSuite } from '../../crypto/suite.ts';
import { portableCrypto } from '../../crypto/portable.ts';
import { verifySigned } from '../../cose/signer.ts';
import { toHex } from '../../bytes.ts';
import { LimmatError, isLimmatError } from '../../errors.ts';
import { parseStatement } from '../../record/statement.ts';
import type { Statement } from '../../record/statement.ts';
import type { LogHead, RememberedHeads } from '../state.ts';
import { mayVouch } from '../trust.ts';
import type { Trust } from '../trust.ts';
import { openTrustedCheckpoint, verifyProofFile } from '../verify.ts';
import type { OpenedCheckpoints } from '../verify.ts';

/** An entry that is in the log, and whether an issuer of the trust file signed it. */
export interface CitedEntry {
  readonly index: number;
  readonly leafHash: Hash;
  readonly statement: Statement;
  /** False: the trust file does not name who signed it. That the log took it is all that is known then. */
  readonly isTrusted: boolean;
}

/** A cited entry with the head under which it was proven. */
export interface ProvenCitation extends CitedEntry {
  readonly head: LogHead;
}

export interface CitationOptions {
  readonly trust: Trust;
  readonly remembered: RememberedHeads;
  readonly nowSeconds: number;
  readonly crypto?: CryptoSuite;
  readonly hasher?: Hasher;
  /** As in VerifyOptions. */
  readonly opened?: OpenedCheckpoints;
}

/**
 * Entry `index` from its proof file. What the trust file expects of records is not asked here: rebuilds and retractions
 * are of other types. Throws the refusals of verifyProofFile but `unknown-issuer`, and `bad-proof` for another entry.
 */
export async function openCited(
  proofFile: Uint8Array,
  index: number,
  options: CitationOptions,
): Promise<ProvenCitation> {
  const { trust, remembered, nowSeconds, crypto = portableCrypto, hasher = portableHasher } = options;
  const opened: OpenedCheckpoints = options.opened ?? new Map();
  let cited: ProvenCitation;
  try {
    const proven = await verifyProofFile({
      proofFile,
      artifactSha256: 'none',
      trust: { ...trust, expected: {} },
      remembered,
      nowSeconds,
      crypto,
      hasher,
      opened,
    });
    const { statement, leafHash, head } = proven;
    cited = { index: proven.index, leafHash, statement, head, isTrusted: true };
  } catch (error) {
    if (!isLimmatError(error, 'unknown-issuer')) throw error;
    // Of all that is checked the issuer comes after the proof, so the entry is known to be the log's.
    const { extra, index: at, checkpoint } = parseTlogProof(proofFile);
    const { head } = await openTrustedCheckpoint(checkpoint, { trust, nowSeconds, crypto, opened });
    const leafHash = asHash(hasher.leafHash(extra!));
    cited = { index: at, leafHash, statement: parseStatement(extra!), head, isTrusted: false };
  }
  if (cited.index === index) return cited;
  throw new LimmatError('bad-proof', `the log was asked for entry ${index} and proved entry ${cited.index}`);
}

/** An entry whose place in the log is known already; undefined where it is no statement or its signature does not hold. */
export async function citedFromLeaf(
  leaf: Uint8Array,
  index: number,
  options: Pick<CitationOptions, 'trust' | 'crypto' | 'hasher'>,
): Promise<CitedEntry | undefined> {
  const { trust, crypto = portableCrypto, hasher = portableHasher } = options;
  const statement = readable(leaf);
  if (statement === undefined) return undefined;
  const kid = toHex(statement.kid);
  const issuer = trust.issuers.find((known) => known.kid === kid && known.iss === statement.iss);
  if (issuer !== undefined && !(await verifySigned(statement, issuer.key, crypto))) return undefined;
  return {
    index,
    leafHash: asHash(hasher.leafHash(leaf)),
    statement,
    isTrusted: issuer !== undefined && mayVouch(issuer, statement.record),
  };
}

/** The statement in an entry; undefined where there is none that this version reads. */
export function readable(leaf: Uint8Array): Statement | undefined {
  try {
    return parseStatement(leaf);
  } catch (error) {
    if (isLimmatError(error)) return undefined;
    throw error;
  }
}
