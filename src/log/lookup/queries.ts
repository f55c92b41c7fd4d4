// The questions that lookups answer. Everything is about the published tree: what no checkpoint covers is not shown. An
// answer is a hint, as complete as whoever runs the log wants it to be; each record in it can be proven.

import type { Hash } from '../../merkle/hash.ts';
import { buildChannel, channelPlace, releaseChannel } from '../../record/channel.ts';
import type { AvdbReleaseFields } from '../../record/avdb-release.ts';
import type { ChannelFacts, ChannelRecord } from '../channel-heads.ts';
import { artifactOf } from './artifact.ts';
import type { FoundArtifact } from './artifact.ts';
import { LookupChannels } from './channel-facts.ts';
import { ITEM_BYTES, scanFeed } from './feeds.ts';
import { mentionList, parseMention } from './lists.ts';
import type { Item, ItemPage } from './lists.ts';
import { namedBy } from './named.ts';
import type { NamedRecord } from './named.ts';
import { LookupReader } from './reader.ts';
import type { FoundMention, FoundWithFate } from './reader.ts';
import { relocationsAt } from './relocations.ts';
import type { FoundRelocation, RelocationQuestion } from './relocations.ts';
import { ABOUT, channelPart, namespacePart, productPart, rowKey, tagsTest, typePart } from './rows.ts';
import { scanByIndex } from './scan.ts';
import type { FoundRecord, LookupSource } from './source.ts';
import { notRebuilt, TakenUnpublished } from './unrebuilt.ts';

/** A page of an answer, and what to ask for the next one; undefined where there is none. */
export interface Page<T, C = number> {
  /** The published size that it is about. */
  readonly size: number;
  readonly items: readonly T[];
  readonly next: C | undefined;
}

export interface PageRequest<C = number> {
  /** `next` of the page before. */
  readonly after?: C | undefined;
  /** At least 1. */
  readonly limit: number;
}

/** Of which builds: those of a product, or of all that is given besides. */
export interface BuildFilter {
  readonly namespace: string;
  readonly product: string;
  readonly version?: string | undefined;
  readonly channel?: string | undefined;
  readonly platform?: string | undefined;
}

/** Record types that stand among the changes of a product: its own, and those of others about these. */
const PRODUCT_TYPES = ['source-snapshot', 'build', 'avdb-release'] as const;
const ABOUT_TYPES = ['rebuild', 'retraction'] as const;

export class LookupQueries implements ChannelFacts {
  readonly #source: LookupSource;
  readonly #reader: LookupReader;
  readonly #channels: LookupChannels;
  readonly #unpublished = new TakenUnpublished();

  constructor(source: LookupSource) {
    this.#source = source;
    this.#reader = new LookupReader(source);
    this.#channels = new LookupChannels(this.#reader);
  }

  /** The records about the file with this SHA-256, oldest first, with what was said of each of them. */
  artifact(sha256: Hash, page: PageRequest): Promise<Page<FoundArtifact>> {
    return artifactOf(this.#reader, this.#channels, sha256, page);
  }

  /** Of each of these files the indexes alone: see namedBy. */
  named(sha256s: readonly Hash[]): Promise<readonly Page<NamedRecord>[]> {
    return namedBy(this.#reader, sha256s);
  }

  /** Builds, newest first. */
  async builds(filter: BuildFilter, page: PageRequest): Promise<Page<FoundWithFate>> {
    const size = this.#source.size();
    const { namespace, product, version, channel, platform } = filter;
    const { hasher } = this.#source;
    const scan = { ...page, after: page.after, size, newestFirst: true };
    const { items, next } =
      channel !== undefined && platform !== undefined
        ? await scanFeed(this.#source.storage(), {
            ...scan,
            prefix: rowKey(ABOUT.channel, channelPart(buildChannel(namespace, { product, platform, channel }), hasher)),
            itemBytes: ITEM_BYTES.channelBuild,
            test: tagsTest([version]),
          })
        : await scanFeed(this.#source.storage(), {
            ...scan,
            prefix: rowKey(ABOUT.product, productPart(namespace, product, hasher), typePart('build')),
            itemBytes: ITEM_BYTES.build,
            test: tagsTest([version, channel, platform]),
          });
    const found = (await this.#read(items)).filter(({ statement: { record } }) => {
      if (record.type !== 'build' || record.namespace !== namespace) return false;
      const { fields } = record;
      return (
        fields.product === product &&
        [version ?? fields.version, channel ?? fields.channel, platform ?? fields.platform].join('\0') ===
          [fields.version, fields.channel, fields.platform].join('\0')
      );
    });
    return { size, items: await this.#reader.withFate(found, size), next };
  }

  /** Releases of a stream, newest first. */
  async releases(
    namespace: string,
    stream: Pick<AvdbReleaseFields, 'product' | 'database' | 'channel'>,
    { after, limit }: PageRequest,
  ): Promise<Page<FoundWithFate>> {
    const size = this.#source.size();
    const channel = releaseChannel(namespace, stream);
    const prefix = rowKey(ABOUT.channel, channelPart(channel, this.#source.hasher));
    const itemBytes = ITEM_BYTES.channelRelease;
    const scan = { prefix, itemBytes, size, after, newestFirst: true, limit };
    const { items, next } = await scanFeed(this.#source.storage(), scan);
    const found = (await this.#read(items)).filter(
      ({ index, statement }) => channelPlace(statement.record, index)?.channel === channel,
    );
    return { size, items: await this.#reader.withFate(found, size), next };
  }

  /** Builds of which nobody has said that they gave the same files, and which were not taken back; oldest first. */
  notRebuilt(
    filter: { readonly namespace?: string | undefined; readonly product?: string | undefined },
    page: PageRequest,
  ): Promise<Page<FoundWithFate>> {
    return notRebuilt(this.#reader, this.#unpublished, filter, page);
  }

  /** What was said of the build with this leaf hash by those who built it again, oldest first; undefined: there is no such entry. */
  async rebuilds(build: Hash, { after, limit }: PageRequest): Promise<Page<FoundMention & FoundWithFate> | undefined> {
    const size = this.#source.size();
    const [index] = await this.#source.storage().findLeaves([build]);
    if (index === undefined || index >= size) return undefined;
    const { items, next } = await this.#reader.list(mentionList(index, 'rebuild'), { size, after, limit });
    const found = await this.#read(items);
    const mentioned = found.map((one, i) => ({ ...one, said: parseMention(items[i]!.value) }));
    return { size, items: await this.#reader.withFate(mentioned, size), next };
  }

  /** Commitments, oldest first. */
  async commitments(
    { namespace }: { readonly namespace?: string | undefined },
    { after, limit }: PageRequest,
  ): Promise<Page<FoundWithFate>> {
    const size = this.#source.size();
    const fits = tagsTest([namespace]);
    const scan = { size, after, limit, newestFirst: false, test: ({ value }: { value: Uint8Array }) => fits(value) };
    const { rows, next } = await scanByIndex(this.#source.storage(), { ...scan, prefix: rowKey(ABOUT.commitment) });
    const found = (await this.#read(rows)).filter(
      ({ statement }) => namespace === undefined || statement.namespace === namespace,
    );
    return { size, items: await this.#reader.withFate(found, size), next };
  }

  /**
   * Entries from index `since` on, oldest first: all, those of a namespace, or those about a product of it, rebuilds and
   * retractions of its builds by others among them.
   */
  async changes(
    since: number,
    { namespace, product }: { readonly namespace?: string | undefined; readonly product?: string | undefined },
    { after, limit }: PageRequest,
  ): Promise<Page<FoundRecord>> {
    const size = this.#source.size();
    const start = Math.max(since, after === undefined ? 0 : after + 1);
    if (namespace === undefined) {
      const end = Math.min(start + limit, size);
      const indexes = Array.from({ length: Math.max(0, end - start) }, (_, i) => start + i);
      return { size, items: await this.#reader.records(indexes), next: end < size ? end - 1 : undefined };
    }
    const scan = { size, after: start === 0 ? undefined : start - 1, newestFirst: false, limit };
    const pages = await Promise.all(
      product === undefined ? [this.#ofNamespace(namespace, scan)] : this.#ofProduct(namespace, product, scan),
    );
    // A page that ends before another has only told of what is up to its end.
    const end = Math.min(...pages.map(({ next }) => next ?? size - 1));
    const all = pages.flatMap(({ items }) => items.map(({ index }) => index)).toSorted((a, b) => a - b);
    const told = all.filter((index) => index <= end);
    const indexes = told.slice(0, limit);
    const isMore = told.length > limit || pages.some(({ next }) => next !== undefined);
    const next = told.length > limit ? indexes.at(-1) : end;
    return { size, items: await this.#reader.records(indexes), next: isMore ? next : undefined };
  }

  /** Where data of a region is stored, processed, …, on a day: see relocationsAt. */
  async relocations(question: RelocationQuestion, page: PageRequest<string>): Promise<Page<FoundRelocation, string>> {
    const size = this.#source.size();
    return { size, ...(await relocationsAt(this.#reader, size, question, page)) };
  }

  channels(after: string | undefined, limit: number): Promise<readonly string[]> {
    return this.#channels.channels(after, limit);
  }

  newest(channel: string, size: number): Promise<ChannelRecord | undefined> {
    return this.#channels.newest(channel, size);
  }

  recalled(channel: string, size: number): Promise<readonly Pick<ChannelRecord, 'leafHash' | 'sequence'>[]> {
    return this.#channels.recalled(channel, size);
  }

  #ofNamespace(namespace: string, scan: Scan): Promise<ItemPage> {
    const prefix = rowKey(ABOUT.namespace, namespacePart(namespace));
    return scanFeed(this.#source.storage(), { ...scan, prefix, itemBytes: ITEM_BYTES.plain });
  }

  #ofProduct(namespace: string, product: string, scan: Scan): Promise<ItemPage>[] {
    const part = productPart(namespace, product, this.#source.hasher);
    const storage = this.#source.storage();
    const own = PRODUCT_TYPES.map((type) => {
      const itemBytes = type === 'build' ? ITEM_BYTES.build : ITEM_BYTES.plain;
      return scanFeed(storage, { ...scan, prefix: rowKey(ABOUT.product, part, typePart(type)), itemBytes });
    });
    const others = ABOUT_TYPES.map(async (type): Promise<ItemPage> => {
      const prefix = rowKey(ABOUT.aboutProduct, part, typePart(type));
      const { rows, next } = await scanByIndex(storage, { ...scan, prefix });
      return { items: rows, next };
    });
    return [...own, ...others];
  }

  #read(items: readonly Pick<Item, 'index'>[]): Promise<FoundRecord[]> {
    return this.#reader.records(items.map(({ index }) => index));
  }
}

interface Scan {
  readonly size: number;
  readonly after: number | undefined;
  readonly newestFirst: boolean;
  readonly limit: number;
}
