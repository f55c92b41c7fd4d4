// A clock that moves when everything that could happen at its time has happened. Whoever sleeps is woken in order, so
// that a simulation with one seed runs the same way every time.

interface Sleeper {
  readonly atMillis: number;
  readonly order: number;
  readonly wake: () => void;
}

/** The clock. */
export class VirtualTime {
  nowMillis: number;
  #sleepers: Sleeper[] = [];
  #order = 0;

  constructor(startSeconds: number) {
    this.nowMillis = 1000 * startSeconds;
  }

  nowSeconds(): number {
    return Math.floor(this.nowMillis / 1000);
  }

  /** Resolves so many milliseconds from now. */
  sleep(millis: number): Promise<void> {
    return new Promise((resolve) => {
      this.#sleepers.push({ atMillis: this.nowMillis + millis, order: this.#order++, wake: resolve });
    });
  }

  /** Lets time pass up to that moment, or until `isOver` says so. */
  async runTo(seconds: number, isOver: () => boolean = () => false): Promise<void> {
    for (;;) {
      // A turn of the event loop ends when no promise has anything left to do.
      await new Promise((resolve) => setImmediate(resolve));
      if (isOver()) return;
      let next: Sleeper | undefined;
      for (const sleeper of this.#sleepers) {
        if (next === undefined || sleeper.atMillis < next.atMillis) next = sleeper;
        else if (sleeper.atMillis === next.atMillis && sleeper.order < next.order) next = sleeper;
      }
      if (next === undefined || next.atMillis > 1000 * seconds) break;
      this.#sleepers = this.#sleepers.filter((sleeper) => sleeper !== next);
      this.nowMillis = next.atMillis;
      next.wake();
    }
    this.nowMillis = 1000 * seconds;
  }
}
