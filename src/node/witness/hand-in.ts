// Hands refused heads to monitors (docs/gossip.md): to those that the settings name and to nobody else, whatever a log or
// a note may say. A monitor that cannot be reached is asked again until it has taken them.

import type { Fetch } from '../../client/bounded-fetch.ts';
import { handIn } from '../../client/hand-in.ts';
import { asLimmatError, isLimmatError } from '../../errors.ts';
import type { LimmatError } from '../../errors.ts';
import type { Suspicion } from '../../witness/index.ts';
import { suspicionId } from '../../witness/index.ts';

export interface SuspicionPostOptions {
  /** The monitors' prefixes. */
  readonly monitors: readonly string[];
  readonly fetch?: Fetch;
  readonly sleep: (millis: number, signal: AbortSignal) => Promise<void>;
  readonly signal: AbortSignal;
  readonly onDone: (monitor: string, outcome: 'taken' | 'unwanted', suspicion: Suspicion) => void;
  readonly onFailed: (monitor: string, error: LimmatError) => void;
}

const FIRST_RETRY_MILLIS = 1_000;
const LAST_RETRY_MILLIS = 15 * 60_000;
/** Suspicions that wait for one monitor; the store keeps them all, and a restart hands them in again. */
const MAX_WAITING = 2048;

/** The mail to every monitor, each at its own pace; what could not be handed in waits behind the others. */
export class SuspicionPost {
  readonly #options: SuspicionPostOptions;
  readonly #queues: ReadonlyMap<string, Map<string, Suspicion>>;
  readonly #running = new Map<string, Promise<void>>();

  constructor(options: SuspicionPostOptions) {
    this.#options = options;
    this.#queues = new Map(options.monitors.map((monitor) => [monitor, new Map<string, Suspicion>()]));
  }

  /** Hands a suspicion to every monitor, sooner or later. */
  send(suspicion: Suspicion): void {
    for (const [monitor, queue] of this.#queues) {
      if (queue.size >= MAX_WAITING) continue;
      queue.set(`${suspicionId(suspicion)} ${suspicion.origin}`, suspicion);
      if (!this.#running.has(monitor)) this.#running.set(monitor, this.#deliver(monitor, queue));
    }
  }

  /** Resolves when everything is delivered, or after the signal was aborted. */
  async idle(): Promise<void> {
    await Promise.all(this.#running.values());
  }

  async #deliver(monitor: string, queue: Map<string, Suspicion>): Promise<void> {
    const { sleep, signal, onDone, onFailed } = this.#options;
    let pauseMillis = FIRST_RETRY_MILLIS;
    while (!signal.aborted) {
      const [next] = queue;
      if (next === undefined) break;
      const [key, suspicion] = next;
      try {
        // First what this witness vouched for, so that the monitor has both sides when the second one arrives.
        await this.#handIn(monitor, suspicion.against);
        await this.#handIn(monitor, suspicion.note);
        queue.delete(key);
        pauseMillis = FIRST_RETRY_MILLIS;
        onDone(monitor, 'taken', suspicion);
      } catch (thrown) {
        const error = asLimmatError(thrown);
        if (isLimmatError(error, 'not-found')) {
          // It does not watch that log, and asking again changes nothing until it is told to.
          queue.delete(key);
          onDone(monitor, 'unwanted', suspicion);
          continue;
        }
        if (signal.aborted) break;
        // To the end: what this monitor will not take must not keep back what it would.
        queue.delete(key);
        queue.set(key, suspicion);
        onFailed(monitor, error);
        await sleep(pauseMillis, signal);
        pauseMillis = Math.min(2 * pauseMillis, LAST_RETRY_MILLIS);
      }
    }
    this.#running.delete(monitor);
  }

  async #handIn(url: string, note: Uint8Array): Promise<void> {
    const { fetch, signal } = this.#options;
    await handIn(note, { url, signal, ...(fetch !== undefined && { fetch }) });
  }
}
