// The values that the subset of CBOR has (cbor.ts), and the first bytes of their heads (RFC 8949 §3).

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

/** The three high bits of a head. */
export const MAJOR = { uint: 0, negative: 1, bytes: 2, text: 3, array: 4, map: 5, tag: 6, simple: 7 } as const;
export const FALSE = 0xf4;
export const TRUE = 0xf5;
export const NULL = 0xf6;
