// A lock beside a small file, held for the milliseconds between reading it again and replacing it.

import { randomBytes } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';

import { LimmatError } from '../../src/errors.ts';

/** Whoever holds a lock for longer than this was killed: what is done under it takes milliseconds. */
const STALE_MILLIS = 10_000;
const WAIT_MILLIS = 30_000;
const PAUSE_MILLIS = 20;

/** Runs work while no other process that asks for the same lock does. `store-locked` when it cannot be had in time. */
export function withFileLock<T>(path: string, work: () => T): T {
  const lock = `${path}.lock`;
  // Says whose lock it is, so that nobody takes away another one than the one that it found to be stale.
  const mine = randomBytes(16).toString('hex');
  for (const deadline = Date.now() + WAIT_MILLIS; !take(lock, mine);) {
    if (Date.now() > deadline) {
      throw new LimmatError('store-locked', `${lock} is held by another process: try again, or remove it if none runs`);
    }
    breakStale(lock);
    pause(PAUSE_MILLIS);
  }
  try {
    return work();
  } finally {
    if (textOf(lock) === mine) rmSync(lock, { force: true });
  }
}

function take(lock: string, mine: string): boolean {
  // Made whole elsewhere and linked: a lock is never seen without its text.
  const made = `${lock}.${mine}`;
  writeFileSync(made, mine, { flag: 'wx' });
  try {
    linkSync(made, lock);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(made, { force: true });
  }
}

/** Takes a lock away that was left behind. Of several processes that do so at once one succeeds. */
function breakStale(lock: string): void {
  const text = textOf(lock);
  const made = statSync(lock, { throwIfNoEntry: false })?.mtimeMs;
  if (text === undefined || made === undefined || Date.now() - made < STALE_MILLIS) return;
  const aside = `${lock}.${randomBytes(16).toString('hex')}`;
  try {
    renameSync(lock, aside);
  } catch {
    return;
  }
  // Somebody else took the stale one away and locked anew in between: theirs goes back.
  if (textOf(aside) !== text) {
    try {
      linkSync(aside, lock);
    } catch {
      // A third one holds it by now. What the second one writes is merged into what it reads, so nothing is lost.
    }
  }
  rmSync(aside, { force: true });
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** Waits without giving up the thread: a command has nothing else to do meanwhile. */
function pause(millis: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, millis);
}
