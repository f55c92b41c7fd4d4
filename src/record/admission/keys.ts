// The keys of the state that admission derives from the entries. All begin with one byte, so that a scan of that prefix
// is the whole of the derived state; the second byte says what the value is about. At most 98 bytes.

import { uintBytes, utf8 } from '../../bytes.ts';
import type { Hasher } from '../../merkle/hash.ts';
import { subjectStep } from '../text.ts';

/** As the storage port takes it: bytes that order bytewise. */
export type StateKey = Uint8Array;

/** First byte of every key of the derived state; the storage port's table of key spaces has the same. */
export const ADMISSION_SPACE = 0x64;

/** What a value is about: the second byte. A letter each, so that a dump of the state can be read. */
const ABOUT = {
  /** The log itself. */
  log: 0x6c,
  /** A namespace: its policy in force, its root, the head of its chain. */
  namespace: 0x6e,
  /** A key in a namespace. */
  key: 0x6b,
  /** A link of a namespace's admission chain. */
  link: 0x63,
  /** A site of a namespace. */
  site: 0x70,
  /** An entry, by its leaf hash. */
  entry: 0x65,
  /** What has one set of digests: a build, the source of a version. */
  identity: 0x69,
  /** The head of a stream of releases. */
  stream: 0x73,
  /** A release of a stream. */
  release: 0x72,
  /** Content that a namespace called back. */
  recalled: 0x78,
  /** The root of this log's tree at a size. Nobody stores it: whoever runs admission looks it up. */
  root: 0x74,
} as const;

const NOTHING = new Uint8Array(0);

export const LOG_KEY: StateKey = Uint8Array.of(ADMISSION_SPACE, ABOUT.log);

export function namespaceKey(namespace: string): StateKey {
  return inNamespace(ABOUT.namespace, namespace, NOTHING);
}

/** A key (its thumbprint, 32 bytes) is another one in each namespace: no vendor kills or admits the key of another. */
export function keyKey(namespace: string, kid: Uint8Array): StateKey {
  return inNamespace(ABOUT.key, namespace, kid);
}

export function linkKey(namespace: string, sequence: number): StateKey {
  return inNamespace(ABOUT.link, namespace, uintBytes(sequence, 8));
}

export function siteKey(namespace: string, siteId: string, hasher: Hasher): StateKey {
  return inNamespace(ABOUT.site, namespace, digestOf(siteId, hasher));
}

export function entryKey(leafHash: Uint8Array): StateKey {
  return joined(ABOUT.entry, leafHash);
}

/** `subject` is `<namespace>/<type>/<identity>`, as in `sub`. */
export function identityKey(subject: string, hasher: Hasher): StateKey {
  return joined(ABOUT.identity, digestOf(subject, hasher));
}

/** `stream` is what `streamOf` says. */
export function streamKey(stream: string, hasher: Hasher): StateKey {
  return joined(ABOUT.stream, digestOf(stream, hasher));
}

export function releaseKey(stream: string, sequence: number, hasher: Hasher): StateKey {
  return joined(ABOUT.release, digestOf(stream, hasher), uintBytes(sequence, 8));
}

export function recalledKey(namespace: string, content: Uint8Array): StateKey {
  return inNamespace(ABOUT.recalled, namespace, content);
}

export function rootKey(size: number): StateKey {
  return joined(ABOUT.root, uintBytes(size, 8));
}

const SHARED: readonly (number | undefined)[] = [ABOUT.log, ABOUT.namespace, ABOUT.key, ABOUT.site, ABOUT.stream];

/** True for the values that entry after entry asks for: of the log, a namespace, a key, a site, the head of a stream. */
export function isShared(key: StateKey): boolean {
  return key[0] === ADMISSION_SPACE && SHARED.includes(key[1]);
}

/** The size of a `rootKey`; undefined for every other key, which a store answers. */
export function sizeOfRootKey(key: StateKey): number | undefined {
  if (key[1] !== ABOUT.root || key[0] !== ADMISSION_SPACE) return undefined;
  return Number(new DataView(key.buffer, key.byteOffset + 2, 8).getBigUint64(0));
}

/** The subject of the source of a product in a version: what a build's `source` has to be about. */
export function sourceSubject(namespace: string, product: string, version: string): string {
  return `${namespace}/source-snapshot/${subjectStep(product)}/${subjectStep(version)}`;
}

/** Digests of the texts asked for last: an entry's are asked for more than once, a stream's by all its releases. */
const MAX_REMEMBERED = 2048;
const remembered = new WeakMap<Hasher, Map<string, Uint8Array>>();

function digestOf(text: string, hasher: Hasher): Uint8Array {
  let known = remembered.get(hasher);
  if (known === undefined) remembered.set(hasher, (known = new Map()));
  let digest = known.get(text);
  if (digest === undefined) {
    digest = hasher.sha256(utf8(text));
    if (known.size >= MAX_REMEMBERED) known.clear();
    known.set(text, digest);
  }
  return digest;
}

function joined(about: number, first: Uint8Array, second?: Uint8Array): StateKey {
  const key = new Uint8Array(2 + first.length + (second?.length ?? 0));
  key[0] = ADMISSION_SPACE;
  key[1] = about;
  key.set(first, 2);
  if (second !== undefined) key.set(second, 2 + first.length);
  return key;
}

/** The namespace's length stands before it, so that no namespace with more after it is another one. */
function inNamespace(about: number, namespace: string, rest: Uint8Array): StateKey {
  const key = new Uint8Array(3 + namespace.length + rest.length);
  key[0] = ADMISSION_SPACE;
  key[1] = about;
  key[2] = namespace.length;
  // A namespace is ASCII (type-names.ts).
  for (let i = 0; i < namespace.length; i++) key[3 + i] = namespace.charCodeAt(i);
  key.set(rest, 3 + namespace.length);
  return key;
}
