// SHA-256 of many files: a few are hashed here, many on a thread for each core.

import { availableParallelism } from 'node:os';
import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';

import { DIGEST_BYTES, hashFile } from './hash-file.ts';
import type { HashResult } from './hash-file.ts';
import type { Hashed } from './hash-worker.ts';

/** A regular file to hash. */
export interface FileToHash {
  readonly path: string;
  /** As the directory said; for progress and for how it is hashed. */
  readonly size: number;
}

/** A file's digest, or why it has none. */
export interface HashedFile {
  readonly path: string;
  readonly result: HashResult;
}

/** Below this, all together, the threads would not have started before the work is done. */
const THREADS_FROM_BYTES = 128 * 1024 * 1024;
/** What a thread is asked for at once, a few milliseconds' work: a message costs as much as hashing a small file. */
const MAX_ASKED_BYTES = 4 * 1024 * 1024;
const MAX_ASKED_FILES = 64;
/** What an empty file counts as, for the time that it takes to open. */
const FILE_BYTES = 32 * 1024;
/** Messages that a thread has before it, so that it never waits for the next one. */
const AHEAD = 2;

export interface HashOptions {
  /** For tests; 0 = none, default: one for each core where there is much to do. */
  readonly threads?: number;
  /** Ends it, with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** Hashes the files, in any order, and hands each one on as it is done. */
export async function hashFiles(
  files: readonly FileToHash[],
  onHashed: (file: HashedFile) => void,
  { threads = threadsFor(files), signal }: HashOptions = {},
): Promise<void> {
  // The largest first: a big one that begins last would be waited for alone.
  const take = takerOf(threads === 0 ? files : files.toSorted((a, b) => b.size - a.size));
  if (threads > 0) {
    await Promise.all(Array.from({ length: Math.min(threads, files.length) }, () => runThread(take, onHashed, signal)));
    return;
  }
  for (let paths = take(); paths.length > 0; paths = take()) {
    signal?.throwIfAborted();
    for (const path of paths) onHashed({ path, result: hashFile(path) });
    // What is on its way over the network meanwhile has its turn.
    await setImmediate();
  }
}

function threadsFor(files: readonly FileToHash[]): number {
  const bytes = files.reduce((sum, { size }) => sum + size + FILE_BYTES, 0);
  return files.length < 2 || bytes < THREADS_FROM_BYTES ? 0 : availableParallelism();
}

/** Gives the next files of the list, a few milliseconds' work of them; none at the end. */
function takerOf(files: readonly FileToHash[]): () => readonly string[] {
  let next = 0;
  return () => {
    const paths: string[] = [];
    for (let bytes = 0; bytes < MAX_ASKED_BYTES && paths.length < MAX_ASKED_FILES && next < files.length; next++) {
      const { path, size } = files[next]!;
      paths.push(path);
      bytes += size;
    }
    return paths;
  };
}

/** One thread, until there is nothing left to take. Rejects when the thread dies. */
function runThread(
  take: () => readonly string[],
  onHashed: (file: HashedFile) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  return new Promise((resolve, reject) => {
    // No flags of the main process: what a debugger or a test runner adds there is not meant for threads.
    const worker = new Worker(workerUrl(), { execArgv: [], name: 'limmat-hash' });
    const asked: (readonly string[])[] = [];
    let isDone = false;
    const ask = (): void => {
      while (asked.length < AHEAD) {
        const paths = take();
        if (paths.length === 0) break;
        asked.push(paths);
        worker.postMessage(paths, []);
      }
      if (asked.length > 0) return;
      isDone = true;
      void worker.terminate();
    };
    worker.on('message', (hashed: Hashed) => {
      const paths = asked.shift()!;
      ask();
      for (const [i, path] of paths.entries()) onHashed({ path, result: resultAt(hashed, i) });
    });
    worker.on('error', reject);
    const stop = (): void => {
      reject(signal?.reason);
      void worker.terminate();
    };
    signal?.addEventListener('abort', stop, { once: true });
    worker.on('exit', () => (isDone ? resolve() : reject(new Error('a thread that hashes files ended'))));
    ask();
  });
}

function resultAt({ digests, sizes, errors }: Hashed, i: number): HashResult {
  const error = errors.get(i);
  if (error !== undefined) return { error: new Error(error) };
  return { sha256: digests.subarray(DIGEST_BYTES * i, DIGEST_BYTES * (i + 1)), size: sizes[i]! };
}

/** In a package every file lies in dist/; see tools/build.ts. */
function workerUrl(): URL {
  const own = import.meta.url;
  return new URL(own.endsWith('.ts') ? './hash-worker.ts' : './hash-worker.js', own);
}
