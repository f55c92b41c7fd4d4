// Pieces that opening a monitor is made of: how logs are read, how gossip sees them, what a lock means.

import { httpReader } from '../../client/http-reader.ts';
import { LimmatError, isLimmatError } from '../../errors.ts';
import type { GossipLog } from '../../monitor/gossip/protocol.ts';
import type { Monitor } from '../../monitor/round.ts';
import { pastCaches } from '../../monitor/source.ts';
import type { WatchedLog } from '../../monitor/watched-log.ts';
import { witnessReader } from '../../monitor/witnesses/http-reader.ts';
import { readAdminAddress } from '../admin-file.ts';
import { nodeGet } from '../http-get.ts';
import type { LocatedLog } from './lists.ts';

/**
 * Makes the logs of a list ready to be watched. A log of which nothing changed is the same object as before, so that a
 * monitor goes on with it undisturbed. Every request ends when the signal aborts.
 */
export function logWatcher(signal: AbortSignal): (logs: readonly LocatedLog[]) => readonly WatchedLog[] {
  const get = nodeGet();
  const fetchFresh = pastCaches((url, init) => fetch(url, init));
  let known = new Map<string, WatchedLog>();
  return (logs) => {
    const now = new Map<string, WatchedLog>();
    for (const log of logs) {
      const { origin, url, verifiers, witnesses, channelVerifiers = [], retired = [], iatWindowSeconds, quorums } = log;
      const vkeys = [verifiers, channelVerifiers, retired, witnesses].map((keys) => keys.map(({ vkey }) => vkey));
      const asked = [quorums?.clients, quorums?.monitor].map((quorum) => quorum && [quorum.name, quorum.members]);
      const name = JSON.stringify([origin, url, vkeys, iatWindowSeconds, asked, log.witnessUrls]);
      const watched = known.get(name) ?? {
        ...log,
        witnessReaders: log.witnessUrls.map((witness) => witnessReader({ ...witness, signal })),
        reader: httpReader({ url, get, signal }),
        fresh: httpReader({ url, fetch: fetchFresh, signal }),
      };
      now.set(name, watched);
    }
    known = now;
    return [...now.values()];
  };
}

/** The logs that a monitor watches, as its gossip needs them. */
export function gossipLogs(monitor: Monitor): ReadonlyMap<string, GossipLog> {
  const logs = new Map<string, GossipLog>();
  for (const log of monitor.logs) {
    const watch = monitor.watch(log.origin);
    // Without one the state of the log could not be read, which is a finding of its own.
    if (watch === undefined) continue;
    logs.set(log.origin, { log, book: watch.book, tree: () => watch.tree() });
  }
  return logs;
}

/** Says of a `store-locked` error where the monitor answers that has the directory; any other error as it is. */
export function explainMonitorLock(error: unknown, dir: string): unknown {
  if (!isLimmatError(error, 'store-locked')) return error;
  const url = readAdminAddress(dir)?.url;
  return new LimmatError(
    'store-locked',
    `another process runs the monitor in ${dir}${url === undefined ? '' : `, at ${url}`}: stop it first`,
    { details: { location: dir, url: url ?? '' }, cause: error },
  );
}
