// What is said, and kept, when a log could not be read, or gave something that is not what it committed to.

import type { LimmatError } from '../errors.ts';
import { TROUBLES, plainFinding } from './checks.ts';
import type { PlainTrouble } from './checks.ts';
import type { MonitorLimits } from './limits.ts';
import type { MonitorLogStore } from './ports.ts';
import type { LogSource } from './source.ts';
import type { Troubles } from './troubles.ts';

/** The longest that a log is left alone because it asked for it. */
const MAX_RETRY_AFTER_SECONDS = 3600;

export interface ReadTroublesOptions {
  readonly origin: string;
  readonly source: LogSource;
  readonly store: MonitorLogStore;
  readonly troubles: Troubles;
  readonly limits: MonitorLimits;
}

export class ReadTroubles {
  readonly #options: ReadTroublesOptions;
  #notBeforeSeconds = 0;

  constructor(options: ReadTroublesOptions) {
    this.#options = options;
  }

  /** The log asked not to be read before this time. */
  get notBeforeSeconds(): number {
    return this.#notBeforeSeconds;
  }

  /**
   * Tells of a failure to read. What is wrong by itself is told of at once, with the bytes; what may pass is told of when
   * it goes on; and a log that answers, but for long not with what its head promises, is suspected of more.
   */
  async tell(trouble: PlainTrouble, error: LimmatError, nowSeconds: number, bytes?: Uint8Array): Promise<void> {
    const { origin, troubles, limits, source } = this.#options;
    if (error.retryAfterSeconds !== undefined) {
      this.#notBeforeSeconds = nowSeconds + Math.min(error.retryAfterSeconds, MAX_RETRY_AFTER_SECONDS);
    }
    if (TROUBLES[trouble].ends === 'by hand') {
      await troubles.tell(plainFinding(trouble, origin, error.message, error.details));
      if (bytes !== undefined) await this.keep('checkpoint', bytes);
      if (trouble === 'tile-mismatch') for (const [path, tile] of source.recent) await this.keep(path, tile);
      return;
    }
    await troubles.hold(trouble, error.message, error.details, nowSeconds);
    if (trouble === 'unreachable' || trouble === 'own-trouble') return;
    const seconds = nowSeconds - (troubles.since(trouble) ?? nowSeconds);
    if (seconds < limits.unservedSeconds) return;
    const summary = `for ${seconds} s, more than ${limits.unservedSeconds} s, ${origin} has not served what it promises: ${error.message}`;
    await troubles.hold('unserved', summary, { seconds }, nowSeconds);
  }

  /** Keeps bytes that somebody should look at. */
  keep(name: string, bytes: Uint8Array): Promise<void> {
    return this.#options.store.keepSuspect(name, bytes);
  }
}
