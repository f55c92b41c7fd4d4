// The admission chain: what decides who may log what in a namespace (policies, key events, memberships, sites) is one
// hash chain a namespace. Each of these entries counts up by one and names the leaf of the one before it, so that with
// the chain's head, which a heartbeat of the log names, nobody can leave one out or put one in.

import { FieldError } from './field-error.ts';
import { optional, ref, required, uint } from './fields.ts';
import type { Schema } from './form.ts';

/** The record types whose entries are links of their namespace's admission chain. */
export const CHAIN_TYPES = Object.freeze(['policy', 'key-event', 'site', 'membership'] as const);

export type ChainType = (typeof CHAIN_TYPES)[number];

/** The fields of a link. */
export const chainFields = {
  sequence: required(
    uint(Number.MAX_SAFE_INTEGER, 1),
    "Counts the entries of the namespace's admission chain from 1, whatever their type.",
  ),
  prev: optional(ref, "The chain's entry before this one. Required from sequence 2 on, absent at 1."),
};

/** Where an entry stands in its namespace's chain. */
export interface ChainLink {
  readonly sequence: number;
  readonly prev?: Uint8Array;
}

/** FieldError unless the first link names none before it, and every other names one. */
export function checkLink({ sequence, prev }: ChainLink): void {
  if (sequence === 1 && prev !== undefined) {
    throw new FieldError('prev is given, but sequence 1 is the first entry of its chain');
  }
  if (sequence > 1 && prev === undefined) {
    throw new FieldError(`is missing: sequence ${sequence} follows another entry of its chain`, 'prev');
  }
}

/** `checkLink` as keywords of a schema. */
export const LINK_KEYWORDS: Schema = Object.freeze({
  if: { properties: { sequence: { const: 1 } }, required: ['sequence'] },
  // oxlint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema
  then: { properties: { prev: false } },
  else: { required: ['prev'] },
});
