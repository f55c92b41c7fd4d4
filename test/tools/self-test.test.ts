// Every lie of the misbehaving log against every check of the monitor: what is caught, as what, in which class.

import { stripVTControlCharacters } from 'node:util';

import { afterAll, describe, expect, test } from 'vitest';

import { TROUBLES } from '../../src/monitor/checks.ts';
import { LIE_NAMES } from '../../tools/misbehave/modes.ts';
import { selfTest } from '../../tools/monitor/self-test.ts';
import { runTrial } from '../../tools/monitor/self-test/run-trial.ts';
import { TRIALS } from '../../tools/monitor/self-test/trials.ts';
import type { Trial } from '../../tools/monitor/self-test/trials.ts';
import type { Output } from '../../tools/support/output.ts';

const closing: Promise<void>[] = [];
const ending = (closed: Promise<void>): void => void closing.push(closed);
afterAll(() => Promise.all(closing));

const name = ({ lie, how }: Trial): string => (how === '' ? lie : `${lie}, ${how}`);

/** What each trial has to bring, in words of its own: a change of checks.ts that moves a lie to another class shows here. */
const TABLE: Readonly<Record<string, readonly string[]>> = {
  honest: [],
  'fork, two trees of one size': ['M02 fork-same-size proof'],
  'fork, and grows on': ['M03 fork-prefix proof'],
  rollback: ['M08 rollback proof'],
  'freeze, for an hour or two': ['M06 stale operational'],
  'freeze, for longer': ['M06 freeze suspicion'],
  'freeze, a client has a newer head': ['M06 stale operational', 'M10 hidden-growth suspicion'],
  'bad-signature': ['M01 bad-signature suspicion'],
  'unknown-key': ['M01 unknown-key suspicion'],
  'missing-tile, for minutes': ['M09 missing-tile operational'],
  'missing-tile, for hours': ['M09 missing-tile operational', 'M09 unserved suspicion'],
  'bit-flip': ['M04 entry-mismatch suspicion'],
  truncate: ['M09 bad-answer operational'],
  slow: ['M09 unreachable operational'],
  oversize: ['M09 bad-answer operational'],
  reorder: ['M04 entry-mismatch suspicion'],
  'time-travel': ['M08 backdated proof', 'M08 future proof'],
  'targeted, a client hands in its head': ['M03 fork-prefix proof'],
  'targeted, two monitors gossip': ['M02 fork-same-size proof', 'M03 fork-prefix proof'],
  unauthorised: ['M05 inadmissible suspicion', 'M05 inadmissible-entry proof'],
  'revoked-key': ['M05 inadmissible suspicion', 'M05 inadmissible-entry proof'],
  'broken-stream': ['M05 inadmissible suspicion', 'M05 stream-break proof'],
  'two-faced-witness': ['M02 fork-same-size proof', 'M07 witness-conflict proof'],
  uncosigned: ['M07 quorum-missing suspicion'],
};

test('every lie is tried, and the table has a row for every trial', () => {
  expect(TRIALS.map(name)).toEqual(Object.keys(TABLE));
  expect(new Set(TRIALS.map(({ lie }) => lie))).toEqual(new Set(['honest', ...LIE_NAMES]));
});

describe.concurrent('the monitor', () => {
  test.each(TRIALS.map((trial) => [name(trial), trial] as const))('%s', async (row, trial) => {
    const { caught, passed, rounds, evidenceHolds } = await runTrial(trial, ending);
    expect(caught.map((one) => `${one.check} ${one.trouble} ${one.class}`).toSorted()).toEqual(TABLE[row]);
    expect(passed).toBe(true);
    if (TABLE[row]!.some((line) => line.endsWith('proof'))) {
      // What is proven is proven in the first round after it can be seen, to anyone who has the log's keys.
      expect([rounds, evidenceHolds]).toEqual([1, true]);
    } else {
      expect(evidenceHolds).toBeUndefined();
    }
  });
});

test('limmat monitor self-test says what was caught, how fast, in which class', async () => {
  const few = TRIALS.filter(({ lie }) => ['honest', 'rollback', 'slow', 'time-travel'].includes(lie));
  const lines: string[] = [];
  const values: unknown[] = [];
  const output: Output = {
    json: false,
    line: (text = '') => void lines.push(text),
    value: (value) => void values.push(value),
    result: () => expect.unreachable(),
    note: () => expect.unreachable(),
  };
  expect(await selfTest(output, few)).toBe(true);
  const text = stripVTControlCharacters(lines.join('\n'));
  expect(text).toMatch(/^✔ {2}honest +nothing$/m);
  expect(text).toMatch(/^✔ {2}rollback +M08 rollback +proof +1 +\d+ ms$/m);
  expect(text).toMatch(/^ {3,}M08 future +proof$/m);
  expect(text).toContain('✔ all caught: 3 lies, each in its class');
  // In the order of the table, though the slow one ends last.
  const told = [...text.matchAll(/^✔ {2}([a-z-]+)/gm)].map(([, lie]) => lie);
  expect(told).toEqual(['honest', 'rollback', 'slow', 'time-travel']);
  expect(values).toMatchObject([{ passed: true, trials: few.map(({ lie }) => ({ lie, passed: true })) }]);
});

describe('the self-test can fail', () => {
  const honest = TRIALS.find(({ lie }) => lie === 'honest')!;
  const fork = TRIALS.find(({ lie }) => lie === 'fork')!;

  test('when a lie is missed', async () => {
    const result = await runTrial({ ...honest, expected: ['fork-same-size'] }, ending);
    expect(result).toMatchObject({ passed: false, caught: [], rounds: undefined });
  });

  test('when there is an alert that should not be', async () => {
    const result = await runTrial({ ...fork, expected: [] }, ending);
    expect(result.passed).toBe(false);
    expect(result.caught.map(({ trouble }) => trouble)).toEqual(['fork-same-size']);
  });

  test('and says so', async () => {
    const lines: string[] = [];
    const output: Output = {
      json: false,
      line: (text = '') => void lines.push(text),
      value: () => undefined,
      result: () => expect.unreachable(),
      note: () => expect.unreachable(),
    };
    expect(await selfTest(output, [{ ...honest, expected: ['fork-same-size'] }])).toBe(false);
    expect(stripVTControlCharacters(lines.join('\n'))).toMatch(/✘ failed: 1 of 1 trials$/);
  });

  test('when the alert is another one', async () => {
    expect((await runTrial({ ...fork, expected: ['rollback'] }, ending)).passed).toBe(false);
  });
});

test('what no lie here brings about is known by name, and tested elsewhere', () => {
  const tried = new Set(TRIALS.flatMap(({ expected }) => expected));
  const untried = Object.keys(TROUBLES).filter((trouble) => ![...tried].some((one) => one === trouble));
  expect(untried).toEqual([
    // Need two proof files, or a channel head (test/monitor/evidence).
    'proof-contradicted',
    'false-channel-head',
    // Accuse who signed records, not the log (test/monitor/evidence/records.test.ts).
    'record-conflict',
    'location-breach',
    'verdict-conflict',
    // Need more of witnesses (test/monitor/witnesses.test.ts).
    'strict-quorum-missing',
    'witness-lost',
    'witness-spread',
    'witness-unreachable',
    // Needs evidence from elsewhere (test/monitor/records.test.ts).
    'unexplained',
    // Need a log of another making, or its keys (test/monitor).
    'signature-missing',
    'wrong-origin',
    'impossible-head',
    'checkpoint-flood',
    'unprovable',
    'tile-mismatch',
    'not-a-statement',
    // Need a log of records, and are found by judging them (test/monitor/records.test.ts).
    'unjudged',
    'invalid-entry',
    'repeated-entry',
    'rule-critical',
    'rule-error',
    'rule-warning',
    'rule-note',
    // Need a log of another making, or a monitor whose own world fails (test/monitor).
    'withheld',
    'ahead',
    // The monitor's own surroundings and settings.
    'own-trouble',
    'peers-silent',
    'log-added',
    'log-removed',
    'log-changed',
  ]);
});
