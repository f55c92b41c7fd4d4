// A thread that hashes files: a path in, its SHA-256 out. Reads and hashes in turn, because with a thread for each core the
// disk and the processor are busy with other files meanwhile.

import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';

const BUFFER_BYTES = 1024 * 1024;
const buffer = new Uint8Array(BUFFER_BYTES);

/** What a thread answers for a path: the digest and the bytes, or what went wrong. */
export type Hashed =
  | { readonly sha256: Uint8Array; readonly size: number }
  | { readonly error: { readonly message: string } };

function hashFile(path: string): Hashed {
  try {
    const file = openSync(path, 'r');
    try {
      const hash = createHash('sha256');
      let size = 0;
      for (;;) {
        const count = readSync(file, buffer, 0, BUFFER_BYTES, null);
        if (count === 0) return { sha256: new Uint8Array(hash.digest()), size };
        hash.update(buffer.subarray(0, count));
        size += count;
      }
    } finally {
      closeSync(file);
    }
  } catch (error) {
    return { error: { message: error instanceof Error ? error.message : String(error) } };
  }
}

// Answers go out in the order in which paths came.
parentPort?.on('message', (path: string) => parentPort?.postMessage(hashFile(path), []));
