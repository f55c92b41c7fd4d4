// The keys of the state of the domain rules: beside admission's, under a first byte of their own. A letter each, so that a
// dump can be read.

import { concat, uintBytes, utf8 } from '../../../bytes.ts';
import type { Hasher } from '../../../merkle/hash.ts';
import type { StateKey } from '../../admission/keys.ts';

/** First byte of every key. */
export const DOMAIN_SPACE = 0x44;

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

function key(about: About, first?: Uint8Array, second?: Uint8Array): StateKey {
  const length = first?.length ?? 0;
  const bytes = new Uint8Array(2 + length + (second?.length ?? 0));
  bytes[0] = DOMAIN_SPACE;
  bytes[1] = ABOUT[about].charCodeAt(0);
  if (first !== undefined) bytes.set(first, 2);
  if (second !== undefined) bytes.set(second, 2 + length);
  return bytes;
}

/** Digests of the texts that come again and again, such as a stream's: more of them than this and they are forgotten. */
const MAX_REMEMBERED = 1024;
const remembered = new WeakMap<Hasher, Map<string, Uint8Array>>();

/** Several texts as one digest; no texts are like others that are divided otherwise. */
function hashed(hasher: Hasher, ...texts: readonly string[]): Uint8Array {
  let text = '';
  for (const one of texts) text += `${one.length} ${one}`;
  let known = remembered.get(hasher);
  if (known === undefined) {
    known = new Map();
    remembered.set(hasher, known);
  }
  let digest = known.get(text);
  if (digest === undefined) {
    digest = hasher.sha256(utf8(text));
    if (known.size >= MAX_REMEMBERED) known.clear();
    known.set(text, digest);
  }
  return digest;
}

export const parametersKey = (namespace: string): StateKey => key('parameters', utf8(namespace));
export const artifactKey = (digest: Uint8Array): StateKey => key('artifact', digest);
export const verdictsKey = (build: Uint8Array): StateKey => key('verdicts', build);
export const movesKey = (namespace: string): StateKey => key('moves', utf8(namespace));
export const stepKey = (leafHash: Uint8Array): StateKey => key('step', leafHash);
export const attestedKey = (leafHash: Uint8Array): StateKey => key('attested', leafHash);
export const endedKey = (leafHash: Uint8Array): StateKey => key('ended', leafHash);

/** By texts: a namespace, and what it is about there. */
export function namedKey(
  about: 'version' | 'exact' | 'stream' | 'relocation' | 'replaced' | 'commitment' | 'type',
  hasher: Hasher,
  ...texts: readonly string[]
): StateKey {
  return key(about, hashed(hasher, ...texts));
}

export function contentKey(hasher: Hasher, stream: string, content: Uint8Array): StateKey {
  return key('content', hashed(hasher, stream).subarray(0, 16), content);
}

export function sequenceKey(hasher: Hasher, namespace: string, line: string, sequence: number): StateKey {
  return key('sequence', hashed(hasher, namespace, line), uintBytes(sequence, 8));
}

/** Ordered by time, then by index: a scan from a time on gives what the key signed since. */
export function usedKey(
  hasher: Hasher,
  namespace: string,
  kid: Uint8Array,
  iatSeconds: number,
  index: number,
): StateKey {
  const bytes = new Uint8Array(50);
  bytes.set(usedPrefix(hasher, namespace, kid));
  const view = new DataView(bytes.buffer);
  view.setBigUint64(34, BigInt(iatSeconds));
  view.setBigUint64(42, BigInt(index));
  return bytes;
}

/** Half a thumbprint tells a namespace's keys apart. */
export function usedPrefix(hasher: Hasher, namespace: string, kid: Uint8Array): StateKey {
  return key('used', hashed(hasher, namespace).subarray(0, 16), kid.subarray(0, 16));
}

/** Index in a `usedKey`. */
export function indexOfUsed(used: StateKey): number {
  return Number(new DataView(used.buffer, used.byteOffset + used.length - 8, 8).getBigUint64(0));
}

/** Ordered by `to`: a scan from an index on gives the ranges that end behind it. */
export function rangeKey(hasher: Hasher, namespace: string, to: number, from: number): StateKey {
  return concat(rangePrefix(hasher, namespace), uintBytes(to, 8), uintBytes(from, 8));
}

export function rangePrefix(hasher: Hasher, namespace: string): StateKey {
  return key('range', hashed(hasher, namespace).subarray(0, 16));
}

/** `from` in a `rangeKey`. */
export const fromOfRange = indexOfUsed;

/** Ordered by time. One rule has one row about one thing at one time. */
export function dueKey(hasher: Hasher, atSeconds: number, rule: string, about: string): StateKey {
  return key('due', uintBytes(atSeconds, 8), hasher.sha256(utf8(`${rule} ${about}`)).subarray(0, 16));
}

/** Everything that is due before this time. */
export function dueBefore(seconds: number): { readonly from: StateKey; readonly below: StateKey } {
  return { from: key('due'), below: key('due', uintBytes(seconds, 8)) };
}

/** A key behind all that begin with this one; keys of the state are at most 512 bytes long. */
export function behind(prefix: StateKey): StateKey {
  return concat(prefix, new Uint8Array(64).fill(0xff));
}
