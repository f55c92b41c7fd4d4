// How far an entry has come. A step of the pipeline accepts only the type of the step before it (DESIGN §4).

import type { Statement } from '../record/statement.ts';
import type { Hash } from '../merkle/hash.ts';

/** An entry that passed validation: its leaf bytes, their leaf hash and, in `records` mode, what they say. */
export interface Entry {
  readonly bytes: Uint8Array;
  readonly leafHash: Hash;
  /** Absent where admission is open: such a leaf is opaque. */
  readonly record: ValidatedRecord | undefined;
}

/** What validation established about a signed statement. */
export interface ValidatedRecord {
  readonly statement: Statement;
  /** SHA-256 of the Sig_structure: the statement's identity whatever its signature. */
  readonly statementHash: Hash;
  /**
   * True when its signatures hold, by keys that were in force. False when one of the keys was not: it may come with an
   * entry of the same moment, so sequencing looks again.
   */
  readonly isVerified: boolean;
}

/** An entry with its place: index = the tree's size before it. */
export interface SequencedEntry {
  readonly entry: Entry;
  readonly index: number;
}
