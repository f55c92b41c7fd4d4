// `limmat backup`: a copy of a data directory, from a running log or a stopped one. The running log copies its store
// itself, because a store has one process; the small files beside it are copied here.

import { copyFile, lstat, mkdir, readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';

import type { Command } from 'commander';

import { openLevelStorage } from '../src/adapters/level.ts';
import { isLimmatError, LimmatError } from '../src/errors.ts';
import { readMeta } from '../src/node/meta.ts';
import { askForBackup } from './support/admin.ts';
import { createOutput } from './support/output.ts';
import { createProgress, formatBytes, formatCount } from './support/progress.ts';

interface BackupOptions {
  readonly data: string;
  readonly to: string;
  readonly withKeys?: boolean;
  readonly json?: boolean;
}

/** What the store's own backup writes. */
const STORE_DIRECTORIES = ['db', 'entries', 'index'];
/** Everything else that makes a data directory, meta.json last: it says that the copy is complete. */
const FILES = ['limmat.toml', 'trust.txt', 'meta.json'];
const PROGRESS_MILLIS = 250;

async function exists(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined)) !== undefined;
}

/** A path that may not be there yet, without symbolic links in the part that is. */
async function realPath(path: string): Promise<string> {
  if (await exists(path)) return realpath(path);
  return join(await realPath(dirname(path)), basename(path));
}

/** Bytes of the files under these directories; files that vanish meanwhile count nothing. */
async function bytesUnder(root: string, directories: readonly string[]): Promise<number> {
  let sum = 0;
  for (const directory of directories) {
    const files = await readdir(join(root, directory), { withFileTypes: true, recursive: true }).catch(() => []);
    for (const file of files) {
      if (file.isFile()) sum += (await stat(join(file.parentPath, file.name)).catch(() => undefined))?.size ?? 0;
    }
  }
  return sum;
}

async function copyIfThere(from: string, to: string): Promise<void> {
  if (!(await exists(from))) return;
  await mkdir(dirname(to), { recursive: true });
  await copyFile(from, to);
}

async function copyKeys(dataDir: string, to: string): Promise<void> {
  const source = join(dataDir, 'keys');
  if (!(await exists(source))) return;
  await mkdir(join(to, 'keys'), { recursive: true, mode: 0o700 });
  // copyFile keeps the mode, so a 0600 file stays one.
  for (const name of await readdir(source)) await copyFile(join(source, name), join(to, 'keys', name));
}

/** Copies the store: by the process that has it, or here when none does. The size of the copied tree. */
async function copyStore(dataDir: string, to: string): Promise<{ size: number; running: boolean }> {
  const asked = await askForBackup(dataDir, to);
  if (asked !== undefined) return { size: asked, running: true };
  try {
    const storage = await openLevelStorage(dataDir, { create: false });
    try {
      return { size: (await storage.backup(to)).size, running: false };
    } finally {
      await storage.close();
    }
  } catch (error) {
    if (!isLimmatError(error, 'store-locked')) throw error;
    throw new LimmatError(
      'store-locked',
      `another process has the store in ${dataDir} and does not answer as a log would`,
      {
        cause: error,
      },
    );
  }
}

async function backup(options: BackupOptions): Promise<void> {
  const output = createOutput(options);
  const dataDir = resolve(options.data);
  const to = resolve(options.to);
  const { origin } = readMeta(dataDir);
  const present = await readdir(to).catch(() => []);
  if (present.length > 0)
    throw new LimmatError('usage', `${to} holds something: give a directory that is new or empty`);
  if (`${await realPath(to)}${sep}`.startsWith(`${await realPath(dataDir)}${sep}`)) {
    throw new LimmatError('usage', `${to} is inside the data directory ${dataDir}: a copy goes elsewhere`);
  }
  await mkdir(to, { recursive: true });

  const total = await bytesUnder(dataDir, STORE_DIRECTORIES);
  const progress = createProgress({ label: 'backup', unit: 'bytes', total, silent: output.json });
  const timer = setInterval(() => {
    void bytesUnder(to, STORE_DIRECTORIES).then((done) => progress.update(Math.min(done, total)));
  }, PROGRESS_MILLIS);
  let copied: { size: number; running: boolean };
  try {
    copied = await copyStore(dataDir, to);
  } finally {
    clearInterval(timer);
    progress.clear();
  }
  if (options.withKeys === true) await copyKeys(dataDir, to);
  for (const name of FILES) await copyIfThere(join(dataDir, name), join(to, name));

  const bytes = await bytesUnder(to, STORE_DIRECTORIES);
  const { size, running } = copied;
  output.result({ origin, to, size, bytes, running, keys: options.withKeys === true }, [
    `copied ${formatCount(size)} entries (${formatBytes(bytes)}) of ${origin} to ${to}${running ? ' while it runs' : ''}`,
    options.withKeys === true
      ? 'the copy holds the secret keys: keep it as you keep them'
      : 'the secret keys are not in the copy (--with-keys puts them there): keep them, and the guard, elsewhere',
    `check it:   limmat fsck --data ${to}`,
    'a restored copy is behind what the log has signed since: "limmat recover" brings the rest back',
  ]);
}

export function register(program: Command): void {
  program
    .command('backup')
    .summary('copy a running log')
    .description(
      'Copies a data directory: entries, tiles, index, settings, of one moment, while the log goes on. ' +
        'The guard is never copied: it stands for what this log has signed, and a copy of it would say too little.',
    )
    .option('--data <dir>', 'the data directory', 'data')
    .requiredOption('--to <dir>', 'where the copy goes: a new or empty directory')
    .option('--with-keys', 'copy the secret keys too')
    .option('--json', 'one JSON document instead of text')
    .action(backup);
}
