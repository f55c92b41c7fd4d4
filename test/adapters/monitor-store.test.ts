import { mkdtemp, readFile, readdir, rm, stat, truncate, writeFile, appendFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openMonitorStore, originHash } from '../../src/adapters/monitor-store.ts';
import { nodeHasher } from '../../src/adapters/node-crypto.ts';
import { utf8 } from '../../src/bytes.ts';
import { TileOracle, expectMirror, monitorStoreContract } from '../contract/monitor-store.ts';

const ORIGIN = 'log.example/one';

monitorStoreContract('a directory', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'limmat-monitor-'));
  return {
    open: () => openMonitorStore(join(dir, 'store'), { hasher: nodeHasher }),
    remove: () => rm(dir, { recursive: true }),
  };
});

describe('a store on a disk', () => {
  let dir: string;
  let logDir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'limmat-monitor-'));
    logDir = join(dir, 'logs', originHash(ORIGIN));
  });
  afterEach(() => rm(dir, { recursive: true }));

  test('takes at most 36 bytes an entry', async () => {
    const store = await openMonitorStore(dir, { hasher: nodeHasher });
    const { mirror } = await store.log(ORIGIN);
    const count = 256 * 256 * 2;
    await mirror.append(new Uint8Array(32 * count));
    await mirror.flush();
    await store.close();
    let bytes = 0;
    for (const file of await readdir(logDir)) bytes += (await stat(join(logDir, file))).size;
    expect(bytes / count).toBeLessThanOrEqual(36);
    expect(bytes / count).toBeGreaterThan(32);
  });

  test('is for its owner alone', async () => {
    const store = await openMonitorStore(dir);
    await (await store.log(ORIGIN)).state.save('x');
    await store.close();
    const files = await readdir(dir, { recursive: true, withFileTypes: true });
    for (const file of files.filter((entry) => !entry.parentPath.includes('lock') && entry.isFile())) {
      expect((await stat(join(file.parentPath, file.name))).mode % 0o100, file.name).toBe(0);
    }
    expect((await stat(dir)).mode % 0o100).toBe(0);
  });

  test('names a log directory by its origin hash and says in it whose it is', async () => {
    const store = await openMonitorStore(dir);
    await store.log(ORIGIN);
    await store.close();
    expect(await readFile(join(logDir, 'origin'), 'utf8')).toBe(`${ORIGIN}\n`);
  });

  test('makes the upper levels again from the leaves when a crash left them behind', async () => {
    const size = 256 * 256 + 300;
    const oracle = new TileOracle(size);
    const open = await openMonitorStore(dir, { hasher: nodeHasher });
    await (await open.log(ORIGIN)).mirror.append(oracle.leaves(0, size));
    await open.close();
    const broken: (() => Promise<void>)[] = [
      () => truncate(join(logDir, 'level-1'), 32 * 10 + 7),
      () => rm(join(logDir, 'level-2')),
      () => rm(join(logDir, 'level-1')),
      () => truncate(join(logDir, 'level-1'), 0),
      () => appendFile(join(logDir, 'level-2'), new Uint8Array(100)),
      () => appendFile(join(logDir, 'level-1'), new Uint8Array(64)),
    ];
    for (const breakIt of broken) {
      await breakIt();
      const store = await openMonitorStore(dir, { hasher: nodeHasher });
      await expectMirror((await store.log(ORIGIN)).mirror, oracle, size);
      await store.close();
    }
  });

  test('forgets half a hash at the end of the leaves, and every level fits what is left', async () => {
    const size = 600;
    const oracle = new TileOracle(size);
    const open = await openMonitorStore(dir, { hasher: nodeHasher });
    await (await open.log(ORIGIN)).mirror.append(oracle.leaves(0, size));
    await open.close();
    for (const left of [599, 512, 511, 256, 255, 1]) {
      await truncate(join(logDir, 'level-0'), 32 * left + 31);
      const store = await openMonitorStore(dir, { hasher: nodeHasher });
      const { mirror } = await store.log(ORIGIN);
      await expectMirror(mirror, oracle, left);
      await mirror.append(oracle.leaves(left, size));
      await expectMirror(mirror, oracle, size);
      await store.close();
    }
  });

  test('a line that was half written is not there, and the next one does not join it', async () => {
    const store = await openMonitorStore(dir);
    await store.alerts.append(['one', 'two']);
    await store.close();
    for (const torn of ['thr', 'x'.repeat(200_000)]) {
      await appendFile(join(dir, 'alerts.jsonl'), torn);
      const again = await openMonitorStore(dir);
      expect((await again.alerts.read(0, 10)).map(({ text }) => text)).toEqual(['one', 'two']);
      await again.alerts.append(['3']);
      expect((await again.alerts.read(0, 10)).map(({ text }) => text)).toEqual(['one', 'two', '3']);
      await again.alerts.rewrite(['one', 'two']);
      await again.close();
    }
    await writeFile(join(dir, 'alerts.jsonl'), 'no newline at all');
    const last = await openMonitorStore(dir);
    expect(last.alerts.end).toBe(0);
    await last.close();
  });

  test('says store-corrupt for a text that is not UTF-8', async () => {
    const store = await openMonitorStore(dir);
    await store.meta.save('x');
    await writeFile(join(dir, 'monitor.json'), Uint8Array.of(0xff));
    await expect(store.meta.load()).rejects.toMatchObject({ code: 'store-corrupt' });
    await store.close();
  });

  test('a text that was being replaced at a crash is the old one', async () => {
    const store = await openMonitorStore(dir);
    await store.meta.save('old');
    await store.close();
    await writeFile(join(dir, 'monitor.json.new'), 'ne');
    const again = await openMonitorStore(dir);
    expect(await again.meta.load()).toBe('old');
    await again.meta.save('new');
    expect(await again.meta.load()).toBe('new');
    await again.close();
  });

  test('keeps suspect bytes once, and the oldest go first', async () => {
    const store = await openMonitorStore(dir);
    const log = await store.log(ORIGIN);
    await log.keepSuspect('Tile/entries/000', utf8('same'));
    await log.keepSuspect('Tile/entries/000', utf8('same'));
    const suspects = join(logDir, 'suspects');
    expect((await readdir(suspects)).length).toBe(1);
    for (let i = 0; i < 70; i++) await log.keepSuspect(`checkpoint`, utf8(`bytes ${i}`));
    const kept = await readdir(suspects);
    expect(kept.length).toBe(64);
    expect(kept.every((name) => /^[a-z0-9-]+$/.test(name))).toBe(true);
    await store.close();
  });

  test('fails with store-failed where there cannot be a directory', async () => {
    const file = join(dir, 'file');
    await writeFile(file, '');
    await expect(openMonitorStore(join(file, 'store'))).rejects.toMatchObject({ code: 'store-failed' });
  });
});
