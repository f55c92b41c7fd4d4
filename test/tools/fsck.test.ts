import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { openLevelStorage } from '../../src/adapters/level.ts';
import { openLogCheckpoint } from '../../src/note/index.ts';
import { nodeCrypto } from '../../src/adapters/node-crypto.ts';
import { loadLogSigners } from '../../src/node/log-keys.ts';
import { dataPaths } from '../../src/node.ts';
import { formatCheckpoint } from '../../src/note/index.ts';
import { utf8 } from '../../src/bytes.ts';
import { asHash } from '../../src/merkle/index.ts';
import { Archive } from '../../src/log/index.ts';
import { keysOfData } from '../../tools/support/log-keys.ts';
import { dataLog, temporaryDirectory } from '../support/data-log.ts';
import { limmat } from '../support/run-limmat.ts';

const SIZE = 600;

interface Report {
  readonly entries: number;
  readonly tiles: number;
  readonly bundles: number;
  readonly archivedCheckpoints: number;
  readonly findings: readonly { readonly code: string; readonly message: string }[];
}

function reportOf(stdout: string): Report {
  const report: Report = JSON.parse(stdout);
  return report;
}

/** Changes one byte of a file. */
function damage(file: string, at: number): void {
  const bytes = readFileSync(file);
  bytes[at] = bytes[at]! ^ 1;
  writeFileSync(file, bytes);
}

async function exported(dir: string, dataDir: string): Promise<string> {
  const to = join(dir, 'export');
  expect((await limmat('export', '--data', dataDir, '--to', to)).code).toBe(0);
  return to;
}

describe('limmat fsck', () => {
  test('finds nothing in a sound data directory, and counts what it checked', async () => {
    const dataDir = await dataLog(temporaryDirectory(), SIZE);
    const { code, stdout } = await limmat('fsck', '--data', dataDir, '--json');
    expect(code).toBe(0);
    expect(reportOf(stdout)).toMatchObject({
      entries: SIZE,
      bundles: 3,
      tiles: 4,
      archivedCheckpoints: 1,
      findings: [],
    });
  });

  test('an empty log is sound', async () => {
    const dataDir = await dataLog(temporaryDirectory(), 0);
    expect((await limmat('fsck', '--data', dataDir)).code).toBe(0);
  });

  test('a changed entry is a finding', async () => {
    const dir = temporaryDirectory();
    const files = await exported(dir, await dataLog(dir, SIZE));
    damage(join(files, 'tile/entries/001'), 40);
    const { code, stdout } = await limmat('fsck', '--files', files, '--trust', join(dir, 'data/trust.txt'), '--json');
    expect(code).toBe(4);
    const codes = reportOf(stdout).findings.map((finding) => finding.code);
    expect(codes).toContain('bad-tile');
    expect(codes).toContain('store-corrupt');
  });

  test.each(['tile/0/000', 'tile/0/002.p/88', 'tile/1/000.p/2'])('a changed or missing %s is named', async (path) => {
    const dir = temporaryDirectory();
    const files = await exported(dir, await dataLog(dir, SIZE));
    const command = ['fsck', '--files', files, '--trust', join(dir, 'data/trust.txt'), '--json'];
    damage(join(files, path), 3);
    const changed = await limmat(...command);
    expect(changed.code).toBe(4);
    expect(reportOf(changed.stdout).findings).toEqual([
      { code: 'bad-tile', message: `${path} is not what the entries lead to` },
    ]);
    rmSync(join(files, path));
    const missing = await limmat(...command);
    expect(missing.code).toBe(4);
    expect(reportOf(missing.stdout).findings).toEqual([{ code: 'bad-tile', message: `${path} is missing` }]);
  });

  test('a missing entry bundle ends the check as a finding', async () => {
    const dir = temporaryDirectory();
    const files = await exported(dir, await dataLog(dir, SIZE));
    rmSync(join(files, 'tile/entries/000'));
    expect((await limmat('fsck', '--files', files, '--trust', join(dir, 'data/trust.txt'))).code).toBe(4);
  });

  test('a checkpoint whose signature does not hold is a finding', async () => {
    const dir = temporaryDirectory();
    const files = await exported(dir, await dataLog(dir, SIZE));
    const note = readFileSync(join(files, 'checkpoint'), 'utf8');
    writeFileSync(join(files, 'checkpoint'), note.replace(`\n${SIZE}\n`, `\n${SIZE - 1}\n`));
    const { code, stderr } = await limmat('fsck', '--files', files, '--trust', join(dir, 'data/trust.txt'));
    expect(code).toBe(4);
    expect(stderr).toMatch(/signature/);
  });

  test('an index that was lost is made again', async () => {
    const dataDir = await dataLog(temporaryDirectory(), SIZE);
    rmSync(join(dataDir, 'index'), { recursive: true });
    expect((await limmat('fsck', '--data', dataDir, '--rebuild-index')).code).toBe(0);
  });

  test('two signed checkpoints that contradict each other are a proof', async () => {
    const dataDir = await dataLog(temporaryDirectory(), SIZE);
    const { origin, verifiers } = keysOfData(dataDir);
    const signers = loadLogSigners(dataPaths(dataDir), origin, {}, nodeCrypto);
    const storage = await openLevelStorage(dataDir);
    const { published } = await storage.load();
    const { timestampSeconds } = await openLogCheckpoint(published!, { origin, verifiers });
    const text = formatCheckpoint({ origin, size: 300, rootHash: asHash(new Uint8Array(32)), extensions: [] });
    const time = timestampSeconds + 120;
    const lines = await Promise.all(signers.map((signer) => signer.sign(text, time)));
    const note = utf8(`${text}\n${lines.join('')}`);
    const writes = await new Archive(() => storage).writesFor({ size: 300, timestampSeconds: time, note });
    await storage.publish(published!, writes);
    await storage.close();
    const { code, stdout } = await limmat('fsck', '--data', dataDir, '--json');
    expect(code).toBe(6);
    expect(reportOf(stdout).findings.map((finding) => finding.code)).toEqual(['not-consistent']);
  });

  test('--records checks statements whatever the log says about itself, and the report says what was done', async () => {
    const dir = temporaryDirectory();
    const files = await exported(dir, await dataLog(dir, 3));
    const command = ['fsck', '--files', files, '--trust', join(dir, 'data/trust.txt')];
    mkdirSync(join(files, 'api/v1'), { recursive: true });
    writeFileSync(join(files, 'api/v1/log'), JSON.stringify({ origin: 'test.invalid/data', admission: 'open' }));
    const believed = await limmat(...command);
    expect(believed.code).toBe(0);
    expect(believed.stdout).toMatch(/admission open: .*the log says so.*--records/);
    const forced = await limmat(...command, '--records', '--json');
    expect(forced.code).toBe(4);
    expect(JSON.parse(forced.stdout)).toMatchObject({
      admission: 'records',
      admissionSaidBy: 'option',
      findingCount: 3,
    });
    expect(reportOf(forced.stdout).findings[0]!.code).toBe('bad-record');
  });

  test('says that opening a data directory mends it before the check', async () => {
    const dataDir = await dataLog(temporaryDirectory(), SIZE);
    rmSync(join(dataDir, 'index'), { recursive: true });
    const { code, stdout } = await limmat('fsck', '--data', dataDir);
    expect(code).toBe(0);
    expect(stdout).toMatch(/damaged or stale leaf-hash index is made again/);
    const { stdout: json } = await limmat('fsck', '--data', dataDir, '--json');
    expect(JSON.parse(json)).toMatchObject({ admissionSaidBy: 'data directory', notes: [expect.any(String)] });
  });

  test('a log that does not answer is no verdict', async () => {
    const { code } = await limmat('fsck', '--url', 'http://127.0.0.1:9');
    expect(code).toBe(3);
  });

  test('more than one log is a usage error', async () => {
    const { code, stderr } = await limmat('fsck', '--data', 'a', '--url', 'http://127.0.0.1:9');
    expect(code).toBe(2);
    expect(stderr).toMatch(/one of --data, --url and --files/);
  });
});
