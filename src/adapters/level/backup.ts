// A copy of a store that goes on being written: two database snapshots and the segment files up to the committed end.

import { constants, createReadStream, createWriteStream } from 'node:fs';
import { copyFile, mkdir, open, readdir, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { LimmatError } from '../../errors.ts';
import { openDatabase } from './database.ts';
import type { Database, Snapshot } from './database.ts';
import { segmentOf, segmentPath, syncDirectory } from './segments.ts';
import type { TailBundle } from './segments.ts';

/** Bytes of a batch while a database is copied. */
const BATCH_BYTES = 4 * 1024 * 1024;

interface DatabaseView {
  readonly database: Database;
  readonly snapshot: Snapshot;
}

/** A store at one moment. The index covers at most what the main database holds. */
export interface StoreView {
  readonly main: DatabaseView;
  readonly index: DatabaseView;
  readonly entriesDir: string;
  readonly tail: TailBundle;
}

/** Copies what the view shows into a directory that is missing or empty. Everything is durable when it resolves. */
export async function copyStore(view: StoreView, targetDir: string): Promise<void> {
  const entriesDir = join(targetDir, 'entries');
  await mkdir(targetDir, { recursive: true });
  if ((await readdir(targetDir)).length > 0) {
    throw new LimmatError('bad-parameter', `${targetDir} is not empty; give a directory that does not exist yet`);
  }
  await mkdir(entriesDir);
  const last = segmentOf(view.tail.index);
  for (let segment = 0; segment < last; segment++) {
    const target = segmentPath(entriesDir, segment);
    // The file system may share the blocks; full segments never change.
    await copyFile(segmentPath(view.entriesDir, segment), target, constants.COPYFILE_FICLONE);
    await syncFile(target);
  }
  if (view.tail.end > 0) {
    const target = segmentPath(entriesDir, last);
    const source = createReadStream(segmentPath(view.entriesDir, last), { end: view.tail.end - 1 });
    await pipeline(source, createWriteStream(target));
    await syncFile(target);
  }
  await syncDirectory(entriesDir);
  await copyDatabase(view.index, join(targetDir, 'index'));
  // Under its own name only when it is complete: without it the copy is not taken for a store.
  await copyDatabase(view.main, join(targetDir, 'db.partial'));
  await rename(join(targetDir, 'db.partial'), join(targetDir, 'db'));
  await syncDirectory(targetDir);
  await syncDirectory(dirname(targetDir));
}

async function copyDatabase({ database, snapshot }: DatabaseView, location: string): Promise<void> {
  const target = await openDatabase(location);
  try {
    let batch = target.batch();
    let bytes = 0;
    for await (const [key, value] of database.iterator({
      snapshot,
      highWaterMarkBytes: BATCH_BYTES,
      fillCache: false,
    })) {
      batch.put(key, value);
      bytes += key.length + value.length;
      if (bytes < BATCH_BYTES) continue;
      await batch.write({ sync: true });
      batch = target.batch();
      bytes = 0;
    }
    await batch.write({ sync: true });
  } finally {
    await target.close();
  }
}

async function syncFile(path: string): Promise<void> {
  const handle = await open(path, 'r+');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
