// The guard port (DESIGN §4): what the log last promised to sign, kept outside the data directory so that a restored
// backup of the data cannot take it back. In scope: the port and the decision at start. Out of scope: where it lives.

import { equalBytes, toHex } from '../bytes.ts';
import { LimmatError } from '../errors.ts';
import type { Hash } from '../merkle/hash.ts';
import type { TreeHead } from '../merkle/tree-head.ts';

/** The last head that the log was about to sign, durable before the signature was made. */
export interface GuardState {
  readonly origin: string;
  readonly size: number;
  readonly rootHash: Hash;
  /** The time in that head's timestamped line, Unix seconds; 0 before the first signature. */
  readonly timestampSeconds: number;
}

/** Held open for the life of the process: having it is also the lock against a second signer. */
export interface Guard {
  /** What was written last, undefined if nothing ever was. */
  read(): Promise<GuardState | undefined>;
  /** Durable before the promise resolves. */
  write(state: GuardState): Promise<void>;
  /** Why this log was stopped for ever (log/stop.ts); undefined when it never was. */
  stopReason(): Promise<string | undefined>;
  /** Remembers that it is, whatever is written afterwards: durable before the promise resolves. The first reason stays. */
  stop(reason: string): Promise<void>;
  close(): Promise<void>;
}

/**
 * Throws unless a store that holds `head` may go on under this guard. `rootHashAt` gives the store's own root at a
 * size ≤ head.size. A store ahead of the guard is the ordinary crash between commit and signature and passes.
 * Errors: `guard-missing`, `wrong-log`, `guard-mismatch`.
 */
export async function checkGuard(
  state: GuardState | undefined,
  origin: string,
  head: TreeHead,
  rootHashAt: (size: number) => Promise<Hash>,
): Promise<GuardState> {
  if (state === undefined) {
    throw new LimmatError(
      'guard-missing',
      `the guard of ${origin} is missing, so what this log signed last is not known; put the guard directory back, ` +
        'or close this log and start a successor',
    );
  }
  if (state.origin !== origin) {
    throw new LimmatError('wrong-log', `the guard belongs to ${state.origin}, not to ${origin}`, {
      details: { guardOrigin: state.origin, origin },
    });
  }
  if (head.size < state.size) {
    throw new LimmatError(
      'guard-mismatch',
      `the store holds ${head.size} entries but this log has signed ${state.size}: it is an older copy; ` +
        'bring the missing entries back with `limmat recover`, or close this log and start a successor',
      { details: { storeSize: head.size, guardSize: state.size } },
    );
  }
  const rootHash = await rootHashAt(state.size);
  if (!equalBytes(rootHash, state.rootHash)) {
    throw new LimmatError(
      'guard-mismatch',
      `at size ${state.size} the store's root is ${toHex(rootHash)} but this log has signed ${toHex(state.rootHash)}: ` +
        'the store holds another history; put the right data back, or close this log and start a successor',
      { details: { size: state.size, storeRoot: toHex(rootHash), guardRoot: toHex(state.rootHash) } },
    );
  }
  return state;
}
