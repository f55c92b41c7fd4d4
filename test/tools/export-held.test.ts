import { cpSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { describe, expect, test } from 'vitest';

import { utf8 } from '../../src/bytes.ts';
import { readMeta } from '../../src/node.ts';
import { appendTo, dataLog, numberedEntries, temporaryDirectory } from '../support/data-log.ts';
import { limmat } from '../support/run-limmat.ts';

/** A log of `size` entries, its data directory's twin with the same keys, where history goes on differently. */
async function twins(size: number): Promise<{ dir: string; dataDir: string; twin: string }> {
  const dir = temporaryDirectory();
  const dataDir = await dataLog(dir, size);
  const twin = join(dir, 'twin');
  cpSync(dataDir, twin, { recursive: true });
  cpSync(readMeta(dataDir).guard, join(dir, 'twin.guard'), { recursive: true });
  const meta: object = JSON.parse(readFileSync(join(twin, 'meta.json'), 'utf8'));
  writeFileSync(join(twin, 'meta.json'), JSON.stringify({ ...meta, guard: join(dir, 'twin.guard') }));
  return { dir, dataDir, twin };
}

function otherEntries(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => utf8(`another ${i}`));
}

/** Every file below a directory: its path, its bytes and when it was written. */
function contents(directory: string): unknown[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((file) => file.isFile())
    .map((file) => join(file.parentPath, file.name))
    .toSorted()
    .map((path) => [path, readFileSync(path).toString('base64'), statSync(path).mtimeMs]);
}

/** Exports where an export is already, and sees that a refusal leaves every file as it was. */
async function refusedExport(from: string, to: string): Promise<{ code: number; error: string }> {
  const before = contents(to);
  const { code, stderr } = await limmat('export', '--data', from, '--to', to);
  expect(contents(to)).toEqual(before);
  expect(stderr).toContain('nothing was written');
  return { code, error: stderr };
}

async function exported(from: string, to: string): Promise<string> {
  expect((await limmat('export', '--data', from, '--to', to)).code).toBe(0);
  return to;
}

describe('limmat export, where a checkpoint is already,', () => {
  test.each([
    [0, 100],
    [0, 300],
    [300, 600],
  ])('does not replace another tree of the same size: split at %i, size %i', async (split, size) => {
    const { dir, dataDir, twin } = await twins(split);
    await appendTo(twin, otherEntries(size - split));
    const to = await exported(twin, join(dir, 'export'));
    await appendTo(dataDir, numberedEntries(size - split, split));
    const { code, error } = await refusedExport(dataDir, to);
    expect(code).toBe(6);
    expect(error).toContain(`two different trees of size ${size}`);
  });

  test.each([
    [0, 100, 200],
    [0, 100, 600],
    [0, 300, 600],
    [300, 400, 900],
  ])('does not replace a head that the new one does not extend: split at %i, %i and %i', async (split, held, size) => {
    const { dir, dataDir, twin } = await twins(split);
    await appendTo(twin, otherEntries(held - split));
    const to = await exported(twin, join(dir, 'export'));
    await appendTo(dataDir, numberedEntries(size - split, split));
    const { code, error } = await refusedExport(dataDir, to);
    expect(code).toBe(6);
    expect(error).toContain(`for its first ${held} entries, and a tree of ${size}`);
  });

  test('does not replace a larger head by an older, smaller one', async () => {
    const { dir, dataDir, twin } = await twins(300);
    await appendTo(dataDir, numberedEntries(300, 300));
    const to = await exported(dataDir, join(dir, 'export'));
    const { code, error } = await refusedExport(twin, to);
    expect(code).toBe(3);
    expect(error).toMatch(/has 600 entries of .* has published 300/);
  });

  test('calls a smaller head that was signed later what it is', async () => {
    const { dir, dataDir, twin } = await twins(300);
    await appendTo(dataDir, numberedEntries(300, 300));
    const to = await exported(dataDir, join(dir, 'export'));
    // Signed times are whole seconds.
    await sleep(1_001);
    await appendTo(twin, numberedEntries(1, 300));
    const { code, error } = await refusedExport(twin, to);
    expect(code).toBe(6);
    expect(error).toMatch(/went back: it signed 600 entries .* only 301 entries later/);
  });

  test('does not write over the files of another log', async () => {
    const dir = temporaryDirectory();
    const to = await exported(await dataLog(dir, 3, 'one'), join(dir, 'export'));
    const { code, error } = await refusedExport(await dataLog(dir, 5, 'two'), to);
    expect(code).toBe(2);
    expect(error).toContain('holds test.invalid/one: give another directory for test.invalid/two');
  });

  test('does not write over a checkpoint that the log has not signed', async () => {
    const dir = temporaryDirectory();
    const dataDir = await dataLog(dir, 3);
    const to = await exported(dataDir, join(dir, 'export'));
    const path = join(to, 'checkpoint');
    writeFileSync(path, readFileSync(path, 'utf8').replace('\n3\n', '\n4\n'));
    const { code, error } = await refusedExport(dataDir, to);
    expect(code).toBe(4);
    expect(error).toContain(path);
  });
});
