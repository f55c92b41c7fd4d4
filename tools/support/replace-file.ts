// Writes a small file as a whole: whoever reads it finds the old one or the new one, also after a power cut.

import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** Replaces the file, or makes it; its mode stays. Through a link it is what the link names that is replaced. */
export function replaceFile(path: string, text: string | Uint8Array): void {
  const old = statSync(path, { throwIfNoEntry: false });
  const target = old === undefined ? path : realpathSync(path);
  const directory = dirname(target);
  // A name of its own, so that two writers never write into one file.
  const temporary = join(directory, `.${basename(target)}.${randomBytes(6).toString('hex')}.new`);
  try {
    const mode = old === undefined ? {} : { mode: old.mode };
    writeFileSync(temporary, text, { flag: 'wx', flush: true, ...mode });
    renameSync(temporary, target);
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
