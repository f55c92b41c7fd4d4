// admin.json in the data directory of a log that is being served: where its owner's commands find it, and at which
// address it answers everybody. Only the owner can read it.

import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

import * as v from 'valibot';

import { LimmatError, isLimmatError } from '../errors.ts';
import { replaceFile } from './replace-file.ts';

const ADMIN_FILE = 'admin.json';

const ADDRESS = v.object({ pid: v.number(), port: v.number(), token: v.string(), url: v.optional(v.string()) });

/** `{"pid":4711,"port":40123,"token":"9f86…","url":"http://127.0.0.1:6962"}`; port and token are of the owner's listener. */
export type AdminAddress = v.InferOutput<typeof ADDRESS>;

export function adminFile(dataDir: string): string {
  return join(dataDir, ADMIN_FILE);
}

/** Replaces the file as a whole. */
export function writeAdminAddress(dataDir: string, address: AdminAddress): void {
  const file = adminFile(dataDir);
  replaceFile(file, `${JSON.stringify(address)}\n`, 0o600);
}

/** What the log that runs on this directory has said; undefined when none has, or nothing that can be read. */
export function readAdminAddress(dataDir: string): AdminAddress | undefined {
  try {
    const parsed = v.safeParse(ADDRESS, JSON.parse(readFileSync(adminFile(dataDir), 'utf8')));
    return parsed.success ? parsed.output : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Whoever starts a second process on a log mostly wants to talk to the first: says of a `guard-locked` or
 * `store-locked` error at which address that is, where it is known. Any other error comes back as it is.
 */
export function explainLock(error: unknown, dataDir?: string): unknown {
  const isGuard = isLimmatError(error, 'guard-locked');
  if (!isGuard && !isLimmatError(error, 'store-locked')) return error;
  const { location, url: said } = error.details;
  if (typeof location !== 'string' || said !== undefined) return error;
  const owner = isGuard ? location.replace(/\.guard$/, '') : dirname(location);
  const url = [owner, ...(dataDir === undefined ? [] : [dataDir])].map(servedUrl).find((known) => known !== undefined);
  const what = isGuard ? `the guard ${location}` : `${basename(location)} in ${owner}`;
  const at = url === undefined ? '--url' : `--url ${url}`;
  return new LimmatError(
    error.code,
    `another process has ${what} open: talk to the running log with ${at}, or stop it first`,
    { details: url === undefined ? { location } : { location, url }, cause: error },
  );
}

/** A killed log leaves its file behind; then whoever holds the lock is somebody else. */
function servedUrl(dataDir: string): string | undefined {
  const address = readAdminAddress(dataDir);
  if (address?.url === undefined) return undefined;
  try {
    process.kill(address.pid, 0);
  } catch {
    return undefined;
  }
  return address.url;
}
