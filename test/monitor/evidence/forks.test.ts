// The small world, whole: every pair of trees of up to 70 entries, with forks at every third place and at the ends.

import { describe, expect, test } from 'vitest';

import { nodeHasher } from '../../../src/adapters/node-crypto.ts';
import { toBase64, utf8Text } from '../../../src/bytes.ts';
import { isLimmatError } from '../../../src/errors.ts';
import type { LogHead } from '../../../src/client/state.ts';
import { contradiction, forkPrefix } from '../../../src/monitor/evidence/make.ts';
import type { PrefixProof } from '../../../src/monitor/evidence/make.ts';
import { verifyEvidence } from '../../../src/monitor/evidence/verify.ts';
import { SIGNATURE_TYPE } from '../../../src/note/key.ts';
import { History, headOf, testKeys } from './support.ts';

const MOST = 70;
const keys = testKeys('log.example/a', [SIGNATURE_TYPE.ed25519]);
const honest = History.of(MOST);
const sizes = Array.from({ length: MOST }, (_, i) => i + 1);

/** A head for every size from 1 on: element n - 1 is of n entries. */
const headsOf = (history: History): Promise<LogHead[]> => Promise.all(sizes.map((size) => headOf(keys, history, size)));

/** True when the claim that these parts make is accepted. */
async function convicts(smaller: LogHead, larger: LogHead, { prefixRoot, consistency }: PrefixProof): Promise<boolean> {
  const claim = {
    keys: keys.log.verifiers.map(({ vkey }) => vkey),
    checkpoints: [utf8Text(smaller.note)!, utf8Text(larger.note)!],
    prefixRoot: toBase64(prefixRoot),
    consistency: consistency.map(toBase64),
  };
  try {
    await verifyEvidence({ kind: 'fork-prefix', origin: keys.log.origin, claim }, [keys.log], nodeHasher);
    return true;
  } catch (error) {
    if (isLimmatError(error, 'bad-evidence')) return false;
    throw error;
  }
}

describe('a fork at every point of small trees', () => {
  test('is proven by the side with the larger tree, for exactly the inconsistent pairs', async () => {
    const honestHeads = await headsOf(honest);
    let cases = 0;
    let proven = 0;
    for (let forkAt = 0; forkAt < MOST; forkAt += 3) {
      const forked = History.of(MOST, forkAt);
      const forkedHeads = await headsOf(forked);
      for (let larger = 2; larger <= MOST; larger++) {
        for (let smaller = 1; smaller < larger; smaller++) {
          // The forked tree is the larger one, and its holder proves.
          const found = await convicts(
            honestHeads[smaller - 1]!,
            forkedHeads[larger - 1]!,
            forked.prefix(smaller, larger),
          );
          if (found !== forkAt < smaller) expect([forkAt, smaller, larger, found]).toEqual('the right verdict');
          cases++;
          if (found) proven++;
        }
      }
    }
    expect(cases).toBe(57_960);
    // For a fork at f, the pairs above it: (70 - f)(69 - f) / 2 of them.
    expect(proven).toBe(19_872);
  }, 120_000);

  test('is proven by whoever holds the larger tree, whichever branch that is', async () => {
    for (const forkAt of [0, 1, 6, 7, 8, 31, 32, 33, 63, 64, 68]) {
      const forked = History.of(MOST, forkAt);
      for (const [a, b] of [
        [forkAt + 1, MOST],
        [MOST, forkAt + 1],
        [forkAt + 1, forkAt + 1],
        [MOST, MOST],
        [forkAt + 1, forkAt + 2],
      ] as const) {
        const [onHonest, onForked] = [await headOf(keys, honest, a), await headOf(keys, forked, b)];
        const evidence = await contradiction(keys.log, onHonest, onForked, (fromSize, head) =>
          Promise.resolve((head === onHonest ? honest : forked).prefix(fromSize, head.size)),
        );
        expect([forkAt, a, b, evidence?.kind]).toEqual([forkAt, a, b, a === b ? 'fork-same-size' : 'fork-prefix']);
      }
    }
  });

  test('is not proven with a root, a proof or a tree of elsewhere', async () => {
    const forked = History.of(MOST, 9);
    const [smaller, larger] = [await headOf(keys, honest, 20), await headOf(keys, forked, 44)];
    const { prefixRoot, consistency } = forked.prefix(20, 44);
    await expect(forkPrefix(keys.log, smaller, larger, prefixRoot, consistency)).resolves.toBeDefined();
    for (const [root, proof] of [
      [honest.root(20), consistency],
      [forked.root(21), consistency],
      [forked.root(44), consistency],
      [prefixRoot, honest.prefix(20, 44).consistency],
      [prefixRoot, forked.prefix(20, 45).consistency],
      [prefixRoot, consistency.slice(1)],
      [prefixRoot, consistency.toReversed()],
      [prefixRoot, [...consistency, prefixRoot]],
      [prefixRoot, []],
    ] as const) {
      await expect(forkPrefix(keys.log, smaller, larger, root, proof)).rejects.toThrow(RangeError);
    }
    await expect(forkPrefix(keys.log, larger, smaller, prefixRoot, consistency)).rejects.toThrow('is not smaller');
  });

  test('at a power of two needs the root to be stated: the honest one there convicts nobody', async () => {
    for (const size of [1, 2, 4, 8, 16, 32, 64]) {
      const forked = History.of(MOST, size - 1);
      const smaller = await headOf(keys, honest, size);
      const { prefixRoot, consistency } = forked.prefix(size, MOST);
      const larger = await headOf(keys, forked, MOST);
      await expect(forkPrefix(keys.log, smaller, larger, prefixRoot, consistency)).resolves.toBeDefined();
      // The honest log's own larger tree, with any other root put in front of its honest proof.
      const own = await headOf(keys, honest, MOST);
      const proof = honest.prefix(size, MOST).consistency;
      await expect(forkPrefix(keys.log, smaller, own, forked.root(size), proof)).rejects.toThrow(RangeError);
    }
  });
});
