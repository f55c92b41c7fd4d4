// Whether what is known of a log is one history: the checkpoints that its sources have, the tree in the store, and what
// the guard says that the log signed. Two of them that contradict each other are found here, before anything is written.

import { equalBytes, toHex } from '../../src/bytes.ts';
import { LimmatError } from '../../src/errors.ts';
import type { GuardState } from '../../src/log/guard.ts';
import { Prover, type Hash, type Hasher, type TreeHead } from '../../src/merkle/index.ts';
import { openLogCheckpoint } from '../../src/note/index.ts';
import type { LogStorage } from '../../src/storage.ts';
import type { LogKeys } from '../support/log-keys.ts';
import { storageSource, type LogSource } from '../support/log-source.ts';

/** A source's checkpoint with the log's own signatures on it. */
export interface SignedHead {
  readonly head: TreeHead;
  readonly timestampSeconds: number;
  readonly note: Uint8Array;
  readonly source: LogSource;
}

/** The head in a source's checkpoint note, once the log's signatures on it hold; errors as openLogCheckpoint. */
export async function openSignedHead(note: Uint8Array, source: LogSource, keys: LogKeys): Promise<SignedHead> {
  const { checkpoint, timestampSeconds } = await openLogCheckpoint(note, keys);
  const head = { size: checkpoint.size, rootHash: checkpoint.rootHash };
  return { head, timestampSeconds, note, source };
}

/** The largest of at least one head, of equal ones the newest. `fork` when one of the others is no part of its tree. */
export async function largestHead(heads: readonly SignedHead[], hasher: Hasher): Promise<SignedHead> {
  const best = heads.reduce((largest, one) => (isBehind(largest, one) ? one : largest));
  const prover = proverOf(best.source, hasher);
  for (const one of heads) {
    if (one === best) continue;
    const rootHash =
      one.head.size === best.head.size ? best.head.rootHash : await prover.rootHashAt(best.head, one.head.size);
    if (equalBytes(rootHash, one.head.rootHash)) continue;
    throw new LimmatError(
      'fork',
      `${best.source.name} and ${one.source.name} have two signed trees that differ at size ${one.head.size}: this log ` +
        'has forked; keep both checkpoints as evidence, and close it with a successor',
    );
  }
  return best;
}

function isBehind(one: SignedHead, other: SignedHead): boolean {
  if (one.head.size !== other.head.size) return one.head.size < other.head.size;
  return one.timestampSeconds < other.timestampSeconds;
}

/** The root of the first `size` entries, for sizes up to the larger one of two trees of one history. */
export interface History {
  readonly size: number;
  rootHashAt(size: number): Promise<Hash>;
}

/**
 * The history that the store's tree and a source's signed one have in common. `not-consistent` when neither is the
 * beginning of the other.
 */
export async function sharedHistory(
  storage: LogStorage,
  signed: Pick<SignedHead, 'head' | 'source'>,
  hasher: Hasher,
): Promise<History> {
  const { head: stored } = await storage.load();
  const isAhead = stored.size >= signed.head.size;
  const [smaller, larger] = isAhead ? [signed.head, stored] : [stored, signed.head];
  const prover = proverOf(isAhead ? storageSource('the store', storage) : signed.source, hasher);
  const rootHashAt = (size: number): Promise<Hash> => prover.rootHashAt(larger, size);
  const found = await rootHashAt(smaller.size);
  if (equalBytes(found, smaller.rootHash)) return { size: larger.size, rootHashAt };
  const [storedRoot, signedRoot] = isAhead ? [found, smaller.rootHash] : [smaller.rootHash, found];
  throw new LimmatError(
    'not-consistent',
    `the store's root at size ${smaller.size} is ${toHex(storedRoot)}, but the tree that this log signed, which ` +
      `${signed.source.name} has, has ${toHex(signedRoot)} there: the store holds another history; keep both as evidence`,
    { details: { size: smaller.size, storedRoot: toHex(storedRoot), signedRoot: toHex(signedRoot) } },
  );
}

/** `fork` when what the guard says that this log has signed is within a history, and not a part of it. */
export async function assertHoldsGuard(history: History, state: GuardState, sourceName: string): Promise<void> {
  if (state.size > history.size) return;
  const rootHash = await history.rootHashAt(state.size);
  if (equalBytes(rootHash, state.rootHash)) return;
  throw new LimmatError(
    'fork',
    `at size ${state.size} this log has signed root ${toHex(state.rootHash)}, and the tree that ${sourceName} has a signed ` +
      `checkpoint of has ${toHex(rootHash)}: keep both as evidence, close this log and start a successor`,
    { details: { size: state.size, guardRoot: toHex(state.rootHash), root: toHex(rootHash) } },
  );
}

function proverOf(source: LogSource, hasher: Hasher): Prover {
  return new Prover({ read: (paths) => source.read(paths), hasher });
}
