// Bytes in and out of text and numbers: strict in one direction, canonical in the other. Everything that other parts
// need below the level of a format, and nothing that knows a format.

const encoder = new TextEncoder();
// ignoreBOM keeps a leading U+FEFF in the text, so that decoding and encoding again gives the same bytes.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The parts, one after another, in new memory. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return concatAll(parts);
}

/** The same for a list of any length: a call takes only so many arguments. */
export function concatAll(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const out = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    out.set(part, offset);
    offset += part.length;
  }
  return out;
}

/**
 * Everything that a stream still has, as one array. `check` hears the bytes so far with each chunk, before it is kept, and
 * throws to end it: a stream has no length that could be believed. What was read of it then is the caller's to cancel.
 */
export async function readToEnd(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  check: (length: number) => void,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return chunks.length === 1 ? chunks[0]! : concatAll(chunks);
    length += value.length;
    check(length);
    chunks.push(value);
  }
}

/** True when both hold the same bytes. Not constant-time: nothing here compares secrets. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Bytewise order, a prefix before what it is a prefix of: negative, zero or positive. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shorter = Math.min(a.length, b.length);
  for (let i = 0; i < shorter; i++) {
    const difference = a[i]! - b[i]!;
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** The UTF-8 bytes of a text. */
export function utf8(text: string): Uint8Array {
  return asciiBytes(text) ?? encoder.encode(text);
}

/** Up to here a loop is several times as fast as a call of the encoder. */
const SHORT_TEXT = 64;

function asciiBytes(text: string): Uint8Array | undefined {
  const { length } = text;
  if (length > SHORT_TEXT) return undefined;
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0x7f) return undefined;
    bytes[i] = code;
  }
  return bytes;
}

/** The text that these bytes are the UTF-8 of, or undefined when they are not well-formed UTF-8. */
export function utf8Text(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

const BYTE_CHARACTERS = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte));

/**
 * A text with one character from U+0000 to U+00FF for each byte: what a Map finds bytes by, in the bytes' own order. Not
 * for people, and not UTF-8.
 */
export function byteText(bytes: Uint8Array): string {
  const { length } = bytes;
  let text = '';
  let i = 0;
  // A call with eight arguments takes less time than one that spreads them all, or one a byte.
  for (; i + 8 <= length; i += 8) {
    text += String.fromCharCode(
      bytes[i]!,
      bytes[i + 1]!,
      bytes[i + 2]!,
      bytes[i + 3]!,
      bytes[i + 4]!,
      bytes[i + 5]!,
      bytes[i + 6]!,
      bytes[i + 7]!,
    );
  }
  for (; i < length; i++) text += BYTE_CHARACTERS[bytes[i]!]!;
  return text;
}

/** The bytes of a `byteText`. */
export function textBytes(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/**
 * The bytes of these `byteText`s, each behind the prefix: views of one piece of memory, which native code takes three times
 * as fast as small arrays of their own.
 */
export function prefixedBytes(prefix: Uint8Array, texts: readonly string[]): Uint8Array[] {
  let length = 0;
  for (const text of texts) length += prefix.length + text.length;
  const { buffer } = new Uint8Array(length);
  let start = 0;
  return texts.map((text) => {
    const bytes = new Uint8Array(buffer, start, prefix.length + text.length);
    bytes.set(prefix);
    for (let i = 0; i < text.length; i++) bytes[prefix.length + i] = text.charCodeAt(i);
    start += bytes.length;
    return bytes;
  });
}

/** `byteText` of `uintBytes`. */
export function uintText(value: number, length: number): string {
  assertSize('value', value);
  let text = '';
  let rest = value;
  for (let i = 0; i < length; i++) {
    text = BYTE_CHARACTERS[rest % 256]! + text;
    rest = Math.floor(rest / 256);
  }
  if (rest !== 0) throw new RangeError(`value ${value} does not fit in ${length} bytes`);
  return text;
}

/** `readUint` of a `byteText`. */
export function readUintText(text: string, offset: number, length: number): number | undefined {
  if (offset < 0 || offset + length > text.length) throw new RangeError(`no ${length} bytes at offset ${offset}`);
  let value = 0;
  for (let i = offset; i < offset + length; i++) value = value * 256 + text.charCodeAt(i);
  return Number.isSafeInteger(value) ? value : undefined;
}

/** Lowercase hexadecimal. */
export function toHex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += HEX[byte];
  return text;
}

/** The bytes of lowercase hexadecimal, or undefined for anything else. */
export function fromHex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0) return undefined;
  const out = new Uint8Array(text.length / 2);
  for (let i = 0; i < out.length; i++) {
    const high = hexDigit(text.charCodeAt(2 * i));
    const low = hexDigit(text.charCodeAt(2 * i + 1));
    if (high < 0 || low < 0) return undefined;
    out[i] = 16 * high + low;
  }
  return out;
}

/** The value of a lowercase hexadecimal digit, given as its character code; −1 for anything else. */
function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  return code >= 0x61 && code <= 0x66 ? code - 0x57 : -1;
}

const BASE64 = Array.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/', (char) =>
  char.charCodeAt(0),
);
const PADDING = '='.charCodeAt(0);

/** Bytes that are encoded at once: a multiple of 3, and far below the argument list that engines allow. */
const BASE64_CHUNK = 3 * 1024;

/** Standard base64 with padding (RFC 4648 §4). */
export function toBase64(bytes: Uint8Array): string {
  if (bytes.length <= BASE64_CHUNK) return base64Of(bytes, 0, bytes.length);
  let text = '';
  for (let start = 0; start < bytes.length; start += BASE64_CHUNK) {
    text += base64Of(bytes, start, Math.min(start + BASE64_CHUNK, bytes.length));
  }
  return text;
}

/** Without btoa, which takes text: making that text costs more than encoding a hash. */
function base64Of(bytes: Uint8Array, start: number, end: number): string {
  const codes: number[] = [];
  for (let i = start; i < end; i += 3) {
    // 24 bits at a time; a missing byte is 0 and shows as padding.
    const group = bytes[i]! * 65_536 + (i + 1 < end ? bytes[i + 1]! * 256 : 0) + (i + 2 < end ? bytes[i + 2]! : 0);
    codes.push(BASE64[group >>> 18]!, BASE64[(group >>> 12) % 64]!);
    codes.push(i + 1 < end ? BASE64[(group >>> 6) % 64]! : PADDING, i + 2 < end ? BASE64[group % 64]! : PADDING);
  }
  return String.fromCharCode.apply(undefined, codes);
}

/** The bytes of canonical, padded standard base64, or undefined for any other spelling. */
export function fromBase64(text: string): Uint8Array | undefined {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined;
  let binary: string;
  try {
    binary = atob(text);
  } catch {
    return undefined;
  }
  // atob ignores stray bits in the last character; the only canonical spelling is the one that is written back.
  if (text.endsWith('=') && btoa(binary.slice(binary.length - (binary.length % 3))) !== text.slice(-4))
    return undefined;
  const out = new Uint8Array(binary.length);
  for (let i = 0; i < out.length; i++) out[i] = binary.charCodeAt(i);
  return out;
}

/** A big-endian unsigned integer of 1 to 8 bytes; RangeError unless 0 ≤ value < 256^length and value is safe. */
export function uintBytes(value: number, length: number): Uint8Array {
  assertSize('value', value);
  const out = new Uint8Array(length);
  let rest = value;
  for (let i = length - 1; i >= 0; i--) {
    out[i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  if (rest !== 0) throw new RangeError(`value ${value} does not fit in ${length} bytes`);
  return out;
}

/** The big-endian unsigned integer in bytes [offset, offset + length), or undefined when it is 2^53 or more. */
export function readUint(bytes: Uint8Array, offset: number, length: number): number | undefined {
  if (offset < 0 || offset + length > bytes.length) throw new RangeError(`no ${length} bytes at offset ${offset}`);
  let value = 0;
  for (let i = offset; i < offset + length; i++) value = value * 256 + bytes[i]!;
  return Number.isSafeInteger(value) ? value : undefined;
}

/** The number that canonical decimal text stands for (no sign, no leading zero), or undefined; below 2^53. */
export function parseDecimal(text: string): number | undefined {
  if (!/^(0|[1-9][0-9]{0,15})$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}

/** RangeError unless value is a safe integer ≥ 0. */
export function assertSize(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0)
    throw new RangeError(`${name} ${value} is not an integer in [0, 2^53)`);
}
