// Alerts to a program: started for each one, without a shell, with the JSON on its standard input. Nothing that a log or
// a peer says is ever an argument.

import { spawn } from 'node:child_process';

import { LimmatError } from '../../errors.ts';
import type { Hook } from './hook.ts';

/** A program that sends a message over the network; one that hangs must not hold up watching for longer. */
const DEFAULT_TIMEOUT_MILLIS = 60_000;
/** The end of what the program says on standard error, for the operator. */
const KEPT_CHARACTERS = 500;

export interface ExecHookOptions {
  /** The program and its arguments. A program with a slash in its name is looked for from `cwd` on. */
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly timeoutMillis?: number;
}

/** A program as a hook: it has taken the message when it ends with exit code 0. */
export function execHook({ argv, cwd, timeoutMillis = DEFAULT_TIMEOUT_MILLIS }: ExecHookOptions): Hook {
  const [program = '', ...args] = argv;
  const fail = (why: string, cause?: unknown) =>
    new LimmatError('hook-failed', `the program ${program} ${why}`, cause === undefined ? {} : { cause });
  return {
    name: program,
    deliver: (message, signal) =>
      new Promise((resolve, reject) => {
        const child = spawn(program, args, { cwd, stdio: ['pipe', 'ignore', 'pipe'], killSignal: 'SIGKILL', signal });
        let said = '';
        let isLate = false;
        const deadline = setTimeout(() => {
          isLate = true;
          child.kill('SIGKILL');
        }, timeoutMillis);
        child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-KEPT_CHARACTERS)));
        child.on('error', (error) => {
          clearTimeout(deadline);
          reject(fail(`did not start: ${error.message}`, error));
        });
        // Not 'close': what it has left running may keep its pipes open for ever.
        child.on('exit', (code, endedBy) => {
          clearTimeout(deadline);
          child.stderr.destroy();
          const line = said.trim().split('\n').at(-1) ?? '';
          if (code === 0) resolve();
          else if (isLate) reject(fail(`was stopped: it took longer than ${timeoutMillis} ms`));
          else if (endedBy !== null) reject(fail(`was stopped by ${endedBy}`));
          else reject(fail(`ended with exit code ${code}${line === '' ? '' : `: ${line}`}`));
        });
        // A program that does not read its input closes the pipe; what it ends with decides.
        child.stdin.on('error', () => undefined);
        child.stdin.end(message);
      }),
  };
}
