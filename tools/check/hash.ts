// SHA-256 of many files: a few are hashed here, many on a thread for each core.

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';

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
  readonly result: { readonly sha256: Uint8Array; readonly size: number } | { readonly error: Error };
}

/** Below this, all together, the threads would not have started before the work is done. */
const THREADS_FROM_BYTES = 128 * 1024 * 1024;
/** Paths that a thread has before it, so that it never waits for the next one. */
const AHEAD = 4;

/**
 * Hashes the files, in any order, and hands each one on as it is done. `threads` is for tests; 0 = none, default: one for
 * each core where there is much to do.
 */
export async function hashFiles(
  files: readonly FileToHash[],
  onHashed: (file: HashedFile) => void,
  threads = threadsFor(files),
): Promise<void> {
  if (threads === 0) {
    for (const { path } of files) onHashed({ path, result: await hashHere(path) });
    return;
  }
  // The largest first: a big one that begins last would be waited for alone.
  const queue = files.toSorted((a, b) => b.size - a.size);
  let next = 0;
  await Promise.all(
    Array.from({ length: Math.min(threads, files.length) }, () => runThread(() => queue[next++]?.path, onHashed)),
  );
}

function threadsFor(files: readonly FileToHash[]): number {
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  return files.length < 2 || bytes < THREADS_FROM_BYTES ? 0 : availableParallelism();
}

async function hashHere(path: string): Promise<HashedFile['result']> {
  const hash = createHash('sha256');
  let size = 0;
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
      if (!(chunk instanceof Uint8Array)) throw new TypeError('bad math in hashHere');
      hash.update(chunk);
      size += chunk.length;
    }
    return { sha256: new Uint8Array(hash.digest()), size };
  } catch (error) {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }
}

/** One thread, until there is no next path. Rejects when the thread dies. */
function runThread(next: () => string | undefined, onHashed: (file: HashedFile) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    // No flags of the main process: what a debugger or a test runner adds there is not meant for threads.
    const worker = new Worker(workerUrl(), { execArgv: [], name: 'limmat-hash' });
    const asked: string[] = [];
    let isDone = false;
    const ask = (): void => {
      while (asked.length < AHEAD) {
        const path = next();
        if (path === undefined) break;
        asked.push(path);
        worker.postMessage(path, []);
      }
      if (asked.length > 0) return;
      isDone = true;
      void worker.terminate();
    };
    worker.on('message', (hashed: Hashed) => {
      const path = asked.shift()!;
      onHashed({ path, result: 'error' in hashed ? { error: new Error(hashed.error.message) } : hashed });
      ask();
    });
    worker.on('error', reject);
    worker.on('exit', () => (isDone ? resolve() : reject(new Error('a thread that hashes files ended'))));
    ask();
  });
}

/** In a package every file lies in dist/; see tools/build.ts. */
function workerUrl(): URL {
  const own = import.meta.url;
  return new URL(own.endsWith('.ts') ? './hash-worker.ts' : './hash-worker.js', own);
}
