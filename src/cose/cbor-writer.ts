// Writing deterministic CBOR (RFC 8949 §4.2.1): shortest heads, map keys in the bytewise order of their encodings.

import { compareBytes, utf8 } from '../bytes.ts';
import { FALSE, MAJOR, NULL, TRUE, Tagged } from './cbor-value.ts';
import type { CborMap, CborValue } from './cbor-value.ts';

const UINT32 = 2 ** 32;
const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * The deterministic encoding of a value. TypeError for what has none here: floats, unsafe integers, text with a lone
 * surrogate, undefined, foreign objects.
 */
export function encodeCbor(value: CborValue): Uint8Array {
  const writer = spare ?? new Writer();
  spare = undefined;
  try {
    writer.value(value);
    return writer.done();
  } finally {
    // What a value that was refused has left in it goes with it.
    writer.clear();
    spare = writer;
  }
}

/** The encoded head of a byte string of this length; the bytes follow it. */
export function byteStringHead(length: number): Uint8Array {
  const writer = new Writer();
  writer.head(MAJOR.bytes, length);
  return writer.done();
}

class Writer {
  #bytes = new Uint8Array(1024);
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

  /** A copy of what was written. */
  done(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  /** Forgets what was written; a buffer that one large value has grown is let go. */
  clear(): void {
    this.#length = 0;
    if (this.#bytes.length > MAX_SPARE) this.#bytes = new Uint8Array(1024);
  }

  #integer(value: number): void {
    if (!Number.isSafeInteger(value)) throw new TypeError(`${value} is not a safe integer`);
    if (value >= 0) this.head(MAJOR.uint, value);
    else this.head(MAJOR.negative, -1 - value);
  }

  #text(value: string): void {
    if (this.#asciiText(value)) return;
    // TextEncoder would write U+FFFD in its place, and another text would be signed than was meant.
    if (LONE_SURROGATE.test(value)) throw new TypeError('text with a lone surrogate has no UTF-8 form');
    const bytes = utf8(value);
    this.head(MAJOR.text, bytes.length);
    this.#raw(bytes);
  }

  /** Writes a short text of ASCII characters one by one, which beats a call of the encoder; false for any other. */
  #asciiText(value: string): boolean {
    const { length } = value;
    if (length > SHORT_ASCII) return false;
    const start = this.#length;
    this.head(MAJOR.text, length);
    this.#room(length);
    for (let i = 0; i < length; i++) {
      const code = value.charCodeAt(i);
      if (code > 0x7f) {
        this.#length = start;
        return false;
      }
      this.#bytes[this.#length++] = code;
    }
    return true;
  }

  #map(map: CborMap): void {
    this.head(MAJOR.map, map.size);
    const start = this.#length;
    const pairs: WrittenPair[] = [];
    let isSorted = true;
    for (const [key, value] of map) {
      const at = this.#length;
      this.value(key);
      const keyEnd = this.#length;
      const last = pairs.at(-1);
      isSorted &&= last === undefined || this.#compare(last.start, last.keyEnd, at, keyEnd) < 0;
      this.value(value);
      pairs.push({ start: at, keyEnd, end: this.#length });
    }
    if (isSorted) return;
    // RFC 8949 §4.2.1: the pairs stand in the bytewise order of their encoded keys.
    pairs.sort((a, b) => this.#compare(a.start, a.keyEnd, b.start, b.keyEnd));
    const written = this.#bytes.slice(0, this.#length);
    this.#length = start;
    for (const pair of pairs) this.#raw(written.subarray(pair.start, pair.end));
  }

  #compare(a: number, aEnd: number, b: number, bEnd: number): number {
    return compareBytes(this.#bytes.subarray(a, aEnd), this.#bytes.subarray(b, bEnd));
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

/** Where a pair of a map was written. */
interface WrittenPair {
  readonly start: number;
  readonly keyEnd: number;
  readonly end: number;
}

/** Texts up to this length are tried as ASCII. */
const SHORT_ASCII = 64;
/** A writer with a larger buffer is not kept. */
const MAX_SPARE = 256 * 1024;
/** A writer between two calls; only ever used within one, and a call within a call makes its own. */
let spare: Writer | undefined;
