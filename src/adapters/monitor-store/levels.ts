// The arrays of a leaf mirror as one flat file a tile level: hash i of a level is bytes [32 i, 32 i + 32) of its file, so
// a log takes 32.13 bytes an entry. No file is held open, because one process may watch a thousand logs.

import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { HASH_SIZE } from '../../merkle/hash.ts';
import type { HashLevels } from '../../monitor/leaf-mirror.ts';
import { named, openToWrite, syncDirectory } from './files.ts';
import { readExactly, writeAll } from './journal.ts';

const NAME = /^level-(\d{1,2})$/;

/** Opens the arrays in this directory. Half a hash at a file's end, which a crash may leave, does not count. */
export async function openLevels(dir: string): Promise<HashLevels> {
  return named(dir, async () => {
    const counts: number[] = [];
    for (const name of await readdir(dir)) {
      const level = Number(NAME.exec(name)?.[1] ?? -1);
      if (level < 0) continue;
      const handle = await open(join(dir, name), 'r');
      try {
        counts[level] = Math.floor((await handle.stat()).size / HASH_SIZE);
      } finally {
        await handle.close();
      }
    }
    return new FileLevels(dir, counts);
  });
}

class FileLevels implements HashLevels {
  readonly #dir: string;
  readonly #counts: number[];
  /** Levels whose files were written since the last flush. */
  readonly #dirty = new Set<number>();
  /** Levels whose last write failed: there may be bytes behind what counts. */
  readonly #ragged = new Set<number>();

  constructor(dir: string, counts: number[]) {
    this.#dir = dir;
    this.#counts = counts;
  }

  count(level: number): number {
    return this.#counts[level] ?? 0;
  }

  async read(level: number, start: number, count: number): Promise<Uint8Array> {
    const path = this.#path(level);
    return named(path, async () => {
      const handle = await open(path, 'r');
      try {
        return await readExactly(handle, path, start * HASH_SIZE, count * HASH_SIZE);
      } finally {
        await handle.close();
      }
    });
  }

  async append(level: number, hashes: Uint8Array): Promise<void> {
    const path = this.#path(level);
    await named(path, async () => {
      const count = this.count(level);
      const isRagged = this.#ragged.has(level);
      this.#dirty.add(level);
      this.#ragged.add(level);
      const handle = await openToWrite(path);
      try {
        if (isRagged) await handle.truncate(count * HASH_SIZE);
        await writeAll(handle, hashes, count * HASH_SIZE);
      } finally {
        await handle.close();
      }
      this.#ragged.delete(level);
      this.#counts[level] = count + hashes.length / HASH_SIZE;
    });
  }

  async truncate(level: number, count: number): Promise<void> {
    const path = this.#path(level);
    await named(path, async () => {
      this.#dirty.add(level);
      const handle = await open(path, 'r+');
      try {
        await handle.truncate(count * HASH_SIZE);
      } finally {
        await handle.close();
      }
      this.#counts[level] = count;
    });
  }

  async flush(): Promise<void> {
    if (this.#dirty.size === 0) return;
    await named(this.#dir, async () => {
      for (const level of this.#dirty) {
        const handle = await open(this.#path(level), 'r+');
        try {
          await handle.datasync();
        } finally {
          await handle.close();
        }
      }
      await syncDirectory(this.#dir);
    });
    this.#dirty.clear();
  }

  #path(level: number): string {
    return join(this.#dir, `level-${level}`);
  }
}
