// The keys of the state that admission derives from the entries. All begin with one byte, so that a scan of that prefix
// is the whole of the derived state; the second byte says what the value is about. At most 98 bytes.

import { byteText, readUintText, uintText, utf8 } from '../../bytes.ts';
import type { Hasher } from '../../merkle/hash.ts';
import { subjectStep } from '../text.ts';

/** As the storage port takes it: a text of bytes, that order bytewise. */
export type StateKey = string;

/** First byte of every key of the derived state; the storage port's table of key spaces has the same. */
export const ADMISSION_SPACE = 'd';

/** What a value is about: the second byte. A letter each, so that a dump of the state can be read. */
const ABOUT = {
  /** The log itself. */
  log: 'l',
  /** A namespace: its policy in force, its root, the head of its chain. */
  namespace: 'n',
  /** A key in a namespace. */
  key: 'k',
  /** A link of a namespace's admission chain. */
  link: 'c',
  /** A site of a namespace. */
  site: 'p',
  /** An entry, by its leaf hash. */
  entry: 'e',
  /** What has one set of digests: a build, the source of a version. */
  identity: 'i',
  /** The head of a stream of releases. */
  stream: 's',
  /** A release of a stream. */
  release: 'r',
  /** Content that a namespace called back. */
  recalled: 'x',
  /** The root of this log's tree at a size. Nobody stores it: whoever runs admission looks it up. */
  root: 't',
} as const;

export const LOG_KEY: StateKey = ADMISSION_SPACE + ABOUT.log;

export function namespaceKey(namespace: string): StateKey {
  return inNamespace(ABOUT.namespace, namespace, '');
}

/** A key (its thumbprint, 32 bytes) is another one in each namespace: no vendor kills or admits the key of another. */
export function keyKey(namespace: string, kid: Uint8Array): StateKey {
  return inNamespace(ABOUT.key, namespace, byteText(kid));
}

export function linkKey(namespace: string, sequence: number): StateKey {
  return inNamespace(ABOUT.link, namespace, uintText(sequence, 8));
}

/** The key of the link after it; undefined behind the last number that a link can have. */
export function nextLinkKey(namespace: string, sequence: number): StateKey | undefined {
  return sequence < Number.MAX_SAFE_INTEGER ? linkKey(namespace, sequence + 1) : undefined;
}

export function siteKey(namespace: string, siteId: string, hasher: Hasher): StateKey {
  return inNamespace(ABOUT.site, namespace, digestOf(siteId, hasher));
}

export function entryKey(leafHash: Uint8Array): StateKey {
  return joined(ABOUT.entry, byteText(leafHash));
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
  return joined(ABOUT.release, digestOf(stream, hasher) + uintText(sequence, 8));
}

export function recalledKey(namespace: string, content: Uint8Array): StateKey {
  return inNamespace(ABOUT.recalled, namespace, byteText(content));
}

export function rootKey(size: number): StateKey {
  return joined(ABOUT.root, uintText(size, 8));
}

const SHARED: readonly (string | undefined)[] = [ABOUT.log, ABOUT.namespace, ABOUT.key, ABOUT.site, ABOUT.stream];

/** True for the values that entry after entry asks for: of the log, a namespace, a key, a site, the head of a stream. */
export function isShared(key: StateKey): boolean {
  return key[0] === ADMISSION_SPACE && SHARED.includes(key[1]);
}

/** The size of a `rootKey`; undefined for every other key, which a store answers. */
export function sizeOfRootKey(key: StateKey): number | undefined {
  return key[1] === ABOUT.root && key[0] === ADMISSION_SPACE ? readUintText(key, 2, 8) : undefined;
}

/** The subject of the source of a product in a version: what a build's `source` has to be about. */
export function sourceSubject(namespace: string, product: string, version: string): string {
  return `${namespace}/source-snapshot/${subjectStep(product)}/${subjectStep(version)}`;
}

/** Digests of the texts asked for last: an entry's are asked for more than once, a stream's by all its releases. */
const MAX_REMEMBERED = 2048;
const remembered = new WeakMap<Hasher, Map<string, string>>();

function digestOf(text: string, hasher: Hasher): string {
  let known = remembered.get(hasher);
  if (known === undefined) remembered.set(hasher, (known = new Map()));
  let digest = known.get(text);
  if (digest === undefined) {
    digest = byteText(hasher.sha256(utf8(text)));
    if (known.size >= MAX_REMEMBERED) known.clear();
    known.set(text, digest);
  }
  return digest;
}

function joined(about: string, rest: string): StateKey {
  return ADMISSION_SPACE + about + rest;
}

/** The namespace's length stands before it, so that no namespace with more after it is another one. It is ASCII. */
function inNamespace(about: string, namespace: string, rest: string): StateKey {
  return ADMISSION_SPACE + about + uintText(namespace.length, 1) + namespace + rest;
}
