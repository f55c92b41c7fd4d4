// How to type what is printed: a line that is shown to be copied has to work where it was shown.

import { realpathSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';

import { shellWord } from '../../src/node/shell-word.ts';

export { shellWord };

/**
 * The words that start limmat here: `npx limmat` in the directory of the checkout or of a project that has it installed,
 * `limmat` where it is on the PATH, else the launcher's path.
 */
export function commandWords(script: string = process.argv[1] ?? 'limmat', cwd: string = process.cwd()): string {
  const here = realpathSync(cwd);
  const path = resolve(script);
  const packageRoot = dirname(dirname(existing(path)));
  if (packageRoot === here || packageRoot === join(here, 'node_modules', 'limmat')) return 'npx limmat';
  if (basename(path) === 'limmat') return 'limmat';
  return `node ${shellWord(shownPath(path, cwd))}`;
}

function existing(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

/** The path as somebody in this directory would type it: relative when that is shorter and does not climb. */
export function shownPath(path: string, cwd: string = process.cwd()): string {
  const short = relative(cwd, resolve(cwd, path));
  return short === '' ? '.' : short.startsWith('..') ? resolve(cwd, path) : short;
}
