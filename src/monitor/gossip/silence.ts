// What gossip itself finds: peers that are not heard (a partition is visible, not "all agree"), and heads that others hold
// and the log never showed here.

import { troubleKey } from '../checks.ts';
import type { PlainFinding } from '../finding.ts';
import type { HeadBook, HeadRecord } from '../heads.ts';

/** How many peers have to be heard, and within what time. */
export interface SilenceRule {
  /** At least so many of the peers. */
  readonly needed: number;
  readonly withinSeconds: number;
}

/** A peer as this rule sees it. */
export interface Heard {
  readonly id: string;
  readonly lastContactSeconds: number | undefined;
}

/**
 * M10, a suspicion: fewer peers than needed were heard within the time. `sinceSeconds` is when this monitor began to
 * listen; before the time is over once, nobody can be called silent. Undefined when all is well.
 */
export function silenceOf(
  peers: readonly Heard[],
  rule: SilenceRule,
  sinceSeconds: number,
  nowSeconds: number,
): PlainFinding | undefined {
  const oldest = nowSeconds - rule.withinSeconds;
  if (sinceSeconds > oldest) return undefined;
  const silent = peers.filter(({ lastContactSeconds = -1 }) => lastContactSeconds < oldest);
  const heard = peers.length - silent.length;
  if (heard >= rule.needed) return undefined;
  return {
    check: 'M10',
    class: 'suspicion',
    origin: '',
    key: 'peers-silent',
    summary: `${heard} of ${peers.length} peers were heard within ${rule.withinSeconds} s, fewer than the ${rule.needed} that are needed: this monitor may be cut off`,
    details: {
      heard,
      needed: rule.needed,
      peers: peers.length,
      // The first few: a finding is for people.
      silent: silent
        .slice(0, 8)
        .map(({ id }) => id)
        .join(', '),
    },
  };
}

/**
 * M10, a suspicion: somebody handed in a signed head that is larger than this monitor's tree, and the log has not shown
 * such a tree here for so long. Either the log hides its growth from this monitor, or it showed the other a fork.
 */
export function hiddenGrowth(book: HeadBook, graceSeconds: number, nowSeconds: number): PlainFinding | undefined {
  const waiting = book.unresolvedRecords();
  // What the log itself showed counts as shown, also while its entries are still being fetched.
  const shown = waiting.filter(({ sources }) => sources.includes('log')).map(({ latest }) => latest.size);
  const known = Math.max(book.newest()?.size ?? 0, ...shown);
  let oldest: HeadRecord | undefined;
  for (const record of waiting) {
    if (record.latest.size <= known) continue;
    if (oldest === undefined || record.firstSeenSeconds < oldest.firstSeenSeconds) oldest = record;
  }
  if (oldest === undefined || nowSeconds - oldest.firstSeenSeconds <= graceSeconds) return undefined;
  const { size } = oldest.latest;
  const waitedSeconds = nowSeconds - oldest.firstSeenSeconds;
  return {
    check: 'M10',
    class: 'suspicion',
    origin: book.origin,
    key: troubleKey('hidden-growth', book.origin),
    summary: `${book.origin} signed a tree of size ${size} that it has not shown here for ${waitedSeconds} s; the largest one shown here has size ${known}`,
    details: { size, known, waitedSeconds },
  };
}
