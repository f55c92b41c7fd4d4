// A pool of threads that verify. Two threads with a synchronous verify reach twice one thread's rate, better
// than libuv's thread pool does.

import { Worker } from 'node:worker_threads';
import type { CryptoSuite, VerifyJob } from '../../crypto/suite.ts';
import { LimmatError } from '../../errors.ts';
import { packJobs } from './packed.ts';
import { makeNodeCrypto } from './suite.ts';

/** Threads that verify signatures; stands in for the verifyMany of a suite: `{...nodeCrypto, verifyMany}`. */
export interface VerifierPool {
  /** As CryptoSuite.verifyMany. Calls of the same moment share blocks, so many small ones are as good as a large one. */
  readonly verifyMany: CryptoSuite['verifyMany'];
  /** Answers what was asked, then ends the threads. Later calls fail with `shutting-down`. */
  close(): Promise<void>;
}

/** Jobs in one message to a thread: 128 × 60 µs is 8 ms, against 50 µs for the message. */
const MAX_BLOCK = 128;
/** Blocks that a thread has before it, so that it never waits for the main thread. */
const MAX_AHEAD = 2;
/** Below this many jobs, with nothing else to do, waking a thread costs more than verifying here. */
const MIN_BLOCK = 4;

interface Request {
  readonly results: boolean[];
  left: number;
  readonly resolve: (results: boolean[]) => void;
  readonly reject: (error: unknown) => void;
}

interface Task {
  readonly job: VerifyJob;
  readonly request: Request;
  /** Position in the request's results. */
  readonly at: number;
}

interface Thread {
  readonly worker: Worker;
  /** Blocks sent and not answered, oldest first. */
  readonly blocks: Task[][];
  answered: boolean;
}

/** Starts a pool; its threads come up with the first work. RangeError unless threads is an integer of 1 or more. */
export function createVerifierPool(options: { readonly threads: number; readonly workerUrl?: URL }): VerifierPool {
  const { threads: limit } = options;
  if (!Number.isSafeInteger(limit) || limit < 1)
    throw new RangeError(`threads ${limit} is not an integer of 1 or more`);
  const workerUrl = options.workerUrl ?? defaultWorkerUrl();
  const { suite } = makeNodeCrypto();
  const threads: Thread[] = [];
  let startable = limit;
  let queue: Task[] = [];
  let scheduled = false;
  let unanswered = 0;
  let closing: { readonly done: () => void } | undefined;
  let closed: Promise<void> | undefined;

  function settle(tasks: readonly Task[], holds: (i: number) => boolean): void {
    for (const [i, { request, at }] of tasks.entries()) {
      request.results[at] = holds(i);
      request.left -= 1;
      if (request.left === 0) finish(() => request.resolve(request.results));
    }
  }

  function finish(answer: () => void): void {
    unanswered -= 1;
    answer();
    if (unanswered === 0) closing?.done();
  }

  async function verifyHere(tasks: readonly Task[]): Promise<void> {
    try {
      const results = await suite.verifyMany(tasks.map(({ job }) => job));
      settle(tasks, (i) => results[i]!);
    } catch (error) {
      for (const request of new Set(tasks.map((task) => task.request))) finish(() => request.reject(error));
    }
  }

  function startThread(): Thread {
    startable -= 1;
    // No flags of the main process: what a debugger or a test runner adds there is not meant for threads.
    const worker = new Worker(workerUrl, { execArgv: [], name: 'limmat-verify' });
    const thread: Thread = { worker, blocks: [], answered: false };
    worker.on('message', (results: ArrayBuffer) => {
      const tasks = thread.blocks.shift()!;
      thread.answered = true;
      // An idle pool does not keep the process alive.
      if (thread.blocks.length === 0) worker.unref();
      const bytes = new Uint8Array(results);
      settle(tasks, (i) => bytes[i] === 1);
      dispatch();
    });
    // The exit follows; without a listener the error would end the process.
    worker.on('error', () => {});
    worker.on('exit', () => {
      threads.splice(threads.indexOf(thread), 1);
      // One that never answered anything would not do better the next time.
      if (thread.answered) startable += 1;
      for (const tasks of thread.blocks.splice(0)) void verifyHere(tasks);
      dispatch();
    });
    threads.push(thread);
    return thread;
  }

  function freeThread(): Thread | undefined {
    const idle = threads.find(({ blocks }) => blocks.length === 0);
    if (idle !== undefined) return idle;
    if (startable > 0) return startThread();
    const least = threads.toSorted((a, b) => a.blocks.length - b.blocks.length)[0];
    return least !== undefined && least.blocks.length < MAX_AHEAD ? least : undefined;
  }

  function dispatch(): void {
    while (queue.length > 0) {
      const idle = threads.every(({ blocks }) => blocks.length === 0);
      if ((idle && queue.length < MIN_BLOCK) || (threads.length === 0 && startable === 0)) {
        void verifyHere(queue);
        queue = [];
        return;
      }
      const thread = freeThread();
      if (thread === undefined) return;
      // An even share, so that a middling batch does not leave the other threads idle.
      const tasks = queue.splice(0, Math.min(MAX_BLOCK, Math.ceil(queue.length / limit)));
      const block = packJobs(tasks.map(({ job }) => job));
      thread.blocks.push(tasks);
      thread.worker.ref();
      thread.worker.postMessage(block, [block]);
    }
  }

  function schedule(): void {
    if (scheduled) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      dispatch();
    });
  }

  return Object.freeze({
    verifyMany: (jobs: readonly VerifyJob[]): Promise<boolean[]> => {
      if (closed !== undefined) return Promise.reject(new LimmatError('shutting-down', 'the verifier pool is closed'));
      if (jobs.length === 0) return Promise.resolve([]);
      return new Promise((resolve, reject) => {
        const request: Request = { results: [], left: jobs.length, resolve, reject };
        unanswered += 1;
        for (const [at, job] of jobs.entries()) queue.push({ job, request, at });
        // Other requests of this turn of the event loop join the same blocks.
        schedule();
      });
    },
    close: (): Promise<void> => {
      closed ??= (async () => {
        if (unanswered > 0) await new Promise<void>((done) => (closing = { done }));
        startable = 0;
        await Promise.all(threads.map(({ worker }) => worker.terminate()));
      })();
      return closed;
    },
  });
}

/** The thread's program: a source file beside this one, or the bundle that the build puts beside this bundle. */
function defaultWorkerUrl(): URL {
  const own = import.meta.url;
  return new URL(own.endsWith('.ts') ? './verify-worker.ts' : './verify-worker.js', own);
}
