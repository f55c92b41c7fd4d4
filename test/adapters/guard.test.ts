import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Level } from 'level';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openGuard } from '../../src/adapters/guard.ts';
import type { GuardOptions } from '../../src/adapters/guard.ts';
import type { Guard, GuardState } from '../../src/log/guard.ts';
import { asHash } from '../../src/merkle/hash.ts';

let dir: string;
let opened: Guard[];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'limmat-guard-'));
  opened = [];
});
afterEach(async () => {
  for (const guard of opened) await guard.close();
  await rm(dir, { recursive: true });
});

async function open(options?: GuardOptions): Promise<Guard> {
  const guard = await openGuard(join(dir, 'log.guard'), options);
  opened.push(guard);
  return guard;
}

function state(size: number): GuardState {
  const rootHash = asHash(new Uint8Array(32).fill(size % 251));
  return { origin: 'limmat.invalid/test', size, rootHash, timestampSeconds: 1_790_000_000 + size };
}

describe('the guard on a disk', () => {
  test('a new one knows nothing; then it holds what was written last, after reopening too', async () => {
    let guard = await open();
    expect(await guard.read()).toBeUndefined();
    await guard.write(state(0));
    await guard.write(state(2 ** 40));
    expect(await guard.read()).toEqual(state(2 ** 40));
    await guard.close();
    guard = await open({ create: false });
    expect(await guard.read()).toEqual(state(2 ** 40));
  });

  test('remembers that its log is stopped, whatever is written afterwards, and the first reason', async () => {
    let guard = await open();
    await guard.write(state(3));
    expect(await guard.stopReason()).toBeUndefined();
    await guard.stop('witness w1 holds …');
    await guard.stop('witness w2 holds …');
    await guard.write(state(4));
    await guard.close();
    guard = await open();
    expect(await guard.stopReason()).toBe('witness w1 holds …');
    expect(await guard.read()).toEqual(state(4));
  });

  test('a stop whose write fails says so, and can be written again', async () => {
    let fails = false;
    const faults = (): void => {
      if (fails) throw new Error('disk full');
    };
    const guard = await open({ faults });
    await guard.write(state(3));
    fails = true;
    await expect(guard.stop('why')).rejects.toMatchObject({ code: 'store-failed' });
    fails = false;
    await guard.stop('why');
    expect(await guard.stopReason()).toBe('why');
    expect(await guard.read()).toEqual(state(3));
  });

  test('a missing one is not made where it must be there', async () => {
    await expect(open({ create: false })).rejects.toMatchObject({ code: 'guard-missing' });
    expect(await readdir(dir)).toEqual([]);
  });

  test('nobody but its owner can look into it', async () => {
    await open();
    expect((await stat(join(dir, 'log.guard'))).mode & 0o777).toBe(0o700);
  });

  test('only one signer holds it', async () => {
    const guard = await open();
    await expect(open()).rejects.toMatchObject({ code: 'guard-locked' });
    await guard.close();
    await open();
  });

  test('after closing every call fails, and closing again does not', async () => {
    const guard = await open();
    const write = guard.write(state(1));
    await guard.close();
    await write;
    await guard.close();
    await expect(guard.read()).rejects.toMatchObject({ code: 'store-failed' });
    await expect(guard.write(state(2))).rejects.toMatchObject({ code: 'store-failed' });
    expect(await (await open()).read()).toEqual(state(1));
  });

  test.each(['before', 'after'] as const)(
    'a write that fails %s it took effect is looked up, then repeated',
    async (moment) => {
      let armed = false;
      const guard = await open({
        faults: (at) => {
          if (armed && at === moment) throw new Error('the disk says no');
        },
      });
      await guard.write(state(1));
      armed = true;
      await expect(guard.write(state(2))).rejects.toMatchObject({ code: 'store-failed' });
      await expect(guard.write(state(3))).rejects.toMatchObject({ code: 'store-failed' });
      armed = false;
      expect(await guard.read()).toEqual(state(moment === 'before' ? 1 : 3));
      await guard.write(state(4));
      expect(await guard.read()).toEqual(state(4));
    },
  );

  test.each(['{"size":3}', 'null', '{', '{"origin":"o","size":-1,"rootHash":"00","timestampSeconds":1}'])(
    'damage is not taken for an unused guard: %s',
    async (text) => {
      await (await open()).close();
      const database = new Level(join(dir, 'log.guard'));
      await database.put('state', text);
      await database.close();
      await expect(open()).rejects.toMatchObject({ code: 'store-corrupt' });
    },
  );

  test('a directory that cannot be made or opened is reported', async () => {
    await expect(openGuard('/dev/null/guard')).rejects.toMatchObject({ code: 'store-failed' });
  });
});
