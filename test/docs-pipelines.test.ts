// The jobs of docs/pipelines.md call limmat as it can be called; its shell lines are run by readme.test.ts.

import { expect, test } from 'vitest';

import { blocks, tableRows } from './support/markdown.ts';
import { limmat } from './support/run-limmat.ts';

const PAGE = 'docs/pipelines.md';

test('the jobs sign, add, wait and verify with options that there are, and ship the proof file', async () => {
  const jobs = blocks(PAGE, 'yaml');
  expect(jobs).toHaveLength(2);
  for (const job of jobs) {
    const lines = [...job.matchAll(/npx limmat ([a-z]+) (.*)$/gm)];
    expect(lines.map(([, command]) => command)).toEqual(['add', 'verify']);
    for (const [, command, rest] of lines) {
      const { stdout: help } = await limmat(command!, '--help');
      for (const [option] of rest!.matchAll(/--[a-z-]+/g)) expect(help).toMatch(new RegExp(`^ +${option} `, 'm'));
    }
    expect(job.split('app.bin.tlog-proof').length).toBeGreaterThan(2);
  }
});

test('the fields that a provenance gives are the ones that are filled in', () => {
  const names = tableRows(PAGE, 'field of the record').flatMap(([cell]) => cell!.match(/[a-zA-Z.]+/g) ?? []);
  expect(names).toEqual(['builder.id', 'buildType', 'startedAt', 'finishedAt', 'dependencies']);
});
