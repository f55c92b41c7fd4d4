import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Level } from 'level';
import { MemoryWitnessPlace, memoryWitnessStore } from '../../src/adapters/memory/witness-store.ts';
import { openWitnessStore } from '../../src/adapters/witness-store.ts';
import { firstMark } from '../../src/witness/index.ts';
import { witnessStoreContract } from '../contract/witness-store.ts';

witnessStoreContract('in memory', () => {
  const place = new MemoryWitnessPlace();
  return Promise.resolve({
    open: (faults) => Promise.resolve(memoryWitnessStore(place, faults)),
    remove: () => Promise.resolve(),
  });
});

witnessStoreContract('on a disk', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'limmat-witness-store-'));
  return {
    open: (faults) => openWitnessStore(join(dir, 'store'), faults === undefined ? {} : { faults }),
    remove: () => rm(dir, { recursive: true }),
  };
});

describe('the store of a witness on a disk', () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'limmat-witness-store-'));
  });
  afterEach(() => rm(dir, { recursive: true }));

  test('is for its owner alone, and for one process', async () => {
    const store = await openWitnessStore(join(dir, 'store'));
    expect((await stat(join(dir, 'store'))).mode & 0o777).toBe(0o700);
    await expect(openWitnessStore(join(dir, 'store'))).rejects.toMatchObject({ code: 'store-locked' });
    await store.close();
  });

  test.each([
    ['a mark that is none', 'm', '{"name":"w"}'],
    ['a mark that is no JSON', 'm', '\u0000'],
    ['a refused head that is none', 's1', '{}'],
  ])('is refused with %s', async (_what, key, value) => {
    const store = await openWitnessStore(dir);
    await store.commit(firstMark('w'), []);
    await store.close();
    const database = new Level(dir);
    await database.put(key, value);
    await database.close();
    const again = await openWitnessStore(dir);
    await expect(again.load()).rejects.toMatchObject({ code: 'store-corrupt' });
    await again.close();
  });
});
