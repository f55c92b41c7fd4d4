// Threads that do the same small job many times: jobs of a moment go together in blocks, a message costing as much as a
// signature, and what a thread cannot do is done on the calling one.

import { Worker } from 'node:worker_threads';
import type { Transferable } from 'node:worker_threads';
import { LimmatError } from '../../errors.ts';

export interface ThreadsOptions<Job, Result, Reply> {
  /** At most so many; they come up with the first work. */
  readonly threads: number;
  /** What the threads run: it answers each message with one, in the order in which they came. */
  readonly workerUrl: URL;
  readonly workerData?: unknown;
  readonly name: string;
  /** Most jobs in one message. */
  readonly maxBlock: number;
  /** Below so many jobs, with nothing else to do, waking a thread costs more than doing them here. */
  readonly minBlock: number;
  /** A block as a message, and what of it is given away. */
  readonly pack: (jobs: readonly Job[]) => { readonly message: unknown; readonly given: readonly Transferable[] };
  /** The results of a block of so many jobs, from the thread's message. */
  readonly unpack: (reply: Reply, count: number) => readonly Result[];
  /** The same on the calling thread. */
  readonly here: (jobs: readonly Job[]) => Promise<readonly Result[]>;
}

/** Blocks that a thread has before it, so that it never waits for the main thread. */
const MAX_AHEAD = 2;

interface Request<Result> {
  readonly results: Result[];
  left: number;
  readonly resolve: (results: Result[]) => void;
  readonly reject: (error: unknown) => void;
}

interface Task<Job, Result> {
  readonly job: Job;
  readonly request: Request<Result>;
  /** Position in the request's results. */
  readonly at: number;
}

interface Thread<Job, Result> {
  readonly worker: Worker;
  /** Blocks sent and not answered, oldest first. */
  readonly blocks: Task<Job, Result>[][];
  answered: boolean;
}

/** `Reply` is what a thread answers a block with. */
export class Threads<Job, Result, Reply> {
  readonly #options: ThreadsOptions<Job, Result, Reply>;
  readonly #threads: Thread<Job, Result>[] = [];
  #startable: number;
  #queue: Task<Job, Result>[] = [];
  #isScheduled = false;
  #unanswered = 0;
  #onIdle: (() => void) | undefined;
  #closed: Promise<void> | undefined;

  /** RangeError unless `threads` is an integer of 1 or more. */
  constructor(options: ThreadsOptions<Job, Result, Reply>) {
    const { threads } = options;
    if (!Number.isSafeInteger(threads) || threads < 1) {
      throw new RangeError(`threads ${threads} is not an integer of 1 or more`);
    }
    this.#options = options;
    this.#startable = threads;
  }

  /** The result of each job. Rejects with what `here` threw, and with `shutting-down` after close. */
  run(jobs: readonly Job[]): Promise<Result[]> {
    if (this.#closed !== undefined) {
      return Promise.reject(new LimmatError('shutting-down', `the threads of ${this.#options.name} have ended`));
    }
    if (jobs.length === 0) return Promise.resolve([]);
    return new Promise((resolve, reject) => {
      const request: Request<Result> = { results: [], left: jobs.length, resolve, reject };
      this.#unanswered += 1;
      for (const [at, job] of jobs.entries()) this.#queue.push({ job, request, at });
      // Other requests of this turn of the event loop join the same blocks.
      this.#schedule();
    });
  }

  /** Answers what was asked, then ends the threads. */
  close(): Promise<void> {
    this.#closed ??= (async () => {
      if (this.#unanswered > 0) await new Promise<void>((done) => (this.#onIdle = done));
      this.#startable = 0;
      await Promise.all(this.#threads.map(({ worker }) => worker.terminate()));
    })();
    return this.#closed;
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#dispatch();
    });
  }

  #dispatch(): void {
    const { threads: limit, minBlock, maxBlock, pack } = this.#options;
    while (this.#queue.length > 0) {
      const isIdle = this.#threads.every(({ blocks }) => blocks.length === 0);
      if ((isIdle && this.#queue.length < minBlock) || (this.#threads.length === 0 && this.#startable === 0)) {
        void this.#doHere(this.#queue);
        this.#queue = [];
        return;
      }
      const thread = this.#freeThread();
      if (thread === undefined) return;
      // An even share, so that a middling batch does not leave the other threads idle.
      const tasks = this.#queue.splice(0, Math.min(maxBlock, Math.ceil(this.#queue.length / limit)));
      const { message, given } = pack(tasks.map(({ job }) => job));
      thread.blocks.push(tasks);
      thread.worker.ref();
      thread.worker.postMessage(message, given);
    }
  }

  #freeThread(): Thread<Job, Result> | undefined {
    const idle = this.#threads.find(({ blocks }) => blocks.length === 0);
    if (idle !== undefined) return idle;
    if (this.#startable > 0) return this.#startThread();
    const least = this.#threads.toSorted((a, b) => a.blocks.length - b.blocks.length)[0];
    return least !== undefined && least.blocks.length < MAX_AHEAD ? least : undefined;
  }

  #startThread(): Thread<Job, Result> {
    const { workerUrl, workerData, name, unpack } = this.#options;
    this.#startable -= 1;
    // No flags of the main process: what a debugger or a test runner adds there is not meant for threads.
    const worker = new Worker(workerUrl, { execArgv: [], name, workerData });
    const thread: Thread<Job, Result> = { worker, blocks: [], answered: false };
    worker.on('message', (reply: Reply) => {
      const tasks = thread.blocks.shift()!;
      thread.answered = true;
      // Idle threads do not keep the process alive.
      if (thread.blocks.length === 0) worker.unref();
      this.#settle(tasks, unpack(reply, tasks.length));
      this.#dispatch();
    });
    // The exit follows; without a listener the error would end the process.
    worker.on('error', () => {});
    worker.on('exit', () => {
      this.#threads.splice(this.#threads.indexOf(thread), 1);
      // One that never answered anything would not do better the next time.
      if (thread.answered) this.#startable += 1;
      for (const tasks of thread.blocks.splice(0)) void this.#doHere(tasks);
      this.#dispatch();
    });
    this.#threads.push(thread);
    return thread;
  }

  async #doHere(tasks: readonly Task<Job, Result>[]): Promise<void> {
    try {
      this.#settle(tasks, await this.#options.here(tasks.map(({ job }) => job)));
    } catch (error) {
      for (const request of new Set(tasks.map((task) => task.request))) this.#finish(() => request.reject(error));
    }
  }

  #settle(tasks: readonly Task<Job, Result>[], results: readonly Result[]): void {
    for (const [i, { request, at }] of tasks.entries()) {
      request.results[at] = results[i]!;
      request.left -= 1;
      if (request.left === 0) this.#finish(() => request.resolve(request.results));
    }
  }

  #finish(answer: () => void): void {
    this.#unanswered -= 1;
    answer();
    if (this.#unanswered === 0) this.#onIdle?.();
  }
}

/** A thread's program: the source file of that name beside this one, or the bundle that the build puts beside its own. */
export function workerUrlOf(name: string): URL {
  const own = import.meta.url;
  return new URL(own.endsWith('.ts') ? `./${name}.ts` : `./${name}.js`, own);
}
