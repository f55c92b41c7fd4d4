import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { limmatIn, workbench } from './workbench.ts';

test('the demo signs, appends, proves, verifies offline, and refuses what was changed', async () => {
  const { code, stdout, stderr } = await limmatIn(workbench())('demo');
  expect(stderr).toBe('');
  expect(code).toBe(0);
  expect(stdout).toMatch(/^ {3}… 24 signed statements/m);
  expect(stdout).toContain('✔ the proofs of all 31 entries hold under it');
  expect(stdout).toMatch(/✔ verified: entry 30 of 31: Build of sample 1\.0/);
  for (const refusal of ['artifact-mismatch', 'bad-proof', 'bad-note', 'wrong-product'])
    expect(stdout).toContain(`✘ ${refusal}: `);
  // No terminal, so no colours.
  expect(stdout).not.toContain('\x1b');
});

describe('the demo of a fork', () => {
  const dir = workbench();
  const limmat = limmatIn(dir);

  test('two customers verify two histories, three monitors prove the fork, and the file outlives all of them', async () => {
    const { code, stdout, stderr } = await limmat('demo', 'fork', '--out', 'kept');
    expect(stderr).toBe('');
    expect(code).toBe(0);
    const digests = [...stdout.matchAll(/^ {3}(?:Ada|Ben) .* SHA-256 (\S+)… .*✔ verified: entry 40 of 41/gm)];
    expect(new Set(digests.map(([, digest]) => digest)).size).toBe(2);
    for (const place of ['Zurich', 'Toronto', 'Nairobi']) {
      expect(stdout).toMatch(new RegExp(`^ {3}${place} +✔ hashed all 40 entries`, 'm'));
      expect(stdout).toMatch(new RegExp(`^ {3}${place} +✘ proof +after \\d+ ms`, 'm'));
    }
    expect(stdout).toContain("✔ it holds, by the log's two public keys and nothing else (kind: fork-prefix)");
    expect([...stdout.matchAll(/: ✘ (\S+): /g)].map(([, refusal]) => refusal)).toEqual([
      'bad-evidence',
      'bad-evidence',
      'unknown-log',
    ]);
    expect(stdout).toMatch(/^ {3}Why this cannot all be true$/m);
    expect(stdout).not.toContain('\x1b');
    // Everything but the drawing fits a terminal of a hundred columns.
    const explanation = stdout.slice(stdout.indexOf('What the file says'), stdout.indexOf('See for yourself'));
    for (const line of explanation.split('\n')) expect(line.length, line).toBeLessThanOrEqual(100);

    const [, told] = /^ {3}\S.* (evidence verify .*)$/m.exec(stdout)!;
    const verified = await limmat(...told!.split(' '));
    expect(verified.stdout).toContain('vendor.example/releases signed a history of 46 entries that does not begin');
    expect(verified.code).toBe(6);
    expect(readFileSync(join(dir, 'kept', 'fork.svg'), 'utf8')).toMatch(/^<svg /);
  });

  test('another story is refused with the two that there are', async () => {
    const { code, stderr } = await limmat('demo', 'forks');
    expect(code).toBe(2);
    expect(stderr).toContain('Allowed choices are log, fork');
  });
});
