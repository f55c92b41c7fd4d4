import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { temporaryDirectory } from '../support/data-log.ts';

const SUMMARY = join(import.meta.dirname, '../../.ci/summary.mjs');
const CLEAN = { numPassedTests: 12, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0, testResults: [] };

/** Runs the summary over these steps: exit status and report of each. */
function summary(steps: Readonly<Record<string, readonly [status: number, report?: unknown]>>): {
  code: number;
  lines: string[];
} {
  const directory = temporaryDirectory();
  for (const [name, [status, report]] of Object.entries(steps)) {
    writeFileSync(join(directory, `${name}.status`), String(status));
    if (report !== undefined) writeFileSync(join(directory, `${name}.json`), JSON.stringify(report));
  }
  try {
    return {
      code: 0,
      lines: execFileSync(process.execPath, [SUMMARY, directory], { encoding: 'utf8' }).trim().split('\n'),
    };
  } catch (error) {
    if (!(error instanceof Error) || !('status' in error) || !('stdout' in error)) throw error;
    return { code: Number(error.status), lines: String(error.stdout).trim().split('\n') };
  }
}

test('counts what the runners reported, and says which lanes did not run and why', () => {
  const { code, lines } = summary({
    install: [0],
    test: [0, CLEAN],
    crash: [0, { lane: 'crash', passed: 8, failed: 0 }],
    interop: [0, { lane: 'interop', passed: 0, failed: 0, notRun: 'Go is not installed' }],
    pack: [0, { lane: 'pack', passed: 7, failed: 0 }],
  });
  expect(code).toBe(0);
  expect(lines).toContain('interop: not run: Go is not installed');
  expect(lines.at(-1)).toBe('27 passed, 0 failed');
});

test('a failed test, a file that does not load, and a command that fails without a test are failures', () => {
  const failed = { ...CLEAN, numFailedTests: 2, testResults: [{ status: 'failed', assertionResults: [] }] };
  expect(summary({ install: [0], test: [1, failed] })).toMatchObject({ code: 1 });
  expect(summary({ install: [0], test: [1, failed] }).lines.at(-1)).toBe('12 passed, 3 failed');
  expect(summary({ install: [0], test: [1], crash: [0, { lane: 'crash', passed: 8, failed: 0 }] }).lines.at(-1)).toBe(
    '8 passed, 1 failed',
  );
  expect(summary({ install: [1] }).lines.at(-1)).toBe('0 passed, 1 failed');
});

test('a run in which nothing ran has failed', () => {
  expect(summary({})).toMatchObject({ code: 1 });
});
