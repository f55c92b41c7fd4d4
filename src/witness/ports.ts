// What a witness needs of a store and of a guard: small enough for a file, a database or an object store.

import type { Hash } from '../merkle/hash.ts';
import type { Suspicion } from './suspicion.ts';

/** Where a witness stands, changed with every commit. */
export interface WitnessMark {
  /** The name of the witness's keys. */
  readonly name: string;
  /** Commits so far. */
  readonly sequence: number;
  /** A hash over everything that was ever committed, in order. */
  readonly chain: Hash;
  /** The latest time that was, or was about to be, signed with any of the keys, Unix seconds; 0 before the first. */
  readonly lastSeconds: number;
}

/** The mark in the store, which also says where it stood before the last commit. */
export interface StoredMark extends WitnessMark {
  readonly previous: Hash;
}

/** The head of one log as a signed note: its text and the lines of the log's keys. */
export interface StoredHead {
  readonly origin: string;
  readonly note: Uint8Array;
}

/** Everything that a witness knows from before. */
export interface StoredState {
  readonly mark: StoredMark | undefined;
  readonly heads: readonly StoredHead[];
  readonly suspicions: readonly Suspicion[];
}

/** Changes that need not be durable at once, except for suspicions. */
export interface Keepsakes {
  /** Notes with the log's and the witness's own lines, for those who read heads. */
  readonly cosigned: readonly StoredHead[];
  readonly suspicions: readonly Suspicion[];
  readonly dropped: readonly Suspicion[];
}

/** One caller at a time: a witness waits for the end of one write before it begins the next. */
export interface WitnessStore {
  /**
   * Everything. After a commit that failed this reads the store anew, from its beginning, so that what it answers is what
   * a restart would find. LimmatError `store-corrupt`, `store-failed`.
   */
  load(): Promise<StoredState>;
  /** The mark and these heads, all or nothing, durable before it resolves. When it rejects, either may be the case. */
  commit(mark: StoredMark, heads: readonly StoredHead[]): Promise<void>;
  keep(keepsakes: Keepsakes): Promise<void>;
  /** The last head of a log, and the last cosigned note that was kept of it, which may be older. */
  read(origin: string): Promise<{ readonly head: Uint8Array | undefined; readonly cosigned: Uint8Array | undefined }>;
  close(): Promise<void>;
}

/** Kept apart from the store, so that a restored copy of the store cannot take it back; holding it is the lock. */
export interface WitnessGuard {
  read(): Promise<WitnessMark | undefined>;
  /** Durable before it resolves. */
  write(mark: WitnessMark): Promise<void>;
  close(): Promise<void>;
}
