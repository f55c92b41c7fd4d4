// SHA-256 of one file, read and hashed in turn.

import { createHash, hash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';

/** Of a SHA-256. */
export const DIGEST_BYTES = 32;
/** A file that fits is hashed with one call. */
const BUFFER_BYTES = 1024 * 1024;
/** Bytes of one read of a larger one: what was just read is still in the processor's cache when it is hashed. */
const CHUNK_BYTES = 256 * 1024;
let buffer: Uint8Array | undefined;

/** The digest and the bytes, or what went wrong. */
export type HashResult = { readonly sha256: Uint8Array; readonly size: number } | { readonly error: Error };

export function hashFile(path: string): HashResult {
  try {
    const file = openSync(path, 'r');
    try {
      return hashOpen(file);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }
}

function hashOpen(file: number): HashResult {
  buffer ??= new Uint8Array(BUFFER_BYTES);
  let size = 0;
  while (size < BUFFER_BYTES) {
    const count = readSync(file, buffer, size, Math.min(CHUNK_BYTES, BUFFER_BYTES - size), null);
    if (count === 0) return { sha256: new Uint8Array(hash('sha256', buffer.subarray(0, size), 'buffer')), size };
    size += count;
  }
  const whole = createHash('sha256').update(buffer);
  for (;;) {
    const count = readSync(file, buffer, 0, CHUNK_BYTES, null);
    if (count === 0) return { sha256: new Uint8Array(whole.digest()), size };
    whole.update(buffer.subarray(0, count));
    size += count;
  }
}
