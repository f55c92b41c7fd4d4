// What happens between peers, in the operator's log. Nothing in it names a client.

import type { GossipEvent } from '../../monitor/gossip/protocol.ts';
import type { Logger } from '../logger.ts';

/** Writes gossip's events: a peer that fails is said once, until it answers again; all that is usual is for debugging. */
export function gossipEvents(logger: Pick<Logger, 'debug' | 'info' | 'warn'>): (event: GossipEvent) => void {
  const failing = new Set<string>();
  return (event) => {
    if (event.kind === 'call-failed') {
      const { peer, error } = event;
      if (failing.has(peer)) return;
      failing.add(peer);
      logger.warn({ peer, code: error.code }, error.message);
      return;
    }
    if (event.kind === 'called' && failing.delete(event.peer)) {
      logger.info({ peer: event.peer }, 'the peer answers again');
      return;
    }
    if (!('error' in event)) {
      logger[event.kind === 'evidence' ? 'warn' : 'debug'](event, event.kind);
      return;
    }
    const { error, ...facts } = event;
    logger.info({ ...facts, code: error.code }, error.message);
  };
}
