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

test('the demo of witnesses stops publishing without a quorum, is signed by nobody when it forks, and its proof ages', async () => {
  const dir = workbench();
  const limmat = limmatIn(dir);
  const { code, stdout, stderr } = await limmat('demo', 'witnesses', '--out', 'kept');
  expect(stderr).toBe('');
  expect(code).toBe(0);
  for (const index of [3, 4, 6]) expect(stdout).toContain(`is entry ${index} of ${index + 1}; the proof file verifies`);
  expect(stdout).toContain('✘ not published: the checkpoint that readers get still has 5 entries');
  expect([...stdout.matchAll(/✔ (\w+) does not sign \(422\)/g)].map(([, name]) => name)).toEqual([
    'first',
    'second',
    'third',
  ]);
  expect([...stdout.matchAll(/✘ .*: ([a-z-]+)$/gm)].map(([, refusal]) => refusal)).toEqual([
    'quorum-not-met',
    'too-old',
  ]);
  const [, told] = /^ {3}\S.* (verify .*)$/m.exec(stdout)!;
  const verified = await limmat(...told!.split(' '));
  expect([verified.code, verified.stderr]).toEqual([0, '']);
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

  test('another story is refused with those that there are', async () => {
    const { code, stderr } = await limmat('demo', 'forks');
    expect(code).toBe(2);
    expect(stderr).toContain('Allowed choices are log, fork, records, witnesses');
  });
});

describe('the demo of records', () => {
  const limmat = limmatIn(workbench());

  test('what is refused, reported, rebuilt, checked, and known offline; the evidence outlives the log', async () => {
    const { code, stdout, stderr } = await limmat('demo', 'records', '--out', 'kept');
    expect(stderr).toBe('');
    expect(code).toBe(0);
    const refusals = [...stdout.matchAll(/: ([a-z]+(?:-[a-z]+)+)$/gm)];
    expect(refusals.map(([, refusal]) => refusal)).toEqual([
      'not-admitted', // no source
      'unknown-key',
      'not-admitted', // a type that is not the key's
      'not-admitted', // a dead key
      'not-admitted', // a number skipped
      'not-admitted', // a stale prev
      'not-admitted', // a site that is not the role's
      'below-minimum',
      'channel-rollback',
      'false-channel-head',
      'channel-expired',
    ]);
    expect(stdout).toMatch(/sequence is 4 with prev ([0-9a-f]{8})…; accepted would be sequence 3 with prev \1…/);
    expect(stdout).toContain('after number 3 that was never');
    expect(stdout.match(/✘ Nairobi reports:/g)).toHaveLength(2);
    expect(stdout).toMatch(/^ {5}match all 1 files/m);
    expect(stdout).toMatch(/^ {5}mismatch 1 of 1 files/m);
    expect(stdout.match(/entry 2\d of 23, proven, signed by Vendor AG/g)).toHaveLength(3);
    expect(stdout).not.toContain('\x1b');

    const [, told] = /^ {3}\S.* (evidence explain .*)$/m.exec(stdout)!;
    const explained = await limmat(...told!.split(' '));
    expect(explained.stdout).toContain('places it elsewhere');
  });
});
