// A pause that ends early when whoever waits is told to stop.

import { setTimeout as sleep } from 'node:timers/promises';

/** Resolves after so long, or when the signal aborts. */
export async function pause(millis: number, signal: AbortSignal | undefined): Promise<void> {
  await sleep(millis, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
}
