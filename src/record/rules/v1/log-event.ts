// What the log says about itself: heartbeats that are true, and an end after which nothing comes.

import { equalBytes, toHex } from '../../../bytes.ts';
import { linkKey, LOG_KEY, nextLinkKey } from '../../admission/keys.ts';
import { Refused } from '../../admission/decision.ts';
import { linkValue, logValue } from '../../admission/values.ts';
import type { LogEventFields } from '../../log-event.ts';
import type { Case } from './case.ts';
import { checkRoot } from './trees.ts';

export function judgeLogEvent(judged: Case, f: LogEventFields): void {
  if (f.heartbeat !== undefined) judgeHeartbeat(judged, f.heartbeat);
  if (f.shutdown === undefined) return;
  const { log, index } = judged;
  if (log.finalSize !== null) {
    throw new Refused('A09', 'shutdown', 'said again', `nothing: the log ends with ${log.finalSize} entries`);
  }
  if (f.shutdown.finalSize <= index) {
    throw new Refused(
      'A09',
      'shutdown.finalSize',
      String(f.shutdown.finalSize),
      `${index + 1} or more, with this entry`,
    );
  }
  judged.write(LOG_KEY, logValue.format({ ...log, finalSize: f.shutdown.finalSize }));
}

/** A08: each head was the last link of its chain in the tree of that size. */
function judgeHeartbeat(judged: Case, { size, rootHash, heads }: NonNullable<LogEventFields['heartbeat']>): void {
  checkRoot(judged, 'A08', 'heartbeat', { size, rootHash });
  for (const [i, head] of heads.entries()) {
    const field = `heartbeat.heads[${i}]`;
    const [link, next] = [linkKey, nextLinkKey].map((keyOf) => {
      const key = keyOf(head.namespace, head.sequence);
      const value = key === undefined ? undefined : judged.facts.get(key);
      return value && linkValue.parse(value);
    });
    const found = `${head.sequence}, ${toHex(head.leafHash)} of ${head.namespace}`;
    if (link === undefined || link.index >= size || !equalBytes(link.leafHash, head.leafHash)) {
      throw new Refused('A08', field, found, `a link of that chain before size ${size}`);
    }
    if (next !== undefined && next.index < size) {
      throw new Refused('A08', field, found, `${head.sequence + 1} or later: entry ${next.index} follows it`);
    }
  }
}
