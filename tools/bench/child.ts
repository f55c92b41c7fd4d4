// Parts of a bench that run in a process of their own: a JSON document in, a JSON document out.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

import { NODE_FLAGS } from '../support/node-flags.ts';
import type { LoadJob, LoadResult } from './load-job.ts';

export type ChildName =
  | 'load-main'
  | 'append-main'
  | 'follow-main'
  | 'mirror-main'
  | 'monitor-main'
  | 'bare-main'
  | 'records-main';

/** Beside this file in a checkout; beside the bundle in a package. */
export function scriptOf(name: ChildName): string {
  const source = fileURLToPath(new URL(`./${name}.ts`, import.meta.url));
  return existsSync(source) ? source : fileURLToPath(new URL(`./bench-${name}.js`, import.meta.url));
}

/** Runs the script with this job; its answer. Throws with what it said on standard error when it fails. */
export async function runChild<T>(name: ChildName, job: unknown): Promise<T> {
  const child = spawn(process.execPath, [...NODE_FLAGS, scriptOf(name)], { stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.end(JSON.stringify(job));
  const output = text(child.stdout);
  const errors = text(child.stderr);
  const [code]: (number | null)[] = await once(child, 'close');
  if (code !== 0) throw new Error(`${name} ended with ${code}:\n${await errors}`);
  const answer: T = JSON.parse(await output);
  return answer;
}

/** Runs a load job, and throws when an answer was not 200 or a connection broke: such a run measured something else. */
export async function runLoad(job: LoadJob): Promise<LoadResult> {
  const result = await runChild<LoadResult>('load-main', job);
  const others = Object.keys(result.statuses).filter((status) => status !== '200');
  if (others.length > 0 || result.broken > 0 || result.refusedBatches > 0 || result.requests === 0) {
    const { statuses, broken, refusedBatches, firstProblem } = result;
    throw new Error(
      `the load did not go through: ${JSON.stringify({ statuses, broken, refusedBatches, firstProblem })}`,
    );
  }
  return result;
}
