// The storage port: what the log asks of a store, and what each method must guarantee. An adapter is a file in
// adapters/; test/contract/ holds one set of tests that every adapter passes, and passes again after reopening.

import { byteText } from './bytes.ts';
import type { TilePath } from './merkle/tile.ts';
import type { TreeHead } from './merkle/tree-head.ts';

/**
 * A state key: one byte that names the key space, then the key in it. A text of bytes (`byteText`), because most keys are
 * looked for in memory before any store is asked. Keys order bytewise. At most 128 bytes.
 */
export type StateKey = string;

/** One state value to set, or to delete where value is null. */
export interface StateWrite {
  readonly key: StateKey;
  readonly value: Uint8Array | null;
}

/** A hash tile that changed: all its hashes from the first one on, and how many of them were there before. */
export interface TileWrite {
  readonly level: number;
  readonly index: number;
  /** Hashes in it before this growth, 0 ≤ oldWidth < width ≤ 256. */
  readonly oldWidth: number;
  /** 32 × width bytes. Owned by the receiver: nobody changes them afterwards. */
  readonly bytes: Uint8Array;
}

/** Entries that are appended to one entry bundle, in the bundle's own form (u16 length and bytes, repeated). */
export interface BundleWrite {
  readonly index: number;
  /** Entries in the bundle before and after, 0 ≤ oldWidth < width ≤ 256. */
  readonly oldWidth: number;
  readonly width: number;
  /** Only the appended entries' bytes. */
  readonly appended: Uint8Array;
}

/** Everything that one commit adds: computed first, then applied as a whole or not at all. */
export interface Growth {
  readonly oldHead: TreeHead;
  readonly head: TreeHead;
  /** 32 bytes an entry, in order; entry i of the growth has index oldHead.size + i. */
  readonly leafHashes: Uint8Array;
  readonly tiles: readonly TileWrite[];
  readonly bundles: readonly BundleWrite[];
  readonly writes: readonly StateWrite[];
}

/** What a store holds when it is opened. A new store holds the empty tree. */
export interface StoredLog {
  readonly head: TreeHead;
  /** The checkpoint note that was last given to publish, verbatim. */
  readonly published: Uint8Array | undefined;
}

/** Where an entry's bytes are in its entry bundle: at `offset` its length as two bytes, and behind that so many bytes. */
export interface EntryPlace {
  readonly index: number;
  readonly offset: number;
  readonly length: number;
}

/** A page of a key space. */
export interface ScanRange {
  /** Only keys that start with this. */
  readonly prefix: StateKey;
  /** Forward: only keys after this one; in reverse: only keys before it. Exclusive; absent = from the end of the range. */
  readonly after?: StateKey;
  readonly limit: number;
  readonly reverse?: boolean;
}

/**
 * A log's store. One owner at a time; the owner never has two commits, or two publishes, under way at once, but reads
 * run beside them. What a method returns is a copy or immutable.
 */
export interface LogStorage {
  /** What the store holds now. May be called again at any time. */
  load(): Promise<StoredLog>;
  /**
   * Applies a growth atomically and durably: it has reached the disk before the promise resolves. Fails with
   * `store-failed` and nothing changed if the stored head is not growth.oldHead (compare-and-swap on the size and
   * root). Any other rejection leaves the outcome unknown: the caller closes the store, opens it again and adopts
   * what it holds. From then on read, get and load show the new state, never a part of it.
   */
  commit(growth: Growth): Promise<void>;
  /** Stores the checkpoint note as the published one, with the state writes (the archive), atomically and durably. */
  publish(note: Uint8Array, writes: readonly StateWrite[]): Promise<void>;
  /**
   * The resources at these paths, in order; undefined for one that is not fully there. A partial tile or bundle is the
   * prefix of the stored one. Never shows anything of a growth that is not committed.
   */
  read(paths: readonly TilePath[]): Promise<readonly (Uint8Array | undefined)[]>;
  /**
   * The bytes of these entries, in order, without those of the bundle around them; undefined where no committed bundle has
   * an entry of that length at that place. Whether it is the entry of that index, only its hash can tell.
   */
  readEntries(places: readonly EntryPlace[]): Promise<readonly (Uint8Array | undefined)[]>;
  /**
   * The indexes of the committed entries with these leaf hashes, in order; undefined where there is none. Adapters
   * derive them from growth.leafHashes and may persist them later than the tree, but never answer behind or ahead of it.
   */
  findLeaves(leafHashes: readonly Uint8Array[]): Promise<readonly (number | undefined)[]>;
  /** The values of these keys, in order; undefined where there is none. */
  get(keys: readonly StateKey[]): Promise<readonly (Uint8Array | undefined)[]>;
  /** The pairs in key order (reverse: descending), at most limit. */
  scan(range: ScanRange): Promise<readonly { readonly key: StateKey; readonly value: Uint8Array }[]>;
  /** Waits for what is under way and lets go of the store. Every later call fails with `store-failed`. */
  close(): Promise<void>;
}

/**
 * A store whose state can be made again from its entries, while no log owns it. What is written so has to be what the
 * entries lead to: a growth is the only other way in which state comes about.
 */
export interface RewritableStorage extends LogStorage {
  /** Applies these writes alone, atomically and durably; fails as `commit` does. */
  rewriteState(writes: readonly StateWrite[]): Promise<void>;
}

/** First bytes of the state keys in use, a letter each. A new one is a row here. */
export const KEY_SPACE = {
  /** SHA-256 of the COSE Sig_structure → index (8 bytes): a statement is logged once, whatever its signature. */
  statement: 's',
  /** size (8 bytes), time (8 bytes) → checkpoint note: the archive of published checkpoints. */
  archive: 'a',
  /** What admission has derived from the entries, key for key as record/admission/keys.ts makes them. */
  admission: 'd',
  /** Nothing more → nothing: there while derived state is being made again, so that nobody goes by the half of it. */
  reindex: 'r',
  /** What people look records up by, row for row as log/lookup/rows.ts makes them. */
  lookup: 'l',
} as const;

/** The key of a statement's signed content (32 bytes). */
export function statementKey(sigStructureHash: Uint8Array): StateKey {
  return KEY_SPACE.statement + byteText(sigStructureHash);
}
