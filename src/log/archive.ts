// The archive of published checkpoints (DESIGN §3): the signed answer to "when was entry i logged?". At most one
// checkpoint a minute is kept, and old ones are thinned; the newest published one always counts too.

import { LimmatError } from '../errors.ts';
import { readUintText, uintText } from '../bytes.ts';
import { KEY_SPACE } from '../storage.ts';
import type { LogStorage, StateKey, StateWrite } from '../storage.ts';

/** A checkpoint that was published, with the log's own time of it. */
export interface PublishedHead {
  readonly size: number;
  /** The time in the log's timestamped line, Unix seconds. */
  readonly timestampSeconds: number;
  /** The signed note, verbatim. */
  readonly note: Uint8Array;
}

/** When an entry was logged, in the log's signed times: after `before` was signed, and no later than `after`. */
export interface TimeBracket {
  /** The last archived checkpoint without the entry; absent when the first one already had it. */
  readonly before: PublishedHead | undefined;
  /** The first checkpoint with the entry. */
  readonly after: PublishedHead;
}

const MINUTE_SECONDS = 60;
const HOUR_SECONDS = 3600;
const DAY_SECONDS = 86_400;

/** From an age on, at most one checkpoint in so many seconds stays. The first row is the rate of archiving. */
const THINNING = Object.freeze([
  { fromAgeSeconds: 0, everySeconds: MINUTE_SECONDS },
  { fromAgeSeconds: 7 * DAY_SECONDS, everySeconds: HOUR_SECONDS },
  { fromAgeSeconds: 365 * DAY_SECONDS, everySeconds: DAY_SECONDS },
]);

/** Checkpoints looked at in one publish when thinning: bounds the work, and more than catches up with one a minute. */
const THIN_AT_ONCE = 16;

/** The archive over a store. Its writes ride on the publish that causes them. */
export class Archive {
  readonly #storage: () => LogStorage;
  /** The last checkpoint that thinning kept: the next publish goes on after it. */
  #thinned: { readonly key: StateKey; readonly timestampSeconds: number } | undefined;

  constructor(storage: () => LogStorage) {
    this.#storage = storage;
  }

  /**
   * The state writes that archive `published`, given the checkpoint that it replaces: none when the last archived one
   * is of the same minute; deletions where old ones are closer together than their age allows.
   */
  async writesFor(published: PublishedHead): Promise<StateWrite[]> {
    const writes = await this.#thin(published.timestampSeconds);
    const last = await this.#last();
    const isFresh = last !== undefined && published.timestampSeconds - last.timestampSeconds < MINUTE_SECONDS;
    // The same checkpoint again has more cosignatures: it takes the place of the one that is there.
    const isSame = last?.size === published.size && last.timestampSeconds === published.timestampSeconds;
    if (isFresh && !isSame) return writes;
    return [...writes, { key: archiveKey(published.size, published.timestampSeconds), value: published.note }];
  }

  /** The bracket of entry `index` by the archive and the newest published checkpoint; `not-published` above that. */
  async bracket(index: number, newest: PublishedHead): Promise<TimeBracket> {
    if (index >= newest.size) {
      throw new LimmatError('not-published', `index ${index} is not below the published size ${newest.size}`, {
        details: { index, size: newest.size },
        retryAfterSeconds: 1,
      });
    }
    const boundary = archiveKey(index + 1, 0);
    const before = await this.#storage().scan({ prefix: PREFIX, after: boundary, limit: 1, reverse: true });
    // A key of the boundary's size and time 0 cannot exist (time 0 is never signed), so "after it" misses nothing.
    const after = await this.#storage().scan({ prefix: PREFIX, after: boundary, limit: 1 });
    return {
      before: before[0] && parseArchived(before[0]),
      after: after[0] ? parseArchived(after[0]) : newest,
    };
  }

  /** A page of the archive, oldest first, after the given (size, time); at most `limit`. */
  async page(after: { size: number; timestampSeconds: number } | undefined, limit: number): Promise<PublishedHead[]> {
    const range = { prefix: PREFIX, limit };
    const from = after && { after: archiveKey(after.size, after.timestampSeconds) };
    return (await this.#storage().scan({ ...range, ...from })).map(parseArchived);
  }

  async #last(): Promise<PublishedHead | undefined> {
    const rows = await this.#storage().scan({ prefix: PREFIX, limit: 1, reverse: true });
    return rows[0] && parseArchived(rows[0]);
  }

  async #thin(nowSeconds: number): Promise<StateWrite[]> {
    const after = this.#thinned && { after: this.#thinned.key };
    const rows = await this.#storage().scan({ prefix: PREFIX, limit: THIN_AT_ONCE, ...after });
    const writes: StateWrite[] = [];
    for (const row of rows) {
      const { timestampSeconds } = parseArchived(row);
      if (this.#thinned !== undefined && tooClose(this.#thinned.timestampSeconds, timestampSeconds, nowSeconds)) {
        writes.push({ key: row.key, value: null });
      } else this.#thinned = { key: row.key, timestampSeconds };
    }
    // At the end of the archive: begin again at its start with the next publish.
    if (rows.length < THIN_AT_ONCE) this.#thinned = undefined;
    return writes;
  }
}

function tooClose(keptSeconds: number, nextSeconds: number, nowSeconds: number): boolean {
  const ageSeconds = nowSeconds - nextSeconds;
  let everySeconds = MINUTE_SECONDS;
  for (const row of THINNING) if (ageSeconds >= row.fromAgeSeconds) everySeconds = row.everySeconds;
  return nextSeconds - keptSeconds < everySeconds;
}

const PREFIX: StateKey = KEY_SPACE.archive;

function archiveKey(size: number, timestampSeconds: number): StateKey {
  return KEY_SPACE.archive + uintText(size, 8) + uintText(timestampSeconds, 8);
}

function parseArchived({ key, value }: { readonly key: StateKey; readonly value: Uint8Array }): PublishedHead {
  const size = readUintText(key, 1, 8);
  const timestampSeconds = readUintText(key, 9, 8);
  if (size === undefined || timestampSeconds === undefined) {
    throw new LimmatError('store-corrupt', 'an archived checkpoint has a size or time of 2^53 or more');
  }
  return { size, timestampSeconds, note: value };
}
