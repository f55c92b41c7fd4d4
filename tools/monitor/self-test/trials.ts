// What the self-test tries: every lie, in the ways in which it shows, and what a monitor has to make of it. A trial is a
// row.

import type { Trouble } from '../../../src/monitor/checks.ts';
import type { LieName } from '../../misbehave/modes.ts';

/** Who is there besides the log and one monitor that has known it while it was honest. */
export type Company =
  /** Nobody. */
  | 'alone'
  /** A client to whom the log lies, and who hands in the head of its proof. */
  | 'client'
  /** A second monitor to which the log has always lied; the two gossip. */
  | 'peer';

export interface Trial {
  /** 'honest': the control, a log that does not lie. */
  readonly lie: LieName | 'honest';
  /** In what way, where there are several. */
  readonly how: string;
  readonly company: Company;
  /** Entries that the log gets before each round, from the lie on. */
  readonly growth: number;
  /** How far the clock goes on before each round: the monitor's and the log's. */
  readonly everySeconds: number;
  /** The alerts that there have to be in the end, no more and no fewer. */
  readonly expected: readonly Trouble[];
}

const MINUTE = 60;
const HOUR = 3600;

function trial(lie: Trial['lie'], expected: readonly Trouble[], more: Partial<Trial> = {}): Trial {
  return Object.freeze({ lie, how: '', company: 'alone', growth: 2, everySeconds: MINUTE, expected, ...more });
}

export const TRIALS: readonly Trial[] = Object.freeze([
  trial('honest', []),
  trial('fork', ['fork-same-size'], { how: 'two trees of one size', growth: 0 }),
  trial('fork', ['fork-prefix'], { how: 'and grows on' }),
  trial('rollback', ['rollback']),
  trial('freeze', ['stale'], { how: 'for an hour or two', everySeconds: 25 * MINUTE }),
  trial('freeze', ['freeze'], { how: 'for longer', everySeconds: 2 * HOUR }),
  trial('freeze', ['stale', 'hidden-growth'], {
    how: 'a client has a newer head',
    company: 'client',
    everySeconds: 25 * MINUTE,
  }),
  trial('bad-signature', ['bad-signature']),
  trial('unknown-key', ['unknown-key']),
  trial('missing-tile', ['missing-tile'], { how: 'for minutes' }),
  trial('missing-tile', ['missing-tile', 'unserved'], { how: 'for hours', everySeconds: 3 * HOUR }),
  trial('bit-flip', ['entry-mismatch']),
  trial('truncate', ['bad-answer']),
  trial('slow', ['unreachable']),
  trial('oversize', ['bad-answer']),
  trial('reorder', ['entry-mismatch']),
  trial('time-travel', ['backdated', 'future']),
  trial('targeted', ['fork-prefix'], { how: 'a client hands in its head', company: 'client' }),
  trial('targeted', ['fork-prefix', 'fork-same-size'], { how: 'two monitors gossip', company: 'peer' }),
  trial('unauthorised', ['inadmissible', 'inadmissible-entry']),
  trial('revoked-key', ['inadmissible', 'inadmissible-entry']),
  trial('broken-stream', ['inadmissible', 'stream-break']),
  trial('two-faced-witness', ['fork-same-size', 'witness-conflict'], { growth: 0 }),
  trial('uncosigned', ['quorum-missing']),
]);
