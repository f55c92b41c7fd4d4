import { expect, test } from 'vitest';
import { memoryMonitorStore, monitorMedium } from '../../../src/adapters/memory/monitor-store.ts';
import { nodeHasher } from '../../../src/adapters/node-crypto.ts';
import { TileOracle, expectMirror, monitorStoreContract } from '../../contract/monitor-store.ts';

monitorStoreContract('memory', async () => {
  const medium = monitorMedium();
  return { open: async () => memoryMonitorStore({ medium, hasher: nodeHasher }), remove: async () => {} };
});

test('a mirror whose write failed half way goes on from where it was', async () => {
  const oracle = new TileOracle(700);
  for (const moment of ['before', 'after'] as const) {
    for (const failing of [1, 2, 3, 4]) {
      let writes = 0;
      const store = memoryMonitorStore({
        hasher: nodeHasher,
        faults: (step, when) => {
          if (step === 'mirror' && when === moment && ++writes === failing) throw new Error('disk full');
        },
      });
      const { mirror } = await store.log('log.example');
      for (const [from, to] of [
        [0, 300],
        [300, 600],
        [600, 700],
      ] as const) {
        const part = oracle.leaves(from, to);
        await mirror.append(part).catch(async () => {
          expect(mirror.size).toBe(from);
          await mirror.append(part);
        });
      }
      await expectMirror(mirror, oracle, 700);
    }
  }
});
