// Builds that nobody rebuilt with the same result: the rows have those of everything that was committed, and what was
// committed and is not published yet has taken nothing off.

import { productOf } from '../../record/types.ts';
import { scanFeed, ITEM_BYTES } from './feeds.ts';
import type { Page, PageRequest } from './queries.ts';
import type { FoundWithFate, LookupReader } from './reader.ts';
import { ABOUT, indexText, lastIndex, MATCHES, rowKey, tagsTest } from './rows.ts';
import type { Mention } from './rows.ts';
import { scanRows } from './scan.ts';

/** What takes a build off the list. */
const TAKE_OFF: readonly Mention[] = Object.freeze([...MATCHES, 'retract', 'supersede', 'correct', 'recall']);

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
  const takenLately = new Set<number>();
  for await (const { key, value } of scanRows(storage, rowKey(ABOUT.taken), rowKey(ABOUT.taken, indexText(size)))) {
    const build = lastIndex(key);
    if (build <= last && build > (after ?? -1) && !indexes.has(build) && test(value)) takenLately.add(build);
  }
  const builds = [...takenLately];
  const mentions = await reader.mentionsAt(builds, ['takenBack', 'rebuild'], size);
  for (const [i, build] of builds.entries()) {
    if (!mentions[i]!.flat().some(({ said }) => TAKE_OFF.includes(said))) indexes.add(build);
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
