import { describe, expect, test } from 'vitest';

import { contradiction, forkPrefix, forkSameSize, rollback } from '../../../src/monitor/evidence/make.ts';
import { formatEvidence, parseEvidence } from '../../../src/monitor/evidence/file.ts';
import { verifyEvidence } from '../../../src/monitor/evidence/verify.ts';
import { History, NOON, headOf, testKeys } from './support.ts';

const keys = testKeys();
const honest = History.of(20);
const forked = History.of(20, 5);

describe('two heads that contradict each other', () => {
  test('of one size are a fork', async () => {
    const [a, b] = [await headOf(keys, honest, 9), await headOf(keys, forked, 9, NOON + 60)];
    const evidence = await forkSameSize(keys.log, a, b);
    expect(evidence.kind).toBe('fork-same-size');
    expect((await forkSameSize(keys.log, b, a)).id).toBe(evidence.id);
    const file = parseEvidence(formatEvidence(evidence));
    expect(await verifyEvidence(file, [keys.log])).toEqual(evidence);
  });

  test('of two sizes are a fork by what the larger tree has', async () => {
    const [a, b] = [await headOf(keys, honest, 9), await headOf(keys, forked, 17)];
    const { prefixRoot, consistency } = forked.prefix(9, 17);
    const evidence = await forkPrefix(keys.log, a, b, prefixRoot, consistency);
    const found = await contradiction(keys.log, b, a, (size, head) => Promise.resolve(forked.prefix(size, head.size)));
    expect(found).toEqual(evidence);
  });

  test('in their times are a rollback', async () => {
    const [a, b] = [await headOf(keys, honest, 12), await headOf(keys, honest, 9, NOON + 1)];
    const evidence = await rollback(keys.log, a, b);
    expect(evidence.kind).toBe('rollback');
    expect(await contradiction(keys.log, a, b)).toEqual(evidence);
  });
});
