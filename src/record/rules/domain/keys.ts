// The keys of the state of the domain rules: beside admission's, under a first byte of their own. A letter each, so that a
// dump can be read.

import { byteText, readUintText, uintText, utf8 } from '../../../bytes.ts';
import type { Hasher } from '../../../merkle/hash.ts';
import type { StateKey } from '../../admission/keys.ts';

/** First byte of every key. */
export const DOMAIN_SPACE = 'D';

const ABOUT = {
  /** The numbers of a namespace's policy in force. */
  parameters: 'p',
  /** The first build that has a file. */
  artifact: 'a',
  /** The first channel for which a version was built. */
  version: 'v',
  /** What came of rebuilding a build. */
  verdicts: 'b',
  /** That a product was rebuilt exactly. */
  exact: 'x',
  /** The newest release of a stream. */
  stream: 's',
  /** The last release of a stream that had a content. */
  content: 'c',
  /** The first channel that had a sequence. */
  sequence: 'q',
  /** That a key signed at a time. */
  used: 'u',
  /** The steps of a namespace's relocations. */
  moves: 'm',
  /** Where a relocation stands. */
  relocation: 'r',
  /** Which relocation an entry is a step of. */
  step: 'l',
  /** That what was said of a relocation was replaced. */
  replaced: 'z',
  /** What was promised last. */
  commitment: 'o',
  /** That an entry was attested by itself. */
  attested: 'w',
  /** A range that was attested. */
  range: 'g',
  /** The last entry of a type. */
  type: 't',
  /** That what an entry is about has come to its end. */
  ended: 'e',
  /** What is to be judged once a time has passed. */
  due: 'd',
} as const;

type About = keyof typeof ABOUT;

function key(about: About, rest = ''): StateKey {
  return DOMAIN_SPACE + ABOUT[about] + rest;
}

/** Digests of the texts that come again and again, such as a stream's: more of them than this and they are forgotten. */
const MAX_REMEMBERED = 1024;
const remembered = new WeakMap<Hasher, Map<string, string>>();

/** Several texts as one digest, in a text of 32 bytes; no texts are like others that are divided otherwise. */
function hashed(hasher: Hasher, ...texts: readonly string[]): string {
  let text = '';
  for (const one of texts) text += `${one.length} ${one}`;
  let known = remembered.get(hasher);
  if (known === undefined) {
    known = new Map();
    remembered.set(hasher, known);
  }
  let digest = known.get(text);
  if (digest === undefined) {
    digest = byteText(hasher.sha256(utf8(text)));
    if (known.size >= MAX_REMEMBERED) known.clear();
    known.set(text, digest);
  }
  return digest;
}

export const parametersKey = (namespace: string): StateKey => key('parameters', namespace);
export const artifactKey = (digest: Uint8Array): StateKey => key('artifact', byteText(digest));
export const verdictsKey = (build: Uint8Array): StateKey => key('verdicts', byteText(build));
export const movesKey = (namespace: string): StateKey => key('moves', namespace);
export const stepKey = (leafHash: Uint8Array): StateKey => key('step', byteText(leafHash));
export const attestedKey = (leafHash: Uint8Array): StateKey => key('attested', byteText(leafHash));
export const endedKey = (leafHash: Uint8Array): StateKey => key('ended', byteText(leafHash));

/** By texts: a namespace, and what it is about there. */
export function namedKey(
  about: 'version' | 'exact' | 'stream' | 'relocation' | 'replaced' | 'commitment' | 'type',
  hasher: Hasher,
  ...texts: readonly string[]
): StateKey {
  return key(about, hashed(hasher, ...texts));
}

export function contentKey(hasher: Hasher, stream: string, content: Uint8Array): StateKey {
  return key('content', hashed(hasher, stream).slice(0, 16) + byteText(content));
}

export function sequenceKey(hasher: Hasher, namespace: string, line: string, sequence: number): StateKey {
  return key('sequence', hashed(hasher, namespace, line) + uintText(sequence, 8));
}

/** Ordered by time, then by index: a scan from a time on gives what the key signed since. */
export function usedKey(
  hasher: Hasher,
  namespace: string,
  kid: Uint8Array,
  iatSeconds: number,
  index: number,
): StateKey {
  return usedPrefix(hasher, namespace, kid) + uintText(iatSeconds, 8) + uintText(index, 8);
}

/** Half a thumbprint tells a namespace's keys apart. */
export function usedPrefix(hasher: Hasher, namespace: string, kid: Uint8Array): StateKey {
  return key('used', hashed(hasher, namespace).slice(0, 16) + byteText(kid.subarray(0, 16)));
}

/** Index in a `usedKey`. */
export function indexOfUsed(used: StateKey): number {
  return readUintText(used, used.length - 8, 8)!;
}

/** Ordered by `to`: a scan from an index on gives the ranges that end behind it. */
export function rangeKey(hasher: Hasher, namespace: string, to: number, from: number): StateKey {
  return rangePrefix(hasher, namespace) + uintText(to, 8) + uintText(from, 8);
}

export function rangePrefix(hasher: Hasher, namespace: string): StateKey {
  return key('range', hashed(hasher, namespace).slice(0, 16));
}

/** `from` in a `rangeKey`. */
export const fromOfRange = indexOfUsed;

/** Ordered by time. One rule has one row about one thing at one time. */
export function dueKey(hasher: Hasher, atSeconds: number, rule: string, about: string): StateKey {
  return key('due', uintText(atSeconds, 8) + byteText(hasher.sha256(utf8(`${rule} ${about}`)).subarray(0, 16)));
}

/** Everything that is due before this time. */
export function dueBefore(seconds: number): { readonly from: StateKey; readonly below: StateKey } {
  return { from: key('due'), below: key('due', uintText(seconds, 8)) };
}

/** A key behind all that begin with this one; keys of the state are at most 512 bytes long. */
export function behind(prefix: StateKey): StateKey {
  return prefix + '\u00ff'.repeat(64);
}
