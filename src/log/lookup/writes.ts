// What an admitted record adds to the lookup rows. Pure: the record, its place, and what admission knows of the entries
// that it refers to; so the log and whoever builds the rows anew from its entries come to the same.

import { concat, textBytes, toHex } from '../../bytes.ts';
import type { Hasher } from '../../merkle/hash.ts';
import { portableHasher } from '../../merkle/hash.ts';
import type { Facts } from '../../record/admission.ts';
import { entryKey } from '../../record/admission/keys.ts';
import { entryValue } from '../../record/admission/values.ts';
import type { EntryState } from '../../record/admission/values.ts';
import { channelPlace } from '../../record/channel.ts';
import type { LimmatRecord } from '../../record/types.ts';
import { productOf } from '../../record/types.ts';
import { fileDigests } from '../../record/statement.ts';
import type { Statement } from '../../record/statement.ts';
import type { StateKey, StateWrite } from '../../storage.ts';
import {
  ABOUT,
  channelPart,
  digestPart,
  indexBytes,
  indexPart,
  MATCHES,
  mentionPart,
  mentionValue,
  namespacePart,
  productPart,
  relocationPart,
  rowKey,
  tags,
  typePart,
} from './rows.ts';
import type { Mention, MentionKind } from './rows.ts';
import { activityPart, stepValue } from './steps.ts';

const NOTHING = new Uint8Array(0);

/**
 * The rows that the statement's record adds and removes as entry `index`. `facts` are those that it was admitted with, or
 * any later ones: only what entries before it are, which never changes, is looked at.
 */
export function lookupWrites(
  { record, iat }: Pick<Statement, 'record' | 'iat'>,
  index: number,
  facts: Facts,
  hasher: Hasher = portableHasher,
): StateWrite[] {
  const { namespace } = record;
  const at = indexPart(index);
  const writes: StateWrite[] = [
    { key: rowKey(ABOUT.namespace, namespacePart(namespace), at), value: textBytes(typePart(record.type)) },
  ];
  const add = (key: StateKey, value: Uint8Array = NOTHING): void => void writes.push({ key, value });

  addFiles(record, at, add);
  const product = productOf(record);
  if (product !== undefined) {
    const { type } = record;
    const value =
      type === 'build' ? tags(record.fields.version, record.fields.channel, record.fields.platform) : NOTHING;
    add(rowKey(ABOUT.product, productPart(namespace, product, hasher), typePart(type), at), value);
  }
  const place = channelPlace(record, index);
  if (place !== undefined) {
    const value = record.type === 'build' ? tags(record.fields.version) : NOTHING;
    add(rowKey(ABOUT.channel, channelPart(place.channel, hasher), at), value);
  }

  const target = (leafHash: Uint8Array): EntryState | undefined => {
    const value = facts.get(entryKey(leafHash));
    return value === undefined ? undefined : entryValue.parse(value);
  };
  const mention = (entry: EntryState, kind: MentionKind, said: Mention): void =>
    add(rowKey(ABOUT.mention, indexPart(entry.index), mentionPart(kind), at), mentionValue(said));
  const takeOff = (build: EntryState): void => {
    const buildAt = indexPart(build.index);
    const value = tags(build.namespace, build.product ?? '');
    writes.push({ key: rowKey(ABOUT.unrebuilt, buildAt), value: null });
    add(rowKey(ABOUT.taken, at, buildAt), value);
  };
  /** The entry is among the changes of the product that it is about, whoever says it. */
  const addToProductOf = ({ namespace: owner, product: about }: EntryState): void => {
    if (about === null) return;
    add(rowKey(ABOUT.product, productPart(owner, about, hasher), typePart(record.type), at));
  };

  switch (record.type) {
    case 'build':
      add(rowKey(ABOUT.unrebuilt, at), tags(namespace, record.fields.product));
      break;
    case 'rebuild': {
      const build = target(record.fields.build);
      if (build === undefined) break;
      const { result } = record.fields;
      mention(build, 'rebuild', result);
      addToProductOf(build);
      // Admission sees to it that it is another's word than the build's (D07).
      if (MATCHES.includes(result)) takeOff(build);
      break;
    }
    case 'retraction': {
      const entry = target(record.fields.target);
      if (entry === undefined) break;
      const { kind } = record.fields;
      mention(entry, 'takenBack', kind);
      addToProductOf(entry);
      if (entry.type === 'build') takeOff(entry);
      if (kind === 'recall' && entry.product !== null) {
        const key = rowKey(ABOUT.recall, productPart(entry.namespace, entry.product, hasher), at);
        add(key, indexBytes(entry.index));
      }
      break;
    }
    case 'supervision': {
      const { range, refs = [] } = record.fields;
      for (const ref of refs) {
        const entry = target(ref);
        if (entry !== undefined) mention(entry, 'supervision', 'supervision');
      }
      if (range === undefined) break;
      const value = concat(indexBytes(range.from), indexBytes(range.to));
      for (const each of range.namespaces ?? [namespace]) add(rowKey(ABOUT.range, namespacePart(each), at), value);
      break;
    }
    case 'commitment':
      add(rowKey(ABOUT.commitment, at), tags(namespace));
      break;
    case 'relocation': {
      const { activity, relocationId } = record.fields;
      const relocation = relocationPart(namespace, relocationId, hasher);
      add(rowKey(ABOUT.relocation, activityPart(activity), relocation, at), stepValue(record.fields, iat));
      break;
    }
    default:
  }
  return writes;
}

type Add = (key: StateKey, value?: Uint8Array) => void;

function addFiles(record: LimmatRecord, at: string, add: Add): void {
  const digests = fileDigests(record);
  const seen = digests.length > 1 ? new Set<string>() : undefined;
  for (const digest of digests) {
    if (seen !== undefined) {
      const text = toHex(digest);
      if (seen.has(text)) continue;
      seen.add(text);
    }
    add(rowKey(ABOUT.digest, digestPart(digest), at));
  }
}
