// A witness in a process of its own, for measurements and tests: made and started on a free loopback port with the same
// command that an operator uses, and always ended by whoever started it.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

import { NODE_FLAGS } from './node-flags.ts';
import { LAUNCHER } from './serve-process.ts';

export interface WitnessProcessOptions {
  /** Its directory: made with fresh keys where there is none. */
  readonly dir: string;
  /** A list of logs, or a trust file. */
  readonly logList: string;
  readonly init?: boolean;
  readonly name?: string;
  readonly port?: number;
}

export interface WitnessProcess {
  readonly url: string;
  readonly vkeys: readonly string[];
  readonly pid: number;
  /** SIGTERM, then waits until it is gone. */
  stop(): Promise<void>;
  /** SIGKILL, likewise. */
  kill(): Promise<void>;
}

/** More than any load here asks. */
const UNBOUNDED = '1000000';

/** Starts `limmat witness`, and resolves once it has said where it is; throws with what it printed when it does not. */
export async function startWitness(options: WitnessProcessOptions): Promise<WitnessProcess> {
  const { dir, logList, init = true, name, port = 0 } = options;
  const args = ['witness', '--data', dir, '--listen', `127.0.0.1:${port}`, '--log-list', logList, '--json'];
  if (init) args.push('--init');
  if (name !== undefined) args.push('--name', name);
  args.push('--per-source', UNBOUNDED, '--per-log', UNBOUNDED, '--log-level', 'error');
  const child = spawn(process.execPath, [...NODE_FLAGS, LAUNCHER, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const closed = once(child, 'close');
  let printed = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (printed = (printed + text).slice(-8192)));
  for await (const line of createInterface({ input: child.stdout })) {
    const { url, vkeys }: { url: string; vkeys: string[] } = JSON.parse(line);
    const end = async (signal: NodeJS.Signals): Promise<void> => {
      child.kill(signal);
      await closed;
    };
    child.stdout.resume();
    return { url, vkeys, pid: child.pid ?? 0, stop: () => end('SIGTERM'), kill: () => end('SIGKILL') };
  }
  throw new Error(`the witness ended before it said where it is:\n${printed}`);
}
