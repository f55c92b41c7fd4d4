import { expect, test } from 'vitest';
import { memoryMedium, memoryStorage } from '../../src/adapters/memory.ts';
import { GrowingTree } from '../contract/growing-tree.ts';
import { expectToHold, storageContract } from '../contract/storage.ts';

storageContract('memory', {
  commitSteps: ['commit'],
  makePlace: async () => {
    const medium = memoryMedium();
    return {
      open: async (faults) => memoryStorage({ medium, ...(faults === undefined ? {} : { faults }) }),
      remove: async () => {},
    };
  },
});

test('without a medium each memory store is its own', async () => {
  const [one, two] = [memoryStorage(), memoryStorage()];
  const tree = new GrowingTree();
  await one.commit(tree.grow(2));
  await expectToHold(one, tree);
  await expectToHold(two, new GrowingTree());
});

test('a growth whose parts do not fit together is not applied at all', async () => {
  const medium = memoryMedium();
  const growth = new GrowingTree().grow(2);
  const storage = memoryStorage({ medium });
  const short = growth.leafHashes.slice(32);
  await expect(storage.commit({ ...growth, leafHashes: short })).rejects.toThrow('bad math in commit');
  await storage.close();
  await expectToHold(memoryStorage({ medium }), new GrowingTree());
});
