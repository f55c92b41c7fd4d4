// docs/admission.md says what the code does: its sample is a policy, its tables have every rule.

import { expect, test } from 'vitest';

import { RULE_IDS } from '../../../src/record/admission.ts';
import { parseInitialPolicy } from '../../../src/node/genesis.ts';
import { blocks, tableRows } from '../../support/markdown.ts';

const PAGE = 'docs/admission.md';

test('the sample of docs/admission.md is a policy that a log may begin with', () => {
  const samples = blocks(PAGE, 'json');
  expect(samples).toHaveLength(1);
  expect(parseInitialPolicy(JSON.parse(samples[0]!)).roles).toHaveLength(3);
});

test('docs/admission.md has a row for every rule that refuses, and for every domain rule', () => {
  const rows = tableRows(PAGE, 'rule').map(([rule]) => rule!);
  const domain = Array.from({ length: 30 }, (_, i) => `D${String(i + 1).padStart(2, '0')}`);
  expect(rows).toEqual([...RULE_IDS, ...domain]);
});

test('docs/admission.md says of no rule that refuses that admission takes everything', () => {
  for (const [rule, , admission] of tableRows(PAGE, 'rule').slice(RULE_IDS.length)) {
    const refuses = RULE_IDS.some((id) => id === rule);
    // D14 and D26 are matters of form, which is judged before.
    if (rule !== 'D14' && rule !== 'D26') expect([rule, admission!.startsWith('refuses')]).toEqual([rule, refuses]);
  }
});
