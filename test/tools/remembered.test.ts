import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { readHead } from '../../src/client/follow.ts';
import { httpReader } from '../../src/client/http-reader.ts';
import { formatState } from '../../src/client/state.ts';
import type { LogHead } from '../../src/client/state.ts';
import { utf8 } from '../../src/bytes.ts';
import { withFileLock } from '../../tools/support/file-lock.ts';
import { readState, rememberHeads } from '../../tools/support/remembered.ts';
import { replaceFile } from '../../src/node/replace-file.ts';
import { numberedEntries, ServedLog } from '../support/served-log.ts';

const T = 1_790_000_000;
let directory: string;
const path = (name: string): string => join(directory, name);

beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), 'limmat-state-'))));
afterEach(() => rmSync(directory, { recursive: true }));

async function headOf(origin: string, size: number, last?: string): Promise<LogHead> {
  const entries = numberedEntries(size);
  if (last !== undefined) entries[size - 1] = utf8(last);
  const log = new ServedLog(entries, origin);
  await log.publish(T + size);
  const reader = httpReader({ url: 'http://log.example/', fetch: log.fetch });
  return readHead({ reader, origin, verifiers: log.verifiers });
}

const heads = (...all: readonly LogHead[]): ReadonlyMap<string, LogHead> =>
  new Map(all.map((head) => [head.origin, head]));

describe('what is remembered', () => {
  test('keeps what another run wrote meanwhile: other logs, and a larger head', async () => {
    const [a5, a7, b3] = [await headOf('a.example', 5), await headOf('a.example', 7), await headOf('b.example', 3)];
    rememberHeads(path('state'), heads(a7));
    // This run had read the file before that.
    rememberHeads(path('state'), heads(a5, b3));
    expect([...readState(path('state')).values()].map(({ origin, size }) => [origin, size])).toEqual([
      ['a.example', 7],
      ['b.example', 3],
    ]);
    expect(readdirSync(directory)).toEqual(['state']);
  });

  test('refuses a head that contradicts what another run wrote meanwhile', async () => {
    rememberHeads(path('state'), heads(await headOf('a.example', 5)));
    const before = readFileSync(path('state'), 'utf8');
    const other = await headOf('a.example', 5, 'another history');
    expect(() => rememberHeads(path('state'), heads(other))).toThrow(expect.objectContaining({ code: 'fork' }));
    expect(readFileSync(path('state'), 'utf8')).toBe(before);
    expect(readdirSync(directory)).toEqual(['state']);
  });

  test('is a state that nobody wrote over where it cannot be read', async () => {
    writeFileSync(path('state'), 'mine\n');
    const head = await headOf('a.example', 5);
    expect(() => rememberHeads(path('state'), heads(head))).toThrow(expect.objectContaining({ code: 'bad-config' }));
    expect(readFileSync(path('state'), 'utf8')).toBe('mine\n');
  });

  test('does not touch a file to which it adds nothing', async () => {
    const head = await headOf('a.example', 5);
    rememberHeads(path('state'), heads(head));
    utimesSync(path('state'), 1000, 1000);
    rememberHeads(path('state'), heads(head));
    expect(readFileSync(path('state'), 'utf8')).toBe(formatState(heads(head)));
    writeFileSync(path('x'), 'x');
    replaceFile(path('x'), 'y');
    expect(readFileSync(path('x'), 'utf8')).toBe('y');
  });
});

/** A process that adds one to the number in a file so many times, each time under the lock. */
const COUNTER = `
  import { readFileSync } from 'node:fs';
  import { withFileLock } from ${JSON.stringify(new URL('../../tools/support/file-lock.ts', import.meta.url).href)};
  import { replaceFile } from ${JSON.stringify(new URL('../../src/node/replace-file.ts', import.meta.url).href)};
  const [path, times] = [process.argv[1], Number(process.argv[2])];
  for (let i = 0; i < times; i++) {
    withFileLock(path, () => replaceFile(path, String(Number(readFileSync(path, 'utf8')) + 1)));
  }
`;

const failing = (): never => {
  throw new Error('no disk');
};

describe('the lock', () => {
  test('lets one process at a time change the file', { timeout: 60_000 }, async () => {
    writeFileSync(path('count'), '0');
    const processes = Array.from({ length: 4 }, () =>
      spawn(process.execPath, ['--input-type=module-typescript', '-e', COUNTER, path('count'), '25'], {
        stdio: 'inherit',
      }),
    );
    const codes = await Promise.all(processes.map((child) => new Promise((resolve) => child.once('close', resolve))));
    expect(codes).toEqual([0, 0, 0, 0]);
    expect(readFileSync(path('count'), 'utf8')).toBe('100');
    expect(readdirSync(directory)).toEqual(['count']);
  });

  test('is let go when what is done under it fails, and taken away from whoever was killed long ago', () => {
    expect(() => withFileLock(path('f'), failing)).toThrow('no disk');
    expect(existsSync(path('f.lock'))).toBe(false);
    writeFileSync(path('f.lock'), 'of somebody who was killed');
    const longAgo = Date.now() / 1000 - 60;
    utimesSync(path('f.lock'), longAgo, longAgo);
    expect(withFileLock(path('f'), () => 'done')).toBe('done');
    expect(readdirSync(directory)).toEqual([]);
  });
});
