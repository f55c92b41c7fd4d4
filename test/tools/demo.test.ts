import { expect, test } from 'vitest';

import { limmatIn, workbench } from './workbench.ts';

test('the demo signs, appends, proves, verifies offline, and refuses what was changed', async () => {
  const { code, stdout, stderr } = await limmatIn(workbench())('demo');
  expect(stderr).toBe('');
  expect(code).toBe(0);
  expect(stdout).toMatch(/^ {3}… 24 signed statements/m);
  expect(stdout).toContain('✔ the proofs of all 25 entries hold under it');
  expect(stdout).toMatch(/✔ verified: entry 24 of 25: Build of sample 1\.0/);
  for (const refusal of ['artifact-mismatch', 'bad-proof', 'bad-note', 'wrong-product'])
    expect(stdout).toContain(`✘ ${refusal}: `);
  // No terminal, so no colours.
  expect(stdout).not.toContain('\x1b');
});
