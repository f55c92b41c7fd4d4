// A log in a process of its own, for measurements and for tests that kill it: started on a free loopback port with the
// same command that an operator uses, and always ended by whoever started it.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { NODE_FLAGS } from './node-flags.ts';

/** Above this file in a checkout; in a package this is a part of the bundle in dist/. */
export const LAUNCHER: string = ['../limmat.mjs', '../tools/limmat.mjs']
  .map((path) => fileURLToPath(new URL(path, import.meta.url)))
  .find((path) => existsSync(path))!;
/** What a child printed is kept for error messages, its end only. */
const KEPT_OUTPUT = 8_192;

export interface ServeOptions {
  readonly dataDir: string;
  /** What is run: `limmat serve`, or another command that takes --data and --listen and has /readyz. */
  readonly command?: string;
  /** More arguments of it. */
  readonly args?: readonly string[];
  readonly port?: number;
  /** The Node to run and the launcher to give it; default: this process's own, and this checkout's. */
  readonly node?: string;
  readonly launcher?: string;
  /** `GET /readyz` must answer 200 within this time. */
  readonly readyMillis?: number;
}

export interface ServeProcess {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Milliseconds from spawning to the first 200 of /readyz. */
  readonly readyAfterMillis: number;
  readonly exited: Promise<number | null>;
  /** The end of what it printed. */
  output(): string;
  /** SIGTERM, then the exit code. */
  stop(): Promise<number | null>;
  /** SIGKILL, then waits until it is gone. */
  kill(): Promise<void>;
}

/** A loopback port that nothing listens on at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port number');
  return address.port;
}

async function exitOf(child: ChildProcess): Promise<number | null> {
  const [code]: (number | null)[] = await once(child, 'close');
  return code ?? null;
}

/** Runs one limmat command to its end. */
export async function runLimmat(
  args: readonly string[],
  options: { readonly node?: string; readonly launcher?: string; readonly cwd?: string } = {},
): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> {
  const child = spawn(options.node ?? process.execPath, [options.launcher ?? LAUNCHER, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: options.cwd,
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  return { code: await exitOf(child), stdout, stderr };
}

/** As runLimmat, and throws with everything it said unless it ended with code 0. */
export async function mustRunLimmat(
  args: readonly string[],
  options: { readonly node?: string; readonly launcher?: string; readonly cwd?: string } = {},
): Promise<string> {
  const { code, stdout, stderr } = await runLimmat(args, options);
  if (code !== 0) throw new Error(`limmat ${args.join(' ')} ended with ${code}:\n${stdout}${stderr}`);
  return stdout;
}

async function waitUntilReady(url: string, child: ChildProcess, deadline: number, output: () => string): Promise<void> {
  while (performance.now() < deadline) {
    if (child.exitCode !== null || child.signalCode !== null) break;
    try {
      const answer = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(2_000) });
      await answer.arrayBuffer();
      if (answer.status === 200) return;
    } catch {
      // Not listening yet.
    }
    await sleep(5);
  }
  child.kill('SIGKILL');
  throw new Error(`it did not become ready:\n${output()}`);
}

/** Starts `limmat serve` and waits until it is ready; throws with what it printed when it does not get there. */
export async function startServe(options: ServeOptions): Promise<ServeProcess> {
  const startedAt = performance.now();
  const port = options.port ?? (await freePort());
  const url = `http://127.0.0.1:${port}`;
  const { launcher = LAUNCHER, command: name = 'serve' } = options;
  const command = [launcher, name, '--data', options.dataDir, '--listen', `127.0.0.1:${port}`];
  const child = spawn(options.node ?? process.execPath, [...NODE_FLAGS, ...command, ...(options.args ?? [])], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  const keep = (text: string): void => {
    printed = (printed + text).slice(-KEPT_OUTPUT);
  };
  child.stdout.setEncoding('utf8').on('data', keep);
  child.stderr.setEncoding('utf8').on('data', keep);
  const exited = exitOf(child);
  const output = (): string => printed;
  await waitUntilReady(url, child, startedAt + (options.readyMillis ?? 30_000), output);
  return {
    url,
    port,
    pid: child.pid ?? 0,
    readyAfterMillis: performance.now() - startedAt,
    exited,
    output,
    stop: () => {
      child.kill('SIGTERM');
      return exited;
    },
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
