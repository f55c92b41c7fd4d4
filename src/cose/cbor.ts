// Deterministic CBOR, the subset that COSE statements need (RFC 8949 §4.2.1): integers in the safe range, byte and
// text strings, arrays, maps with integer or text keys, tags, true, false and null.
// Out of scope, and refused: floats, undefined, other simple values, indefinite lengths, heads that are longer than
// they need be, unsorted or repeated map keys, integers from 2^53 on. What decodes encodes to the same bytes again.

import { LimmatError } from '../errors.ts';
import { compareBytes, utf8, utf8Text } from '../bytes.ts';

/** A map key: an integer label or a text. */
export type CborKey = number | string;
export type CborMap = ReadonlyMap<CborKey, CborValue>;
export type CborValue = number | string | boolean | null | Uint8Array | readonly CborValue[] | CborMap | Tagged;

/** A tagged value (major type 6). */
export class Tagged {
  readonly tag: number;
  readonly value: CborValue;

  constructor(tag: number, value: CborValue) {
    this.tag = tag;
    this.value = value;
  }
}

export interface CborLimits {
  /** Arrays, maps and tags inside one another, at most. */
  readonly depth: number;
}

/** Deeper than any statement, shallower than any stack. */
export const DEFAULT_LIMITS: CborLimits = Object.freeze({ depth: 16 });

const MAJOR = { uint: 0, negative: 1, bytes: 2, text: 3, array: 4, map: 5, tag: 6, simple: 7 } as const;
const FALSE = 0xf4;
const TRUE = 0xf5;
const NULL = 0xf6;
const UINT32 = 2 ** 32;
const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * The deterministic encoding of a value. TypeError for what has none here: floats, unsafe integers, text with a lone
 * surrogate, undefined, foreign objects.
 */
export function encodeCbor(value: CborValue): Uint8Array {
  const writer = new Writer();
  writer.value(value);
  return writer.done();
}

/** The encoded head of a byte string of this length; the bytes follow it. */
export function byteStringHead(length: number): Uint8Array {
  const writer = new Writer();
  writer.head(MAJOR.bytes, length);
  return writer.done();
}

class Writer {
  #bytes = new Uint8Array(256);
  #length = 0;

  value(value: CborValue): void {
    if (typeof value === 'number') this.#integer(value);
    else if (typeof value === 'string') this.#text(value);
    else if (value === null) this.#byte(NULL);
    else if (typeof value === 'boolean') this.#byte(value ? TRUE : FALSE);
    else if (value instanceof Uint8Array) {
      this.head(MAJOR.bytes, value.length);
      this.#raw(value);
    } else if (value instanceof Map) this.#map(value);
    else if (value instanceof Tagged) {
      if (!Number.isSafeInteger(value.tag) || value.tag < 0)
        throw new TypeError(`tag ${value.tag} is not in [0, 2^53)`);
      this.head(MAJOR.tag, value.tag);
      this.value(value.value);
    } else if (Array.isArray(value)) {
      this.head(MAJOR.array, value.length);
      for (const item of value) this.value(item);
    } else throw new TypeError(`no CBOR form for ${typeof value}`);
  }

  head(major: number, argument: number): void {
    const high = major * 32;
    if (argument < 24) this.#byte(high + argument);
    else if (argument < 0x100) this.#wide(high + 24, argument, 1);
    else if (argument < 0x10000) this.#wide(high + 25, argument, 2);
    else if (argument < UINT32) this.#wide(high + 26, argument, 4);
    else this.#wide(high + 27, argument, 8);
  }

  done(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #integer(value: number): void {
    if (!Number.isSafeInteger(value)) throw new TypeError(`${value} is not a safe integer`);
    if (value >= 0) this.head(MAJOR.uint, value);
    else this.head(MAJOR.negative, -1 - value);
  }

  #text(value: string): void {
    // TextEncoder would write U+FFFD in its place, and another text would be signed than was meant.
    if (LONE_SURROGATE.test(value)) throw new TypeError('text with a lone surrogate has no UTF-8 form');
    const bytes = utf8(value);
    this.head(MAJOR.text, bytes.length);
    this.#raw(bytes);
  }

  #map(map: CborMap): void {
    const pairs = [...map].map(([key, value]) => ({ key: encodeCbor(key), value }));
    pairs.sort((a, b) => compareBytes(a.key, b.key));
    this.head(MAJOR.map, pairs.length);
    for (const pair of pairs) {
      this.#raw(pair.key);
      this.value(pair.value);
    }
  }

  #wide(first: number, argument: number, width: number): void {
    this.#byte(first);
    for (let power = 256 ** (width - 1); power >= 1; power /= 256) this.#byte(Math.floor(argument / power) % 256);
  }

  #byte(byte: number): void {
    this.#room(1);
    this.#bytes[this.#length++] = byte;
  }

  #raw(bytes: Uint8Array): void {
    this.#room(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #room(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(2 * this.#bytes.length, this.#length + more));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}

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
