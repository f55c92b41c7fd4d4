// The guards of a mirror on a disk: one small file a log, in a directory beside the mirror's, so that bringing the mirror
// back from a backup does not bring them back with it.

import { join } from 'node:path';

import { makeDirectory, named, readIfThere, replaceFile } from '../../adapters/monitor-store/files.ts';
import { formatGuard, parseGuard } from '../../mirror/guard.ts';
import type { MirrorGuard } from '../../mirror/guard.ts';

/** The guard of the log with this origin hash. */
export function fileGuard(dir: string, originHash: string): MirrorGuard {
  const path = join(dir, `${originHash}.json`);
  return {
    read: async () => {
      const bytes = await named(path, () => readIfThere(path));
      return bytes && parseGuard(bytes, path);
    },
    write: (head) =>
      named(path, async () => {
        await makeDirectory(dir);
        await replaceFile(path, formatGuard(head));
      }),
  };
}
