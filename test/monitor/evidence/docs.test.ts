// docs/evidence-file.md is true: its sample is one, and its script agrees with limmat.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';

import { nodeCrypto } from '../../../src/adapters/node-crypto.ts';
import { utf8 } from '../../../src/bytes.ts';
import { canonicalJson } from '../../../src/monitor/evidence/canonical-json.ts';
import type { JsonValue } from '../../../src/monitor/evidence/canonical-json.ts';
import { formatEvidence, parseEvidence } from '../../../src/monitor/evidence/file.ts';
import { KINDS } from '../../../src/monitor/evidence/kinds.ts';
import { forkPrefix } from '../../../src/monitor/evidence/make.ts';
import { signObservation, verifyObservation } from '../../../src/monitor/evidence/observe.ts';
import { verifyEvidence } from '../../../src/monitor/evidence/verify.ts';
import { monitorSigner, monitorVerifier } from '../../../src/monitor/monitor-key.ts';
import { SIGNATURE_TYPE } from '../../../src/note/key.ts';
import { testKey } from '../../support/notes.ts';
import { ROOT, blocks, page, tableRows } from '../../support/markdown.ts';
import { samples } from './samples.ts';
import { History, NOON, headOf, promisingKeys, testKeys } from './support.ts';

const PAGE = 'docs/evidence-file.md';
const keys = testKeys('log.example/a', [SIGNATURE_TYPE.ed25519]);

test('the sample is evidence, with the id and the observer that the page says', async () => {
  const [sample] = blocks(PAGE, 'json');
  const json: JsonValue = JSON.parse(sample!);
  const file = parseEvidence(utf8(canonicalJson(json)));
  const evidence = await verifyEvidence(file, [keys.log]);
  expect(page(PAGE)).toContain(`Its id is \`${evidence.id}\``);
  const monitor = monitorSigner(testKey('monitor.example/m', SIGNATURE_TYPE.ed25519, 9), nodeCrypto);
  expect(page(PAGE)).toContain(monitor.vkey);
  const observer = monitorVerifier(monitor.vkey, nodeCrypto);
  expect(await verifyObservation(evidence, file.observed!, [observer])).toBe('signed');
  // Ed25519 signs alike each time, so the sample is what is made today.
  const [honest, forked] = [History.of(2), History.of(3, 1)];
  const { prefixRoot, consistency } = forked.prefix(2, 3);
  const made = await forkPrefix(
    keys.log,
    await headOf(keys, honest, 2, NOON),
    await headOf(keys, forked, 3, NOON),
    prefixRoot,
    consistency,
  );
  const observed = await signObservation(made, file.observed!.observation, monitor);
  expect(formatEvidence(made, observed)).toEqual(utf8(canonicalJson(json)));
});

test('the table has every kind', () => {
  expect(tableRows(PAGE, 'kind').map(([kind]) => kind!.slice(1, -1))).toEqual(Object.keys(KINDS));
});

describe('docs/verify-evidence.mjs', () => {
  const directory = mkdtempSync(join(tmpdir(), 'limmat-evidence-script-'));
  afterAll(() => rmSync(directory, { recursive: true }));
  const limmatKeys = promisingKeys();
  const vkeys = limmatKeys.signers.map(({ vkey }) => vkey);

  const run = (bytes: Uint8Array, ...known: readonly string[]): { code: number | null; output: string } => {
    const path = join(directory, 'evidence.json');
    writeFileSync(path, bytes);
    const script = join(ROOT, 'docs', 'verify-evidence.mjs');
    const { status, stdout, stderr } = spawnSync(process.execPath, [script, path, ...known], { encoding: 'utf8' });
    return { code: status, output: stdout + stderr };
  };

  test('finds what limmat finds', async () => {
    for (const evidence of await samples(limmatKeys)) {
      const { code, output } = run(formatEvidence(evidence), ...vkeys);
      const { members, signed, judgesRecords } = KINDS[evidence.kind];
      if (signed !== 'checkpoint' || members.includes('windowSeconds') || judgesRecords === true)
        expect(output).toContain('does not know the kind');
      else
        expect([code, output]).toEqual([
          0,
          expect.stringContaining(`proven: log.example/a contradicts itself (${evidence.kind}`),
        ]);
    }
  });

  test('refuses other keys, another log and another root', async () => {
    const [evidence] = (await samples(limmatKeys)).slice(1);
    const bytes = formatEvidence(evidence!);
    const strangers = testKeys('log.example/a', undefined, 7).signers.map(({ vkey }) => vkey);
    expect(run(bytes, ...strangers).output).toContain('refused: a checkpoint is signed by none');
    const other = formatEvidence({ ...evidence!, origin: 'log.example/b' });
    expect(run(other, ...vkeys).output).toContain('refused: a checkpoint is of log.example/a');
    const { claim } = evidence!;
    const moved = formatEvidence({ ...evidence!, claim: { ...claim, prefixRoot: claim.consistency![0]! } });
    expect(run(moved, ...vkeys).output).toContain('refused: the larger tree does not imply');
  });
});
