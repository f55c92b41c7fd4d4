// The rows that records are looked up by: their keys and values, written and read by functions side by side. All keys
// begin with KEY_SPACE.lookup; the second byte says what the row is about. An index is 6 bytes and a block, which is the
// 256 entries of an entry bundle, its first 5, so that rows of one kind stand in the order of the log. What changes in
// length stands behind its hash or its own length. At most 73 bytes.
//
// Lists (lists.ts): one row for all that is said of one thing, to be had without a search; the first 16 are in it.
//
//   d  digest (16 of its 32 bytes)               →    records about a file: index, where its bytes are (Place)
//   D  digest (16), index                        →    those behind the first 16, a row each
//   a  index, kind                               →    entries about an entry: index, what it says
//   A  index, kind, index of the entry about it  →    those behind the first 16, a row each
//
// Feeds (feeds.ts): one row for a block of entries; an item begins with the index modulo 256.
//
//   c  channel (16 of SHA-256), block            →    builds: tag of its version. Releases: sequence
//   p  namespace and product (16), type, block   →    builds: tags of version, channel, platform. Others: nothing more
//   n  namespace, block                          →    nothing more
//   u  block                                     →    builds that nobody rebuilt: tags of namespace and product
//
// A row an entry:
//
//   q  namespace and product (16), type, index   →    a rebuild or retraction of an entry that is about the product
//   v  index, index of the build                 →    the entry that took a build out of `u`, and what stood there
//   s  namespace, index                          →    a supervision of a range of the namespace's entries: from, to
//   m  index                                     →    a commitment: tag of its namespace
//   l  activity, relocation (16), index          →    a step of a relocation (steps.ts)
//   x  namespace and product (16), index         →    a recall: index of what it recalls, its leaf hash
//
// One row each:
//
//   0                                            →    the version of all this
//   o                                            →    size, bytes of the entry bundle that the next entry goes into
//
// Hashes are cut and tags are four bytes: a row is a hint, and whoever reads it looks into the record as well.

import { readUintText } from '../../bytes.ts';
import type { Hasher } from '../../merkle/hash.ts';
import { subjectStep } from '../../record/text.ts';
import { TYPE_NAMES } from '../../record/type-names.ts';
import type { RecordType } from '../../record/types.ts';
import { KEY_SPACE } from '../../storage.ts';
import type { StateKey } from '../../storage.ts';

/** What a row is about: the second byte of its key. A letter each, so that a dump of the rows can be read. */
export const ABOUT = {
  digest: 'd',
  moreDigest: 'D',
  mention: 'a',
  moreMention: 'A',
  channel: 'c',
  product: 'p',
  namespace: 'n',
  unrebuilt: 'u',
  aboutProduct: 'q',
  taken: 'v',
  range: 's',
  commitment: 'm',
  relocation: 'l',
  recall: 'x',
  version: '0',
  tail: 'o',
} as const;
export type About = (typeof ABOUT)[keyof typeof ABOUT];

/** Bytes of an index in a key: sizes of safe integers need 53 bits, and no log comes near 2^48. */
export const INDEX_BYTES = 6;
/** Bytes of a block in a key. */
export const BLOCK_BYTES: number = INDEX_BYTES - 1;
/** Entries of a block: those of an entry bundle. */
export const BLOCK_ENTRIES = 256;
/** Bytes of a hash that stand in a key. Whoever makes two of the same sees both, and each is judged by its record. */
const CUT = 16;

/** A key or the beginning of one, from its parts. */
export function rowKey(about: About, part = '', second = '', third = ''): StateKey {
  return KEY_SPACE.lookup + about + part + second + third;
}

/** The version of these rows: an older log's are made anew by a reindex. */
export const ROWS_VERSION = 3;
export const VERSION_KEY: StateKey = rowKey(ABOUT.version);
export const TAIL_KEY: StateKey = rowKey(ABOUT.tail);

export function indexText(index: number): string {
  const high = Math.floor(index / 0x1000000);
  const low = index % 0x1000000;
  return String.fromCharCode(
    Math.floor(high / 0x10000),
    Math.floor(high / 0x100) % 0x100,
    high % 0x100,
    Math.floor(low / 0x10000),
    Math.floor(low / 0x100) % 0x100,
    low % 0x100,
  );
}

/** The block of these 256 entries in a key. */
export function blockText(block: number): string {
  return indexText(block * BLOCK_ENTRIES).slice(0, BLOCK_BYTES);
}

export function blockOf(index: number): number {
  return Math.floor(index / BLOCK_ENTRIES);
}

/** The index at the end of a key. */
export function lastIndex(key: StateKey): number {
  return readUintText(key, key.length - INDEX_BYTES, INDEX_BYTES)!;
}

/** The block at the end of a key. */
export function lastBlock(key: StateKey): number {
  return readUintText(key, key.length - BLOCK_BYTES, BLOCK_BYTES)!;
}

export function digestPart(d: Uint8Array): string {
  // All at once: the fastest way to a text of these bytes, and there is one for each file of each build.
  return String.fromCharCode(
    d[0]!,
    d[1]!,
    d[2]!,
    d[3]!,
    d[4]!,
    d[5]!,
    d[6]!,
    d[7]!,
    d[8]!,
    d[9]!,
    d[10]!,
    d[11]!,
    d[12]!,
    d[13]!,
    d[14]!,
    d[15]!,
  );
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

/**
 * The namespace's length stands before it, so that no namespace with more after it is another one. A namespace is ASCII
 * (type-names.ts).
 */
export function namespacePart(namespace: string): string {
  return String.fromCharCode(namespace.length) + namespace;
}

const TYPE_PARTS: ReadonlyMap<RecordType, string> = new Map(
  TYPE_NAMES.map((type, i) => [type, String.fromCharCode(i)]),
);

export function typePart(type: RecordType): string {
  return TYPE_PARTS.get(type)!;
}

export const TAG_BYTES = 4;

/** Puts the tag of a text, 4 bytes (FNV-1a over UTF-16 units): equal texts have equal tags. */
export function putTag(bytes: Uint8Array, at: number, text: string): void {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  bytes[at] = hash >>> 24;
  bytes[at + 1] = hash >>> 16;
  bytes[at + 2] = hash >>> 8;
  bytes[at + 3] = hash;
}

/** Tags of texts, 4 bytes each. */
export function tags(...texts: readonly string[]): Uint8Array {
  const bytes = new Uint8Array(TAG_BYTES * texts.length);
  for (const [k, text] of texts.entries()) putTag(bytes, TAG_BYTES * k, text);
  return bytes;
}

/** A test of tags: true when each text that is given may be the one whose tag stands at its place. */
export function tagsTest(texts: readonly (string | undefined)[]): (value: Uint8Array) => boolean {
  const wanted = texts.map((text) => (text === undefined ? undefined : tags(text)));
  return (value) => wanted.every((tag, k) => tag === undefined || tag.every((b, i) => value[TAG_BYTES * k + i] === b));
}

/** What an entry says about another one: one byte. */
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

/** What kind of entry says it: one byte of the key, so that what was taken back is found however often it was rebuilt. */
export const MENTION_KINDS = Object.freeze({ takenBack: 0, rebuild: 1, supervision: 2 } as const);
export type MentionKind = keyof typeof MENTION_KINDS;

/** What entry `index` is, and of what kind what is said of it: the part of the keys of its mentions. */
export function mentionPart(index: number, kind: MentionKind): string {
  return indexText(index) + String.fromCharCode(MENTION_KINDS[kind]);
}

/** Hashes of names that come again and again: most entries are of the same few products and channels. */
const MAX_KNOWN = 4096;
const known = new WeakMap<Hasher, Map<string, string>>();

function cutHash(text: string, hasher: Hasher): string {
  let hashes = known.get(hasher);
  if (hashes === undefined) known.set(hasher, (hashes = new Map<string, string>()));
  let hash = hashes.get(text);
  if (hash === undefined) {
    hash = digestPart(hasher.sha256(new TextEncoder().encode(text)).subarray(0, CUT));
    if (hashes.size >= MAX_KNOWN) hashes.clear();
    hashes.set(text, hash);
  }
  return hash;
}
