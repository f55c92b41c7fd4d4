import { cpSync, existsSync, renameSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { openGuard } from '../../src/adapters/guard.ts';
import { openNodeLog, readMeta, readSettings } from '../../src/node.ts';
import { startAdmin } from '../../tools/support/admin.ts';
import { appendTo, dataLog, numberedEntries, temporaryDirectory } from '../support/data-log.ts';
import { limmat } from '../support/run-limmat.ts';

/** A log of 900 entries whose data directory was replaced by the copy that was made at 500. */
async function rolledBack(): Promise<{ dir: string; dataDir: string; files: string }> {
  const dir = temporaryDirectory();
  const dataDir = await dataLog(dir, 500);
  const copy = join(dir, 'copy');
  expect((await limmat('backup', '--data', dataDir, '--to', copy, '--with-keys')).code).toBe(0);
  await appendTo(dataDir, numberedEntries(400, 500));
  const files = join(dir, 'export');
  expect((await limmat('export', '--data', dataDir, '--to', files)).code).toBe(0);
  rmSync(dataDir, { recursive: true });
  renameSync(copy, dataDir);
  return { dir, dataDir, files };
}

describe('limmat backup', () => {
  test('copies a log that is not running, without its secret keys unless asked', async () => {
    const dir = temporaryDirectory();
    const dataDir = await dataLog(dir, 300);
    const { code, stdout } = await limmat('backup', '--data', dataDir, '--to', join(dir, 'copy'), '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ size: 300, running: false, keys: false });
    expect(existsSync(join(dir, 'copy/keys'))).toBe(false);
    expect((await limmat('fsck', '--data', join(dir, 'copy'))).code).toBe(0);
    await limmat('backup', '--data', dataDir, '--to', join(dir, 'full'), '--with-keys');
    expect(statSync(join(dir, 'full/keys/log.skey')).mode & 0o777).toBe(0o600);
  });

  test('copies a running log while it takes entries', async () => {
    const dir = temporaryDirectory();
    const dataDir = await dataLog(dir, 300);
    const opened = await openNodeLog(readSettings(dataDir));
    const admin = await startAdmin(dataDir, { backup: (to) => opened.backup(to) });
    try {
      expect(statSync(join(dataDir, 'admin.json')).mode & 0o777).toBe(0o600);
      const appending = opened.log.append(numberedEntries(5000, 300));
      const { code, stdout } = await limmat('backup', '--data', dataDir, '--to', join(dir, 'copy'), '--json');
      expect(code).toBe(0);
      await appending;
      expect(JSON.parse(stdout)).toMatchObject({ running: true });
    } finally {
      await admin.close();
      await opened.close();
    }
    expect(existsSync(join(dataDir, 'admin.json'))).toBe(false);
    expect((await limmat('fsck', '--data', join(dir, 'copy'))).code).toBe(0);
  });

  test('nobody without the token is answered', async () => {
    const dir = temporaryDirectory();
    const admin = await startAdmin(dir, { backup: () => Promise.reject(new Error('asked')) });
    try {
      const { port }: { port: number } = JSON.parse(
        await import('node:fs/promises').then(({ readFile }) => readFile(join(dir, 'admin.json'), 'utf8')),
      );
      const answer = await fetch(`http://127.0.0.1:${port}/backup`, { method: 'POST', body: '{"to":"/x"}' });
      expect(answer.status).toBe(401);
    } finally {
      await admin.close();
    }
  });

  test('a directory that holds something is refused', async () => {
    const dir = temporaryDirectory();
    const dataDir = await dataLog(dir, 1);
    const { code, stderr } = await limmat('backup', '--data', dataDir, '--to', dataDir);
    expect(code).toBe(2);
    expect(stderr).toMatch(/new or empty/);
  });

  test('a directory inside the data directory is refused, however it is named', async () => {
    const dir = temporaryDirectory();
    const dataDir = await dataLog(dir, 1);
    symlinkSync(dataDir, join(dir, 'link'));
    for (const to of [join(dataDir, 'copies/1'), join(dir, 'link/copy')]) {
      const { code, stderr } = await limmat('backup', '--data', dataDir, '--to', to);
      expect(code, to).toBe(2);
      expect(stderr).toContain('inside the data directory');
      expect(existsSync(to)).toBe(false);
    }
    expect((await limmat('backup', '--data', dataDir, '--to', `${dataDir}-copy`)).code).toBe(0);
  });
});

describe('limmat recover', () => {
  test('a rolled-back log refuses to start, is brought up from an export, and goes on', async () => {
    const { dataDir, files } = await rolledBack();
    await expect(openNodeLog(readSettings(dataDir))).rejects.toMatchObject({ code: 'guard-mismatch' });
    const { code, stdout } = await limmat('recover', '--data', dataDir, '--from', files, '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ added: 400, size: 900 });
    await appendTo(dataDir, numberedEntries(10, 900));
    expect((await limmat('fsck', '--data', dataDir)).code).toBe(0);
    const again = await limmat('recover', '--data', dataDir, '--from', files, '--json');
    expect(again.code).toBe(0);
    expect(JSON.parse(again.stdout)).toMatchObject({ added: 0, size: 910 });
  });

  test('a store that is lost altogether comes back from an export', async () => {
    const { dataDir, files } = await rolledBack();
    for (const part of ['db', 'entries', 'index']) rmSync(join(dataDir, part), { recursive: true });
    const { code, stdout } = await limmat('recover', '--data', dataDir, '--from', files, '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ added: 900, size: 900 });
    await appendTo(dataDir, numberedEntries(3, 900));
    expect((await limmat('fsck', '--data', dataDir)).code).toBe(0);
  });

  test('a source that has less than the guard is refused, and nothing is signed or added', async () => {
    const { dir, dataDir } = await rolledBack();
    const old = join(dir, 'old');
    await limmat('export', '--data', dataDir, '--to', old);
    const { code, stderr } = await limmat('recover', '--data', dataDir, '--from', old);
    expect(code).toBe(3);
    expect(stderr).toMatch(/has 500 entries, but this log has signed 900/);
    await expect(openNodeLog(readSettings(dataDir))).rejects.toMatchObject({ code: 'guard-mismatch' });
  });

  test('entries that are not in the signed tree are refused', async () => {
    const { dataDir, files } = await rolledBack();
    cpSync(join(files, 'tile/entries/001'), join(files, 'tile/entries/002'));
    const { code, stderr } = await limmat('recover', '--data', dataDir, '--from', files);
    expect(code).toBe(4);
    expect(stderr).toMatch(/tile\/0\/002/);
  });

  test("another log's checkpoint is refused", async () => {
    const { dir, dataDir } = await rolledBack();
    const other = join(dir, 'other-files');
    await limmat('export', '--data', await dataLog(dir, 950, 'other'), '--to', other);
    const { code } = await limmat('recover', '--data', dataDir, '--from', other);
    expect(code).not.toBe(0);
    await expect(openNodeLog(readSettings(dataDir))).rejects.toMatchObject({ code: 'guard-mismatch' });
  });

  test('a missing guard is refused, unless the operator says that it is lost', async () => {
    const { dataDir, files } = await rolledBack();
    const { guard } = readMeta(dataDir);
    rmSync(guard, { recursive: true });
    const refused = await limmat('recover', '--data', dataDir, '--from', files);
    expect(refused.code).toBe(3);
    expect(refused.stderr).toMatch(/--guard-lost/);
    expect(existsSync(guard)).toBe(false);
    expect((await limmat('recover', '--data', dataDir, '--from', files, '--guard-lost')).code).toBe(0);
    const opened = await openGuard(guard);
    expect(await opened.read()).toMatchObject({ size: 900 });
    await opened.close();
    await appendTo(dataDir, numberedEntries(1, 900));
  });
});
