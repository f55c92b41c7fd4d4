// Which entries show a promise kept. A promise is about cells, an activity for a region each; it is kept when every cell
// is shown. What a promise says would show it (`fulfilledBy`) is all that counts.

import { keepsStep, type Matter } from '../../record/matter.ts';
import { regionsContain } from '../../record/regions.ts';
import { ACTIVITIES } from '../../record/common.ts';
import type { CitedEntry, Deed, PromiseFacts, PromiseStatement, RelocationStep } from './promise-facts.ts';

export interface Proven {
  /** In the order of the log, at most 20. */
  readonly entries: readonly CitedEntry[];
  readonly more: number;
  /** When the last of what is shown was done; undefined while nothing is. */
  readonly keptAt: number | undefined;
  /** What nothing shows. */
  readonly missing: readonly string[];
}

const MAX_CITED = 20;

/** What shows the promise kept by that time. */
export function provenBy(facts: PromiseFacts, namespace: string, promise: PromiseStatement, asOf: number): Proven {
  const { fulfilledBy } = promise.fields;
  if (fulfilledBy === undefined) return nothing('it does not say which record would show it kept');
  if (fulfilledBy.type === 'relocation') return byRelocation(facts, promise, asOf);
  const deeds = facts.deeds.filter(
    (deed) =>
      deed.record.type === fulfilledBy.type &&
      deed.at <= asOf &&
      deed.namespaces.includes(namespace) &&
      facts.takenBack(deed.entry) === undefined &&
      isGood(facts, deed, promise),
  );
  if (deeds.length === 0) return nothing(`a ${fulfilledBy.type} record`);
  return {
    entries: deeds.slice(0, MAX_CITED).map(({ entry }) => entry),
    more: Math.max(0, deeds.length - MAX_CITED),
    keptAt: Math.min(...deeds.map(({ at }) => at)),
    missing: [],
  };
}

function nothing(missing: string): Proven {
  return { entries: [], more: 0, keptAt: undefined, missing: [missing] };
}

/** For which activity a site has to be there. */
const SITE_KIND = {
  store: 'data-centre',
  process: 'data-centre',
  assemble: 'build',
  sign: 'signing',
  review: 'transparency-centre',
} as const;

/** True when a record of the promised type says what was promised. */
function isGood(facts: PromiseFacts, { record }: Deed, { fields, matter }: PromiseStatement): boolean {
  switch (record.type) {
    case 'rebuild':
      return record.fields.result === 'match' || record.fields.result === 'match-normalised';
    case 'supervision':
      return record.fields.result !== 'adverse';
    case 'membership':
      return record.fields.action === 'admit';
    case 'site': {
      const { siteId, country, kinds } = record.fields;
      if (facts.comparePlaces(matter.namespace, fields.to, [{ site: siteId, country }]) === 'elsewhere') return false;
      return matter.activities.every(
        (activity) => !isActivity(activity) || kinds.some((kind) => kind === SITE_KIND[activity]),
      );
    }
    case 'build':
    case 'avdb-release': {
      if (fields.to === undefined) return true;
      const { buildSite, signSite } = record.fields;
      const sites = [buildSite, signSite].flatMap((site) => (site === undefined ? [] : [{ site }]));
      return facts.comparePlaces(matter.namespace, fields.to, sites) === 'same';
    }
    default:
      return true;
  }
}

function isActivity(text: string): text is keyof typeof SITE_KIND {
  return ACTIVITIES.some((activity) => activity === text);
}

/** Steps of relocations to the promised place, together for every activity and region. */
function byRelocation(facts: PromiseFacts, { fields, matter }: PromiseStatement, asOf: number): Proven {
  const all = facts.stepsAbout(matter);
  const steps = all
    .filter(
      (step) =>
        step.at <= asOf &&
        keepsStep(fields.fulfilledBy?.action, step.fields.action) &&
        facts.comparePlaces(matter.namespace, fields.to, step.fields.to) !== 'elsewhere' &&
        !all.some((later) => undoes(later, step, asOf)),
    )
    .toSorted((a, b) => a.at - b.at || a.entry.index - b.entry.index);
  const used = new Set<RelocationStep>();
  const missing: string[] = [];
  let keptAt: number | undefined;
  for (const cell of cellsOf(matter)) {
    const shown = stepsFor(cell, steps);
    if (shown === undefined) missing.push(cellInWords(cell));
    for (const step of shown ?? []) {
      used.add(step);
      keptAt = Math.max(keptAt ?? 0, step.at);
    }
  }
  if (matter.activities.length === 0) missing.push('it does not say which activity is to move');
  const entries = [...used].map(({ entry }) => entry).toSorted((a, b) => a.index - b.index);
  return { entries: entries.slice(0, MAX_CITED), more: Math.max(0, entries.length - MAX_CITED), keptAt, missing };
}

/** True when the later step suspends or reverts what the step did; what resumes it is a step of its own again. */
function undoes(later: RelocationStep, step: RelocationStep, asOf: number): boolean {
  const { action, relocationId } = later.fields;
  return (
    (action === 'suspend' || action === 'revert') &&
    relocationId === step.fields.relocationId &&
    later.entry.index > step.entry.index &&
    later.at <= asOf
  );
}

interface Cell {
  readonly activity: string;
  readonly region: string | undefined;
}

function cellsOf({ activities, regions }: Matter): readonly Cell[] {
  return activities.flatMap((activity) => (regions ?? [undefined]).map((region) => ({ activity, region })));
}

function cellInWords({ activity, region }: Cell): string {
  return region === undefined ? activity : `${activity} for region ${region}`;
}

/** The first steps that together are for the whole region; undefined while they are not. */
function stepsFor({ activity, region }: Cell, steps: readonly RelocationStep[]): readonly RelocationStep[] | undefined {
  const used: RelocationStep[] = [];
  const regions: string[] = [];
  for (const step of steps) {
    if (step.fields.activity !== activity) continue;
    used.push(step);
    regions.push(...(step.fields.regions ?? []));
    if (region === undefined || regionsContain(regions, region)) return used;
  }
  return undefined;
}
