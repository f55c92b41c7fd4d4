// A store in memory: the port with nothing behind it, for tests, examples and Workers that keep no log of their own.
// In scope: the whole contract of storage.ts, failing writes included. Out of scope: surviving the process.

import { byteText, equalBytes, readUint } from '../bytes.ts';
import { LimmatError } from '../errors.ts';
import { emptyRootHash } from '../merkle/hash.ts';
import type { TreeHead } from '../merkle/tree-head.ts';
import type { TilePath } from '../merkle/tile.ts';
import type {
  BundleWrite,
  EntryPlace,
  Growth,
  RewritableStorage,
  ScanRange,
  StateKey,
  StateWrite,
  StoredLog,
} from '../storage.ts';

const HASH_BYTES = 32;
const TILE_ENTRIES = 256;

/** The entries of one bundle, and where each one ends, so that a prefix is one slice. */
interface MemoryBundle {
  readonly index: number;
  readonly bytes: Uint8Array;
  readonly ends: readonly number[];
}

/** What outlives a memory store: give the same medium to the next one and it opens what this one held. */
export interface MemoryMedium {
  head: TreeHead;
  published: Uint8Array | undefined;
  /** True while a store is open on it. */
  open: boolean;
  readonly tiles: Map<string, Uint8Array>;
  readonly bundles: Map<number, MemoryBundle>;
  readonly leaves: Map<string, number>;
  readonly state: Map<string, Uint8Array>;
}

export type MemoryStep = 'commit' | 'publish' | 'rewrite';

/** Called before and after each write takes effect; what it throws is that write failing. */
export type MemoryFaults = (step: MemoryStep, moment: 'before' | 'after') => void;

/** A medium that holds the empty tree. */
export function memoryMedium(): MemoryMedium {
  return {
    head: { size: 0, rootHash: emptyRootHash() },
    published: undefined,
    open: false,
    tiles: new Map(),
    bundles: new Map(),
    leaves: new Map(),
    state: new Map(),
  };
}

/**
 * Opens a store in memory, empty unless given a medium that was used before. Throws `store-locked` while another store
 * is open on the same medium.
 */
export function memoryStorage(
  options: { readonly medium?: MemoryMedium; readonly faults?: MemoryFaults } = {},
): RewritableStorage {
  return new MemoryStorage(options.medium ?? memoryMedium(), options.faults);
}

class MemoryStorage implements RewritableStorage {
  readonly #medium: MemoryMedium;
  readonly #faults: MemoryFaults | undefined;
  /** The head that reads are bounded by: what the last call that succeeded left, whatever the medium holds. */
  #head: TreeHead;
  #stopped: LimmatError | undefined;
  #closed = false;
  /** The keys of the state in order, made when a scan needs them. */
  #order: string[] | undefined;

  constructor(medium: MemoryMedium, faults: MemoryFaults | undefined) {
    if (medium.open) throw new LimmatError('store-locked', 'this memory store is open already');
    medium.open = true;
    this.#medium = medium;
    this.#faults = faults;
    this.#head = medium.head;
  }

  async load(): Promise<StoredLog> {
    this.#assertUsable();
    return { head: this.#head, published: this.#medium.published?.slice() };
  }

  async commit(growth: Growth): Promise<void> {
    this.#assertUsable();
    const { size, rootHash } = this.#head;
    if (growth.oldHead.size !== size || !equalBytes(growth.oldHead.rootHash, rootHash)) {
      throw new LimmatError('store-failed', `the store holds ${size} entries, the growth starts from another head`, {
        details: { storeSize: size, growthSize: growth.oldHead.size },
      });
    }
    this.#write('commit', () => this.#apply(growth));
    this.#head = growth.head;
  }

  async publish(note: Uint8Array, writes: readonly StateWrite[]): Promise<void> {
    this.#assertUsable();
    this.#write('publish', () => {
      this.#medium.published = note.slice();
      this.#applyState(writes);
    });
  }

  async rewriteState(writes: readonly StateWrite[]): Promise<void> {
    this.#assertUsable();
    this.#write('rewrite', () => this.#applyState(writes));
  }

  async read(paths: readonly TilePath[]): Promise<readonly (Uint8Array | undefined)[]> {
    if (this.#closed) throw closedError();
    return paths.map((path) => (path.kind === 'tile' ? this.#readTile(path) : this.#readBundle(path)));
  }

  async readEntries(places: readonly EntryPlace[]): Promise<readonly (Uint8Array | undefined)[]> {
    if (this.#closed) throw closedError();
    return places.map(({ index, offset, length }) => {
      const bundle = this.#readBundle({
        kind: 'entries',
        index: Math.floor(index / TILE_ENTRIES),
        width: (index % TILE_ENTRIES) + 1,
      });
      const end = offset + 2 + length;
      if (bundle === undefined || end > bundle.length) return undefined;
      return readUint(bundle, offset, 2) === length ? bundle.slice(offset + 2, end) : undefined;
    });
  }

  async get(keys: readonly StateKey[]): Promise<readonly (Uint8Array | undefined)[]> {
    this.#assertUsable();
    return keys.map((key) => this.#medium.state.get(key)?.slice());
  }

  async findLeaves(leafHashes: readonly Uint8Array[]): Promise<readonly (number | undefined)[]> {
    this.#assertUsable();
    return leafHashes.map((hash) => this.#medium.leaves.get(byteText(hash)));
  }

  async scan(range: ScanRange): Promise<readonly { readonly key: StateKey; readonly value: Uint8Array }[]> {
    this.#assertUsable();
    const { prefix, after } = range;
    // Text of char codes below 256 orders as its bytes do.
    this.#order ??= [...this.#medium.state.keys()].toSorted((a, b) => (a < b ? -1 : 1));
    let keys = this.#order.filter((key) => key.startsWith(prefix));
    if (range.reverse === true) keys = keys.toReversed();
    if (after !== undefined) keys = keys.filter((key) => (range.reverse === true ? key < after : key > after));
    return keys.slice(0, range.limit).map((key) => ({ key, value: this.#medium.state.get(key)!.slice() }));
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#stopped = closedError();
    this.#medium.open = false;
  }

  #write(step: MemoryStep, effect: () => void): void {
    try {
      this.#faults?.(step, 'before');
      effect();
      this.#faults?.(step, 'after');
    } catch (cause) {
      this.#stopped = new LimmatError('store-failed', 'an earlier write failed; open the store again', { cause });
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new LimmatError('outcome-unknown', `the store could not confirm a ${step} (${reason}); open it again`, {
        cause,
      });
    }
  }

  #apply(growth: Growth): void {
    const medium = this.#medium;
    if (growth.leafHashes.length !== HASH_BYTES * (growth.head.size - growth.oldHead.size)) {
      throw new Error('bad math in commit: the leaf hashes are not the growth');
    }
    // Whatever may throw comes before the first change, so that a growth is applied whole or not at all.
    const bundles = growth.bundles.map((bundle) => grown(medium.bundles.get(bundle.index), bundle));
    for (const bundle of bundles) medium.bundles.set(bundle.index, bundle);
    for (const tile of growth.tiles) medium.tiles.set(`${tile.level}/${tile.index}`, tile.bytes);
    for (let i = 0; i < growth.leafHashes.length; i += HASH_BYTES) {
      const hash = byteText(growth.leafHashes.subarray(i, i + HASH_BYTES));
      medium.leaves.set(hash, growth.oldHead.size + i / HASH_BYTES);
    }
    this.#applyState(growth.writes);
    medium.head = growth.head;
  }

  #applyState(writes: readonly StateWrite[]): void {
    if (writes.length > 0) this.#order = undefined;
    for (const { key, value } of writes) {
      if (value === null) this.#medium.state.delete(key);
      else this.#medium.state.set(key, value.slice());
    }
  }

  #readTile(path: TilePath & { readonly kind: 'tile' }): Uint8Array | undefined {
    let count = this.#head.size;
    for (let level = 0; level < path.level; level++) count = Math.floor(count / TILE_ENTRIES);
    if (path.width < 1 || path.index * TILE_ENTRIES + path.width > count) return undefined;
    return this.#medium.tiles.get(`${path.level}/${path.index}`)?.slice(0, path.width * HASH_BYTES);
  }

  #readBundle(path: TilePath & { readonly kind: 'entries' }): Uint8Array | undefined {
    if (path.width < 1 || path.index * TILE_ENTRIES + path.width > this.#head.size) return undefined;
    const bundle = this.#medium.bundles.get(path.index);
    return bundle?.bytes.slice(0, bundle.ends[path.width - 1]);
  }

  #assertUsable(): void {
    if (this.#stopped !== undefined) throw this.#stopped;
  }
}

/** The bundle with the appended entries behind those that it has. */
function grown(old: MemoryBundle | undefined, write: BundleWrite): MemoryBundle {
  const ends = [...(old?.ends ?? [])];
  const start = ends.at(-1) ?? 0;
  const bytes = new Uint8Array(start + write.appended.length);
  if (old !== undefined) bytes.set(old.bytes);
  bytes.set(write.appended, start);
  for (let end = start; end < bytes.length;) {
    end += 2 + bytes[end]! * 256 + bytes[end + 1]!;
    ends.push(end);
  }
  if (ends.at(-1) !== bytes.length || ends.length !== write.width) {
    throw new Error('bad math in commit: the appended bytes are not the bundle');
  }
  return { index: write.index, bytes, ends };
}

function closedError(): LimmatError {
  return new LimmatError('store-failed', 'the store is closed');
}
