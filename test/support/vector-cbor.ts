// CBOR for the generators of vectors, put together from its rules (RFC 8949 §4.2.1) without any code of src.

/** Values for `cbor`: text, whole numbers, bytes, truth, lists, and maps as lists of pairs in any order. */
export type Value = string | number | boolean | Buffer | readonly Value[] | Pairs | Time;
export class Pairs {
  readonly pairs: readonly (readonly [string | number, Value])[];
  constructor(...pairs: readonly (readonly [string | number, Value])[]) {
    this.pairs = pairs;
  }
}
/** A time: a number of seconds, and in JSON a text. */
export class Time {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}
export const map = (...pairs: readonly (readonly [string | number, Value])[]): Pairs => new Pairs(...pairs);
export const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

/** The head of an item: its major type and its argument, in the shortest form. */
export function head(major: number, argument: number): Buffer {
  const top = major << 5;
  if (argument <= 23) return Buffer.from([top | argument]);
  const out = Buffer.alloc(9);
  out.writeBigUInt64BE(BigInt(argument), 1);
  const [info, from] =
    argument <= 0xff ? [24, 8] : argument <= 0xffff ? [25, 7] : argument <= 0xffffffff ? [26, 5] : [27, 1];
  out[from - 1] = top | info;
  return out.subarray(from - 1);
}

/** The deterministic encoding of a value. */
export function cbor(value: Value): Buffer {
  if (typeof value === 'string') return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)]);
  if (typeof value === 'number') return value < 0 ? head(1, -1 - value) : head(0, value);
  if (typeof value === 'boolean') return Buffer.from([value ? 0xf5 : 0xf4]);
  if (Buffer.isBuffer(value)) return Buffer.concat([head(2, value.length), value]);
  if (value instanceof Time) return cbor(Date.parse(value.text) / 1000);
  if (value instanceof Pairs) {
    const rows = value.pairs.map(([key, item]) => [cbor(key), cbor(item)] as const);
    const sorted = rows.toSorted(([a], [b]) => Buffer.compare(a, b));
    return Buffer.concat([head(5, rows.length), ...sorted.flat()]);
  }
  return Buffer.concat([head(4, value.length), ...value.map(cbor)]);
}

/** The form in JSON that a record's fields have: bytes in hexadecimal, times as texts, maps as objects. */
export function json(value: Value): unknown {
  if (Buffer.isBuffer(value)) return value.toString('hex');
  if (value instanceof Time) return value.text;
  if (value instanceof Pairs) return Object.fromEntries(value.pairs.map(([name, item]) => [name, json(item)]));
  return typeof value === 'object' ? value.map(json) : value;
}
