import { describe, expect, test } from 'vitest';

import type { Evidence } from '../../../src/monitor/evidence/evidence.ts';
import { groupEvidence } from '../../../src/monitor/evidence/group.ts';
import { forkPrefix, forkSameSize } from '../../../src/monitor/evidence/make.ts';
import { SIGNATURE_TYPE } from '../../../src/note/key.ts';
import { shuffled, seededNumbers } from '../../support/notes.ts';
import { samples } from './samples.ts';
import { History, headOf, testKeys } from './support.ts';

const keys = testKeys('log.example/a', [SIGNATURE_TYPE.ed25519]);
const [honest, forked, third] = [History.of(30), History.of(30, 5), History.of(30, 25, 'third')];

async function prefixFork(small: History, m: number, large: History, n: number, by = keys): Promise<Evidence> {
  const { prefixRoot, consistency } = large.prefix(m, n);
  return forkPrefix(by.log, await headOf(by, small, m), await headOf(by, large, n), prefixRoot, consistency);
}

const idsOf = (groups: ReturnType<typeof groupEvidence>): string[][] =>
  groups.map(({ evidence }) => evidence.map(({ id }) => id).toSorted());

describe('evidence about one fork', () => {
  test('is one group: by a checkpoint that two files share, or by the root that one implies', async () => {
    const a = await prefixFork(honest, 9, forked, 20);
    // Shares its smaller tree with a.
    const b = await prefixFork(honest, 9, forked, 24);
    // Shares its larger tree with b.
    const c = await prefixFork(honest, 12, forked, 24);
    // Is about the root at 12 that c implies for the forked tree.
    const d = await forkSameSize(keys.log, await headOf(keys, honest, 12), await headOf(keys, forked, 12));
    const next = seededNumbers(3);
    for (let i = 0; i < 10; i++) {
      const groups = groupEvidence(shuffled([a, b, c, d, c, a], next));
      expect(idsOf(groups)).toEqual([[a.id, b.id, c.id, d.id].toSorted()]);
      expect(groups[0]).toMatchObject({ origin: 'log.example/a', kinds: ['fork-same-size', 'fork-prefix'] });
      expect(groups[0]!.evidence[0]).toEqual(d);
    }
  });

  test('is apart from another fork, another log, and wrong times', async () => {
    const other = testKeys('log.example/b', [SIGNATURE_TYPE.ed25519]);
    const early = await prefixFork(honest, 9, forked, 20);
    const late = await prefixFork(honest, 27, third, 30);
    const elsewhere = await prefixFork(honest, 9, forked, 20, other);
    const groups = groupEvidence([elsewhere, late, early]);
    expect(idsOf(groups)).toEqual([[early.id], [late.id], [elsewhere.id]]);
    const all = await samples();
    const apart = groupEvidence(all);
    expect(apart.flatMap(({ evidence }) => evidence)).toHaveLength(all.length);
    for (const { kinds } of apart.filter(
      ({ kinds: names }) => names.includes('future') || names.includes('backdated'),
    )) {
      expect(kinds).toHaveLength(1);
    }
  });

  test('is none where there is none', () => {
    expect(groupEvidence([])).toEqual([]);
  });
});
