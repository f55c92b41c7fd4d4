// What a check of a log found: each finding with the code that says what kind of trouble it is, and what follows from all
// of them for the exit code.

import { EXIT, exitCodeFor, type ExitCode } from '../support/exit.ts';
import { LimmatError, type ErrorCode } from '../../src/errors.ts';

export interface Finding {
  readonly code: ErrorCode;
  readonly message: string;
}

/** Findings that are kept in words; the others are counted. */
const MAX_KEPT = 50;

export class Findings {
  readonly #kept: Finding[] = [];
  #count = 0;
  #exitCode: ExitCode = EXIT.clean;

  /** Takes note of a finding; the check goes on. */
  add(code: ErrorCode, message: string): void {
    this.#count += 1;
    if (this.#kept.length < MAX_KEPT) this.#kept.push({ code, message });
    const exitCode = exitCodeFor(new LimmatError(code, message));
    this.#exitCode = exitCode === EXIT.proof ? exitCode : this.#exitCode === EXIT.proof ? EXIT.proof : EXIT.finding;
  }

  get count(): number {
    return this.#count;
  }

  get kept(): readonly Finding[] {
    return this.#kept;
  }

  /** 0 without a finding, else the gravest: 4, or 6 where the log's own signatures contradict each other. */
  get exitCode(): ExitCode {
    return this.#exitCode;
  }
}
