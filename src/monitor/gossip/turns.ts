// One task after another, with a bound on those that wait: what a sender can make this monitor work on at one time.

import { LimmatError } from '../../errors.ts';

/** A queue of tasks of one sender. */
export class Turns {
  readonly #maxWaiting: number;
  #waiting = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor(maxWaiting: number) {
    this.#maxWaiting = maxWaiting;
  }

  /** Runs the task when those before it are done. `queue-full` when as many wait as may. */
  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#waiting > this.#maxWaiting) {
      throw new LimmatError('queue-full', `${this.#waiting} requests are being worked on; send it again later`, {
        retryAfterSeconds: 1,
      });
    }
    this.#waiting++;
    const turn = this.#last.then(task);
    this.#last = turn.catch(() => undefined);
    try {
      return await turn;
    } finally {
      this.#waiting--;
    }
  }
}
