// A directory of its own for a test of the command line, and the command run in it.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll } from 'vitest';

import { runLimmat } from '../../tools/support/serve-process.ts';

/** A new directory that is gone after the file's tests. */
export function workbench(): string {
  const dir = mkdtempSync(join(tmpdir(), 'limmat-tools-'));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** Runs `limmat …args` there. */
export function limmatIn(dir: string): (...args: readonly string[]) => ReturnType<typeof runLimmat> {
  return (...args) => runLimmat(args, { cwd: dir });
}
