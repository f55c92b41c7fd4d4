// Verifies evidence: offline, without a clock, and with no trust in whoever made or carried the file. The keys in it are
// a hint; what counts are the keys that the verifier has from elsewhere.

import { toBase64, compareBytes, toHex } from '../../bytes.ts';
import { LimmatError, isLimmatError } from '../../errors.ts';
import { portableHasher } from '../../merkle/hash.ts';
import type { Hasher } from '../../merkle/hash.ts';
import { identityOf } from '../watched-log.ts';
import type { LogIdentity } from '../watched-log.ts';
import { canonicalJsonBytes } from './canonical-json.ts';
import type { Evidence, EvidenceHead } from './evidence.ts';
import { EVIDENCE_FORMAT } from './file.ts';
import type { EvidenceFile } from './file.ts';
import { badEvidence, statedTimes } from './kind-row.ts';
import type { KindRow, OpenedClaim } from './kind-row.ts';
import { KINDS } from './kinds.ts';
import { openClaim } from './open.ts';
import { printable } from './words.ts';

/**
 * The evidence in a file, if it holds against one of these logs: the signatures are by its keys, the proofs lead to the
 * signed roots, and no honest log can have signed all of it. Work is bounded: two notes, four inclusion proofs and
 * one consistency proof of at most 63 hashes. The observation in the file is not looked at (observe.ts).
 *
 * Throws `unknown-log` when none of the logs has the file's origin, `bad-evidence` with the reason when it does not hold.
 */
export async function verifyEvidence(
  file: Pick<EvidenceFile, 'kind' | 'origin' | 'claim'>,
  logs: readonly LogIdentity[],
  hasher: Hasher = portableHasher,
): Promise<Evidence> {
  const { kind, origin, claim } = file;
  const row = KINDS[kind];
  const log = findLog(origin, logs);
  let opened: OpenedClaim;
  try {
    opened = await openClaim(row, claim, log, hasher);
  } catch (error) {
    if (!isLimmatError(error) || error.code === 'bad-evidence') throw error;
    throw badEvidence(error.message, error);
  }
  await row.check(opened);
  return Object.freeze({ kind, origin, id: evidenceId(row, origin, opened), claim, heads: opened.heads });
}

/** The log of that origin, with the keys and the widest promise of every element that has it. */
function findLog(origin: string, logs: readonly LogIdentity[]): LogIdentity {
  const named = logs.filter((log) => log.origin === origin);
  if (named.length === 0) {
    const known = logs.map((log) => log.origin).join(', ');
    throw new LimmatError(
      'unknown-log',
      `the evidence is about log ${printable(origin)}; known are ${known || 'none'}`,
    );
  }
  const promises = named.flatMap(({ iatWindowSeconds }) => (iatWindowSeconds === undefined ? [] : [iatWindowSeconds]));
  const channelVerifiers = named.flatMap((log) => log.channelVerifiers ?? []);
  const witnesses = named.flatMap((log) => log.witnesses ?? []);
  return {
    origin,
    verifiers: named.flatMap((log) => identityOf(log).verifiers),
    ...(channelVerifiers.length > 0 && { channelVerifiers }),
    ...(witnesses.length > 0 && { witnesses }),
    ...(promises.length > 0 && { iatWindowSeconds: Math.max(...promises) }),
  };
}

/**
 * SHA-256 over the canonical JSON of [format, kind, origin, [[size, root, T], …], [leaf hash, …]], as 64 hex digits.
 * Checkpoints are sorted by size, root and T, leaf hashes bytewise; hashes are base64. T is the latest time that the
 * log's signatures state, and 0 for the kinds that do not argue with time: there a head that was signed again has the
 * id that it had. A leaf hash that a channel head names is one of them. Keys and signatures stay outside, so that every observer of these heads gets the same id.
 */
function evidenceId(row: KindRow, origin: string, { heads, channelHead, entries, hasher }: OpenedClaim): string {
  const checkpoints = heads
    .map((head) => ({ head, time: row.timed ? Math.max(0, ...statedTimes(head)) : 0 }))
    .toSorted((a, b) => compareHeads(a.head, b.head) || a.time - b.time)
    .map(({ head, time }) => [head.size, toBase64(head.rootHash), time]);
  const leafHashes = [...entries, ...(channelHead === undefined ? [] : [channelHead])]
    .map(({ leafHash }) => leafHash)
    .toSorted(compareBytes)
    .map(toBase64);
  return toHex(hasher.sha256(canonicalJsonBytes([EVIDENCE_FORMAT, row.kind, origin, checkpoints, leafHashes])));
}

function compareHeads(a: EvidenceHead, b: EvidenceHead): number {
  return a.size - b.size || compareBytes(a.rootHash, b.rootHash);
}
