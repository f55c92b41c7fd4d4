import { cpSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { openGuard } from '../../src/adapters/guard.ts';
import { openLevelStorage } from '../../src/adapters/level.ts';
import { toHex, utf8 } from '../../src/bytes.ts';
import { readMeta } from '../../src/node.ts';
import { appendTo, dataLog, numberedEntries, temporaryDirectory } from '../support/data-log.ts';
import { limmat } from '../support/run-limmat.ts';

interface Forked {
  readonly dir: string;
  /** 900 entries, and the guard says so. */
  readonly dataDir: string;
  /** Exports: of the first 500 entries, of all 900, and of another history signed with the same keys. */
  readonly old: string;
  readonly honest: string;
  readonly fork: string;
}

/** A log whose keys were used twice after entry 500: here, and by someone with a copy, who made it `forkSize` entries. */
async function forkedAt500(forkSize: number): Promise<Forked> {
  const dir = temporaryDirectory();
  const dataDir = await dataLog(dir, 500);
  const [copy, old] = [join(dir, 'copy'), join(dir, 'old')];
  const [honest, fork] = [join(dir, 'honest'), join(dir, 'fork')];
  expect((await limmat('backup', '--data', dataDir, '--to', copy, '--with-keys')).code).toBe(0);
  expect((await limmat('export', '--data', dataDir, '--to', old)).code).toBe(0);
  const twin = join(dir, 'twin');
  cpSync(copy, twin, { recursive: true });
  cpSync(readMeta(dataDir).guard, join(dir, 'twin.guard'), { recursive: true });
  const meta: object = JSON.parse(readFileSync(join(twin, 'meta.json'), 'utf8'));
  writeFileSync(join(twin, 'meta.json'), JSON.stringify({ ...meta, guard: join(dir, 'twin.guard') }));
  await appendTo(
    twin,
    Array.from({ length: forkSize - 500 }, (_, i) => utf8(`another ${i}`)),
  );
  await appendTo(dataDir, numberedEntries(400, 500));
  expect((await limmat('export', '--data', twin, '--to', fork)).code).toBe(0);
  expect((await limmat('export', '--data', dataDir, '--to', honest)).code).toBe(0);
  return { dir, dataDir, old, honest, fork };
}

/** Puts the copy that was made at 500 in the data directory's place. */
function rollBack({ dir, dataDir }: Forked): void {
  rmSync(dataDir, { recursive: true });
  renameSync(join(dir, 'copy'), dataDir);
}

/** What guard and store hold, to see that nothing was written. */
async function kept(dataDir: string): Promise<{ guard: string; store: string; published: string }> {
  const guard = await openGuard(readMeta(dataDir).guard);
  const state = await guard.read();
  await guard.close();
  const storage = await openLevelStorage(dataDir);
  const { head, published } = await storage.load();
  await storage.close();
  return {
    guard: state === undefined ? 'nothing' : `${state.size} ${toHex(state.rootHash)}`,
    store: `${head.size} ${toHex(head.rootHash)}`,
    published: toHex(published ?? new Uint8Array(0)),
  };
}

async function expectRefused(dataDir: string, ...argv: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await limmat('recover', '--data', dataDir, ...argv);
  expect(stdout).toBe('');
  expect(code).toBe(6);
  return stderr;
}

describe('limmat recover, when a source proves a fork', () => {
  test.each([700, 900, 1000])('refuses one of %i entries, though the store lacks nothing', async (forkSize) => {
    const { dataDir, fork } = await forkedAt500(forkSize);
    const before = await kept(dataDir);
    expect(await expectRefused(dataDir, '--from', fork)).toMatch(/another history|has signed root/);
    expect(await kept(dataDir)).toEqual(before);
  });

  test.each([700, 1000])('and does not take one of %i entries for the lost guard', async (forkSize) => {
    const { dataDir, fork } = await forkedAt500(forkSize);
    rmSync(readMeta(dataDir).guard, { recursive: true });
    const { store, published } = await kept(dataDir);
    expect(await expectRefused(dataDir, '--from', fork, '--guard-lost')).toMatch(/this log has forked/);
    expect(await kept(dataDir)).toEqual({ guard: 'nothing', store, published });
  });

  test('refuses a larger tree that the restored store fits and the guard does not', async () => {
    const forked = await forkedAt500(1000);
    rollBack(forked);
    const before = await kept(forked.dataDir);
    expect(await expectRefused(forked.dataDir, '--from', forked.fork)).toMatch(/at size 900 this log has signed root/);
    expect(await kept(forked.dataDir)).toEqual(before);
  });

  test('refuses two sources that contradict each other, though the larger one has all', async () => {
    const forked = await forkedAt500(700);
    rollBack(forked);
    const before = await kept(forked.dataDir);
    const stderr = await expectRefused(forked.dataDir, '--from', forked.fork, forked.honest);
    expect(stderr).toMatch(/two signed trees that differ at size 700/);
    expect(await kept(forked.dataDir)).toEqual(before);
    expect((await limmat('recover', '--data', forked.dataDir, '--from', forked.old, forked.honest)).code).toBe(0);
  });
});

describe('limmat recover, when the guard is lost', () => {
  test('counts what the store has published, so that an older source does not set the log back', async () => {
    const { dataDir, old } = await forkedAt500(501);
    const { guard, store } = await kept(dataDir);
    rmSync(readMeta(dataDir).guard, { recursive: true });
    expect((await limmat('recover', '--data', dataDir, '--from', old, '--guard-lost')).code).toBe(0);
    expect(await kept(dataDir)).toMatchObject({ guard, store });
    await appendTo(dataDir, numberedEntries(3, 900));
  });

  test('still wants a source: the store alone cannot stand for it', async () => {
    const { dir, dataDir } = await forkedAt500(501);
    rmSync(readMeta(dataDir).guard, { recursive: true });
    const { code } = await limmat('recover', '--data', dataDir, '--from', join(dir, 'nowhere'), '--guard-lost');
    expect(code).toBe(3);
    expect((await kept(dataDir)).guard).toBe('nothing');
  });
});
