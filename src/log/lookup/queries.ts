// The questions that lookups answer. Everything is about the published tree: what no checkpoint covers is not shown. An
// answer is a hint, as complete as whoever runs the log wants it to be; each record in it can be proven.

import { equalBytes, readUint } from '../../bytes.ts';
import type { Hash } from '../../merkle/hash.ts';
import { channelNames, channelPlace, releaseChannel, buildChannel } from '../../record/channel.ts';
import { fileDigests } from '../../record/statement.ts';
import type { AvdbReleaseFields } from '../../record/avdb-release.ts';
import { productOf } from '../../record/types.ts';
import type { ChannelFacts, ChannelRecord } from '../channel-heads.ts';
import {
  ABOUT,
  channelPart,
  digestPart,
  indexPart,
  INDEX_BYTES,
  lastIndex,
  MATCHES,
  mentionPart,
  namespacePart,
  parseMention,
  productPart,
  rowKey,
  tagsFit,
  typePart,
} from './rows.ts';
import type { Mention, MentionKind } from './rows.ts';
import { namedBy } from './named.ts';
import type { NamedRecord } from './named.ts';
import { relocationsAt } from './relocations.ts';
import type { FoundRelocation, RelocationQuestion } from './relocations.ts';
import { scanByIndex, scanRows } from './scan.ts';
import type { IndexPage, IndexScan, Row } from './scan.ts';
import { readRecords } from './source.ts';
import type { FoundRecord, LookupSource } from './source.ts';

/** Entries about one record that an answer shows. */
const MAX_MENTIONS = 100;
/** Channels whose newest record is remembered until the next tree is published. */
const MAX_NEWEST = 4096;

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

/** An entry that says something about the found one, and what it says. */
export interface FoundMention extends FoundRecord {
  readonly said: Mention;
}

/** A record, and the retractions of it. */
export interface FoundWithFate extends FoundRecord {
  readonly takenBack: readonly FoundMention[];
}

/** A record about a file. */
export interface FoundArtifact extends FoundWithFate {
  readonly rebuilds: readonly FoundMention[];
  /** The record's channel and the newest record there. */
  readonly channel: { readonly channel: string; readonly newest: ChannelRecord } | undefined;
}

/** Of which builds: those of a product, or of all that is given besides. */
export interface BuildFilter {
  readonly namespace: string;
  readonly product: string;
  readonly version?: string | undefined;
  readonly channel?: string | undefined;
  readonly platform?: string | undefined;
}

/** Record types that stand among the changes of a product. */
const PRODUCT_TYPES = ['source-snapshot', 'build', 'avdb-release', 'rebuild', 'retraction'] as const;

export class LookupQueries implements ChannelFacts {
  readonly #source: LookupSource;
  readonly #newest = new Map<string, Promise<ChannelRecord | undefined>>();
  #newestSize = 0;

  constructor(source: LookupSource) {
    this.#source = source;
  }

  /** The records about the file with this SHA-256, oldest first, with what was said of each of them. */
  async artifact(sha256: Hash, { after, limit }: PageRequest): Promise<Page<FoundArtifact>> {
    const size = this.#source.size();
    const scan = { prefix: rowKey(ABOUT.digest, digestPart(sha256)), size, after, newestFirst: false, limit };
    const { rows, next } = await this.#scan(scan);
    if (rows.length === 0) return { size, items: [], next };
    const found = await this.#read(rows);
    const about = found.filter(({ statement }) => fileDigests(statement.record).some((one) => equalBytes(one, sha256)));
    const items = await Promise.all(
      about.map(async (one): Promise<FoundArtifact> => {
        const place = channelPlace(one.statement.record, one.index);
        const [{ takenBack, rebuilds }, newest] = await Promise.all([
          this.#mentions(one.index, size),
          place && this.newest(place.channel, size),
        ]);
        const channel = place && newest && { channel: place.channel, newest };
        return { ...one, takenBack, rebuilds, channel };
      }),
    );
    return { size, items, next };
  }

  /** Of each of these files the indexes alone: see namedBy. */
  named(sha256s: readonly Hash[]): Promise<readonly Page<NamedRecord>[]> {
    return namedBy(this.#source, sha256s);
  }

  /** Builds, newest first. */
  async builds(filter: BuildFilter, { after, limit }: PageRequest): Promise<Page<FoundWithFate>> {
    const size = this.#source.size();
    const { namespace, product, version, channel, platform } = filter;
    const { hasher } = this.#source;
    let prefix: string;
    let test: (row: Row) => boolean;
    if (channel !== undefined && platform !== undefined) {
      const part = channelPart(buildChannel(namespace, { product, platform, channel }), hasher);
      prefix = rowKey(ABOUT.channel, part);
      test = ({ value }) => tagsFit(value, [version]);
    } else {
      prefix = rowKey(ABOUT.product, productPart(namespace, product, hasher), typePart('build'));
      test = ({ value }) => tagsFit(value, [version, channel, platform]);
    }
    const { rows, next } = await this.#scan({ prefix, size, after, newestFirst: true, limit, test });
    const found = (await this.#read(rows)).filter(({ statement: { record } }) => {
      if (record.type !== 'build' || record.namespace !== namespace) return false;
      const { fields } = record;
      return (
        fields.product === product &&
        [version ?? fields.version, channel ?? fields.channel, platform ?? fields.platform].join('\0') ===
          [fields.version, fields.channel, fields.platform].join('\0')
      );
    });
    return { size, items: await this.#withFate(found, size), next };
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
    const { rows, next } = await this.#scan({ prefix, size, after, newestFirst: true, limit });
    const found = (await this.#read(rows)).filter(
      ({ index, statement }) => channelPlace(statement.record, index)?.channel === channel,
    );
    return { size, items: await this.#withFate(found, size), next };
  }

  /** Builds of which nobody has said that they gave the same files, and which were not taken back; oldest first. */
  async notRebuilt(
    { namespace, product }: { readonly namespace?: string | undefined; readonly product?: string | undefined },
    { after, limit }: PageRequest,
  ): Promise<Page<FoundWithFate>> {
    const size = this.#source.size();
    const test = ({ value }: Row): boolean => tagsFit(value, [namespace, product]);
    const page = await this.#scan({ prefix: rowKey(ABOUT.unrebuilt), size, after, newestFirst: false, limit, test });
    const indexes = new Set(page.rows.map(({ index }) => index));
    // An entry that is not published yet has taken nothing off the list.
    const last = page.next ?? size - 1;
    for await (const row of scanRows(
      this.#source.storage(),
      rowKey(ABOUT.taken),
      rowKey(ABOUT.taken, indexPart(size)),
    )) {
      const build = lastIndex(row.key);
      if (build > last || build <= (after ?? -1) || indexes.has(build) || !test(row)) continue;
      if (!(await this.#isTakenOff(build, size))) indexes.add(build);
    }
    const chosen = [...indexes].toSorted((a, b) => a - b).slice(0, limit);
    const next = indexes.size > limit ? chosen.at(-1) : page.next;
    const found = (await readRecords(this.#source, chosen)).filter(
      ({ statement: { record } }) =>
        (namespace === undefined || record.namespace === namespace) &&
        (product === undefined || productOf(record) === product),
    );
    return { size, items: await this.#withFate(found, size), next };
  }

  /** What was said of the build with this leaf hash by those who built it again, oldest first; undefined: there is no such entry. */
  async rebuilds(build: Hash, { after, limit }: PageRequest): Promise<Page<FoundMention & FoundWithFate> | undefined> {
    const size = this.#source.size();
    const index = await this.#indexOf(build, size);
    if (index === undefined) return undefined;
    const prefix = rowKey(ABOUT.mention, indexPart(index), mentionPart('rebuild'));
    const { rows, next } = await this.#scan({ prefix, size, after, newestFirst: false, limit });
    const found = await this.#withFate(await this.#mentioned(rows), size);
    return { size, items: found, next };
  }

  /** Commitments, oldest first. */
  async commitments(
    { namespace }: { readonly namespace?: string | undefined },
    { after, limit }: PageRequest,
  ): Promise<Page<FoundWithFate>> {
    const size = this.#source.size();
    const test = ({ value }: Row): boolean => tagsFit(value, [namespace]);
    const prefix = rowKey(ABOUT.commitment);
    const { rows, next } = await this.#scan({ prefix, size, after, newestFirst: false, limit, test });
    const found = (await this.#read(rows)).filter(
      ({ statement }) => namespace === undefined || statement.namespace === namespace,
    );
    return { size, items: await this.#withFate(found, size), next };
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
      return { size, items: await readRecords(this.#source, indexes), next: end < size ? end - 1 : undefined };
    }
    const prefixes =
      product === undefined
        ? [rowKey(ABOUT.namespace, namespacePart(namespace))]
        : PRODUCT_TYPES.map((type) =>
            rowKey(ABOUT.product, productPart(namespace, product, this.#source.hasher), typePart(type)),
          );
    const from = start === 0 ? undefined : start - 1;
    const pages = await Promise.all(
      prefixes.map((prefix) => this.#scan({ prefix, size, after: from, newestFirst: false, limit })),
    );
    const all = pages.flatMap(({ rows }) => rows.map(({ index }) => index)).toSorted((a, b) => a - b);
    const indexes = all.slice(0, limit);
    const isMore = all.length > limit || pages.some(({ next }) => next !== undefined);
    return { size, items: await readRecords(this.#source, indexes), next: isMore ? indexes.at(-1) : undefined };
  }

  /** Where data of a region is stored, processed, …, on a day: see relocationsAt. */
  async relocations(
    question: RelocationQuestion,
    page: PageRequest<Uint8Array>,
  ): Promise<Page<FoundRelocation, Uint8Array>> {
    const size = this.#source.size();
    const fate = (index: number): Promise<FoundMention[]> => this.#mentionsOf(index, 'takenBack', size);
    return { size, ...(await relocationsAt(this.#source, size, question, page, fate)) };
  }

  async channels(after: string | undefined, limit: number): Promise<readonly string[]> {
    const storage = this.#source.storage();
    const prefix = rowKey(ABOUT.channel);
    const size = this.#source.size();
    const channels: string[] = [];
    let from = after === undefined ? undefined : rowKey(ABOUT.channel, channelPart(after, this.#source.hasher), LAST);
    while (channels.length < limit) {
      const [row] = await storage.scan({ prefix, limit: 1, ...(from === undefined ? {} : { after: from }) });
      if (row === undefined) break;
      from = row.key.slice(0, -INDEX_BYTES) + LAST;
      const index = lastIndex(row.key);
      // Its first entry is not published: it is none yet.
      if (index >= size) continue;
      const [found] = await readRecords(this.#source, [index]);
      const place = channelPlace(found!.statement.record, index);
      if (place !== undefined) channels.push(place.channel);
    }
    return channels;
  }

  async newest(channel: string, size: number): Promise<ChannelRecord | undefined> {
    if (size !== this.#newestSize) {
      this.#newest.clear();
      this.#newestSize = size;
    }
    let newest = this.#newest.get(channel);
    if (newest === undefined) {
      newest = this.#findNewest(channel, size);
      if (this.#newest.size >= MAX_NEWEST) this.#newest.clear();
      this.#newest.set(channel, newest);
      newest.catch(() => this.#newest.delete(channel));
    }
    return newest;
  }

  async recalled(channel: string, size: number): Promise<readonly Pick<ChannelRecord, 'leafHash' | 'sequence'>[]> {
    const [namespace, product] = channelNames(channel) ?? [];
    if (namespace === undefined || product === undefined) return [];
    const targets = new Set<number>();
    const prefix = rowKey(ABOUT.recall, productPart(namespace, product, this.#source.hasher));
    for await (const { key, value } of scanRows(this.#source.storage(), prefix)) {
      if (lastIndex(key) < size) targets.add(readUint(value, 0, INDEX_BYTES)!);
    }
    const found = await readRecords(this.#source, [...targets]);
    return found.flatMap(({ index, leafHash, statement }) => {
      const place = channelPlace(statement.record, index);
      return place?.channel === channel ? [{ leafHash, sequence: place.sequence }] : [];
    });
  }

  /** Sequences rise along a channel (D08), so the last entry has the highest. */
  async #findNewest(channel: string, size: number): Promise<ChannelRecord | undefined> {
    const prefix = rowKey(ABOUT.channel, channelPart(channel, this.#source.hasher));
    const { rows } = await this.#scan({ prefix, size, after: undefined, newestFirst: true, limit: 1 });
    const [found] = await this.#read(rows);
    const place = found && channelPlace(found.statement.record, found.index);
    if (place?.channel !== channel) return undefined;
    return { index: found!.index, leafHash: found!.leafHash, sequence: place.sequence };
  }

  #scan(scan: IndexScan): Promise<IndexPage> {
    return scanByIndex(this.#source.storage(), scan);
  }

  #read(rows: IndexPage['rows']): Promise<FoundRecord[]> {
    return readRecords(
      this.#source,
      rows.map(({ index }) => index),
    );
  }

  async #indexOf(leafHash: Hash, size: number): Promise<number | undefined> {
    const [index] = await this.#source.storage().findLeaves([leafHash]);
    return index !== undefined && index < size ? index : undefined;
  }

  /** True when an entry of the first `size` has taken the build off the list of those that nobody rebuilt. */
  async #isTakenOff(build: number, size: number): Promise<boolean> {
    for await (const { key, value } of scanRows(this.#source.storage(), rowKey(ABOUT.mention, indexPart(build)))) {
      if (lastIndex(key) < size && TAKE_OFF.includes(parseMention(value))) return true;
    }
    return false;
  }

  async #mentioned(rows: IndexPage['rows']): Promise<FoundMention[]> {
    const found = await this.#read(rows);
    return found.map((one, i) => ({ ...one, said: parseMention(rows[i]!.value) }));
  }

  async #mentionsOf(index: number, kind: MentionKind, size: number): Promise<FoundMention[]> {
    const prefix = rowKey(ABOUT.mention, indexPart(index), mentionPart(kind));
    const { rows } = await this.#scan({ prefix, size, after: undefined, newestFirst: false, limit: MAX_MENTIONS });
    return rows.length === 0 ? [] : this.#mentioned(rows);
  }

  /** What was said of an entry: mostly nothing, so one look at the store tells of both kinds. */
  async #mentions(index: number, size: number): Promise<Pick<FoundArtifact, 'takenBack' | 'rebuilds'>> {
    const prefix = rowKey(ABOUT.mention, indexPart(index));
    const [any] = await this.#source.storage().scan({ prefix, limit: 1 });
    if (any === undefined) return { takenBack: [], rebuilds: [] };
    const [takenBack, rebuilds] = await Promise.all([
      this.#mentionsOf(index, 'takenBack', size),
      this.#mentionsOf(index, 'rebuild', size),
    ]);
    return { takenBack, rebuilds };
  }

  #withFate<T extends FoundRecord>(found: readonly T[], size: number): Promise<(T & FoundWithFate)[]> {
    return Promise.all(
      found.map(async (one) => ({ ...one, takenBack: await this.#mentionsOf(one.index, 'takenBack', size) })),
    );
  }
}

const LAST = '\u00ff'.repeat(INDEX_BYTES);

/** What takes a build off the list of those that nobody rebuilt. */
const TAKE_OFF: readonly Mention[] = Object.freeze([...MATCHES, 'retract', 'supersede', 'correct', 'recall']);
