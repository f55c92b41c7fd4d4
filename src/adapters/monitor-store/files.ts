// Files that survive a crash: replaced as a whole, or grown at their end; and file errors in limmat's words.

import { constants, mkdir, open, readFile, rename } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { LimmatError } from '../../errors.ts';

/** The rejection of a task in limmat's words: `store-failed`, with the path and what the file system said. */
export async function named<T>(path: string, task: () => Promise<T>): Promise<T> {
  try {
    return await task();
  } catch (cause) {
    if (cause instanceof LimmatError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new LimmatError('store-failed', `${path}: ${reason}`, { cause });
  }
}

/** True for the error of a file or a directory that is not there. */
export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

/** The bytes of a file, or undefined when there is none. */
export async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    const bytes = await readFile(path);
    return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** A file to write at any position of, made when it is not there. Mode "a" would ignore positions. */
export function openToWrite(path: string): Promise<FileHandle> {
  return open(path, constants.O_RDWR + constants.O_CREAT, 0o600);
}

/** Makes a directory, and what it lies in, for its owner alone; durable when the promise resolves. */
export async function makeDirectory(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  for (let made = path; made.length >= first.length; made = dirname(made)) await syncDirectory(dirname(made));
}

/** Makes what a directory lists durable: names that were added, renamed or removed. */
export async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Puts a file in the place of the one at this path: a crash leaves one or the other. Durable when the promise resolves. */
export async function replaceFile(path: string, bytes: Uint8Array): Promise<void> {
  const fresh = `${path}.new`;
  const handle = await open(fresh, 'w', 0o600);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(fresh, path);
  await syncDirectory(dirname(path));
}
