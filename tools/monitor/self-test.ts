// limmat monitor self-test: the monitor against a log that tells every lie there is.

import type { Command } from 'commander';

import { TROUBLES } from '../../src/monitor/checks.ts';
import { LIE_NAMES, lieMode } from '../misbehave/modes.ts';
import { jsonOption } from '../support/config.ts';
import { EXIT } from '../support/exit.ts';
import { createOutput, style } from '../support/output.ts';
import { formatSeconds } from '../support/progress.ts';
import { runTrial } from './self-test/run-trial.ts';
import type { TrialResult } from './self-test/run-trial.ts';
import { TRIALS } from './self-test/trials.ts';

export function register(monitor: Command): void {
  monitor
    .command('self-test')
    .summary('run the monitor against a log that lies')
    .description(
      'Starts a log that tells every lie that "limmat misbehave" knows, one after another, watches it, and says what was ' +
        'caught, how fast, and in which class. Needs no network and leaves nothing behind. Exit code 4: something was missed, ' +
        'or an alert was false.',
    )
    .addOption(jsonOption())
    .action(selfTest);
}

async function selfTest(options: { readonly json?: boolean }): Promise<void> {
  const output = createOutput(options);
  const results: TrialResult[] = [];
  const closing: Promise<void>[] = [];
  output.line(style('dim', row(' ', 'the log', 'how', 'caught by, as', 'class', 'rounds', 'after')));
  for (const trial of TRIALS) {
    const result = await runTrial(trial, (closed) => closing.push(closed));
    results.push(result);
    for (const line of resultLines(result)) output.line(line);
  }
  await Promise.all(closing);
  const failed = results.filter(({ passed }) => !passed).length;
  output.value({ passed: failed === 0, trials: results.map(resultJson) });
  output.line();
  output.line(
    failed === 0
      ? `${style('green', '✔ all caught')}: ${LIE_NAMES.length} lies, each in its class; the honest log raised nothing`
      : `${style('red', '✘ failed')}: ${failed} of ${results.length} trials`,
  );
  if (failed > 0) process.exitCode = EXIT.finding;
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
