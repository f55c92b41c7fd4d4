// A monitor for the self-test: the real one, its store in memory, and no patience.

import { memoryMonitorStore } from '../../../src/adapters/memory/monitor-store.ts';
import { nodeCrypto, nodeHasher } from '../../../src/adapters/node-crypto.ts';
import { httpReader } from '../../../src/client/http-reader.ts';
import type { Alert } from '../../../src/monitor/alerts.ts';
import { parseEvidence } from '../../../src/monitor/evidence/file.ts';
import { verifyEvidence } from '../../../src/monitor/evidence/verify.ts';
import type { GossipNode } from '../../../src/monitor/gossip/node.ts';
import type { GossipLog } from '../../../src/monitor/gossip/protocol.ts';
import type { Clock } from '../../../src/log/index.ts';
import { logIdentity, parseLogList } from '../../../src/monitor/log-list.ts';
import type { EvidenceStore } from '../../../src/monitor/ports.ts';
import { Monitor } from '../../../src/monitor/round.ts';
import { pastCaches } from '../../../src/monitor/source.ts';
import { quorumOf } from '../../../src/monitor/witnesses/quorum.ts';
import type { LyingLog } from '../../misbehave/lying-log.ts';

/** A busy machine is not a log that does not answer. */
const TIMEOUT_MILLIS = 10_000;
/** Long for loopback, and short for whoever waits for a log that never answers. */
const SLOW_TIMEOUT_MILLIS = 500;

export interface Watcher {
  readonly monitor: Monitor;
  readonly evidence: EvidenceStore;
  /** The log as gossip needs it. */
  readonly gossipLogs: () => ReadonlyMap<string, GossipLog>;
  /** What somebody was told of, in order. */
  readonly alerts: readonly Alert[];
  /** Evidence that is found from now on is brought to this node's peers. */
  joins(node: GossipNode): void;
  close(): Promise<void>;
}

/** A new monitor that watches the log at this address; the log's trust file is all that it knows of it. */
export async function startWatcher(log: LyingLog, url: string, clock: Clock): Promise<Watcher> {
  const [listed] = parseLogList(log.trustFile);
  const identity = logIdentity(listed!, nodeCrypto);
  const clients = listed!.policy && quorumOf(listed!.policy);
  const timeoutMillis = log.mode === 'slow' ? SLOW_TIMEOUT_MILLIS : TIMEOUT_MILLIS;
  const store = memoryMonitorStore({ hasher: nodeHasher });
  const alerts: Alert[] = [];
  let node: GossipNode | undefined;
  const monitor = await Monitor.open(
    {
      store,
      logs: [
        {
          ...identity,
          ...(clients !== undefined && { quorums: { clients } }),
          reader: httpReader({ url, timeoutMillis }),
          fresh: httpReader({ url, timeoutMillis, fetch: pastCaches(fetch) }),
        },
      ],
      notify: async (alert) => void alerts.push(alert),
      nowMillis: () => clock.nowMillis(),
      random: Math.random,
      hasher: nodeHasher,
      onEvidence: ({ id }) => void node?.spread(id),
    },
    true,
  );
  return {
    monitor,
    evidence: store.evidence,
    gossipLogs: () => {
      const watch = monitor.watch(log.origin);
      return new Map(
        watch === undefined ? [] : [[log.origin, { log: identity, book: watch.book, tree: () => watch.tree() }]],
      );
    },
    alerts,
    joins: (joined) => {
      node = joined;
    },
    close: async () => {
      await monitor.close();
      await store.close();
    },
  };
}

/** True when every piece of evidence holds for somebody who has the log's keys and nothing else. */
export async function evidenceHolds({ evidence }: Watcher, log: LyingLog): Promise<boolean> {
  const logs = parseLogList(log.trustFile).map((listed) => logIdentity(listed, nodeCrypto));
  const ids = await evidence.ids();
  for (const id of ids) {
    const verified = await verifyEvidence(parseEvidence((await evidence.get(id))!), logs, nodeHasher);
    if (verified.id !== id) return false;
  }
  return ids.length > 0;
}
