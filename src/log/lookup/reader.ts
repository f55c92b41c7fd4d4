// Reading for answers: rows of many questions with one read of the store, records by their index or by where their bytes
// are, and what was said of them.

import { LimmatError } from '../../errors.ts';
import type { EntryPlace, StateKey } from '../../storage.ts';
import { listPage, mentionList, parseMention, isFull, itemsIn } from './lists.ts';
import type { ItemPage, ListKeys } from './lists.ts';
import type { Mention, MentionKind } from './rows.ts';
import { readRecords, storedRecord } from './source.ts';
import type { FoundRecord, LookupSource } from './source.ts';

/** Entries about one record that an answer shows: of those that take it back always all, as D23 has no more than three. */
export const MAX_MENTIONS = 100;
/** Of those about each of its rebuilds. */
export const MAX_FATES = 20;
/** Values that one read of the store takes: some ten milliseconds. */
const MAX_GATHERED = 2048;

/** An entry that says something about the found one, and what it says. */
export interface FoundMention extends FoundRecord {
  readonly said: Mention;
}

/** A record, and the retractions of it. */
export interface FoundWithFate extends FoundRecord {
  readonly takenBack: readonly FoundMention[];
}

/** An entry about another one: its index alone. */
export interface MentionAt {
  readonly index: number;
  readonly said: Mention;
}

interface Waiting {
  readonly keys: readonly StateKey[];
  readonly resolve: (values: readonly (Uint8Array | undefined)[]) => void;
  readonly reject: (reason: unknown) => void;
}

export class LookupReader {
  readonly source: LookupSource;
  #waiting: Waiting[] = [];
  #reading = false;

  constructor(source: LookupSource) {
    this.source = source;
  }

  /**
   * The values of these keys, in order. While one read is under way questions gather, and the next takes all of them: a
   * trip to the store costs as much as a dozen values.
   */
  get(keys: readonly StateKey[]): Promise<readonly (Uint8Array | undefined)[]> {
    if (keys.length === 0) return Promise.resolve([]);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ keys, resolve, reject });
      if (!this.#reading) void this.#readAll();
    });
  }

  async #readAll(): Promise<void> {
    this.#reading = true;
    while (this.#waiting.length > 0) {
      const batch = this.#take();
      try {
        const values = await this.source.storage().get(batch.length === 1 ? batch[0]!.keys : batch.flatMap(keysOf));
        let at = 0;
        for (const { keys, resolve } of batch) resolve(values.slice(at, (at += keys.length)));
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#reading = false;
  }

  /** Those that wait, the first of them at least, as far as one read takes them. */
  #take(): Waiting[] {
    let count = 1;
    let values = this.#waiting[0]!.keys.length;
    while (count < this.#waiting.length && (values += this.#waiting[count]!.keys.length) <= MAX_GATHERED) count++;
    return this.#waiting.splice(0, count);
  }

  /** A page of a list. */
  async list(
    list: ListKeys,
    page: { readonly size: number; readonly after?: number | undefined; readonly limit: number },
  ): Promise<ItemPage> {
    const [row] = await this.get([list.key]);
    return listPage(this.source.storage(), list, row, { after: undefined, ...page });
  }

  /** The records of these entries, in their order; all below the published size. */
  records(indexes: readonly number[]): Promise<FoundRecord[]> {
    return readRecords(this.source, indexes);
  }

  /** The records at these places, in their order; all below the published size. */
  async recordsAt(places: readonly EntryPlace[]): Promise<FoundRecord[]> {
    const { hasher } = this.source;
    const entries = await this.source.storage().readEntries(places);
    return places.map(({ index }, i) => {
      const bytes = entries[i];
      if (bytes !== undefined) return storedRecord(index, bytes, hasher);
      throw new LimmatError('store-corrupt', `entry ${index} is not where the lookup rows say: run limmat reindex`);
    });
  }

  /** What entries of a kind, of the first `size`, say of each of these: oldest first, at most `most` of each. */
  async mentionsAt(
    indexes: readonly number[],
    kinds: readonly MentionKind[],
    size: number,
    most = MAX_MENTIONS,
  ): Promise<readonly (readonly (readonly MentionAt[])[])[]> {
    const lists = indexes.flatMap((index) => kinds.map((kind) => mentionList(index, kind)));
    const rows = await this.get(lists.map(({ key }) => key));
    const all = lists.map((list, i) => itemsIn(rows[i], list, size).slice(0, most).map(said));
    for (const [i, list] of lists.entries()) {
      if (!isFull(rows[i], list)) continue;
      const page = { size, after: undefined, limit: most };
      all[i] = (await listPage(this.source.storage(), list, rows[i], page)).items.map(said);
    }
    return indexes.map((_, i) => all.slice(i * kinds.length, (i + 1) * kinds.length));
  }

  /** The same as records. */
  async mentions(
    indexes: readonly number[],
    kinds: readonly MentionKind[],
    size: number,
    most = MAX_MENTIONS,
  ): Promise<readonly (readonly (readonly FoundMention[])[])[]> {
    return this.read(await this.mentionsAt(indexes, kinds, size, most));
  }

  /** What mentionsAt found, with the records. */
  async read(
    mentions: readonly (readonly (readonly MentionAt[])[])[],
  ): Promise<readonly (readonly (readonly FoundMention[])[])[]> {
    const wanted = mentions.flat(2);
    if (wanted.length === 0) return mentions.map((of) => of.map(() => []));
    const records = await this.records(wanted.map(({ index }) => index));
    let next = 0;
    return mentions.map((of) => of.map((list) => list.map((one) => ({ ...records[next++]!, said: one.said }))));
  }

  /** Each with what was taken back of it. */
  async withFate<T extends FoundRecord>(
    found: readonly T[],
    size: number,
    most = MAX_MENTIONS,
  ): Promise<(T & FoundWithFate)[]> {
    const fates = await this.mentions(
      found.map(({ index }) => index),
      ['takenBack'],
      size,
      most,
    );
    return found.map((one, i) => ({ ...one, takenBack: fates[i]![0]! }));
  }
}

function keysOf({ keys }: Waiting): readonly StateKey[] {
  return keys;
}

function said({ index, value }: { readonly index: number; readonly value: Uint8Array }): MentionAt {
  return { index, said: parseMention(value) };
}
