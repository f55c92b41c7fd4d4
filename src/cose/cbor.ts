// Deterministic CBOR, the subset that COSE statements need (RFC 8949 §4.2.1): integers in the safe range, byte and
// text strings, arrays, maps with integer or text keys, tags, true, false and null.
// Out of scope, and refused: floats, undefined, other simple values, indefinite lengths, heads that are longer than
// they need be, unsorted or repeated map keys, integers from 2^53 on. What decodes encodes to the same bytes again.

import { LimmatError } from '../errors.ts';
import { utf8Text } from '../bytes.ts';
import { FALSE, MAJOR, NULL, TRUE, Tagged } from './cbor-value.ts';
import type { CborKey, CborMap, CborValue } from './cbor-value.ts';

export { Tagged } from './cbor-value.ts';
export type { CborKey, CborMap, CborValue } from './cbor-value.ts';
export { byteStringHead, encodeCbor } from './cbor-writer.ts';

export interface CborLimits {
  /** Arrays, maps and tags inside one another, at most. */
  readonly depth: number;
}

/** Deeper than any statement, shallower than any stack. */
export const DEFAULT_LIMITS: CborLimits = Object.freeze({ depth: 16 });

/**
 * The one value that these bytes are the deterministic encoding of. Byte strings are views of the input.
 * `malformed` for anything else, bytes left over included; the message names the offset.
 */
export function decodeCbor(bytes: Uint8Array, limits: CborLimits = DEFAULT_LIMITS): CborValue {
  const reader = new CborReader(bytes, limits);
  const value = reader.value();
  reader.end();
  return value;
}

/** Reads values one after another; the form that callers use who know what must come next. */
export class CborReader {
  readonly bytes: Uint8Array;
  offset = 0;
  #depth: number;

  constructor(bytes: Uint8Array, limits: CborLimits = DEFAULT_LIMITS) {
    this.bytes = bytes;
    this.#depth = limits.depth;
  }

  /** The next value, whatever it is. */
  value(): CborValue {
    const start = this.offset;
    const first = this.#first();
    const major = Math.floor(first / 32);
    if (major === MAJOR.simple) {
      if (first === NULL) return null;
      if (first === TRUE) return true;
      if (first === FALSE) return false;
      throw this.#problem(start, `0x${first.toString(16)} is a float, an undefined or a simple value`);
    }
    const argument = this.#argument(first);
    switch (major) {
      case MAJOR.uint:
        return argument;
      case MAJOR.negative:
        if (argument === Number.MAX_SAFE_INTEGER) throw this.#problem(start, 'integer is not above -2^53');
        return -1 - argument;
      case MAJOR.bytes:
        return this.#take(argument);
      case MAJOR.text:
        return this.#text(argument);
      case MAJOR.array:
        return this.#array(start, argument);
      case MAJOR.map:
        return this.#map(start, argument);
      default: {
        this.#enter(start);
        const value = this.value();
        this.#depth += 1;
        return new Tagged(argument, value);
      }
    }
  }

  /** The content of the byte string that must come next, as a view. */
  byteString(): Uint8Array {
    const start = this.offset;
    const first = this.#first();
    if (Math.floor(first / 32) !== MAJOR.bytes) throw this.#problem(start, `0x${first.toString(16)} is no byte string`);
    return this.#take(this.#argument(first));
  }

  /** Nothing may be left. */
  end(): void {
    const left = this.bytes.length - this.offset;
    if (left !== 0) throw this.#problem(this.offset, `${left} bytes left over`);
  }

  #first(): number {
    const byte = this.bytes[this.offset];
    if (byte === undefined) throw this.#problem(this.offset, 'ends too early');
    this.offset += 1;
    return byte;
  }

  #argument(first: number): number {
    const info = first % 32;
    if (info < 24) return info;
    const start = this.offset - 1;
    if (info > 27) throw this.#problem(start, 'indefinite or reserved length');
    const width = info === 24 ? 1 : info === 25 ? 2 : info === 26 ? 4 : 8;
    const end = this.offset + width;
    if (end > this.bytes.length) throw this.#problem(start, 'ends inside a head');
    let value = 0;
    for (let i = this.offset; i < end; i++) value = value * 256 + this.bytes[i]!;
    const least = width === 1 ? 24 : 256 ** (width / 2);
    if (value < least) throw this.#problem(start, `${value} is not in its shortest form`);
    if (value > Number.MAX_SAFE_INTEGER) throw this.#problem(start, 'integer is not below 2^53');
    this.offset = end;
    return value;
  }

  #take(length: number): Uint8Array {
    const start = this.offset;
    const left = this.bytes.length - start;
    if (length > left) throw this.#problem(start, `string of ${length} bytes, but ${left} are left`);
    this.offset = start + length;
    return this.bytes.subarray(start, this.offset);
  }

  #text(length: number): string {
    const start = this.offset;
    const left = this.bytes.length - start;
    if (length > left) throw this.#problem(start, `string of ${length} bytes, but ${left} are left`);
    this.offset = start + length;
    if (length <= SHORT_TEXT) {
      const short = asciiText(this.bytes, start, this.offset);
      if (short !== undefined) return short;
    }
    const text = utf8Text(this.bytes.subarray(start, this.offset));
    if (text === undefined) throw this.#problem(start, 'text is not UTF-8');
    return text;
  }

  #array(start: number, count: number): CborValue[] {
    this.#count(start, count);
    this.#enter(start);
    const items: CborValue[] = [];
    for (let i = 0; i < count; i++) items.push(this.value());
    this.#depth += 1;
    return items;
  }

  #map(start: number, count: number): CborMap {
    this.#count(start, 2 * count);
    this.#enter(start);
    const map = new Map<CborKey, CborValue>();
    let previousStart = 0;
    let previousEnd = 0;
    for (let i = 0; i < count; i++) {
      const keyStart = this.offset;
      const key = this.value();
      if (typeof key !== 'number' && typeof key !== 'string') {
        throw this.#problem(keyStart, 'map key is neither an integer nor a text');
      }
      if (i > 0 && !this.#ascending(previousStart, previousEnd, keyStart, this.offset)) {
        throw this.#problem(keyStart, `map key ${JSON.stringify(key)} is repeated or out of order`);
      }
      previousStart = keyStart;
      previousEnd = this.offset;
      map.set(key, this.value());
    }
    this.#depth += 1;
    return map;
  }

  /** True when bytes [a, aEnd) sort before bytes [b, bEnd); in place, as this runs for each key of each entry. */
  #ascending(a: number, aEnd: number, b: number, bEnd: number): boolean {
    while (a < aEnd && b < bEnd) {
      const difference = this.bytes[b++]! - this.bytes[a++]!;
      if (difference !== 0) return difference > 0;
    }
    return b < bEnd;
  }

  /** An item has at least one byte: a count beyond what is left is refused before anything is allocated for it. */
  #count(start: number, items: number): void {
    const left = this.bytes.length - this.offset;
    if (items > left) throw this.#problem(start, `${items} items, but ${left} bytes are left`);
  }

  #enter(start: number): void {
    this.#depth -= 1;
    if (this.#depth < 0) throw this.#problem(start, 'nested too deeply');
  }

  #problem(offset: number, what: string): LimmatError {
    return new LimmatError('malformed', `cbor at offset ${offset}: ${what}`, { details: { offset } });
  }
}

/** Up to this length (field names, most versions) putting characters together beats a call of the decoder. */
const SHORT_TEXT = 16;

/** The text of ASCII bytes [start, end), or undefined when others are among them. */
function asciiText(bytes: Uint8Array, start: number, end: number): string | undefined {
  let text = '';
  let i = start;
  for (; i + 4 <= end; i += 4) {
    const [a, b, c, d] = [bytes[i]!, bytes[i + 1]!, bytes[i + 2]!, bytes[i + 3]!];
    if (a > 0x7f || b > 0x7f || c > 0x7f || d > 0x7f) return undefined;
    text += String.fromCharCode(a, b, c, d);
  }
  for (; i < end; i++) {
    const byte = bytes[i]!;
    if (byte > 0x7f) return undefined;
    text += String.fromCharCode(byte);
  }
  return text;
}
