// A log in a data directory of its own, for tests of the tools that work on whole logs.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { onTestFinished } from 'vitest';

import { utf8 } from '../../src/bytes.ts';
import { openNodeLog, readSettings } from '../../src/node.ts';
import { makeLog } from '../../tools/support/new-log.ts';

/** An empty directory that is gone when the test is over. */
export function temporaryDirectory(): string {
  const dir = mkdtempSync(join(tmpdir(), 'limmat-test-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** Distinct entries of different lengths. */
export function numberedEntries(count: number, first = 0): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => utf8(`entry ${first + i} ${'.'.repeat((first + i) % 50)}`));
}

/** Appends entries to the log in a data directory, publishes them and closes it. */
export async function appendTo(dataDir: string, entries: readonly Uint8Array[]): Promise<void> {
  const opened = await openNodeLog(readSettings(dataDir));
  try {
    const results = await opened.log.append(entries);
    if (!results.every((result) => result.ok)) throw new Error('an entry was not taken');
  } finally {
    await opened.close();
  }
}

/** A log with open admission and that many entries, closed, in `<dir>/<name>`; its data directory. */
export async function dataLog(dir: string, size: number, name = 'data'): Promise<string> {
  const dataDir = join(dir, name);
  await makeLog({ dir: dataDir, origin: `test.invalid/${name}`, admission: 'open' });
  if (size > 0) await appendTo(dataDir, numberedEntries(size));
  return dataDir;
}
