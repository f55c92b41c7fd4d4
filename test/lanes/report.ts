// What a lane found, for people on standard output and for .ci/run in the file that LIMMAT_REPORT names.

import { writeFileSync } from 'node:fs';

/** One check of a lane: its name, and what went wrong when it failed. */
export interface LaneCheck {
  readonly name: string;
  readonly problem?: string | undefined;
}

export interface LaneReport {
  readonly lane: string;
  readonly passed: number;
  readonly failed: number;
  /** Why the lane did not run; passed and failed are 0 then. */
  readonly notRun?: string;
}

/** Collects the checks of one lane. */
export class Lane {
  readonly #name: string;
  readonly #checks: LaneCheck[] = [];

  constructor(name: string) {
    this.#name = name;
  }

  /** Runs one check; what it throws is its failure, and the lane goes on. Resolves to whether it passed. */
  async check(name: string, body: () => void | Promise<void>): Promise<boolean> {
    let problem: string | undefined;
    try {
      await body();
    } catch (error) {
      problem = error instanceof Error ? (error.stack ?? error.message) : String(error);
    }
    this.add({ name, problem });
    return problem === undefined;
  }

  /** Takes over a check that someone else ran. */
  add(check: LaneCheck): void {
    this.#checks.push(check);
    const failed = check.problem !== undefined;
    process.stdout.write(`${failed ? 'FAIL' : 'ok  '} ${this.#name}: ${check.name}\n`);
    if (failed) process.stdout.write(`${check.problem?.replace(/^/gm, '     ')}\n`);
  }

  /** Ends the lane: the report is written, and a failure, or a lane without a check, sets the exit code. */
  finish(): void {
    const failed = this.#checks.filter((check) => check.problem !== undefined).length;
    const passed = this.#checks.length - failed;
    writeReport({ lane: this.#name, passed, failed });
    process.stdout.write(`${this.#name}: ${passed} passed, ${failed} failed\n`);
    if (failed > 0 || passed === 0) process.exitCode = 1;
  }
}

/** Says that a lane did not run, and why. */
export function laneNotRun(lane: string, reason: string): void {
  process.stdout.write(`${lane}: not run: ${reason}\n`);
  writeReport({ lane, passed: 0, failed: 0, notRun: reason });
}

function writeReport(report: LaneReport): void {
  const path = process.env['LIMMAT_REPORT'];
  if (path !== undefined) writeFileSync(path, `${JSON.stringify(report)}\n`);
}
