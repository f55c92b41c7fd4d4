// Canonical JSON (RFC 8785) of the values that evidence files are made of: texts, whole numbers from 0 on, lists and
// objects. Everything else is left out, so that nothing has to be agreed upon about it.

import { assertSize, utf8, utf8Text } from '../../bytes.ts';
import { LimmatError } from '../../errors.ts';

export type JsonValue = string | number | readonly JsonValue[] | JsonObject;
export interface JsonObject {
  readonly [name: string]: JsonValue;
}

/**
 * The value as canonical JSON text: no blanks, members in the order of their names' UTF-16 units, texts escaped as
 * ECMAScript does (RFC 8785 §3.2). RangeError for a number that is no safe integer from 0 on.
 */
export function canonicalJson(value: JsonValue): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number') {
    assertSize('number', value);
    return String(value);
  }
  if (isList(value)) return `[${value.map(canonicalJson).join(',')}]`;
  // Without a comparison function sort() compares UTF-16 units, which is the order of RFC 8785 §3.2.3.
  const members = Object.keys(value)
    .toSorted()
    .map((name) => `${JSON.stringify(name)}:${canonicalJson(value[name]!)}`);
  return `{${members.join(',')}}`;
}

/** Bounds of what parseCanonicalJson takes. */
export interface JsonLimits {
  /** Bytes of the whole. */
  readonly bytes: number;
  /** Lists and objects inside each other. */
  readonly depth: number;
}

/**
 * The value in these bytes; `malformed` unless they are exactly what canonicalJson writes for it. Length and depth are
 * looked at before anything is built. A name may be `__proto__`: it is a member like any other.
 */
export function parseCanonicalJson(bytes: Uint8Array, limits: JsonLimits): JsonValue {
  if (bytes.length > limits.bytes) {
    throw new LimmatError('malformed', `it has ${bytes.length} bytes, above the limit of ${limits.bytes}`);
  }
  checkDepth(bytes, limits.depth);
  const text = utf8Text(bytes);
  if (text === undefined) throw new LimmatError('malformed', 'it is not UTF-8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new LimmatError('malformed', 'it is not JSON', { cause: error });
  }
  if (!isJsonValue(value)) {
    throw new LimmatError('malformed', 'it has a value that is no text, whole number, list or object');
  }
  // A member that is there twice, another spelling of a number or a text, and blanks all show here.
  if (canonicalJson(value) !== text) throw new LimmatError('malformed', 'it is not in canonical form (RFC 8785)');
  return value;
}

/** True for an object, as opposed to a list. */
export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && !isList(value);
}

/** As Array.isArray, which does not know that a list may be read-only. */
export function isList(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}

function isJsonValue(value: unknown): value is JsonValue {
  if (typeof value === 'string') return true;
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0;
  if (typeof value !== 'object' || value === null) return false;
  return Object.values(value).every(isJsonValue);
}

/** `malformed` when brackets are inside more than `depth` others; the bytes need not be JSON. */
function checkDepth(bytes: Uint8Array, depth: number): void {
  let open = 0;
  let inText = false;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    if (inText) {
      if (byte === BACKSLASH) i++;
      else if (byte === QUOTE) inText = false;
    } else if (byte === QUOTE) inText = true;
    else if (byte === BRACKET || byte === BRACE) {
      open++;
      if (open > depth) throw new LimmatError('malformed', `it has more than ${depth} lists and objects in each other`);
    } else if (byte === CLOSING_BRACKET || byte === CLOSING_BRACE) open--;
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const BRACKET = 0x5b;
const CLOSING_BRACKET = 0x5d;
const BRACE = 0x7b;
const CLOSING_BRACE = 0x7d;

/** The value as canonical JSON bytes. */
export function canonicalJsonBytes(value: JsonValue): Uint8Array {
  return utf8(canonicalJson(value));
}
