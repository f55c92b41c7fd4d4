// Writes a small file as a whole: whoever reads it finds the old one or the new one, also after a power cut.

import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  linkSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** Replaces the file, or makes it with this mode; an old one's mode stays. What a link names is replaced, not the link. */
export function replaceFile(path: string, text: string | Uint8Array, newMode?: number): void {
  const old = statSync(path, { throwIfNoEntry: false });
  const target = old === undefined ? path : realpathSync(path);
  put(target, text, old?.mode ?? newMode, renameSync);
}

/** Makes a file with this mode, whole or not at all. Never replaces one: error EEXIST, also when two do it at once. */
export function makeFile(path: string, text: string, mode: number): void {
  put(path, text, mode, (temporary, target) => {
    linkSync(temporary, target);
    rmSync(temporary);
  });
}

/** True for the name of a file that was being written when its writer was killed. */
export function isTemporaryName(name: string): boolean {
  return /^\..+\.[0-9a-f]{12}\.new$/.test(name);
}

function put(
  target: string,
  text: string | Uint8Array,
  mode: number | undefined,
  name: (temporary: string, target: string) => void,
): void {
  const directory = dirname(target);
  // A name of its own, so that two writers never write into one file.
  const temporary = join(directory, `.${basename(target)}.${randomBytes(6).toString('hex')}.new`);
  try {
    writeFileSync(temporary, text, { flag: 'wx', flush: true, ...(mode !== undefined && { mode }) });
    name(temporary, target);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  flushDirectory(directory);
}

/** Without it the new name may be lost in a power cut. Windows opens no directories. */
function flushDirectory(directory: string): void {
  if (process.platform === 'win32') return;
  const descriptor = openSync(directory, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
