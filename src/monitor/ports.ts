// What a monitor asks of a store, and what each method must guarantee. src/adapters/monitor-store is one on a disk,
// src/adapters/memory/monitor-store.ts one without; test/contract/monitor-store.ts holds the tests that both pass.
//
// Durable means: it has reached the disk before the promise resolves, so that neither kill -9 nor a power cut takes it
// back. What a method returns is a copy or immutable. A store has one owner at a time.

import type { TileReader } from '../merkle/prover.ts';
import type { StateKey } from '../record/admission.ts';

/**
 * The leaf hashes of entries [0, size) of one log, 32 bytes each, and the tiles above them: at most 36 bytes an entry
 * all in all. Who appends has authenticated the hashes; the mirror believes its caller.
 */
export interface LeafMirror {
  /** Entries whose leaf hashes are held. After a crash it may be more than was flushed, never less. */
  readonly size: number;
  /** Appends the leaf hashes of the next entries (32 bytes each, in order). Durable only after flush. */
  append(leafHashes: Uint8Array): Promise<void>;
  /** Hash tiles of the tree over [0, size), any level and width; rejects with `not-found` for what is not in it. */
  readonly read: TileReader;
  /** Forgets all entries from newSize on; RangeError above size. */
  truncate(newSize: number): Promise<void>;
  /** Makes what was appended durable. */
  flush(): Promise<void>;
}

/** A small text that is replaced as a whole: after a crash it is the old one or the new one. */
export interface TextSlot {
  /** Undefined when nothing was ever saved. `store-corrupt` when it is there and cannot be read. */
  load(): Promise<string | undefined>;
  /** Atomic and durable. */
  save(text: string): Promise<void>;
}

/** A line of a journal, and where it starts. */
export interface JournalLine {
  readonly position: number;
  /** Without its newline. */
  readonly text: string;
}

/**
 * Lines of text that are added one after another. A line that was half written at a crash is not there. Positions count
 * bytes, the newlines included; rewrite gives every line a new one.
 */
export interface LineJournal {
  /** The position behind the last line: where the next one will start. 0 in an empty journal. */
  readonly end: number;
  /** The lines that start at or after a position, from there on: at most limit. */
  read(from: number, limit: number): Promise<readonly JournalLine[]>;
  /** Adds lines (none of them holds a newline), all or none, durably. */
  append(lines: readonly string[]): Promise<void>;
  /** Puts these lines in the place of all others, atomically and durably. */
  rewrite(lines: readonly string[]): Promise<void>;
}

/** One value to set, or to delete where it is null. */
export interface KeyedRow {
  readonly key: StateKey;
  readonly value: Uint8Array | null;
}

/**
 * Values by key, in the order of the keys' bytes: what is derived from a log's entries and can be derived again. Keys have
 * 1 to 512 bytes. After a power cut the newest batches may be gone: never a part of one, and never one before another that
 * is there. So whoever derives keeps how far it is in a row of its own, in the same batch.
 */
export interface KeyedState {
  /** The values of these keys, in order; undefined where there is none. */
  get(keys: readonly StateKey[]): Promise<readonly (Uint8Array | undefined)[]>;
  /** The first rows with from <= key < below, ascending, at most limit. */
  scan(
    from: StateKey,
    below: StateKey,
    limit: number,
  ): Promise<readonly { readonly key: StateKey; readonly value: Uint8Array }[]>;
  /** Writes all rows or none; of two with one key the later one counts. */
  write(rows: readonly KeyedRow[]): Promise<void>;
  /** Forgets everything. */
  clear(): Promise<void>;
}

/** What a monitor keeps about one log. */
export interface MonitorLogStore {
  readonly state: TextSlot;
  /** What the log's records come to. Takes no room and holds no file open until something is written. */
  readonly records: KeyedState;
  readonly mirror: LeafMirror;
  /** Every distinct signed head, as formatKeptHead (kept-head.ts) writes it: it is here before anything is concluded from it. */
  readonly heads: LineJournal;
  /** Bytes that somebody should look at, such as a note whose signature does not hold; bounded, the oldest go first. */
  keepSuspect(name: string, bytes: Uint8Array): Promise<void>;
}

/** Verified evidence files by id (64 lowercase hex digits). */
export interface EvidenceStore {
  /** Sorted. */
  ids(): Promise<readonly string[]>;
  get(id: string): Promise<Uint8Array | undefined>;
  /**
   * Keeps a file, atomically and durably. What has an id already stays as it is. False, and nothing kept, when the store
   * is full (MAX_EVIDENCE_BYTES).
   */
  put(id: string, file: Uint8Array): Promise<boolean>;
}

/** Evidence that is kept in all: 128 files of the largest size (512 KiB), tens of thousands of the usual one. */
export const MAX_EVIDENCE_BYTES: number = 64 * 1024 * 1024;

export interface MonitorStore {
  /** Which logs are watched and since when; undefined in a store that was never initialised. */
  readonly meta: TextSlot;
  /** The store of a log, made when it is not there yet. The same object for the same origin. */
  log(origin: string): Promise<MonitorLogStore>;
  readonly evidence: EvidenceStore;
  readonly alerts: LineJournal;
  /** Waits for what is under way and lets go of everything; every later call fails with `store-failed`. */
  close(): Promise<void>;
}
