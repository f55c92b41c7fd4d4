// The lookup rows of a batch of entries. Several entries go on with one row: so the rows that a batch may go on with are
// read before it is placed, changed in memory as entries are placed, and written once. What is in a row follows from the
// entries alone, however they were cut into batches; so the log, and whoever makes the rows anew, come to the same.
//
//   want each statement → read keys() → give → wantTargets → read keys() → give → add or skip each entry → writes()

import { readUint } from '../../bytes.ts';
import { LimmatError } from '../../errors.ts';
import type { Hasher } from '../../merkle/hash.ts';
import { portableHasher } from '../../merkle/hash.ts';
import type { Facts } from '../../record/admission.ts';
import type { Statement } from '../../record/statement.ts';
import type { StateKey, StateWrite } from '../../storage.ts';
import { ITEM_BYTES } from './feeds.ts';
import { MAX_IN_ROW, putUint } from './lists.ts';
import type { ListKeys } from './lists.ts';
import { ABOUT, BLOCK_ENTRIES, blockOf, blockText, INDEX_BYTES, indexText, rowKey } from './rows.ts';
import { ROWS_VERSION, TAIL_KEY, VERSION_KEY } from './rows.ts';
import { plan, planTargets, write } from './writes.ts';
import type { Plan } from './writes.ts';

const NOTHING = new Uint8Array(0);
/** Bytes that an entry's length takes before it in its bundle. */
const PREFIX_BYTES = 2;
const TAIL_BYTES = 4;
/** Items that a feed's new row has room for at first. */
const FIRST_ITEMS = 8;

/** A row that is being made: its items so far, with room for more behind them. */
export class OpenRow {
  readonly key: StateKey;
  bytes: Uint8Array = NOTHING;
  length = 0;
  changed = false;
  /** True once what was there before is known. */
  known = false;

  constructor(key: StateKey) {
    this.key = key;
  }

  /** Begins with what was there before, which nobody changes. */
  load(value: Uint8Array | undefined): void {
    this.bytes = value ?? NOTHING;
    this.length = this.bytes.length;
    this.known = true;
  }

  /**
   * Room for an item of so many bytes at the end; where it begins. At least `room` items fit a row that is made larger, as
   * one is with its first item: what was there before stays as it was.
   */
  append(itemBytes: number, room: number): number {
    const at = this.length;
    this.length += itemBytes;
    if (this.length > this.bytes.length) {
      const bytes = new Uint8Array(Math.max(this.length, Math.min(at * 2, at + 4096), room * itemBytes));
      bytes.set(this.bytes.subarray(0, at));
      this.bytes = bytes;
    }
    this.changed = true;
    return at;
  }

  /** Takes out the item at this place. */
  remove(at: number, itemBytes: number): void {
    const bytes = this.bytes.slice(0, this.length);
    bytes.copyWithin(at, at + itemBytes);
    this.bytes = bytes;
    this.length -= itemBytes;
    this.changed = true;
  }

  /** What is there now; nobody may change it. */
  get value(): Uint8Array {
    return this.length === this.bytes.length ? this.bytes : this.bytes.subarray(0, this.length);
  }
}

/** A feed as a batch goes on with it: the row of the block that it is at. */
export class OpenFeed {
  /** Of its keys, without the block. */
  readonly prefix: StateKey;
  readonly itemBytes: number;
  block = -1;
  row: OpenRow | undefined;

  constructor(prefix: StateKey, itemBytes: number) {
    this.prefix = prefix;
    this.itemBytes = itemBytes;
  }
}

export class LookupBatch {
  readonly hasher: Hasher;
  /** The index of its first entry. */
  readonly start: number;
  /** True when a statement is about other entries, and `wantTargets` has to be called. */
  refers = false;
  #before: LookupBatch | undefined;
  /** Rows of lists and of feeds. */
  readonly #rows = new Map<StateKey, OpenRow>();
  readonly #feeds = new Map<string, OpenFeed>();
  readonly #plans = new Map<Statement, Plan>();
  readonly #single: StateWrite[] = [];
  readonly #tail = new OpenRow(TAIL_KEY);
  #wanted: OpenRow[] = [];
  #size: number;
  /** Bytes that the bundle of the next entry has so far; undefined until the first one comes. */
  #bundleBytes: number | undefined;
  #added = false;

  /** Entries from `start` on. `before`: the batch that is being written and may not be in the store yet. */
  constructor(start: number, before: LookupBatch | undefined, hasher: Hasher = portableHasher) {
    this.start = start;
    this.hasher = hasher;
    this.#size = start;
    this.#before = before;
    if (start > 0) this.#begin(this.#tail);
  }

  /** Notes what a statement that may be placed goes on with. */
  want(statement: Statement): void {
    const found = plan(statement, this);
    this.#plans.set(statement, found);
    if (found.refers) this.refers = true;
  }

  /** Notes what the entries that statements are about go on with; `facts` has the state before the batch. */
  wantTargets(facts: Facts): void {
    if (!this.refers) return;
    for (const [statement, found] of this.#plans) if (found.refers) planTargets(statement, facts, this);
  }

  /** The keys of the rows that have to be read, since the last `give`. */
  keys(): StateKey[] {
    return this.#wanted.map(({ key }) => key);
  }

  /** What the store has under these keys, in order. */
  give(values: readonly (Uint8Array | undefined)[]): void {
    const wanted = this.#wanted;
    this.#wanted = [];
    for (const [i, row] of wanted.entries()) row.load(values[i]);
  }

  /** The statement is placed as the next entry, in an entry of so many bytes. `facts`: as it is admitted with, or later. */
  add(statement: Statement, length: number, facts: Facts): void {
    const found = this.#plans.get(statement);
    if (found === undefined) throw new Error(`bad math in add: nobody wanted entry ${this.#size}`);
    const offset = this.#offset();
    if (offset === undefined) throw staleRows(this.start);
    write(statement, found, { index: this.#size, offset, length }, facts, this);
    this.#added = true;
    this.skip(length);
  }

  /** The next entry, of so many bytes, brings no rows. */
  skip(length: number): void {
    const offset = this.#offset();
    this.#size++;
    this.#bundleBytes = this.#size % BLOCK_ENTRIES === 0 ? 0 : (offset ?? 0) + PREFIX_BYTES + length;
  }

  /** The rows that change, each once. Nothing is added afterwards. */
  writes(): StateWrite[] {
    // The batch before is in the store by the time that anybody needs this one as its own `before`.
    this.#before = undefined;
    // A log that never took a record has no rows.
    if (this.#size === this.start || (!this.#added && this.#tail.length === 0)) return [];
    const writes = this.#single;
    for (const row of this.#rows.values()) {
      if (row.changed) writes.push({ key: row.key, value: row.length === 0 ? null : row.value });
    }
    if (this.start === 0) writes.push({ key: VERSION_KEY, value: Uint8Array.of(ROWS_VERSION) });
    const tail = new Uint8Array(INDEX_BYTES + TAIL_BYTES);
    putUint(tail, 0, this.#size, INDEX_BYTES);
    putUint(tail, INDEX_BYTES, this.#bundleBytes ?? 0, TAIL_BYTES);
    this.#tail.load(tail);
    writes.push({ key: TAIL_KEY, value: tail });
    return writes;
  }

  /** A row that entries of this batch may go on with, and that may be there before it. */
  wantRow(key: StateKey): OpenRow {
    let row = this.#rows.get(key);
    if (row === undefined) this.#rows.set(key, (row = this.#begin(new OpenRow(key))));
    return row;
  }

  /** The row of a list of an entry; of one of this batch nothing can be there before. */
  listRow({ key }: ListKeys): OpenRow {
    return this.#rows.get(key) ?? this.#newRow(key);
  }

  /** Adds an item to a list; where to write what stands behind its index, and in which bytes. Undefined: it is there. */
  addToList(
    row: OpenRow,
    { more, itemBytes }: Omit<ListKeys, 'key'>,
    index: number,
  ): { readonly bytes: Uint8Array; readonly at: number } | undefined {
    const { length } = row;
    if (length > 0 && readUint(row.bytes, length - itemBytes, INDEX_BYTES) === index) return undefined;
    if (length >= MAX_IN_ROW * itemBytes) {
      const value = new Uint8Array(itemBytes - INDEX_BYTES);
      this.#single.push({ key: more + indexText(index), value });
      return { bytes: value, at: 0 };
    }
    const at = row.append(itemBytes, 1);
    putUint(row.bytes, at, index, INDEX_BYTES);
    return { bytes: row.bytes, at: at + INDEX_BYTES };
  }

  /** The feed of this name; `prefix` is asked for once. Its row of the block that the batch begins in is wanted. */
  feed(name: string, itemBytes: number, prefix: () => StateKey): OpenFeed {
    let feed = this.#feeds.get(name);
    if (feed === undefined) {
      feed = new OpenFeed(prefix(), itemBytes);
      this.#feeds.set(name, feed);
      if (this.start % BLOCK_ENTRIES !== 0) this.wantRow(feed.prefix + blockText(blockOf(this.start)));
    }
    return feed;
  }

  /** Adds an item to a feed: where to write what stands behind its place, in the row's bytes. */
  addToFeed(feed: OpenFeed, index: number): { readonly row: OpenRow; readonly at: number } {
    const block = blockOf(index);
    if (feed.row === undefined || feed.block !== block) {
      const key = feed.prefix + blockText(block);
      feed.row = this.#rows.get(key) ?? this.#newRow(key);
      feed.block = block;
    }
    const { row } = feed;
    const at = row.append(feed.itemBytes, FIRST_ITEMS);
    row.bytes[at] = index % BLOCK_ENTRIES;
    return { row, at: at + 1 };
  }

  /** The key of the row of builds that nobody rebuilt, in the block of this entry. */
  unrebuiltKey(index: number): StateKey {
    return rowKey(ABOUT.unrebuilt, blockText(blockOf(index)));
  }

  /** Takes a build out of those that nobody rebuilt; false where it is not among them. */
  takeOff(build: number): boolean {
    const key = this.unrebuiltKey(build);
    const row = this.#rows.get(key) ?? this.#newRow(key);
    for (let at = 0; at < row.length; at += ITEM_BYTES.unrebuilt) {
      if (row.bytes[at] !== build % BLOCK_ENTRIES) continue;
      row.remove(at, ITEM_BYTES.unrebuilt);
      return true;
    }
    return false;
  }

  /** A row of its own. */
  put(key: StateKey, value: Uint8Array = NOTHING): void {
    this.#single.push({ key, value });
  }

  /** A row that nothing can be in before this batch. */
  #newRow(key: StateKey): OpenRow {
    const row = new OpenRow(key);
    row.load(undefined);
    this.#rows.set(key, row);
    return row;
  }

  /** Takes over what the batch before has made of the row, or has it read. */
  #begin(row: OpenRow): OpenRow {
    const before = this.#before === undefined ? undefined : this.#before.#changed(row.key);
    if (before === undefined) this.#wanted.push(row);
    else row.load(before.value);
    return row;
  }

  #changed(key: StateKey): OpenRow | undefined {
    if (key === TAIL_KEY) return this.#tail.known ? this.#tail : undefined;
    const row = this.#rows.get(key);
    return row?.changed === true ? row : undefined;
  }

  /** Where the next entry begins in its bundle; undefined where the rows do not say. */
  #offset(): number | undefined {
    if (this.#bundleBytes !== undefined) return this.#bundleBytes;
    if (this.start === 0) return 0;
    const tail = this.#tail.value;
    if (tailSize(tail) !== this.start) return undefined;
    return readUint(tail, INDEX_BYTES, TAIL_BYTES);
  }
}

/** Of how many entries a log has its rows, by the row that says it; undefined where it says nothing. */
export function tailSize(tail: Uint8Array): number | undefined {
  return tail.length === INDEX_BYTES + TAIL_BYTES ? readUint(tail, 0, INDEX_BYTES) : undefined;
}

function staleRows(size: number): LimmatError {
  return new LimmatError('store-corrupt', `the rows for lookups are not those of ${size} entries: run limmat reindex`);
}
