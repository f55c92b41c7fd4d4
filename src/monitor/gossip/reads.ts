// What anyone may read of a monitor's gossip: heads and consistency proofs of the logs that it watches.

import { toBase64, toHex, utf8, utf8Text } from '../../bytes.ts';
import type { CryptoSuite } from '../../crypto/suite.ts';
import { LimmatError } from '../../errors.ts';
import { MAX_EXCHANGE_BYTES, MAX_PAGE_NOTES } from './limits.ts';
import type { GossipLog } from './protocol.ts';

/** How a URL names a log: the SHA-256 of its origin, in lowercase hexadecimal (C2SP tlog-witness). */
export function originHash(origin: string, crypto: CryptoSuite): string {
  return toHex(crypto.sha256(utf8(origin)));
}

/** The watched log with this origin hash. `not-found`. */
export function logByHash(logs: ReadonlyMap<string, GossipLog>, hash: string, crypto: CryptoSuite): GossipLog {
  for (const [origin, watched] of logs) if (originHash(origin, crypto) === hash) return watched;
  throw new LimmatError('not-found', 'this monitor does not watch a log with that origin hash');
}

/** The newest checkpoint of a log that this monitor found consistent. `not-found` before the first one. */
export function newestNote({ book, log }: GossipLog): Uint8Array {
  const newest = book.newest();
  if (newest === undefined) throw new LimmatError('not-found', `no checkpoint of ${log.origin} was verified yet`);
  return newest.note;
}

/** Some of the heads that a monitor holds of one log. */
export interface HeadPage {
  readonly origin: string;
  readonly checkpoints: readonly string[];
  /** What to ask for next; the same as before when there is nothing more. */
  readonly cursor: number;
}

/** The heads that came after the cursor (0 for all), oldest first, as many as make a page: 16, or 256 KiB. */
export function headPage({ book, log }: GossipLog, after: number): HeadPage {
  const checkpoints: string[] = [];
  let bytes = 0;
  let cursor = after;
  for (const { head, cursor: next } of book.since(after, MAX_PAGE_NOTES)) {
    bytes += head.note.length;
    if (bytes > MAX_EXCHANGE_BYTES && checkpoints.length > 0) break;
    checkpoints.push(utf8Text(head.note)!);
    cursor = next;
  }
  return { origin: log.origin, checkpoints, cursor };
}

/** A consistency proof out of a monitor's own tree, as JSON; hashes are base64. */
export interface ProvenConsistency {
  readonly origin: string;
  readonly from: number;
  readonly to: number;
  readonly fromRoot: string;
  readonly toRoot: string;
  readonly proof: readonly string[];
}

/**
 * The proof that this monitor's tree of size `to` (default: all of it) extends that of size `from`, with both roots: whoever holds
 * a signed head of one size sees whether it is on this monitor's branch. `not-found` before there is a tree,
 * `bad-parameter` for sizes that are not 0 ≤ from ≤ to ≤ the tree's.
 */
export async function provenConsistency(watched: GossipLog, from: number, to?: number): Promise<ProvenConsistency> {
  const tree = watched.tree();
  const { origin } = watched.log;
  if (tree === undefined) throw new LimmatError('not-found', `nothing of ${origin} was verified yet`);
  const { own, ownProver } = tree;
  const end = to ?? own.size;
  if (from > end || end > own.size) {
    throw new LimmatError('bad-parameter', `from ${from} and to ${end} are not in order up to size ${own.size}`, {
      details: { from, to: end, size: own.size },
    });
  }
  const [fromRoot, toRoot] = [await ownProver.rootHashAt(from), await ownProver.rootHashAt(end)];
  const proof = await ownProver.consistency(from, end);
  return {
    origin,
    from,
    to: end,
    fromRoot: toBase64(fromRoot),
    toRoot: toBase64(toRoot),
    proof: proof.map(toBase64),
  };
}
