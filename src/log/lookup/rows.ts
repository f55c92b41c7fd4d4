// The rows that records are looked up by: their keys and values, written and read by functions side by side. All keys
// begin with KEY_SPACE.lookup; the second byte says what the row is about. An index is 6 bytes, so that rows of one kind
// stand in the order of the log, and what changes in length stands behind its hash or its own length. At most 73 bytes.
//
//   d  digest (16 of its 32 bytes), index             a record about a file
//   c  channel (16 of SHA-256), index            →    a build: tag of its version
//   p  namespace and product (16), type, index   →    a build: tags of version, channel, platform
//   n  namespace, index                          →    type
//   u  index                                     →    a build that nobody rebuilt: tags of namespace and product
//   v  index, index of the build                 →    the entry that took a build out of `u`, and what stood there
//   a  index, kind, index of the entry about it  →    what that entry says of this one
//   s  namespace, index                          →    a supervision of a range of the namespace's entries: from, to
//   m  index                                     →    a commitment: tag of its namespace
//   l  activity, relocation (16), index          →    a step of a relocation (steps.ts)
//   x  namespace and product (16), index         →    a recall: index of what it recalls
//
// Hashes are cut and tags are four bytes: a row is a hint, and whoever reads it looks into the record as well.

import { byteText, readUintText, uintBytes, uintText, utf8 } from '../../bytes.ts';
import type { Hasher } from '../../merkle/hash.ts';
import { subjectStep } from '../../record/text.ts';
import { TYPE_NAMES } from '../../record/type-names.ts';
import type { RecordType } from '../../record/types.ts';
import { KEY_SPACE } from '../../storage.ts';
import type { StateKey } from '../../storage.ts';

/** What a row is about: the second byte of its key. A letter each, so that a dump of the rows can be read. */
export const ABOUT = {
  digest: 'd',
  channel: 'c',
  product: 'p',
  namespace: 'n',
  unrebuilt: 'u',
  taken: 'v',
  mention: 'a',
  range: 's',
  commitment: 'm',
  relocation: 'l',
  recall: 'x',
} as const;
export type About = (typeof ABOUT)[keyof typeof ABOUT];

/** Bytes of an index in a key: sizes of safe integers need 53 bits, and no log comes near 2^48. */
export const INDEX_BYTES = 6;
/** Bytes of a hash that stand in a key. Whoever makes two of the same sees both, and each is judged by its record. */
const CUT = 16;

/** The key that begins every lookup row, for a scan of all of them. */
export const LOOKUP_PREFIX: StateKey = KEY_SPACE.lookup;

/** True for the key of a lookup row. */
export function isLookupKey(key: StateKey): boolean {
  return key[0] === KEY_SPACE.lookup;
}

/** A key or the beginning of one, from its parts. */
export function rowKey(about: About, ...parts: readonly string[]): StateKey {
  return KEY_SPACE.lookup + about + parts.join('');
}

/** An index in a value. */
export function indexBytes(index: number): Uint8Array {
  return uintBytes(index, INDEX_BYTES);
}

/** An index in a key. */
export function indexPart(index: number): string {
  return uintText(index, INDEX_BYTES);
}

/** The index at the end of a key. */
export function lastIndex(key: StateKey): number {
  return readUintText(key, key.length - INDEX_BYTES, INDEX_BYTES)!;
}

export function digestPart(sha256: Uint8Array): string {
  return byteText(sha256.subarray(0, CUT));
}

/** Of a channel as record/channel.ts writes it. */
export function channelPart(channel: string, hasher: Hasher): string {
  return cutHash(`channel ${channel}`, hasher);
}

export function productPart(namespace: string, product: string, hasher: Hasher): string {
  return cutHash(`product ${namespace}/${subjectStep(product)}`, hasher);
}

export function relocationPart(namespace: string, relocationId: string, hasher: Hasher): string {
  return cutHash(`relocation ${namespace}/${subjectStep(relocationId)}`, hasher);
}

/** The namespace's length stands before it, so that no namespace with more after it is another one. */
export function namespacePart(namespace: string): string {
  return uintText(namespace.length, 1) + namespace;
}

const TYPE_PARTS: ReadonlyMap<RecordType, string> = new Map(TYPE_NAMES.map((type, i) => [type, uintText(i, 1)]));

export function typePart(type: RecordType): string {
  return TYPE_PARTS.get(type)!;
}

const TAG_BYTES = 4;

/** Tags of texts, 4 bytes each (FNV-1a over UTF-16 units): equal texts have equal tags. */
export function tags(...texts: readonly string[]): Uint8Array {
  const bytes = new Uint8Array(TAG_BYTES * texts.length);
  const view = new DataView(bytes.buffer);
  for (const [k, text] of texts.entries()) {
    let hash = 0x811c9dc5;
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
    view.setUint32(TAG_BYTES * k, hash >>> 0);
  }
  return bytes;
}

/** True when each text that is given may be the one whose tag stands at its place. */
export function tagsFit(value: Uint8Array, texts: readonly (string | undefined)[]): boolean {
  return texts.every((text, k) => {
    if (text === undefined) return true;
    const tag = tags(text);
    return tag.every((byte, i) => value[TAG_BYTES * k + i] === byte);
  });
}

/** What an entry says about another one: the value of an `a` row, one byte. */
export const MENTIONS = Object.freeze([
  'match',
  'match-normalised',
  'mismatch',
  'not-buildable',
  'inconclusive',
  'retract',
  'supersede',
  'correct',
  'recall',
  'supervision',
] as const);
export type Mention = (typeof MENTIONS)[number];

/** Results of a rebuild that take a build off the list of those that nobody rebuilt. */
export const MATCHES: readonly Mention[] = Object.freeze(['match', 'match-normalised'] as const);

/** What kind of entry says it: one byte of the key of an `a` row, so that what was taken back is found however often it was rebuilt. */
export const MENTION_KINDS = Object.freeze({ takenBack: 0, rebuild: 1, supervision: 2 } as const);
export type MentionKind = keyof typeof MENTION_KINDS;

export function mentionPart(kind: MentionKind): string {
  return uintText(MENTION_KINDS[kind], 1);
}

export function mentionValue(mention: Mention): Uint8Array {
  return Uint8Array.of(MENTIONS.indexOf(mention));
}

export function parseMention(value: Uint8Array): Mention {
  return MENTIONS[value[0]!]!;
}

/** Hashes of names that come again and again: most entries are of the same few products and channels. */
const MAX_KNOWN = 4096;
const known = new WeakMap<Hasher, Map<string, string>>();

function cutHash(text: string, hasher: Hasher): string {
  let hashes = known.get(hasher);
  if (hashes === undefined) known.set(hasher, (hashes = new Map<string, string>()));
  let hash = hashes.get(text);
  if (hash === undefined) {
    hash = byteText(hasher.sha256(utf8(text)).subarray(0, CUT));
    if (hashes.size >= MAX_KNOWN) hashes.clear();
    hashes.set(text, hash);
  }
  return hash;
}
