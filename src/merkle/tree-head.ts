// A tree head: how many entries, and the root hash over them (RFC 9162 §2.1).

import type { Hash } from './hash.ts';

/** The tree over entries [0, size). */
export interface TreeHead {
  readonly size: number;
  readonly rootHash: Hash;
}
