// A long catch-up in the operator's log: a line every few seconds, with the rate and the time left.

import type { Logger } from '../logger.ts';

/** A log file of an hour of catching up stays readable. */
const EVERY_MILLIS = 5_000;

interface Mark {
  readonly atMillis: number;
  readonly done: number;
}

/** Takes what NodeMonitor reports of its progress: of the log, [0, done) entries are checked, of total. */
export function progressLog(
  logger: Pick<Logger, 'info'>,
  nowMillis: () => number = () => performance.now(),
): (origin: string, done: number, total: number) => void {
  const marks = new Map<string, Mark>();
  return (origin, done, total) => {
    const now = nowMillis();
    const mark = marks.get(origin);
    if (mark !== undefined && done < total && now - mark.atMillis < EVERY_MILLIS) return;
    if (done >= total) marks.delete(origin);
    else marks.set(origin, { atMillis: now, done });
    if (mark === undefined) return;
    const perSecond = ((done - mark.done) / (now - mark.atMillis)) * 1000;
    const secondsLeft = perSecond > 0 ? Math.round((total - done) / perSecond) : undefined;
    logger.info(
      { origin, done, total, backlog: total - done, perSecond: Math.round(perSecond), secondsLeft },
      'catching up',
    );
  };
}
