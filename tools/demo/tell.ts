// How a demo talks: numbered chapters, and lines under them.

import { style } from '../support/output.ts';

/** One demo, from its first chapter to its last line. */
export interface Story {
  /** Starts the next chapter. */
  readonly chapter: (title: string) => void;
  /** The last line: what is over now, the seconds that it took, and what else there is. */
  readonly end: (what: string, more: string) => void;
}

/** Prints a line. */
export function say(text = ''): void {
  process.stdout.write(`${text}\n`);
}

export function startStory(): Story {
  const startMillis = performance.now();
  let chapters = 0;
  return {
    chapter: (title) => say(`\n${style(['bold', 'cyan'], `${++chapters}. ${title}`)}`),
    end: (what, more) =>
      say(`\n${style('bold', what)}, in ${((performance.now() - startMillis) / 1000).toFixed(1)} s. ${more}`),
  };
}
