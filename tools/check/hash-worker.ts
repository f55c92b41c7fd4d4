// A thread that hashes files: paths in, their SHA-256 out. Reads and hashes in turn, because with a thread for each core the
// disk and the processor are busy with other files meanwhile.

import { parentPort } from 'node:worker_threads';

import { DIGEST_BYTES, hashFile } from './hash-file.ts';

/** What a thread answers for some paths, in their order: one message, however many files. */
export interface Hashed {
  /** 32 bytes a file; zeros for one that could not be read. */
  readonly digests: Uint8Array;
  readonly sizes: Float64Array;
  /** By the place of a file, what went wrong. */
  readonly errors: ReadonlyMap<number, string>;
}

function hashAll(paths: readonly string[]): Hashed {
  const digests = new Uint8Array(DIGEST_BYTES * paths.length);
  const sizes = new Float64Array(paths.length);
  const errors = new Map<number, string>();
  for (const [i, path] of paths.entries()) {
    const result = hashFile(path);
    if ('error' in result) {
      errors.set(i, result.error.message);
      continue;
    }
    digests.set(result.sha256, DIGEST_BYTES * i);
    sizes[i] = result.size;
  }
  return { digests, sizes, errors };
}

// Answers go out in the order in which paths came.
parentPort?.on('message', (paths: readonly string[]) => parentPort?.postMessage(hashAll(paths), []));
