// Builds that nobody rebuilt with the same result: the rows have those of everything that was committed, and what was
// committed and is not published yet has taken nothing off.

import { productOf } from '../../record/types.ts';
import { scanFeed, ITEM_BYTES } from './feeds.ts';
import type { Page, PageRequest } from './queries.ts';
import type { FoundWithFate, LookupReader } from './reader.ts';
import { ABOUT, indexText, lastIndex, rowKey, tagsTest } from './rows.ts';
import { scanRows } from './scan.ts';

/** Builds of which nobody has said that they gave the same files, and which were not taken back; oldest first. */
export async function notRebuilt(
  reader: LookupReader,
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
  for await (const { key, value } of scanRows(storage, rowKey(ABOUT.taken), rowKey(ABOUT.taken, indexText(size)))) {
    const build = lastIndex(key);
    if (build <= last && build > (after ?? -1) && test(value)) indexes.add(build);
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
