// limmat monitor self-test: the monitor against a log that tells every lie there is.

import type { Command } from 'commander';

import { TROUBLES } from '../../src/monitor/checks.ts';
import { lieMode } from '../misbehave/modes.ts';
import { jsonOption } from '../support/config.ts';
import { EXIT } from '../support/exit.ts';
import { createOutput, style } from '../support/output.ts';
import type { Output } from '../support/output.ts';
import { formatSeconds } from '../support/progress.ts';
import { runTrial } from './self-test/run-trial.ts';
import type { TrialResult } from './self-test/run-trial.ts';
import { TRIALS } from './self-test/trials.ts';
import type { Trial } from './self-test/trials.ts';

const AT_ONCE = 8;

export function register(monitor: Command): void {
  monitor
    .command('self-test')
    .summary('run the monitor against a log that lies')
    .description(
      'Starts a log that tells every lie that "limmat misbehave" knows, several side by side, watches it, and says what was ' +
        'caught, how fast, and in which class. Needs no network and leaves nothing behind. Exit code 4: something was missed, ' +
        'or an alert was false.',
    )
    .addOption(jsonOption())
    .action(async (options: { readonly json?: boolean }) => {
      if (!(await selfTest(createOutput(options), TRIALS))) process.exitCode = EXIT.finding;
    });
}

/** Tries these and says what came of them. True when all passed. */
export async function selfTest(output: Output, trials: readonly Trial[]): Promise<boolean> {
  const results: TrialResult[] = [];
  const closing: Promise<void>[] = [];
  output.line(style('dim', row(' ', 'the log', 'how', 'caught by, as', 'class', 'rounds', 'after')));
  for await (const result of sideBySide(trials, (trial) => runTrial(trial, (closed) => closing.push(closed)))) {
    results.push(result);
    for (const line of resultLines(result)) output.line(line);
  }
  await Promise.all(closing);
  const failed = results.filter(({ passed }) => !passed).length;
  const lies = new Set(trials.map(({ lie }) => lie).filter((lie) => lie !== 'honest')).size;
  output.value({ passed: failed === 0, trials: results.map(resultJson) });
  output.line();
  output.line(
    failed === 0
      ? `${style('green', '✔ all caught')}: ${lies} lies, each in its class; the honest log raised nothing`
      : `${style('red', '✘ failed')}: ${failed} of ${results.length} trials`,
  );
  return failed === 0;
}

/** The results in order. So many are under way at once, from the one that is waited for on: most of the time they wait. */
async function* sideBySide<T, R>(items: readonly T[], work: (item: T) => Promise<R>): AsyncGenerator<R> {
  const begun: Promise<R>[] = [];
  for (const i of items.keys()) {
    for (const item of items.slice(begun.length, i + AT_ONCE)) {
      const result = work(item);
      // Thrown where it is waited for.
      result.catch(() => undefined);
      begun.push(result);
    }
    yield await begun[i]!;
  }
}

/** Columns are as wide as the widest of what may be in them. */
const WIDTHS = [
  1,
  widest(TRIALS.map(({ lie }) => lie)),
  widest(TRIALS.map(({ how }) => how)),
  widest(Object.entries(TROUBLES).map(([trouble, { check }]) => `${check} ${trouble}`)),
  widest(Object.values(TROUBLES).map((trouble) => trouble.class)),
];

function widest(texts: readonly string[]): number {
  return Math.max(...texts.map((text) => text.length));
}

function row(...cells: readonly string[]): string {
  return cells
    .map((cell, i) => (i < WIDTHS.length ? cell.padEnd(WIDTHS[i]!) : cell.padStart(6)))
    .join('  ')
    .trimEnd();
}

/** A line an alert; one for a trial without any. */
function resultLines({ trial, passed, caught, rounds, millis, evidenceHolds }: TrialResult): readonly string[] {
  const colour = passed ? 'green' : 'red';
  const when =
    trial.expected.length === 0 ? [] : [String(rounds ?? '-'), millis === undefined ? '-' : formatMillis(millis)];
  const found =
    caught.length === 0 ? [['nothing', '']] : caught.map((one) => [`${one.check} ${one.trouble}`, one.class]);
  const lines = found.map((cells, i) =>
    i === 0 ? row(passed ? '✔' : '✘', trial.lie, trial.how, ...cells, ...when) : row('', '', '', ...cells),
  );
  if (!passed) {
    lines.push(`  expected: ${trial.expected.join(', ') || 'nothing'}`);
    lines.push(...caught.map(({ summary }) => `  the monitor said: ${summary}`));
    if (evidenceHolds === false) lines.push('  its evidence does not hold');
  }
  return lines.map((line) => (passed ? line.replace('✔', style(colour, '✔')) : style(colour, line)));
}

function formatMillis(millis: number): string {
  return millis < 1000 ? `${Math.round(millis)} ms` : formatSeconds(millis / 1000);
}

function resultJson({ trial, ...result }: TrialResult): Readonly<Record<string, unknown>> {
  const { lie, how, company, expected } = trial;
  const sentence = lie === 'honest' ? 'does not lie' : lieMode(lie).lie;
  return { lie, sentence, how, company, expected, ...result };
}
