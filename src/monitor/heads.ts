// The signed heads of one log that a monitor holds, in memory and bounded. Every distinct head is kept with its note,
// because two of them may be evidence; what the monitor's own tree cannot judge yet is kept before anything else.
// Only heads whose log signatures were verified come in here. No clock, no chance and no I/O of its own.

import { equalBytes } from '../bytes.ts';
import type { LogHead } from '../client/state.ts';
import { troubleKey } from './checks.ts';
import type { PlainFinding } from './finding.ts';
import { Shelf, bytesOf, recordOf, widens } from './head-shelf.ts';
import type { Entry } from './head-shelf.ts';
import { KnownEvidence } from './known-evidence.ts';
import type { HeadSource } from './watched-log.ts';

/**
 * How a head stands to the monitor's own tree: `unresolved` while that tree is smaller than the head's, then
 * `consistent` when it starts with the head's tree, or `contradicted` when it does not.
 */
export type HeadState = 'unresolved' | 'consistent' | 'contradicted';

/**
 * What became of a head that was brought to the book: `known` brought nothing, `new` is kept (a tree not seen before, or
 * one seen at an earlier or a later time than before), `dropped` is a third root of one size, of which the first two say
 * it all (a head that the log itself showed here is never dropped for that). A conflict is kept too, and names a head in the book that no honest log signs together with it: another root
 * of the same size, or a smaller tree as of a later time.
 */
export type Admission = 'known' | 'new' | 'dropped' | { readonly conflict: LogHead };

/** How much one book holds. Bytes count the notes. */
export interface HeadBookLimits {
  readonly resolved: number;
  readonly resolvedBytes: number;
  readonly unresolved: number;
  readonly unresolvedBytes: number;
}

/**
 * Counts of domain practice: a log that publishes a head a minute fills the first number in three days, and an honest
 * log's unresolved heads are the few that a monitor is behind. Bytes: a head with the log's ML-DSA-44 line takes 3.5 kB.
 */
export const HEAD_BOOK_LIMITS: HeadBookLimits = Object.freeze({
  resolved: 4096,
  resolvedBytes: 16 * 1024 * 1024,
  unresolved: 1024,
  unresolvedBytes: 8 * 1024 * 1024,
});

/** One tree of the log: a size, a root, and the notes with the earliest and the latest time that state it. */
export interface HeadRecord {
  readonly state: HeadState;
  readonly earliest: LogHead;
  /** The same object as `earliest` while there is only one. */
  readonly latest: LogHead;
  readonly firstSeenSeconds: number;
  readonly sources: readonly HeadSource[];
}

export interface HeadBookOptions {
  readonly origin: string;
  /** Numbers in [0, 1): which head gives way when the book is full. */
  readonly random: () => number;
  readonly limits?: HeadBookLimits;
}

/** The heads of one log. */
export class HeadBook {
  readonly origin: string;
  readonly limits: HeadBookLimits;
  readonly #random: () => number;
  readonly #bySize = new Map<number, Entry[]>();
  readonly #resolved = new Shelf();
  readonly #unresolved = new Shelf();
  #newest: Entry | undefined;
  #serial = 0;
  /** Unresolved heads that came since the book had room for all of them. */
  #flood = 0;
  /** The evidence that is known of: against this log, and against who signed what is in it. */
  readonly evidence = new KnownEvidence();

  constructor(options: HeadBookOptions) {
    this.origin = options.origin;
    this.limits = options.limits ?? HEAD_BOOK_LIMITS;
    this.#random = options.random;
  }

  /** Trees in the book. */
  get size(): number {
    return this.#resolved.entries.length + this.#unresolved.entries.length;
  }

  /** Bytes of notes in the book. */
  get bytes(): number {
    return this.#resolved.bytes + this.#unresolved.bytes;
  }

  /** True when a head with this tree and a note of this time would bring nothing. Cheap: no signature is needed to ask. */
  knows(size: number, rootHash: Uint8Array, timestampSeconds: number): boolean {
    const entry = this.#find(size, rootHash);
    return entry !== undefined && !widens(entry, timestampSeconds);
  }

  /** The record of this tree. */
  record(size: number, rootHash: Uint8Array): HeadRecord | undefined {
    const entry = this.#find(size, rootHash);
    return entry && recordOf(entry);
  }

  /** Brings a verified head to the book. RangeError for a head of another log. */
  admit(head: LogHead, source: HeadSource, nowSeconds: number): Admission {
    if (head.origin !== this.origin) throw new RangeError(`a head of ${head.origin} in the book of ${this.origin}`);
    const others = this.#bySize.get(head.size) ?? [];
    const same = others.find((entry) => equalBytes(entry.earliest.rootHash, head.rootHash));
    if (same === undefined && others.length >= 2 && !this.#giveWay(others, source)) return 'dropped';
    const otherRoot = same === undefined ? others[0]?.latest : undefined;
    if (same !== undefined) {
      if (!same.sources.includes(source)) same.sources = [...same.sources, source];
      if (!widens(same, head.timestampSeconds)) return 'known';
      this.#widen(same, head);
    } else {
      this.#add({
        state: 'unresolved',
        earliest: head,
        latest: head,
        firstSeenSeconds: nowSeconds,
        sources: [source],
        serial: ++this.#serial,
        slot: 0,
      });
    }
    const conflict = otherRoot ?? this.#rollback(head);
    this.#makeRoom();
    return conflict === undefined ? 'new' : { conflict };
  }

  /**
   * Says how a head of the book stands to the monitor's own tree. A head that is not in the book any more is ignored.
   * What was once consistent stays so: evidence made of it later accuses the other head, or its times.
   */
  resolve(head: Pick<LogHead, 'size' | 'rootHash'>, state: 'consistent' | 'contradicted'): void {
    const entry = this.#find(head.size, head.rootHash);
    if (entry === undefined || entry.state === 'consistent') return;
    if (entry.state === 'unresolved') {
      this.#unresolved.remove(entry);
      this.#resolved.add(entry);
      if (this.#unresolved.entries.length < this.limits.unresolved / 2) this.#flood = 0;
    }
    entry.state = state;
    if (state === 'consistent' && (this.#newest === undefined || entry.earliest.size > this.#newest.earliest.size)) {
      this.#newest = entry;
    }
    this.#makeRoom();
  }

  /** The latest head of the largest tree that was found consistent: the log as this monitor knows it. */
  newest(): LogHead | undefined {
    return this.#newest?.latest;
  }

  /** The heads that wait for the monitor's own tree, smallest first; with a size only those up to it. */
  unresolved(upToSize: number = Number.MAX_SAFE_INTEGER): readonly LogHead[] {
    const heads = this.#unresolved.entries.map(({ latest }) => latest).filter(({ size }) => size <= upToSize);
    return heads.toSorted((a, b) => a.size - b.size);
  }

  /** The records of those heads, in no order. */
  unresolvedRecords(): readonly HeadRecord[] {
    return this.#unresolved.entries.map(recordOf);
  }

  /** So many resolved heads, or fewer where there are no more, chosen at random and all different. */
  sample(count: number): readonly LogHead[] {
    const { entries } = this.#resolved;
    if (count >= entries.length) return entries.map(({ latest }) => latest);
    const slots = new Set<number>();
    while (slots.size < count) {
      let slot = this.#below(entries.length);
      while (slots.has(slot)) slot = (slot + 1) % entries.length;
      slots.add(slot);
    }
    return [...slots].map((slot) => entries[slot]!.latest);
  }

  /** Heads that came or changed after the cursor (0 for all), in that order, each with the cursor to go on from. */
  since(cursor: number, limit: number): readonly { readonly head: LogHead; readonly cursor: number }[] {
    const later = [...this.#entries()].filter(({ serial }) => serial > cursor).toSorted((a, b) => a.serial - b.serial);
    return later.slice(0, limit).map(({ latest, serial }) => ({ head: latest, cursor: serial }));
  }

  /** The alarm of a book that had to let unresolved heads go, until most of them are judged. */
  flood(): PlainFinding | undefined {
    if (this.#flood === 0) return undefined;
    const { origin } = this;
    const held = this.#unresolved.entries.length;
    return {
      check: 'M02',
      class: 'suspicion',
      origin,
      key: troubleKey('checkpoint-flood', origin),
      summary: `checkpoint flood: ${origin} signed more heads above this monitor's tree than the ${held} that are kept`,
      details: { held, arrived: this.#flood },
    };
  }

  *#entries(): Generator<Entry> {
    yield* this.#resolved.entries;
    yield* this.#unresolved.entries;
  }

  #find(size: number, rootHash: Uint8Array): Entry | undefined {
    return this.#bySize.get(size)?.find((entry) => equalBytes(entry.earliest.rootHash, rootHash));
  }

  #add(entry: Entry): void {
    const { size } = entry.earliest;
    const entries = this.#bySize.get(size);
    if (entries === undefined) this.#bySize.set(size, [entry]);
    else entries.push(entry);
    this.#unresolved.add(entry);
  }

  #widen(entry: Entry, head: LogHead): void {
    const shelf = entry.state === 'unresolved' ? this.#unresolved : this.#resolved;
    shelf.bytes -= bytesOf(entry);
    // A time replaces no time; else the earlier or the later of the two notes gives way.
    if (entry.latest.timestampSeconds === 0) entry.earliest = entry.latest = head;
    else if (head.timestampSeconds > entry.latest.timestampSeconds) entry.latest = head;
    else entry.earliest = head;
    shelf.bytes += bytesOf(entry);
    entry.serial = ++this.#serial;
  }

  /** A head of the book that cannot stand beside this one by their times: the smaller tree is the later one. */
  #rollback(head: LogHead): LogHead | undefined {
    const { size, timestampSeconds } = head;
    if (timestampSeconds === 0) return undefined;
    for (const { earliest, latest } of this.#entries()) {
      if (earliest.timestampSeconds === 0) continue;
      if (earliest.size > size && earliest.timestampSeconds < timestampSeconds) return earliest;
      if (latest.size < size && latest.timestampSeconds > timestampSeconds) return latest;
    }
    return undefined;
  }

  /** Makes room for a third root of one size where the log itself shows it here: nobody may keep that out. */
  #giveWay(others: readonly Entry[], source: HeadSource): boolean {
    const other = source === 'log' ? others.find(({ state }) => state !== 'consistent') : undefined;
    if (other === undefined) return false;
    this.#forget(other, other.state === 'unresolved' ? this.#unresolved : this.#resolved);
    return true;
  }

  #makeRoom(): void {
    const { limits } = this;
    const resolved = this.#resolved;
    while (
      (resolved.entries.length > limits.resolved || resolved.bytes > limits.resolvedBytes) &&
      resolved.entries.length > 1
    ) {
      this.#forget(
        this.#anyOf(resolved, (entry) => entry !== this.#newest)!,
        resolved,
      );
    }
    const unresolved = this.#unresolved;
    while (unresolved.entries.length > limits.unresolved || unresolved.bytes > limits.unresolvedBytes) {
      if (unresolved.entries.length <= 2) break;
      this.#forget(this.#surplus(), unresolved);
    }
  }

  /**
   * Which unresolved head gives way. The smallest is judged first, the largest says how far the log went, and what the
   * log itself showed here may be the monitor's own next head: those stay. Of the others each that ever came has the
   * same chance to be among those that are kept (reservoir sampling): a flood, however long, does not push an earlier
   * head out with certainty.
   */
  #surplus(): Entry {
    const { entries } = this.#unresolved;
    if (this.#flood === 0) this.#flood = entries.length - 1;
    this.#flood++;
    const newcomer = entries.at(-1)!;
    let smallest = newcomer;
    let largest = newcomer;
    for (const entry of entries) {
      if (entry.earliest.size < smallest.earliest.size) smallest = entry;
      if (entry.earliest.size > largest.earliest.size) largest = entry;
    }
    const isEdge = (entry: Entry): boolean => entry === smallest || entry === largest;
    const mayGo = (entry: Entry): boolean => !isEdge(entry) && !entry.sources.includes('log');
    if (mayGo(newcomer) && this.#random() * this.#flood >= entries.length - 1) return newcomer;
    return (
      this.#anyOf(this.#unresolved, (entry) => mayGo(entry) && entry !== newcomer) ??
      this.#anyOf(this.#unresolved, (entry) => !isEdge(entry))!
    );
  }

  /** A random entry that will do; undefined when none will. */
  #anyOf({ entries }: Shelf, willDo: (entry: Entry) => boolean): Entry | undefined {
    // As a rule almost all will do.
    for (let tries = 0; tries < 64; tries++) {
      const entry = entries[this.#below(entries.length)]!;
      if (willDo(entry)) return entry;
    }
    return entries.find(willDo);
  }

  #forget(entry: Entry, shelf: Shelf): void {
    shelf.remove(entry);
    const { size } = entry.earliest;
    const rest = this.#bySize.get(size)!.filter((other) => other !== entry);
    if (rest.length === 0) this.#bySize.delete(size);
    else this.#bySize.set(size, rest);
  }

  #below(limit: number): number {
    return Math.min(limit - 1, Math.floor(this.#random() * limit));
  }
}
