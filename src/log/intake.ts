// The intake queue: entries that passed validation and wait for the next commit, bounded in number and bytes. An append
// that does not fit is refused whole and at once (back-pressure), so nothing that was taken is ever dropped.

import { LimmatError } from '../errors.ts';
import type { Hash } from '../merkle/hash.ts';
import type { Entry } from './entry.ts';

/** What an append says about one entry. An index here is durable. */
export type AppendResult =
  | { readonly ok: true; readonly index: number; readonly leafHash: Hash; readonly duplicate: boolean }
  | { readonly ok: false; readonly error: LimmatError };

/** Bounds of the queue and of one commit. */
export interface IntakeLimits {
  readonly queueEntries: number;
  readonly queueBytes: number;
  readonly commitEntries: number;
  readonly commitBytes: number;
}

/**
 * The defaults: a commit takes at most 4,096 entries or 16 MiB, about 10 ms of a fast disk, so that the next batch is
 * hashed while it is written; the queue holds a few of them, so that whoever waits in it waits well under a second.
 */
export const DEFAULT_INTAKE_LIMITS: IntakeLimits = Object.freeze({
  queueEntries: 32_768,
  queueBytes: 64 * 1024 * 1024,
  commitEntries: 4096,
  commitBytes: 16 * 1024 * 1024,
});

/** One append call: its results by position, settled when the last one is known. */
export class Ticket {
  readonly results: AppendResult[];
  readonly settled: Promise<readonly AppendResult[]>;
  #open: number;
  #settle!: (results: readonly AppendResult[]) => void;

  constructor(entries: number) {
    this.results = Array.from({ length: entries });
    this.#open = entries;
    this.settled = new Promise((resolve) => {
      this.#settle = resolve;
    });
    if (entries === 0) this.#settle(this.results);
  }

  set(position: number, result: AppendResult): void {
    this.results[position] = result;
    this.#open--;
    if (this.#open === 0) this.#settle(this.results);
  }
}

/** An entry in the queue, and where its result goes. */
export interface Waiting {
  readonly entry: Entry;
  readonly ticket: Ticket;
  readonly position: number;
}

/** Room in the queue that was promised to an append while its entries are being validated. */
export interface Reservation {
  readonly entries: number;
  readonly bytes: number;
}

export class Intake {
  readonly #limits: IntakeLimits;
  #waiting: Waiting[] = [];
  #bytes = 0;
  #reservedEntries = 0;
  #reservedBytes = 0;

  constructor(limits: IntakeLimits) {
    this.#limits = limits;
  }

  /** Entries that wait for a commit. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Entries and bytes that are waiting or promised room. */
  get load(): Reservation {
    return { entries: this.#waiting.length + this.#reservedEntries, bytes: this.#bytes + this.#reservedBytes };
  }

  /** Promises room for so many more, or throws `queue-full`. Give it back with `release`. */
  reserve(entries: number, bytes: number): Reservation {
    const { queueEntries, queueBytes } = this.#limits;
    const load = this.load;
    if (load.entries + entries > queueEntries || load.bytes + bytes > queueBytes) {
      throw new LimmatError(
        'queue-full',
        `${load.entries} entries with ${load.bytes} bytes are waiting; ${entries} more with ${bytes} bytes would be ` +
          `over the limit of ${queueEntries} entries or ${queueBytes} bytes; nothing was taken, send it again later`,
        {
          details: { waitingEntries: load.entries, waitingBytes: load.bytes, queueEntries, queueBytes },
          retryAfterSeconds: 1,
        },
      );
    }
    this.#reservedEntries += entries;
    this.#reservedBytes += bytes;
    return { entries, bytes };
  }

  release({ entries, bytes }: Reservation): void {
    this.#reservedEntries -= entries;
    this.#reservedBytes -= bytes;
  }

  push(waiting: Waiting): void {
    this.#waiting.push(waiting);
    this.#bytes += waiting.entry.bytes.length;
  }

  /** The next commit's entries, oldest first; at least one if any wait. */
  take(): Waiting[] {
    const { commitEntries, commitBytes } = this.#limits;
    let count = 0;
    let bytes = 0;
    for (const { entry } of this.#waiting) {
      if (count > 0 && (count === commitEntries || bytes + entry.bytes.length > commitBytes)) break;
      count++;
      bytes += entry.bytes.length;
    }
    const taken = count === this.#waiting.length ? this.#waiting : this.#waiting.slice(0, count);
    this.#waiting = count === this.#waiting.length ? [] : this.#waiting.slice(count);
    this.#bytes -= bytes;
    return taken;
  }

  /** Answers everything that waits with this error. */
  refuseAll(error: LimmatError): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#bytes = 0;
    for (const { ticket, position } of waiting) ticket.set(position, { ok: false, error });
  }
}
