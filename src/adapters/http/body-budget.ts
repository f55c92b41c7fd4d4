// The bytes of request bodies that a server holds at one time, however many connections send them: from before the first
// byte is read until the log has said what becomes of it. Shared by the app and the raw Node listener of a log.

import { LimmatError } from '../../errors.ts';
import type { BodyLimit } from './body.ts';
import { declaredLength, readBody } from './body.ts';
import { MAX_BATCH_BYTES } from './limits.ts';
import type { ServedLog } from './served-log.ts';

/** Room for request bodies; what does not fit is refused at once and unread. */
export class BodyBudget {
  readonly maxBytes: number;
  #heldBytes = 0;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  /** As much as the log's queue takes, as that is where bodies go; the largest single body always fits. */
  static for(log: ServedLog): BodyBudget {
    return new BodyBudget(Math.max(log.limits.queueBytes, MAX_BATCH_BYTES));
  }

  /** Bytes that are promised to bodies at the moment. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Promises room for so many bytes, or throws `queue-full`. Give the same number back with `release`. */
  reserve(bytes: number): void {
    const held = this.#heldBytes;
    if (held + bytes > this.maxBytes) {
      throw new LimmatError(
        'queue-full',
        `${held} bytes of other requests are being taken; ${bytes} more would be over the limit of ` +
          `${this.maxBytes} bytes; nothing was taken, send it again later`,
        { details: { heldBytes: held, maxBytes: this.maxBytes }, retryAfterSeconds: 1 },
      );
    }
    this.#heldBytes = held + bytes;
  }

  release(bytes: number): void {
    this.#heldBytes -= bytes;
  }

  /**
   * Reads a body and uses it, holding room for both. A body of no declared length counts as the largest that may come.
   * Errors: those of `readBody`, `queue-full`, and what `use` throws.
   */
  async withBody<T>(request: Request, limit: BodyLimit, use: (body: Uint8Array) => Promise<T>): Promise<T> {
    const bytes = declaredLength(request, limit) ?? limit.bytes;
    this.reserve(bytes);
    try {
      return await use(await readBody(request, limit));
    } finally {
      this.release(bytes);
    }
  }
}
