// A directory of its own for a test of the command line, and the command run in it.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import * as v from 'valibot';
import { afterAll } from 'vitest';

import { runLimmat } from '../../tools/support/serve-process.ts';
import { limmat } from '../support/run-limmat.ts';

const LAUNCHER = fileURLToPath(new URL('../../tools/limmat.mjs', import.meta.url));

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

/**
 * As limmatIn, in this process, where the process is not what is tested: a tenth of the time. One at a time, and only
 * commands that end by themselves.
 */
export function limmatHere(dir: string): (...args: readonly string[]) => ReturnType<typeof runLimmat> {
  return async (...args) => {
    const before = process.cwd();
    process.chdir(dir);
    try {
      return await limmat(...args);
    } finally {
      process.chdir(before);
    }
  };
}

/** A `limmat serve`, or another service, that a test started. */
export interface Served {
  readonly url: string;
  stdout(): string;
  stderr(): string;
  /** SIGTERM; resolves to the exit code. */
  stop(): Promise<number | null>;
}

/** Runs `limmat serve …args` there, and resolves once it has said where it is. */
export function serveIn(dir: string): (...args: readonly string[]) => Promise<Served> {
  return (...args) => serviceIn(dir, 'serve', args);
}

/** Runs `limmat monitor …args` there, and resolves once it has said where it is. */
export function watchIn(dir: string): (...args: readonly string[]) => Promise<Served> {
  return (...args) => serviceIn(dir, 'monitor', args);
}

/** Runs `limmat witness …args` there, and resolves once it has said where it is. */
export function witnessIn(dir: string): (...args: readonly string[]) => Promise<Served> {
  return (...args) => serviceIn(dir, 'witness', args);
}

async function serviceIn(dir: string, command: string, args: readonly string[]): Promise<Served> {
  const child = spawn(process.execPath, [LAUNCHER, command, ...args], {
    cwd: dir,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
  // The last line of people's, or the first of a program's.
  while (!/^ {2}data +|^\{"event":"start"/m.test(stdout)) {
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${stderr}`);
    await sleep(20);
  }
  return {
    url: /(?:^ {2}(?:page|url) +|"url":")(http:\/\/[0-9.:]+)/m.exec(stdout)![1]!,
    stdout: () => stdout,
    stderr: () => stderr,
    stop: () => {
      child.kill('SIGTERM');
      return exited;
    },
  };
}

/** The JSON in a command's answer, checked. */
export function answered<T extends v.GenericSchema>(
  schema: T,
  { stdout }: { readonly stdout: string },
): v.InferOutput<T> {
  return v.parse(schema, JSON.parse(stdout));
}
