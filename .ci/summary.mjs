// Adds up the reports of .ci/run's steps: which lanes ran, which did not and why, and one closing line with the counts.
// Ends with 1 when anything failed, or when nothing ran.

import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const directory = process.argv[2];

/** The counts of one step's report, whichever runner wrote it. */
function read(path) {
  if (!existsSync(path)) return undefined;
  const report = JSON.parse(readFileSync(path, 'utf8'));
  if (report.lane !== undefined) return report;
  const passed = report.numPassedTests;
  const skipped = report.numPendingTests + report.numTodoTests;
  // A file that does not even load has no test to count, and is a failure all the same.
  const broken = report.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.length === 0,
  ).length;
  return { passed, failed: report.numFailedTests + broken, skipped };
}

let passed = 0;
let failed = 0;
const steps = readdirSync(directory)
  .filter((file) => file.endsWith('.status'))
  .map((file) => file.slice(0, -'.status'.length));
for (const step of ['install', 'test', 'long', 'crash', 'interop', 'pack']) {
  if (!steps.includes(step)) {
    console.log(`${step}: not run: an earlier step failed`);
    continue;
  }
  const status = Number(readFileSync(join(directory, `${step}.status`), 'utf8'));
  const report = read(join(directory, `${step}.json`));
  let stepFailed = report?.failed ?? 0;
  // A command that fails without a failed test (types, lint, format, a crash) counts as one failure.
  if (status !== 0 && stepFailed === 0) stepFailed = 1;
  passed += report?.passed ?? 0;
  failed += stepFailed;
  if (report?.notRun !== undefined && status === 0) console.log(`${step}: not run: ${report.notRun}`);
  else if (report === undefined) console.log(`${step}: ${status === 0 ? 'done' : `ended with ${status}`}`);
  else
    console.log(
      `${step}: ran, ${report.passed} passed, ${stepFailed} failed${report.skipped ? `, ${report.skipped} skipped` : ''}`,
    );
}
if (passed === 0 && failed === 0) failed = 1;
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
