// submitters.json: read at start, and read again when it changes, so that `limmat submitter add` needs no restart.

import { readFileSync, renameSync, writeFileSync } from 'node:fs';

import { LimmatError } from '../errors.ts';
import { formatSubmitters, parseSubmitters } from '../record/submitters.ts';
import type { SubmitterList } from '../record/submitters.ts';
import { watchFiles } from './watched-files.ts';
import type { WatchedFiles } from './watched-files.ts';

/** The list in this file. Fails with `bad-config`, naming the file. */
export function readSubmitters(path: string): SubmitterList {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new LimmatError('bad-config', `no submitter list ${path}: "limmat submitter add" makes one`, {
      cause: error,
    });
  }
  try {
    return parseSubmitters(text);
  } catch (error) {
    throw new LimmatError('bad-config', `${path}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

/** The text of a list; `bad-config` for what could not be read again, such as a name with a control character. */
export function submittersText(list: SubmitterList): string {
  const text = formatSubmitters(list);
  parseSubmitters(text);
  return text;
}

/** Replaces the list as a whole or not at all. Errors: those of submittersText. */
export function writeSubmitters(path: string, list: SubmitterList): void {
  writeFileSync(`${path}.new`, submittersText(list), { flush: true });
  renameSync(`${path}.new`, path);
}

/**
 * The list in this file, kept current. A change that does not parse is reported to onError and leaves the old list in
 * force: a half-edited file must not lock every pipeline out.
 */
export function watchSubmitters(
  path: string,
  onChange: (list: SubmitterList) => void,
  onError: (error: LimmatError) => void,
): WatchedFiles<SubmitterList> {
  return watchFiles([path], () => readSubmitters(path), { onChange, onError });
}
