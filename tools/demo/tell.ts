// How a demo talks: numbered chapters, and lines under them.

import { setTimeout as sleep } from 'node:timers/promises';

import { LimmatError } from '../../src/errors.ts';
import type { ErrorCode } from '../../src/errors.ts';
import { style } from '../support/output.ts';

/** For a machine that is busy with something else; on an idle one everything takes a second or two. */
const PATIENCE_MILLIS = 30_000;
/** What fits beside other windows. */
const WIDTH = 100;
const MARGIN = '   ';

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

export const good = (text: string): string => style('green', `✔ ${text}`);
export const bad = (text: string): string => style('red', `✘ ${text}`);

/** Prints text of any length in lines that fit; what follows the first is moved in. */
export function tell(text: string, format: (line: string) => string = (line) => line, first = MARGIN): void {
  let line = '';
  let margin = first;
  for (const word of text.split(' ')) {
    const isFull = line !== '' && margin.length + line.length + 1 + word.length > WIDTH;
    if (isFull) {
      say(margin + format(line));
      margin = `${MARGIN}  `;
    }
    line = isFull || line === '' ? word : `${line} ${word}`;
  }
  say(margin + format(line));
}

export const tellGood = (text: string): void => tell(`✔ ${text}`, (line) => style('green', line));
export const tellBad = (text: string): void => tell(`✘ ${text}`, (line) => style('red', line));

/** Under another line, and less than it: in full every hash would take a line of its own. */
export function tellMore(text: string): void {
  const short = text.replaceAll(/\b([0-9a-f]{8})[0-9a-f]{56}\b/g, '$1…');
  tell(short, (line) => style('dim', line), `${MARGIN}  `);
}

/** Tells that an attempt was refused, and why. The demo ends here when it was not, or for another reason than this. */
export async function tellRefusal(
  what: string,
  expected: { readonly code: ErrorCode; readonly says: RegExp },
  attempt: () => Promise<unknown>,
): Promise<void> {
  const { code, says } = expected;
  try {
    await attempt();
  } catch (error) {
    if (!(error instanceof LimmatError) || error.code !== code || !says.test(error.message)) throw error;
    tellBad(`${what}: ${code}`);
    tellMore(error.message);
    return;
  }
  throw new Error(`${what}: that should have been refused as ${code}`);
}

/** Ends the demo unless what it is about to claim is so. */
export function mustBe(isSo: boolean, what: string): void {
  if (!isSo) throw new Error(`this demo cannot go on, because it is not so that ${what}`);
}

/** Waits until it is so, for half a minute. */
export async function until(what: string, isSo: () => boolean): Promise<void> {
  const deadline = performance.now() + PATIENCE_MILLIS;
  while (!isSo()) {
    if (performance.now() > deadline) throw new Error(`${what} did not come within ${PATIENCE_MILLIS / 1000} s`);
    await sleep(20);
  }
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
