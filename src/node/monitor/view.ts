// What pages, JSON and reports show of a running monitor, put together from its parts.

import { originHash } from '../../adapters/monitor-store.ts';
import type { LogView, MonitorView, PeerView } from '../../adapters/http/index.ts';
import type { Peer } from '../../monitor/gossip/peer.ts';
import type { MonitorIdentity } from '../../monitor/monitor-key.ts';
import type { Monitor } from '../../monitor/round.ts';
import type { LogStatus } from '../../monitor/status.ts';
import type { LogReaders } from '../../monitor/source.ts';
import type { WatchedLog } from '../../monitor/watched-log.ts';

export interface ViewedParts {
  readonly monitor: Monitor;
  readonly identity: MonitorIdentity;
  readonly peers: Iterable<Peer>;
  /** When the last round ended. */
  readonly roundAtSeconds: number | undefined;
}

export function viewOf({ monitor, identity, peers, roundAtSeconds }: ViewedParts): MonitorView {
  const { logs, alerts } = monitor.status();
  return {
    name: identity.name,
    vkey: identity.vkey,
    sinceSeconds: monitor.sinceSeconds,
    ...(roundAtSeconds !== undefined && { roundAtSeconds }),
    logs: monitor.logs.flatMap((log) => {
      const status = logs.find(({ origin }) => origin === log.origin);
      return status === undefined ? [] : [logView(log, status)];
    }),
    peers: [...peers].map(peerView),
    alerts: alerts.filter(({ state }) => state !== 'closed'),
  };
}

/** A log as pages show it, with all that evidence against it is checked with. */
export function logView(
  { verifiers, retired, iatWindowSeconds, channelVerifiers, witnesses }: Omit<WatchedLog, keyof LogReaders>,
  status: LogStatus,
): LogView {
  return {
    ...status,
    originHash: originHash(status.origin),
    verifiers,
    ...(retired !== undefined && { retired }),
    ...(iatWindowSeconds !== undefined && { iatWindowSeconds }),
    ...(channelVerifiers !== undefined && { channelVerifiers }),
    ...(witnesses !== undefined && { witnesses }),
  };
}

/** Why a call failed is the operator's to read, as it may name addresses: the page says what kind of trouble it was. */
function peerView({ id, url, operator, lastContactSeconds, lastError }: Peer): PeerView {
  return {
    id,
    ...(operator !== undefined && { operator }),
    called: url !== undefined,
    ...(lastContactSeconds !== undefined && { heardAtSeconds: lastContactSeconds }),
    ...(lastError !== undefined && { trouble: lastError.code }),
  };
}
