// Builds that nobody rebuilt with the same result: the rows have those of everything that was committed, and what was
// committed and is not published yet has taken nothing off.

import { productOf } from '../../record/types.ts';
import { scanFeed, ITEM_BYTES } from './feeds.ts';
import type { Page, PageRequest } from './queries.ts';
import type { FoundWithFate, LookupReader } from './reader.ts';
import type { StateKey } from '../../storage.ts';
import { ABOUT, INDEX_BYTES, indexText, lastIndex, rowKey, tagsTest } from './rows.ts';
import { scanRows } from './scan.ts';
import type { Scanner } from './scan.ts';

/** An entry that took a build off the list, and what stood there. */
interface Taken {
  readonly by: number;
  readonly build: number;
  readonly value: Uint8Array;
}

/**
 * What was taken off by entries that are not published yet. A log whose witnesses are away may have many: so each row is
 * read once, and not again for each question.
 */
export class TakenUnpublished {
  /** Ascending by `by`. */
  #taken: Taken[] = [];
  #read: StateKey | undefined;
  #last: Promise<unknown> = Promise.resolve();

  /** Those by entries from `size` on, which is never less than before. */
  from(storage: Scanner, size: number): Promise<readonly Taken[]> {
    // Two that read at once would note the same rows twice.
    const taken = this.#last.then(() => this.#catchUp(storage, size));
    this.#last = taken.catch(() => undefined);
    return taken;
  }

  async #catchUp(storage: Scanner, size: number): Promise<readonly Taken[]> {
    const published = this.#taken.findIndex(({ by }) => by >= size);
    this.#taken = published < 0 ? [] : this.#taken.slice(published);
    const start = rowKey(ABOUT.taken, indexText(size));
    const from = this.#read !== undefined && this.#read > start ? this.#read : start;
    for await (const { key, value } of scanRows(storage, rowKey(ABOUT.taken), from)) {
      this.#taken.push({ by: lastIndex(key.slice(0, -INDEX_BYTES)), build: lastIndex(key), value });
      this.#read = key;
    }
    return this.#taken;
  }
}

/** Builds of which nobody has said that they gave the same files, and which were not taken back; oldest first. */
export async function notRebuilt(
  reader: LookupReader,
  unpublished: TakenUnpublished,
  { namespace, product }: { readonly namespace?: string | undefined; readonly product?: string | undefined },
  { after, limit }: PageRequest,
): Promise<Page<FoundWithFate>> {
  const size = reader.source.size();
  const storage = reader.source.storage();
  const test = tagsTest([namespace, product]);
  const prefix = rowKey(ABOUT.unrebuilt);
  const scan = { prefix, itemBytes: ITEM_BYTES.unrebuilt, size, after, newestFirst: false, limit, test };
  const page = await scanFeed(storage, scan);
  const indexes = new Set(page.items.map(({ index }) => index));
  const last = page.next ?? size - 1;
  // An entry has such a row only where the build was still in the list: so nothing before the end of the tree took it off.
  for (const { by, build, value } of await unpublished.from(storage, size)) {
    if (by >= size && build <= last && build > (after ?? -1) && test(value)) indexes.add(build);
  }
  const chosen = [...indexes].toSorted((a, b) => a - b).slice(0, limit);
  const next = indexes.size > limit ? chosen.at(-1) : page.next;
  const found = (await reader.records(chosen)).filter(
    ({ statement: { record } }) =>
      (namespace === undefined || record.namespace === namespace) &&
      (product === undefined || productOf(record) === product),
  );
  return { size, items: await reader.withFate(found, size), next };
}
