// Test vectors of others, which lie beside the project and are not part of it. Where they are missing their tests are
// left out; where they are present, a set that ran no case fails.

import { existsSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..');

/** The path of a set of vectors, or undefined when it is not there. LIMMAT_SHARED names another directory to look in. */
export function sharedVectors(name: string): string | undefined {
  return sharedPath('vectors', name);
}

/** The path of a file or directory of shared material, or undefined when it is not there. */
export function sharedPath(...names: readonly string[]): string | undefined {
  const path = join(process.env['LIMMAT_SHARED'] ?? join(ROOT, '..', 'shared'), ...names);
  return existsSync(path) ? path : undefined;
}
