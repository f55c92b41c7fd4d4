// Files that a running process reads again when they change, so that no restart is needed.

import { statSync } from 'node:fs';

import { LimmatError } from '../errors.ts';

/** A look at a file costs microseconds; an operator who changes one waits no longer than this. */
const LOOK_MILLIS = 500;

export interface WatchedFiles<T> {
  /** What is in force: what was read last without an error. */
  current(): T;
  close(): void;
}

/**
 * What `read` makes of these files, kept current. Errors of the first read are thrown; a later change that cannot be
 * read is reported to onError and leaves in force what was there before.
 */
export function watchFiles<T>(
  paths: readonly string[],
  read: () => T,
  told: { readonly onChange: (value: T) => void; readonly onError: (error: LimmatError) => void },
): WatchedFiles<T> {
  const stampsOf = (): string => paths.map(stampOf).join(', ');
  // What is read may be newer than the stamp; then the next look reads once more, and nothing is missed.
  let stamps = stampsOf();
  let value = read();
  const timer = setInterval(() => {
    const seen = stampsOf();
    if (seen === stamps) return;
    stamps = seen;
    try {
      value = read();
      told.onChange(value);
    } catch (error) {
      if (!(error instanceof LimmatError)) throw error;
      told.onError(error);
    }
  }, LOOK_MILLIS);
  timer.unref();
  return { current: () => value, close: () => clearInterval(timer) };
}

/** Changes whenever the file was replaced or written: renaming gives a new inode. */
function stampOf(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false, bigint: true });
  return stat === undefined ? 'absent' : `${stat.ino} ${stat.size} ${stat.mtimeNs}`;
}
