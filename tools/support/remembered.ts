// What a command remembers of logs between runs, in a file: --state FILE.

import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';

import { NOTHING_REMEMBERED, parseState } from '../../src/client/state.ts';
import type { RememberedHeads } from '../../src/client/state.ts';
import { LimmatError } from '../../src/errors.ts';

/** What is remembered; nothing when the file is not there yet. One that cannot be read is never taken for that. */
export function readState(path: string): RememberedHeads {
  if (!existsSync(path)) return NOTHING_REMEMBERED;
  try {
    return parseState(readFileSync(path, 'utf8'));
  } catch (error) {
    if (!(error instanceof LimmatError)) throw error;
    throw new LimmatError('bad-config', `${path}: ${error.message}`, { cause: error });
  }
}

/** Replaces the file as a whole. */
export function writeState(path: string, text: string): void {
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
}
