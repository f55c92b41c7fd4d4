// Whom a trust file is to name: what a log or a witness says of itself, to be believed only by its fingerprint, and the
// lines that pin it. Nothing here makes anybody trusted: the caller compares the fingerprint with one from elsewhere.

import { LimmatError, isLimmatError } from '../errors.ts';
import { channelKeyOrigin } from '../note/channel-head.ts';
import { keysFingerprint } from '../note/fingerprint.ts';
import { SIGNATURE_TYPE, parseVerifierKey } from '../note/key.ts';
import type { VerifierKey } from '../note/key.ts';

/** A log or a witness, as it describes itself. Unverified. */
export interface Party {
  readonly kind: 'log' | 'witness';
  /** A log's origin, a witness's name. */
  readonly name: string;
  /** A log's Ed25519 and ML-DSA-44 key; a witness's one or two. */
  readonly keys: readonly VerifierKey[];
  /** The key that signs a log's channel heads, if it has one. */
  readonly channelKey: VerifierKey | undefined;
  /** Over all of these keys (note/fingerprint.ts). */
  readonly fingerprint: string;
}

/** A witness has an Ed25519 and an ML-DSA-44 key; more are not of one witness. */
const MAX_KEYS = 2;

/** The party in what `GET /api/v1/log` (with `origin`) or `GET /api/v1/witness` (with `name`) answers; `bad-response`. */
export function parseParty(value: unknown): Party {
  const { origin, name: witnessName, vkeys, channelKey } = asObject(value);
  const kind = typeof origin === 'string' ? 'log' : 'witness';
  const name = kind === 'log' ? origin : witnessName;
  if (typeof name !== 'string') throw refused('it has neither an origin nor a name');
  if (!Array.isArray(vkeys) || !vkeys.every((vkey) => typeof vkey === 'string'))
    throw refused('it has no list of vkeys');
  if (vkeys.length === 0 || vkeys.length > MAX_KEYS) throw refused(`it has ${vkeys.length} keys, not 1 or ${MAX_KEYS}`);
  const keys = Object.freeze(vkeys.map((vkey) => keyOf(vkey)));
  const types = kind === 'log' ? LOG_TYPES : WITNESS_TYPES;
  for (const key of keys) {
    if (!types.includes(key.type)) throw refused(`a ${kind} does not sign with the key ${key.vkey.slice(0, 80)}`);
    if (key.name !== name) throw refused(`a key is named ${key.name}, and the ${kind} ${name}`);
  }
  if (new Set(keys.map(({ type }) => type)).size !== keys.length) throw refused('two of its keys are of one kind');
  if (kind === 'log' && keys.length !== LOG_TYPES.length) throw refused('a limmat log has two keys');
  const channel = kind === 'log' && typeof channelKey === 'string' ? channelKeyOf(channelKey, name) : undefined;
  const all = [...keys, ...(channel === undefined ? [] : [channel])].map(({ vkey }) => vkey);
  return Object.freeze({ kind, name, keys, channelKey: channel, fingerprint: keysFingerprint(all) });
}

const LOG_TYPES: readonly number[] = [SIGNATURE_TYPE.ed25519, SIGNATURE_TYPE.mldsa44];
const WITNESS_TYPES: readonly number[] = [SIGNATURE_TYPE.cosignatureEd25519, SIGNATURE_TYPE.mldsa44];

/**
 * The trust file's lines for a party. A witness with two keys becomes two witnesses and a group `any` with its name, so
 * that a quorum counts it once. RangeError when the URL or the name has a blank or a control character in it.
 */
export function pinLines(
  party: Party,
  options: { readonly url?: string; readonly name?: string } = {},
): readonly string[] {
  const { url, name = party.name } = options;
  for (const item of [url ?? '', name])
    if (hasBlank(item)) throw new RangeError(`${JSON.stringify(item)} has a blank in it`);
  const tail = url === undefined ? '' : ` ${url}`;
  if (party.kind === 'log') {
    const channel = party.channelKey === undefined ? [] : [`channel-key ${party.channelKey.vkey}`];
    return [...party.keys.map(({ vkey }) => `log ${vkey}${tail}`), ...channel];
  }
  if (party.keys.length === 1) return [`witness ${name} ${party.keys[0]!.vkey}${tail}`];
  const named = party.keys.map((key) => [`${name}/${LABELS.get(key.type)!}`, key] as const);
  return [
    ...named.map(([label, { vkey }]) => `witness ${label} ${vkey}${tail}`),
    `group ${name} any ${named.map(([label]) => label).join(' ')}`,
  ];
}

const LABELS: ReadonlyMap<number, string> = new Map([
  [SIGNATURE_TYPE.cosignatureEd25519, 'ed25519'],
  [SIGNATURE_TYPE.mldsa44, 'ml-dsa-44'],
]);

function hasBlank(text: string): boolean {
  return text.includes(' ') || Array.from(text).some((character) => character < ' ' || character === '\u007f');
}

/**
 * The trust file with these lines before its first group or quorum line, where groups can name what they define; every
 * other line stays as it is. A file that is empty, or not there yet, asks for no witness.
 */
export function addLines(text: string, lines: readonly string[]): string {
  const old = text === '' ? ['quorum none', ''] : text.split('\n');
  const found = old.findIndex((line) => /^[ \t]*(?:group|quorum)(?:[ \t]|$)/.test(line));
  const at = found < 0 ? old.length : found;
  return [...old.slice(0, at), ...lines, ...old.slice(at)].join('\n');
}

function asObject(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw refused('it is no JSON object');
  return { ...value };
}

function keyOf(vkey: string): VerifierKey {
  try {
    return parseVerifierKey(vkey);
  } catch (error) {
    if (!isLimmatError(error)) throw error;
    throw refused(error.message, error);
  }
}

function channelKeyOf(vkey: string, origin: string): VerifierKey {
  const key = keyOf(vkey);
  try {
    if (channelKeyOrigin(key) === origin) return key;
  } catch (error) {
    if (!isLimmatError(error)) throw error;
    throw refused(error.message, error);
  }
  throw refused(`its channel key is of ${key.name}, not of ${origin}`);
}

function refused(why: string, cause?: unknown): LimmatError {
  return new LimmatError('bad-response', `what is there describes no log and no witness: ${why}`, { cause });
}
