// How a monitor's logs stand, from memory: what pages, metrics and reports show.

import type { LogHead } from '../client/state.ts';
import type { Alert } from './alerts.ts';
import { NO_ENTRIES } from './entries.ts';
import type { EntryCounts } from './entries.ts';
import type { MonitorLimits } from './limits.ts';
import type { RecordCoverage } from './records/coverage.ts';
import type { LogWatch } from './watch.ts';
import type { WatchedLog } from './watched-log.ts';
import { lossOf } from './witnesses/judge.ts';
import { witnessName } from './witnesses/standing.ts';

/** What is known of a witness of a log. */
export interface WitnessStatus {
  readonly witness: string;
  /** Of the largest tree of this log that it cosigned; 0 before the first. */
  readonly size: number;
  /** The latest time that it stated; 0 before the first. */
  readonly timestampSeconds: number;
  /** True when the log has shown nothing fresh of it for longer than it may be silent, and did before. */
  readonly isLost: boolean;
  /** True when others have cosigned a larger tree for longer than that. */
  readonly isBehind: boolean;
}

export interface LogStatus {
  readonly origin: string;
  readonly url: string;
  /** Since when it is watched. */
  readonly sinceSeconds?: number;
  /** The branch that the monitor is on; absent before the first verified head. */
  readonly head?: Pick<LogHead, 'size' | 'rootHash' | 'timestampSeconds'>;
  /** Entries [0, verifiedSize) were checked and are mirrored. */
  readonly verifiedSize: number;
  readonly backlog: number;
  /** When the log was last reached, and what it showed verified. */
  readonly seenAtSeconds?: number;
  /** Signed heads that wait for the own tree to grow. */
  readonly unresolved: number;
  /** Rounds in a row that something has been the matter. */
  readonly failures: number;
  readonly counts: EntryCounts;
  /** Of a log that begins with a genesis: how far its records were judged, and what came of it. */
  readonly records?: RecordCoverage;
  /** True when evidence shows that the log signed two histories. The monitor stays on the one that it was on. */
  readonly forked: boolean;
  /** True when what the log showed last is on another branch than the monitor's: nothing of it is checked. */
  readonly elsewhere: boolean;
  /** What its witnesses have cosigned, one a configured witness; absent where none is. */
  readonly witnessed?: readonly WitnessStatus[];
  /** Ids of the evidence against this log. */
  readonly evidence: readonly string[];
}

export interface MonitorStatus {
  readonly logs: readonly LogStatus[];
  /** What changed last at the end. */
  readonly alerts: readonly Alert[];
}

/** How a log stands; a log without a watch, because its state could not be read, has not been looked at. */
export function logStatusOf(
  log: WatchedLog,
  watch: LogWatch | undefined,
  limits: Pick<MonitorLimits, 'witnessSeconds'>,
  nowSeconds: number,
): LogStatus {
  const url = log.url ?? log.reader.url;
  if (watch === undefined) {
    return {
      origin: log.origin,
      url,
      verifiedSize: 0,
      backlog: 0,
      unresolved: 0,
      failures: 1,
      counts: NO_ENTRIES,
      forked: false,
      elsewhere: false,
      evidence: [],
    };
  }
  const { head, cursor, counts, sinceSeconds } = watch.state;
  const { seenAtSeconds } = watch;
  return {
    origin: log.origin,
    url,
    sinceSeconds,
    ...(head !== undefined && {
      head: { size: head.size, rootHash: head.rootHash, timestampSeconds: head.timestampSeconds },
    }),
    verifiedSize: cursor,
    backlog: (head?.size ?? 0) - cursor,
    ...(seenAtSeconds !== undefined && { seenAtSeconds }),
    unresolved: watch.book.unresolved().length,
    failures: watch.failures,
    counts,
    ...(watch.records !== undefined && { records: watch.records }),
    forked: watch.book.evidence.isForked,
    elsewhere: watch.isElsewhere,
    ...(watch.witnesses.length > 0 && {
      witnessed: watch.witnesses.map((standing) => ({
        witness: witnessName(standing.vkey),
        size: standing.size,
        timestampSeconds: standing.timestampSeconds,
        ...lossOf(standing, limits, nowSeconds),
      })),
    }),
    evidence: watch.book.evidence.ids(),
  };
}

/** What the reader of a number of checked entries must know of a log with more than one branch; undefined for others. */
export function branchInWords({
  forked,
  elsewhere,
  verifiedSize,
}: Pick<LogStatus, 'forked' | 'elsewhere' | 'verifiedSize'>): string | undefined {
  if (!forked && !elsewhere) return undefined;
  const what = forked ? 'the log forked' : 'the log shows another branch';
  const size = `${verifiedSize.toLocaleString('en-US')} ${verifiedSize === 1 ? 'entry' : 'entries'}`;
  const now = forked && elsewhere ? ', which the log shows now' : '';
  return `${what}: this monitor stays at ${size} on its branch and does not follow the other${now}`;
}
