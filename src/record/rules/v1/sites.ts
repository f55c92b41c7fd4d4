// Sites that records name: they are in the log, for what is said to have happened there, and open at that time.

import { Refused, type RuleId } from '../../admission/decision.ts';
import { formatTime } from '../../time.ts';
import { quoted, type Case } from './case.ts';

interface Named {
  readonly field: string;
  readonly siteId: string;
  /** What it has to be for. */
  readonly kind?: string;
  /** When it has to be open, Unix seconds. */
  readonly at?: number;
}

/** D25 where the namespace has no such site; the rule given where it has, but not for this, or not then. */
export function checkSite(judged: Case, rule: RuleId, { field, siteId, kind, at }: Named): void {
  const site = judged.site(siteId);
  const { namespace } = judged.statement;
  if (site === undefined) {
    const expected = `the siteId of a site record of ${namespace}: log that first`;
    throw new Refused('D25', field, `${quoted(siteId)}, which is no site yet`, expected);
  }
  if (kind !== undefined && !site.kinds.includes(kind)) {
    throw new Refused(rule, field, `${quoted(siteId)}, a site for ${site.kinds.join(', ')}`, `a site for ${kind}`);
  }
  if (at === undefined) return;
  const { openedAt, closedAt } = site;
  if (openedAt !== null && at < openedAt) {
    const found = `${quoted(siteId)} at ${formatTime(at)}`;
    throw new Refused(rule, field, found, `a site that was open then; this one opened at ${formatTime(openedAt)}`);
  }
  if (closedAt !== null && at >= closedAt) {
    const found = `${quoted(siteId)} at ${formatTime(at)}`;
    throw new Refused(rule, field, found, `a site that was open then; this one closed at ${formatTime(closedAt)}`);
  }
}

interface Moving {
  readonly from?: readonly { readonly site?: string }[];
  readonly to?: readonly { readonly site?: string }[];
}

/** The sites among the places of a relocation or a commitment, with the fields that name them. */
export function placesOf({ from = [], to = [] }: Moving): [field: string, siteId: string][] {
  return [
    ...from.map(({ site }, i) => [`from[${i}].site`, site] as const),
    ...to.map(({ site }, i) => [`to[${i}].site`, site] as const),
  ].flatMap(([field, site]) => (site === undefined ? [] : [[field, site] as [string, string]]));
}

export function checkPlaces(judged: Case, fields: Moving): void {
  for (const [field, siteId] of placesOf(fields)) checkSite(judged, 'D25', { field, siteId });
}
