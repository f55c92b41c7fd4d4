// The end of a log's signing (DESIGN §4): somebody else signs with its keys. Once that is known it stays known: it is written
// beside the guard, since at the next start the witness that showed it may be the one that does not answer.

import { LimmatError } from '../errors.ts';
import type { Guard } from './guard.ts';

export class Stop {
  readonly #guard: Guard;
  #reason: string | undefined;
  #isWritten: boolean;

  private constructor(guard: Guard, reason: string | undefined) {
    this.#guard = guard;
    this.#reason = reason;
    this.#isWritten = reason !== undefined;
  }

  /** As the guard remembers it. */
  static async load(guard: Guard): Promise<Stop> {
    return new Stop(guard, await guard.stopReason());
  }

  /** Why nothing will ever be signed again; undefined when all is well. */
  get reason(): string | undefined {
    return this.#reason;
  }

  /** Throws `signed-elsewhere` once the log is stopped. */
  assertNot(): void {
    if (this.#reason !== undefined) throw new LimmatError('signed-elsewhere', this.#reason);
  }

  /** Stops the log at once, and durably when it resolves; the first reason stays. Rejects with what the guard throws. */
  async set(reason: string): Promise<void> {
    this.#reason ??= reason;
    await this.remember();
  }

  /** Writes a stop that could not be written when it came. */
  async remember(): Promise<void> {
    if (this.#reason === undefined || this.#isWritten) return;
    await this.#guard.stop(this.#reason);
    this.#isWritten = true;
  }
}
