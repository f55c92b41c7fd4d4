// The system's clock, set ahead: hours of a log and its monitor pass between two rounds.

import { systemClock } from '../../../src/log/index.ts';
import type { Clock } from '../../../src/log/index.ts';

export class ShiftedClock implements Clock {
  /** Goes forward only. */
  aheadSeconds = 0;

  nowMillis(): number {
    return systemClock.nowMillis() + 1000 * this.aheadSeconds;
  }

  /** Ahead as well, so that the log sees time pass and no clock jump. */
  monotonicMillis(): number {
    return systemClock.monotonicMillis() + 1000 * this.aheadSeconds;
  }

  nextTurn(): Promise<void> {
    return systemClock.nextTurn();
  }

  after(millis: number, callback: () => void): () => void {
    return systemClock.after(millis, callback);
  }
}
