// The evidence file: one object in canonical JSON (docs/evidence-file.md). Reading one verifies nothing; verify.ts does.

import { fromBase64 } from '../../bytes.ts';
import { LimmatError, isLimmatError } from '../../errors.ts';
import { MAX_ENTRY_SIZE } from '../../merkle/tile.ts';
import { isKeyName } from '../../note/note.ts';
import { MAX_TIME } from '../../record/time.ts';
import type { HeadSource } from '../watched-log.ts';
import { canonicalJsonBytes, isJsonObject, isList, parseCanonicalJson } from './canonical-json.ts';
import type { JsonObject, JsonValue } from './canonical-json.ts';
import type { Claim, ClaimEntry, Evidence, EvidenceKind, Observation } from './evidence.ts';
import { isEvidenceKind } from './kinds.ts';
import {
  MAX_CLAIM_CHECKPOINTS,
  MAX_CLAIM_ENTRIES,
  MAX_CLAIM_KEYS,
  MAX_CLAIM_NOTE_CHARACTERS,
  MAX_EVIDENCE_BYTES,
  MAX_EVIDENCE_DEPTH,
  MAX_OBSERVED_SOURCES,
  MAX_PROOF_HASHES,
} from './limits.ts';
import { printable } from './words.ts';

/** The value of the member `format`. */
export const EVIDENCE_FORMAT = 'limmat/evidence/v1';

/** An observation and the signature line over it (observe.ts), without its newline. */
export interface SignedObservation {
  readonly observation: Observation;
  readonly signature: string;
}

/** What an evidence file says. Its form is right; nothing in it is verified. */
export interface EvidenceFile {
  readonly kind: EvidenceKind;
  readonly origin: string;
  readonly claim: Claim;
  readonly observed?: SignedObservation;
}

/**
 * The bytes of the file, with this observation or else the one that was read with it. RangeError when they are above MAX_EVIDENCE_BYTES, or
 * parseEvidence would not read them.
 */
export function formatEvidence(evidence: Evidence | EvidenceFile, signed?: SignedObservation): Uint8Array {
  const { kind, origin, claim } = evidence;
  const observed = signed ?? ('observed' in evidence ? evidence.observed : undefined);
  const bytes = canonicalJsonBytes({
    format: EVIDENCE_FORMAT,
    kind,
    origin,
    claim: claimJson(claim),
    ...(observed !== undefined && {
      observation: observationJson(observed.observation),
      signature: observed.signature,
    }),
  });
  try {
    parseEvidence(bytes);
  } catch (cause) {
    throw new RangeError('a part does not fit into an evidence file', { cause });
  }
  return bytes;
}

/**
 * An evidence file's content. `bad-evidence` unless the bytes are exactly what formatEvidence writes for it: canonical
 * JSON, every member known and of its type, every list within its bounds.
 */
export function parseEvidence(bytes: Uint8Array): EvidenceFile {
  let value: JsonValue;
  try {
    value = parseCanonicalJson(bytes, { bytes: MAX_EVIDENCE_BYTES, depth: MAX_EVIDENCE_DEPTH });
  } catch (error) {
    if (!isLimmatError(error)) throw error;
    throw refuse(`this is not an evidence file: ${error.message}`, error);
  }
  const file = asObject('the file', value, ['format', 'kind', 'origin', 'claim'], ['observation', 'signature']);
  const format = asText('format', file['format']);
  if (format !== EVIDENCE_FORMAT) throw refuse(`the format is ${quoted(format)}, not "${EVIDENCE_FORMAT}"`);
  const kind = asText('kind', file['kind']);
  if (!isEvidenceKind(kind)) throw refuse(`the kind ${quoted(kind)} is none that this version knows`);
  const origin = asText('origin', file['origin']);
  const claim = readClaim(file['claim']);
  const { observation, signature } = file;
  if ((observation === undefined) !== (signature === undefined)) {
    throw refuse('an observation and its signature go together, and one of them is missing');
  }
  if (observation === undefined) return Object.freeze({ kind, origin, claim });
  const observed = Object.freeze({
    observation: readObservation(observation, claim.checkpoints.length),
    signature: asText('signature', signature),
  });
  return Object.freeze({ kind, origin, claim, observed });
}

function claimJson(claim: Claim): JsonObject {
  const { keys, checkpoints, prefixRoot, consistency, entries, windowSeconds } = claim;
  return {
    keys,
    checkpoints,
    ...(prefixRoot !== undefined && { prefixRoot }),
    ...(consistency !== undefined && { consistency }),
    ...(entries !== undefined && {
      entries: entries.map(({ index, leaf, inclusion, checkpoint }) => ({ index, leaf, inclusion, checkpoint })),
    }),
    ...(windowSeconds !== undefined && { windowSeconds }),
  };
}

/** The observation as it is in the file, and as it is signed. */
export function observationJson({ observer, atSeconds, sources }: Observation): JsonObject {
  return {
    observer,
    atSeconds,
    sources: sources.map((source) => ({
      checkpoint: source.checkpoint,
      via: source.via,
      atSeconds: source.atSeconds,
    })),
  };
}

function readClaim(value: JsonValue | undefined): Claim {
  const optional = ['prefixRoot', 'consistency', 'entries', 'windowSeconds'];
  const claim = asObject('the claim', value, ['keys', 'checkpoints'], optional);
  const { prefixRoot, consistency, entries, windowSeconds } = claim;
  return Object.freeze({
    keys: asList('keys', claim['keys'], MAX_CLAIM_KEYS, asText),
    checkpoints: asList('checkpoints', claim['checkpoints'], MAX_CLAIM_CHECKPOINTS, asNote),
    ...(prefixRoot !== undefined && { prefixRoot: asHashText('prefixRoot', prefixRoot) }),
    ...(consistency !== undefined && {
      consistency: asList('consistency', consistency, MAX_PROOF_HASHES, asHashText),
    }),
    ...(entries !== undefined && { entries: asList('entries', entries, MAX_CLAIM_ENTRIES, readEntry) }),
    ...(windowSeconds !== undefined && { windowSeconds: asNumber('windowSeconds', windowSeconds) }),
  });
}

function readEntry(name: string, value: JsonValue | undefined): ClaimEntry {
  const entry = asObject(name, value, ['index', 'leaf', 'inclusion', 'checkpoint'], []);
  return Object.freeze({
    index: asNumber('index', entry['index']),
    leaf: asLeaf(entry['leaf']),
    inclusion: asList('inclusion', entry['inclusion'], MAX_PROOF_HASHES, asHashText),
    checkpoint: asNumber('checkpoint', entry['checkpoint']),
  });
}

const SOURCES: readonly HeadSource[] = ['log', 'peer', 'client', 'witness'];

function readObservation(value: JsonValue, checkpoints: number): Observation {
  const observation = asObject('the observation', value, ['observer', 'atSeconds', 'sources'], []);
  const observer = asText('observer', observation['observer']);
  if (!isKeyName(observer)) throw refuse(`the observer ${quoted(observer)} is not the name of a key`);
  const sources = asList('sources', observation['sources'], MAX_OBSERVED_SOURCES, (name, item) => {
    const source = asObject(name, item, ['checkpoint', 'via', 'atSeconds'], []);
    const checkpoint = asNumber('checkpoint', source['checkpoint']);
    if (checkpoint >= checkpoints) throw refuse(`the source's checkpoint ${checkpoint} is not in the claim`);
    const via = SOURCES.find((known) => known === source['via']);
    if (via === undefined) throw refuse(`a source's "via" is none of ${SOURCES.join(', ')}`);
    return Object.freeze({ checkpoint, via, atSeconds: asTime(source['atSeconds']) });
  });
  return Object.freeze({ observer, atSeconds: asTime(observation['atSeconds']), sources });
}

type Reader<T> = (name: string, value: JsonValue | undefined) => T;

function asObject(
  name: string,
  value: JsonValue | undefined,
  required: readonly string[],
  optional: readonly string[],
): JsonObject {
  if (!isJsonObject(value)) throw refuse(`${name} is not an object`);
  const missing = required.find((member) => !Object.hasOwn(value, member));
  if (missing !== undefined) throw refuse(`${name} has no member "${missing}"`);
  const unknown = Object.keys(value).find((member) => !required.includes(member) && !optional.includes(member));
  if (unknown !== undefined) throw refuse(`${name} has a member ${quoted(unknown)} that nobody knows`);
  return value;
}

function asList<T>(name: string, value: JsonValue | undefined, most: number, read: Reader<T>): readonly T[] {
  if (!isList(value)) throw refuse(`${name} is not a list`);
  if (value.length > most) throw refuse(`${name} has ${value.length} elements, more than ${most}`);
  return Object.freeze(value.map((item) => read(`an element of ${name}`, item)));
}

function asText(name: string, value: JsonValue | undefined): string {
  if (typeof value === 'string') return value;
  throw refuse(`${name} is not a text`);
}

function asNote(name: string, value: JsonValue | undefined): string {
  const text = asText(name, value);
  if (text.length <= MAX_CLAIM_NOTE_CHARACTERS) return text;
  throw refuse(`a checkpoint has ${text.length} characters, more than ${MAX_CLAIM_NOTE_CHARACTERS}`);
}

function asHashText(name: string, value: JsonValue | undefined): string {
  const text = asText(name, value);
  if (text.length === 44 && fromBase64(text)?.length === 32) return text;
  throw refuse(`${name} is not the base64 of 32 bytes`);
}

function asLeaf(value: JsonValue | undefined): string {
  const text = asText('leaf', value);
  // The length first: nothing is decoded for what is too long.
  const leaf = text.length <= 4 * Math.ceil(MAX_ENTRY_SIZE / 3) ? fromBase64(text) : undefined;
  if (leaf !== undefined && leaf.length <= MAX_ENTRY_SIZE) return text;
  throw refuse(`a leaf is not the base64 of at most ${MAX_ENTRY_SIZE} bytes`);
}

function asNumber(name: string, value: JsonValue | undefined): number {
  if (typeof value === 'number') return value;
  throw refuse(`${name} is not a number`);
}

function asTime(value: JsonValue | undefined): number {
  const seconds = asNumber('atSeconds', value);
  if (seconds <= MAX_TIME) return seconds;
  throw refuse(`the time ${seconds} is after the year 9999`);
}

/** Of what a stranger wrote, no more than fits into a sentence. */
function quoted(text: string): string {
  return `"${printable(text.slice(0, 60))}"`;
}

function refuse(message: string, cause?: unknown): LimmatError {
  return new LimmatError('bad-evidence', message, cause === undefined ? {} : { cause });
}
