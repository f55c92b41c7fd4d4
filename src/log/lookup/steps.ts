// Steps of relocations as lookup rows keep them: all that decides what was in force on a day, so that only the answer has
// to be read from the entries. Values are deterministic CBOR arrays; what is not stated is null.

import { decodeCbor, encodeCbor } from '../../cose/cbor.ts';
import { ACTIVITIES, CATEGORIES, RELOCATION_ACTIONS } from '../../record/common.ts';
import type { RelocationFields } from '../../record/relocation.ts';

/** A step of a relocation. */
export interface Step {
  readonly index: number;
  readonly action: RelocationFields['action'];
  readonly category: string | undefined;
  readonly regions: readonly string[] | undefined;
  /** Since when it holds, Unix seconds; of a plan or a change the day it was stated. */
  readonly atSeconds: number;
  /** Where `atSeconds` is from. */
  readonly atFrom: AtFrom;
}

/** From most to least exact: the field, the date of the document that reports it, the time of signing. */
export const AT_FROM = Object.freeze(['effectiveAt', 'documentDate', 'signedAt'] as const);
export type AtFrom = (typeof AT_FROM)[number];

/** True for what is only announced. Its `effectiveAt` is a hope, so it counts from when it was stated. */
export function isPlan(action: Step['action']): boolean {
  return action === 'plan' || action === 'change';
}

/** The byte of an activity in a key. */
export function activityPart(activity: (typeof ACTIVITIES)[number]): string {
  return String.fromCharCode(ACTIVITIES.indexOf(activity));
}

export function stepValue(fields: RelocationFields, iatSeconds: number): Uint8Array {
  const { action, category, regions, effectiveAt, basis } = fields;
  const times = [isPlan(action) ? undefined : effectiveAt, basis?.documentDate, iatSeconds];
  const from = times.findIndex((time) => time !== undefined);
  return encodeCbor([
    RELOCATION_ACTIONS.indexOf(action),
    category === undefined ? null : CATEGORIES.indexOf(category),
    regions ?? null,
    times[from]!,
    from,
  ]);
}

export function parseStep(index: number, value: Uint8Array): Step {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- ours, written by the function above
  const row = decodeCbor(value) as unknown as [number, number | null, readonly string[] | null, number, number];
  const [action, category, regions, atSeconds, from] = row;
  return {
    index,
    action: RELOCATION_ACTIONS[action]!,
    category: category === null ? undefined : CATEGORIES[category],
    regions: regions ?? undefined,
    atSeconds,
    atFrom: AT_FROM[from]!,
  };
}
