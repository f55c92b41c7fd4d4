// Which steps of a relocation hold on a day. Pure: the steps, what was taken back, a day.
//
// A step holds from its time on until a later step of the same relocation covers it: one about all of its regions and its
// category. A step that names no regions is about those of the steps before it, all together, and so for its category;
// nothing else is merged, and "Europe" beside "Germany" stays two answers. What is only announced covers announcements.

import { regionsContain, regionsOverlap } from '../../record/regions.ts';
import { isPlan, type Step } from './steps.ts';

/** A step and what it is about, stated or taken over from the steps before it. */
export interface Holding {
  readonly step: Step;
  readonly regions: readonly string[] | undefined;
  readonly category: string | undefined;
}

/** What is asked; all that is absent is not asked for. */
export interface RelocationFilter {
  readonly region?: string | undefined;
  readonly category?: string | undefined;
}

/** The state of a relocation after each action. */
export const STATES = Object.freeze({
  plan: 'planned',
  change: 'planned',
  start: 'started',
  milestone: 'started',
  complete: 'completed',
  suspend: 'suspended',
  revert: 'reverted',
} as const);

/**
 * The steps of one relocation and activity that hold at `asOfSeconds`, by index. A step in `endedAt` does not hold from
 * that time on (Unix seconds; -Infinity: it never did).
 */
export function holdingAt(
  steps: readonly Step[],
  endedAt: ReadonlyMap<number, number>,
  asOfSeconds: number,
): readonly Holding[] {
  const counted = steps
    .filter(({ index, atSeconds }) => atSeconds <= asOfSeconds && !((endedAt.get(index) ?? Infinity) <= asOfSeconds))
    .toSorted((a, b) => a.atSeconds - b.atSeconds || a.index - b.index);
  let regions: readonly string[] | undefined;
  let categories: readonly string[] = [];
  const holding: Holding[] = [];
  for (const step of counted) {
    const own: Holding = {
      step,
      regions: step.regions ?? regions,
      // Of several categories none is the one that it is about.
      category: step.category ?? (categories.length === 1 ? categories[0] : undefined),
    };
    for (let i = holding.length - 1; i >= 0; i--) if (covers(step, holding[i]!)) holding.splice(i, 1);
    holding.push(own);
    if (step.regions !== undefined) regions = [...new Set([...(regions ?? []), ...step.regions])];
    if (step.category !== undefined) categories = [...new Set([...categories, step.category])];
  }
  return holding.toSorted((a, b) => a.step.index - b.step.index);
}

function covers(later: Step, { step, regions, category }: Holding): boolean {
  if (isPlan(later.action) && !isPlan(step.action)) return false;
  if (later.category !== undefined && later.category !== category) return false;
  if (later.regions === undefined) return true;
  return regions !== undefined && regions.every((region) => regionsContain(later.regions!, region));
}

/** How the regions of a record stand to the one that was asked for. */
export type RegionMatch = 'same' | 'contains' | 'part' | 'overlaps';

/** Undefined where they have no country in common, or the record names none. */
export function regionMatch(asked: string, regions: readonly string[] | undefined): RegionMatch | undefined {
  if (regions === undefined || !regionsOverlap([asked], regions)) return undefined;
  const contains = regionsContain(regions, asked);
  const isPart = regions.every((region) => regionsContain([asked], region));
  return contains && isPart ? 'same' : contains ? 'contains' : isPart ? 'part' : 'overlaps';
}

/** True for what the question is about: a category that the record does not name may be any. */
export function answers({ region, category }: RelocationFilter, holding: Omit<Holding, 'step'>): boolean {
  if (category !== undefined && holding.category !== undefined && holding.category !== category) return false;
  return region === undefined || regionMatch(region, holding.regions) !== undefined;
}
