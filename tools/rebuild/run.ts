// Runs the operator's command: its words as they are, no shell, nothing from the network among them. What the record says
// reaches it in environment variables alone.

import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';

import { LimmatError } from '../../src/errors.ts';
import type { LoggedBuild } from './find.ts';

export interface RunOptions {
  readonly command: readonly string[];
  readonly directory: string;
  /** Gets what the command prints. */
  readonly log: string;
  readonly environment: NodeJS.ProcessEnv;
}

/** How a command ended: its exit code, or the signal that ended it. */
export interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
}

/** The environment of the command: this process's, without what the key is read from, and what the record says. */
export function environmentOf(
  build: LoggedBuild,
  paths: { readonly source: string | undefined; readonly output: string },
  options: { readonly key: string; readonly inherited: NodeJS.ProcessEnv },
): NodeJS.ProcessEnv {
  const { key, inherited } = options;
  const keyVariable = /^env:(.+)$/.exec(key)?.[1];
  const kept = Object.entries(inherited).filter(([name]) => name !== keyVariable && !name.startsWith('LIMMAT_'));
  const { product, version, channel, platform } = build.fields;
  return {
    ...Object.fromEntries(kept),
    LIMMAT_BUILD: build.id,
    LIMMAT_INDEX: String(build.entry.index),
    LIMMAT_NAMESPACE: build.namespace,
    LIMMAT_PRODUCT: product,
    LIMMAT_VERSION: version,
    LIMMAT_CHANNEL: channel,
    LIMMAT_PLATFORM: platform,
    LIMMAT_OUTPUT: paths.output,
    ...(paths.source !== undefined && { LIMMAT_SOURCE: paths.source }),
  };
}

/** Runs the command to its end. `usage` when it cannot be started: that is nobody's build that failed. */
export function runCommand({ command, directory, log, environment }: RunOptions): Promise<Ended> {
  const [program = '', ...args] = command;
  const file = openSync(log, 'w');
  return new Promise<Ended>((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: directory,
      env: environment,
      stdio: ['ignore', file, file],
      shell: false,
    });
    child.on('error', (cause) => {
      reject(new LimmatError('usage', `cannot start ${program}: ${cause.message}`, { cause }));
    });
    child.on('close', (code, signal) => resolve({ code, signal }));
  }).finally(() => closeSync(file));
}
