// What an admitted record adds to the lookup rows: the record, its place, and what admission knows of the entries that it
// refers to. Which rows it goes on with is planned from the statement, before anybody knows its index.

import { readUint } from '../../bytes.ts';
import type { Facts } from '../../record/admission.ts';
import { entryKey } from '../../record/admission/keys.ts';
import { entryValue } from '../../record/admission/values.ts';
import type { EntryState } from '../../record/admission/values.ts';
import { buildChannel, releaseChannel } from '../../record/channel.ts';
import { fileDigests } from '../../record/statement.ts';
import type { Statement } from '../../record/statement.ts';
import type { LimmatRecord } from '../../record/types.ts';
import { productOf } from '../../record/types.ts';
import type { EntryPlace } from '../../storage.ts';
import type { LookupBatch, OpenFeed, OpenRow } from './batch.ts';
import { ITEM_BYTES, SEQUENCE_BYTES } from './feeds.ts';
import { digestList, mentionByte, mentionList, putPlace, putUint } from './lists.ts';
import type { ListKeys } from './lists.ts';
import {
  ABOUT,
  channelPart,
  INDEX_BYTES,
  indexText,
  MATCHES,
  namespacePart,
  productPart,
  putTag,
  relocationPart,
  rowKey,
  TAG_BYTES,
  tags,
  typePart,
} from './rows.ts';
import type { Mention, MentionKind } from './rows.ts';
import { activityPart, stepValue } from './steps.ts';

/** The rows that a statement goes on with. */
export interface Plan {
  /** True when it says something of other entries. */
  readonly refers: boolean;
  readonly files: readonly { readonly row: OpenRow; readonly list: ListKeys }[];
  readonly namespace: OpenFeed;
  readonly product: OpenFeed | undefined;
  readonly channel: OpenFeed | undefined;
  readonly unrebuilt: OpenFeed | undefined;
}

/** Between names in the name of a feed: no name has it. */
const BETWEEN = '\0';

/** What the statement goes on with, wherever it is placed. */
export function plan({ record }: Statement, batch: LookupBatch): Plan {
  const { namespace, type } = record;
  const { hasher } = batch;
  const product = productOf(record);
  const files: { readonly list: ListKeys; readonly row: OpenRow }[] = [];
  for (const sha256 of fileDigests(record)) {
    const list = digestList(sha256);
    const row = batch.wantRow(list.key);
    // A record may name a file twice.
    if (!files.some((file) => file.row === row)) files.push({ list, row });
  }
  const plain = ITEM_BYTES.plain;
  return {
    refers: type === 'rebuild' || type === 'retraction' || type === 'supervision',
    files,
    namespace: batch.feed(namespace, plain, () => rowKey(ABOUT.namespace, namespacePart(namespace))),
    product:
      product === undefined
        ? undefined
        : batch.feed(
            `${type}${BETWEEN}${namespace}${BETWEEN}${product}`,
            type === 'build' ? ITEM_BYTES.build : plain,
            () => rowKey(ABOUT.product, productPart(namespace, product, hasher), typePart(type)),
          ),
    channel: channelFeed(record, batch),
    unrebuilt:
      type === 'build'
        ? batch.feed(ABOUT.unrebuilt + BETWEEN, ITEM_BYTES.unrebuilt, () => rowKey(ABOUT.unrebuilt))
        : undefined,
  };
}

function channelFeed({ type, namespace, fields }: LimmatRecord, batch: LookupBatch): OpenFeed | undefined {
  const { hasher } = batch;
  if (type === 'build') {
    const { product, platform, channel } = fields;
    const name = `${ABOUT.channel}${BETWEEN}${namespace}${BETWEEN}${product}${BETWEEN}${platform}${BETWEEN}${channel}`;
    return batch.feed(name, ITEM_BYTES.channelBuild, () =>
      rowKey(ABOUT.channel, channelPart(buildChannel(namespace, fields), hasher)),
    );
  }
  if (type !== 'avdb-release') return undefined;
  const { product, database, channel } = fields;
  const name = `${type}${BETWEEN}${namespace}${BETWEEN}${product}${BETWEEN}${database}${BETWEEN}${channel}`;
  return batch.feed(name, ITEM_BYTES.channelRelease, () =>
    rowKey(ABOUT.channel, channelPart(releaseChannel(namespace, fields), hasher)),
  );
}

/** What the statement says of other entries. */
interface Saying {
  readonly target: Uint8Array;
  readonly kind: MentionKind;
  readonly said: Mention;
  /** Takes a build that it says this of off the list of those that nobody rebuilt. */
  readonly takesOff: boolean;
}

function sayings(record: LimmatRecord): readonly Saying[] {
  switch (record.type) {
    case 'rebuild': {
      const { build, result } = record.fields;
      // Admission sees to it that it is another's word than the build's (D07).
      return [{ target: build, kind: 'rebuild', said: result, takesOff: MATCHES.includes(result) }];
    }
    case 'retraction': {
      const { target, kind } = record.fields;
      return [{ target, kind: 'takenBack', said: kind, takesOff: true }];
    }
    case 'supervision':
      return (record.fields.refs ?? []).map((target) => {
        return { target, kind: 'supervision', said: 'supervision', takesOff: false };
      });
    default:
      return [];
  }
}

function entryOf(facts: Facts, leafHash: Uint8Array): EntryState | undefined {
  const value = facts.get(entryKey(leafHash));
  return value === undefined ? undefined : entryValue.parse(value);
}

/** What the entries that the statement is about go on with; those of the batch itself have nothing before it. */
export function planTargets({ record }: Statement, facts: Facts, batch: LookupBatch): void {
  for (const { target, kind, takesOff } of sayings(record)) {
    const entry = entryOf(facts, target);
    if (entry === undefined || entry.index >= batch.start) continue;
    batch.wantRow(mentionList(entry.index, kind).key);
    if (takesOff && entry.type === 'build') batch.wantRow(batch.unrebuiltKey(entry.index));
  }
}

/** Writes what the statement adds and takes away as the entry at this place. */
export function write(
  { record, iat }: Statement,
  planned: Plan,
  place: EntryPlace,
  facts: Facts,
  batch: LookupBatch,
): void {
  const { index } = place;
  const { hasher } = batch;
  const { namespace } = record;
  for (const { row, list } of planned.files) {
    const item = batch.addToList(row, list, index);
    if (item !== undefined) putPlace(item.bytes, item.at, place.offset, place.length);
  }
  batch.addToFeed(planned.namespace, index);
  if (planned.product !== undefined) {
    const { row, at } = batch.addToFeed(planned.product, index);
    if (record.type === 'build') {
      const { version, channel, platform } = record.fields;
      putTag(row.bytes, at, version);
      putTag(row.bytes, at + TAG_BYTES, channel);
      putTag(row.bytes, at + 2 * TAG_BYTES, platform);
    }
  }
  if (planned.channel !== undefined) {
    const { row, at } = batch.addToFeed(planned.channel, index);
    if (record.type === 'build') putTag(row.bytes, at, record.fields.version);
    else if (record.type === 'avdb-release') putUint(row.bytes, at, record.fields.sequence, SEQUENCE_BYTES);
  }
  if (planned.unrebuilt !== undefined && record.type === 'build') {
    const { row, at } = batch.addToFeed(planned.unrebuilt, index);
    putTag(row.bytes, at, namespace);
    putTag(row.bytes, at + TAG_BYTES, record.fields.product);
  }
  if (planned.refers) writeSayings(record, index, facts, batch);

  switch (record.type) {
    case 'supervision': {
      const { range } = record.fields;
      if (range === undefined) break;
      const value = new Uint8Array(2 * INDEX_BYTES);
      putUint(value, 0, range.from, INDEX_BYTES);
      putUint(value, INDEX_BYTES, range.to, INDEX_BYTES);
      for (const each of range.namespaces ?? [namespace]) {
        batch.put(rowKey(ABOUT.range, namespacePart(each), indexText(index)), value);
      }
      break;
    }
    case 'commitment':
      batch.put(rowKey(ABOUT.commitment, indexText(index)), tags(namespace));
      break;
    case 'relocation': {
      const { activity, relocationId } = record.fields;
      const relocation = relocationPart(namespace, relocationId, hasher);
      const key = rowKey(ABOUT.relocation, activityPart(activity), relocation, indexText(index));
      batch.put(key, stepValue(record.fields, iat));
      break;
    }
    default:
  }
}

function writeSayings(record: LimmatRecord, index: number, facts: Facts, batch: LookupBatch): void {
  const at = indexText(index);
  for (const { target, kind, said, takesOff } of sayings(record)) {
    const entry = entryOf(facts, target);
    if (entry === undefined) continue;
    const list = mentionList(entry.index, kind);
    const item = batch.addToList(batch.listRow(list), list, index);
    if (item !== undefined) item.bytes[item.at] = mentionByte(said);
    const { namespace, product } = entry;
    if (takesOff && entry.type === 'build' && batch.takeOff(entry.index)) {
      batch.put(rowKey(ABOUT.taken, at, indexText(entry.index)), tags(namespace, product ?? ''));
    }
    if (kind === 'supervision' || product === null) continue;
    // The entry is among the changes of the product that it is about, whoever says it.
    const about = productPart(namespace, product, batch.hasher);
    batch.put(rowKey(ABOUT.aboutProduct, about, typePart(record.type), at));
    if (said !== 'recall') continue;
    const value = new Uint8Array(INDEX_BYTES + target.length);
    putUint(value, 0, entry.index, INDEX_BYTES);
    value.set(target, INDEX_BYTES);
    batch.put(rowKey(ABOUT.recall, about, at), value);
  }
}

/** What a recall row says: which entry. */
export function parseRecall(value: Uint8Array): { readonly index: number; readonly leafHash: Uint8Array } {
  return { index: readUint(value, 0, INDEX_BYTES)!, leafHash: value.subarray(INDEX_BYTES) };
}
