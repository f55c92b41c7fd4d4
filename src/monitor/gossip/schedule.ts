// When peers are called: each on its own, at times that nobody can foresee, so that a network that looks the other way at
// the right moment does not know the moment.

import type { GossipNode } from './node.ts';

export interface GossipLoopOptions {
  /** The mean time between two calls of one peer. */
  readonly intervalSeconds: number;
  /** Resolves after so long, or at once when the signal aborts. */
  readonly sleep: (millis: number, signal: AbortSignal) => Promise<void>;
  /** Numbers in [0, 1). */
  readonly random: () => number;
  readonly signal: AbortSignal;
}

/** Calls every peer that has a URL again and again, until the signal aborts; between half and one and a half intervals apart. */
export async function gossipLoop(node: GossipNode, options: GossipLoopOptions): Promise<void> {
  const { intervalSeconds, sleep, random, signal } = options;
  const callable = [...node.peers.values()].filter(({ url }) => url !== undefined);
  await Promise.all(
    callable.map(async (peer) => {
      // Soon after a start, but not all monitors of a restarted site at once.
      await sleep(1000 * Math.min(intervalSeconds, 10) * random(), signal);
      while (!signal.aborted) {
        await node.call(peer);
        if (signal.aborted) break;
        await sleep(1000 * intervalSeconds * (0.5 + random()), signal);
      }
    }),
  );
}
