// Key files on disk: written for their owner alone, and refused when others can read them.

import { lstatSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

import { LimmatError } from '../errors.ts';
import { makeFile } from './replace-file.ts';

/** Read and write for the owner, nothing for anybody else (DESIGN §7). */
const OWNER_ONLY = 0o600;

/**
 * The text of a key file. Fails with `bad-key` when it is not there, or when anybody but its owner has any right to
 * it (Windows has no such bits and is not checked).
 */
export function readSecretFile(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) throw new LimmatError('bad-key', `no key file ${path}`, { details: { path } });
  const mode = (stat.mode & 0o777).toString(8).padStart(3, '0');
  if (process.platform !== 'win32' && !mode.endsWith('00')) {
    throw new LimmatError(
      'bad-key',
      `key file ${path} has mode 0${mode}, so others than its owner can reach it: chmod 600 ${path}`,
      { details: { path, mode: `0${mode}` } },
    );
  }
  return readFileSync(path, 'utf8');
}

/** Writes a new key file, mode 0600, with the directories above it (0700). Never replaces one: `bad-key`. */
export function writeSecretFile(path: string, text: string): void {
  if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) {
    throw new LimmatError('bad-key', `key file ${path} is there already and is not replaced`, { details: { path } });
  }
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  // On the disk before anything is signed with it: a key that a power cut empties is lost for ever.
  makeFile(path, text, OWNER_ONLY);
}
