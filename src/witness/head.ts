// Heads of logs on their way through a witness: signed by the log, then remembered.

import type { Hash } from '../merkle/hash.ts';

/** The tree that a witness last vouched for, of one log. */
export interface KnownHead {
  readonly size: number;
  readonly rootHash: Hash;
  /** When the log says that this was its largest tree; 0 where its keys state no time. */
  readonly logSeconds: number;
}

/** A head that its log has signed. Nothing says that it is consistent with anything. */
export interface SignedHead extends KnownHead {
  readonly origin: string;
  /** The note's text, with its final newline: what is cosigned. */
  readonly text: string;
  /** The note with one line for each of the log's keys, and no others. */
  readonly note: Uint8Array;
}
