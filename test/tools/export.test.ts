import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { appendTo, dataLog, numberedEntries, temporaryDirectory } from '../support/data-log.ts';
import { limmat } from '../support/run-limmat.ts';

describe('limmat export', () => {
  test('writes checkpoint, bundles and tiles, the partial ones of the checkpoint too', async () => {
    const dir = temporaryDirectory();
    const dataDir = await dataLog(dir, 600);
    const to = join(dir, 'export');
    expect((await limmat('export', '--data', dataDir, '--to', to)).code).toBe(0);
    for (const path of ['checkpoint', 'tile/entries/000', 'tile/entries/001', 'tile/entries/002.p/88', 'tile/0/000']) {
      expect(existsSync(join(to, path)), path).toBe(true);
    }
    expect(statSync(join(to, 'tile/0/002.p/88')).size).toBe(88 * 32);
    expect(statSync(join(to, 'tile/1/000.p/2')).size).toBe(64);
    expect(existsSync(join(to, 'tile/0/002'))).toBe(false);
  });

  test('an export again fetches and writes only what is new', async () => {
    const dir = temporaryDirectory();
    const dataDir = await dataLog(dir, 600);
    const to = join(dir, 'export');
    await limmat('export', '--data', dataDir, '--to', to);
    const written = statSync(join(to, 'tile/entries/000')).mtimeMs;
    await appendTo(dataDir, numberedEntries(300, 600));
    const { code, stdout } = await limmat('export', '--data', dataDir, '--to', to, '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ size: 900, bundlesFetched: 2 });
    expect(statSync(join(to, 'tile/entries/000')).mtimeMs).toBe(written);
    const trust = join(dataDir, 'trust.txt');
    expect((await limmat('fsck', '--files', to, '--trust', trust)).code).toBe(0);
  });

  test('the checkpoint is not written when the entries do not lead to its root', async () => {
    const dir = temporaryDirectory();
    const dataDir = await dataLog(dir, 300);
    const to = join(dir, 'export');
    await limmat('export', '--data', dataDir, '--to', to);
    const bundle = join(to, 'tile/entries/000');
    const bytes = readFileSync(bundle);
    bytes[5] = bytes[5]! ^ 1;
    writeFileSync(bundle, bytes);
    rmSync(join(to, 'checkpoint'));
    const { code, stderr } = await limmat('export', '--data', dataDir, '--to', to);
    expect(code).toBe(4);
    expect(stderr).toMatch(/lead to root/);
    expect(existsSync(join(to, 'checkpoint'))).toBe(false);
  });
});
