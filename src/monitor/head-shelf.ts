// The records of a head book, on shelves: lists without an order, so that a random one is found and taken out at once.

import type { LogHead } from '../client/state.ts';
import type { HeadRecord, HeadState } from './heads.ts';
import type { HeadSource } from './watched-log.ts';

/** A record in the book; `serial` grows with every change, `slot` is its place in the list of its kind. */
export interface Entry {
  state: HeadState;
  earliest: LogHead;
  latest: LogHead;
  readonly firstSeenSeconds: number;
  sources: readonly HeadSource[];
  serial: number;
  slot: number;
}

/** Entries of one kind in no order, so that a random one is found and taken out at once. */
export class Shelf {
  readonly entries: Entry[] = [];
  bytes = 0;

  add(entry: Entry): void {
    entry.slot = this.entries.push(entry) - 1;
    this.bytes += bytesOf(entry);
  }

  remove(entry: Entry): void {
    const last = this.entries.pop()!;
    this.bytes -= bytesOf(entry);
    if (last === entry) return;
    this.entries[entry.slot] = last;
    last.slot = entry.slot;
  }
}

/** True when a note of this time says more than the entry's two do. Time 0 is no statement about time. */
export function widens(entry: Entry, timestampSeconds: number): boolean {
  if (timestampSeconds === 0) return false;
  const { earliest, latest } = entry;
  if (latest.timestampSeconds === 0) return true;
  return timestampSeconds < earliest.timestampSeconds || timestampSeconds > latest.timestampSeconds;
}

/** Bytes of its notes. */
export function bytesOf({ earliest, latest }: Entry): number {
  return latest === earliest ? earliest.note.length : earliest.note.length + latest.note.length;
}

/** The entry as it is shown. */
export function recordOf({ state, earliest, latest, firstSeenSeconds, sources }: Entry): HeadRecord {
  return Object.freeze({ state, earliest, latest, firstSeenSeconds, sources });
}
