import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { openGuard } from '../../../src/adapters/guard.ts';
import { openLevelStorage } from '../../../src/adapters/level.ts';
import { GrowingTree } from '../../contract/growing-tree.ts';
import { expectToHold } from '../../contract/storage.ts';

const COMMITTER = fileURLToPath(new URL('commit-until-killed.ts', import.meta.url));

/** Lets a committer promise some growths, kills it in the middle of the next, and gives the last size it promised. */
async function promiseAndDie(dir: string, promises: number): Promise<number> {
  const child = spawn(process.execPath, [COMMITTER, dir], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  let output = '';
  for await (const chunk of child.stdout.setEncoding('utf8')) {
    output += String(chunk);
    if (output.split('\n').length <= promises) continue;
    child.kill('SIGKILL');
  }
  await exited;
  expect(child.signalCode).toBe('SIGKILL');
  return Number(output.split('\n').at(-2));
}

test('a process that is killed while committing loses nothing that it promised', { timeout: 60_000 }, async () => {
  const place = await mkdtemp(join(tmpdir(), 'limmat-kill-'));
  const dir = join(place, 'log');
  try {
    for (const promises of [1, 2, 5, 9]) {
      const promised = await promiseAndDie(dir, promises);
      const storage = await openLevelStorage(dir);
      const guard = await openGuard(`${dir}.guard`);
      const { head } = await storage.load();
      expect(head.size).toBeGreaterThanOrEqual(promised);
      const tree = new GrowingTree();
      tree.grow(head.size);
      await expectToHold(storage, tree);
      // The guard is behind the store or level with it, and never behind a promise.
      const guarded = await guard.read();
      expect(guarded?.size).toBeGreaterThanOrEqual(promised);
      expect(guarded?.rootHash).toEqual(tree.head(guarded!.size).rootHash);
      await storage.close();
      await guard.close();
    }
  } finally {
    await rm(place, { recursive: true });
  }
});
