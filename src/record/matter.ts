// What a promise or a relocation is about, and whether two of them are about the same: whose data (regions), which data
// (category), what happens with it (activities), and where. The rules about places and promises (D18 to D20, D28) and the
// report about promises go by this page and by nothing else, so that they never differ.

import type { CommitmentFields } from './commitment.ts';
import type { RelocationFields } from './relocation.ts';
import { regionsOverlap } from './regions.ts';
import type { LimmatRecord } from './types.ts';

export interface Matter {
  readonly namespace: string;
  /** At least one, unless a promise names none. */
  readonly activities: readonly string[];
  /** Whose data; undefined where it is not said or not about data of a region. */
  readonly regions: readonly string[] | undefined;
  readonly category: string | undefined;
}

export type RelocationAction = RelocationFields['action'];
export type Place = NonNullable<RelocationFields['to']>[number];

/** What the record is about. */
export function matterOf(record: LimmatRecord & { readonly type: 'commitment' | 'relocation' }): Matter {
  const { namespace } = record;
  if (record.type === 'commitment') {
    const { activities = [], regions }: CommitmentFields = record.fields;
    return { namespace, activities, regions, category: undefined };
  }
  const { activity, regions, category } = record.fields;
  return { namespace, activities: [activity], regions, category };
}

/**
 * True when two matters have something in common: the namespace, an activity, a country (both say none, or some country is
 * in the regions of both) and the category, where both name one. So of "North America" and "the United States" the one
 * is part of the other and is counted once; what is said of no region is not said of a named one.
 */
export function mattersMeet(a: Matter, b: Matter): boolean {
  if (a.namespace !== b.namespace) return false;
  if (a.category !== undefined && b.category !== undefined && a.category !== b.category) return false;
  if (!a.activities.some((activity) => b.activities.includes(activity))) return false;
  if (a.regions === undefined || b.regions === undefined) return a.regions === b.regions;
  return regionsOverlap(a.regions, b.regions);
}

/**
 * Whether two lists of places name a place in common. A site is a site record's; else countries are compared, the one
 * of a site too where `countryOf` knows it; what is only called by a name is unknown.
 */
export function comparePlaces(
  a: readonly Place[] | undefined,
  b: readonly Place[] | undefined,
  countryOf: (siteId: string) => string | undefined = () => undefined,
): 'same' | 'elsewhere' | 'unknown' {
  if (a === undefined || b === undefined) return 'unknown';
  let isKnown = true;
  for (const one of a) {
    for (const other of b) {
      if (one.site !== undefined && other.site !== undefined) {
        if (one.site === other.site) return 'same';
        continue;
      }
      const [mine, theirs] = [one, other].map(({ country, site }) => country ?? (site && countryOf(site)));
      if (mine === undefined || theirs === undefined) isKnown = false;
      else if (mine === theirs) return 'same';
    }
  }
  return isKnown ? 'elsewhere' : 'unknown';
}

const ENOUGH: Partial<Record<RelocationAction, readonly RelocationAction[]>> = {
  plan: ['plan', 'change', 'start', 'milestone', 'complete'],
  start: ['start', 'milestone', 'complete'],
  milestone: ['milestone', 'complete'],
};

/** True when a step that was done is the promised one or one after it. A promise that names no step is of completion. */
export function keepsStep(promised: RelocationAction | undefined, done: RelocationAction): boolean {
  return promised === undefined ? done === 'complete' : (ENOUGH[promised] ?? [promised]).includes(done);
}
