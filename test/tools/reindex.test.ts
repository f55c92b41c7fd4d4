// What a data directory derives from its entries is what the running log wrote, is checked by fsck, and is made again by
// reindex, also after one that was cut short.

import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { openLevelStorage } from '../../src/adapters/level.ts';
import { memoryStorage } from '../../src/adapters/memory.ts';
import { nodeCrypto, nodeHasher } from '../../src/adapters/node-crypto.ts';
import { byteText, fromHex, textBytes, toHex } from '../../src/bytes.ts';
import { isReindexUnfinished } from '../../src/log/reindex.ts';
import { openNodeLog, readSettings } from '../../src/node.ts';
import { dataPaths } from '../../src/node/meta.ts';
import { loadStatementSigner } from '../../src/node/statement-key.ts';
import { createStatement } from '../../src/record/statement.ts';
import { replay } from '../../src/record/admission/replay.ts';
import { VERSION_KEY } from '../../src/log/lookup.ts';
import { KEY_SPACE } from '../../src/storage.ts';
import type { StateWrite } from '../../src/storage.ts';
import { AdmissionCheck } from '../../tools/fsck/admission.ts';
import { Findings } from '../../tools/fsck/findings.ts';
import { bringUp } from '../../tools/recover/bring-up.ts';
import { openDataSource } from '../../tools/support/log-source.ts';
import { makeLog } from '../../tools/support/new-log.ts';
import { appendTo, dataLog, temporaryDirectory } from '../support/data-log.ts';
import { fill, storedRows, writesOf } from '../support/derived-store.ts';
import type { Rows } from '../support/derived-store.ts';
import { limmat } from '../support/run-limmat.ts';

interface Report {
  readonly entries: number;
  readonly stateRows: number;
  readonly stateDigest: string;
  readonly findings: readonly { readonly code: string; readonly message: string }[];
}

const reportOf = (stdout: string): Report => {
  const report: Report = JSON.parse(stdout);
  return report;
};

/** The rows that the log wrote while it ran, and the entries beside which it did. */
let live: Rows;
let entries: readonly Uint8Array[];
let root: string;
let dataDir: string;

/** A log with its genesis, a key event, builds, and a recall, as it was left when it was stopped. */
async function recordsLog(dir: string): Promise<string> {
  await makeLog({ dir, origin: 'test.invalid/records' });
  const signer = loadStatementSigner(dataPaths(dir).submitterKey);
  const base = { namespace: 'demo', issuer: 'demo', iatSeconds: Math.floor(Date.now() / 1000) } as const;
  const sign = (version: string) =>
    createStatement(
      {
        ...base,
        type: 'build',
        fields: {
          product: 'Shield',
          version,
          channel: 'stable',
          platform: 'linux',
          artifacts: [{ digest: { sha256: nodeHasher.sha256(new TextEncoder().encode(version)) } }],
        },
      },
      signer,
    );
  const builds = await Promise.all(['1', '2', '3'].map(sign));
  const fields = { target: nodeHasher.leafHash(builds[1]!), kind: 'recall' as const };
  await appendTo(dir, builds);
  await appendTo(dir, [await createStatement({ ...base, type: 'retraction', fields }, signer)]);
  return dir;
}

/** Changes rows of the log's store, which is not running. */
async function change(writes: readonly StateWrite[]): Promise<void> {
  const storage = await openLevelStorage(dataDir, { create: false });
  await storage.rewriteState(writes);
  await storage.close();
}

async function rows(): Promise<Rows> {
  const storage = await openLevelStorage(dataDir, { create: false });
  const found = await storedRows(storage);
  await storage.close();
  return found;
}

const fsck = async (...more: readonly string[]) => {
  const { code, stdout } = await limmat('fsck', '--data', dataDir, '--json', ...more);
  return { code, ...reportOf(stdout) };
};

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'limmat-reindex-'));
  dataDir = await recordsLog(join(root, 'data'));
  live = await rows();
  const opened = await openNodeLog(readSettings(dataDir));
  entries = await opened.log.entries(0, opened.log.status().head.size);
  await opened.close();
});

afterAll(() => rmSync(root, { recursive: true }));

describe('what a log derived while it ran', () => {
  test('is what its entries lead to: fsck finds nothing, and reindex changes nothing', async () => {
    const checked = await fsck();
    const size = entries.length;
    expect(checked).toMatchObject({ code: 0, entries: size, findings: [], stateRows: Object.keys(live).length });
    const { digest } = await replay(entries);
    expect(checked.stateDigest).toBe(toHex(digest));
    const { code, stdout } = await limmat('reindex', '--data', dataDir, '--json');
    expect([code, JSON.parse(stdout)]).toEqual([
      0,
      { size, rows: Object.keys(live).length, stateDigest: toHex(digest), findingCount: 0, findings: [] },
    ]);
    expect(await rows()).toEqual(live);
  });

  test('is checked row by row: one that is missing, changed or too many is found, and made again', async () => {
    const damage = [KEY_SPACE.admission, KEY_SPACE.lookup, KEY_SPACE.statement].flatMap((space) => {
      const own = Object.keys(live).map((key) => byteText(fromHex(key)!));
      const [first, second] = own.filter((key) => key[0] === space && key !== VERSION_KEY);
      return [
        { write: { key: first!, value: null }, words: 'is missing' },
        { write: { key: second!, value: Uint8Array.of(0x80) }, words: 'is not what the entries lead to' },
        { write: { key: `${space}\u00ff`, value: textBytes(first!) }, words: 'to which no entry leads' },
      ];
    });
    await change(damage.map(({ write }) => write));
    const { code, findings } = await fsck();
    expect([code, new Set(findings.map((finding) => finding.code))]).toEqual([4, new Set(['store-corrupt'])]);
    expect(findings).toHaveLength(damage.length);
    for (const { write, words } of damage) {
      const named = findings.filter(({ message }) => message.includes(` ${toHex(textBytes(write.key))} `));
      expect(named.map(({ message }) => message)).toEqual([expect.stringContaining(words)]);
    }
    expect((await limmat('reindex', '--data', dataDir)).code).toBe(0);
    expect(await rows()).toEqual(live);
    expect((await fsck()).code).toBe(0);
  });
});

const cutShort = (): Promise<void> =>
  change([
    { key: KEY_SPACE.reindex, value: new Uint8Array(0) },
    ...Object.keys(live).map((key) => ({ key: byteText(fromHex(key)!), value: null })),
  ]);

test('rows of lookups that another version wrote are one finding, which says what to do', async () => {
  await change([{ key: VERSION_KEY, value: Uint8Array.of(1) }]);
  const { code, findings } = await fsck();
  expect(code).toBe(4);
  expect(findings.map(({ message }) => message)).toEqual([
    expect.stringMatching(/another version of limmat: .* limmat reindex$/),
  ]);
  expect((await limmat('reindex', '--data', dataDir)).code).toBe(0);
  expect(await rows()).toEqual(live);
});

describe('a reindex that was cut short', () => {
  test('is named by fsck, and finished by the next one', async () => {
    await cutShort();
    const { code, findings } = await fsck();
    expect([code, findings]).toMatchObject([4, [{ code: 'store-corrupt', message: /was not finished/ }]]);
    expect((await limmat('reindex', '--data', dataDir)).code).toBe(0);
    expect(await rows()).toEqual(live);
  });

  test('is finished by the log itself before it serves anything', async () => {
    await cutShort();
    const opened = await openNodeLog(readSettings(dataDir));
    try {
      // A leaf that it knows by its leaf hash, and a statement of its own again, are the entries that they were.
      const [again] = await opened.log.append([entries[3]!]);
      expect(again).toMatchObject({ ok: true, index: 3, duplicate: true });
    } finally {
      await opened.close();
    }
    expect(await rows()).toEqual(live);
    const storage = await openLevelStorage(dataDir, { create: false });
    expect(await isReindexUnfinished(storage)).toBe(false);
    await storage.close();
  });
});

test('a copy that is brought up to what was signed has the state of the log that went on', async () => {
  const source = await openDataSource(dataDir);
  const { head } = await source.storage.load();
  const earlier = entries.slice(0, 4);
  const copy = memoryStorage();
  await fill(copy, earlier, writesOf(earlier).flat());
  const options = { storage: copy, head, source: source.source, hasher: nodeHasher, records: true };
  expect(await bringUp({ ...options, onProgress: () => undefined })).toBe(entries.length - earlier.length);
  expect(await storedRows(copy)).toEqual(live);
  await source.source.close();
});

test('a log that runs is left alone', async () => {
  const opened = await openNodeLog(readSettings(dataDir));
  const { code, stderr } = await limmat('reindex', '--data', dataDir);
  await opened.close();
  expect([code, stderr]).toEqual([3, expect.stringContaining(dataDir)]);
});

test('entries that the rules do not admit are findings of both; whose signatures do not hold, of fsck', async () => {
  // The last build has another's signature, another one is there twice, and the recall is of one that is not there.
  const start = entries.slice(0, -4);
  const [kept, , last, recall] = entries.slice(-4);
  const changed = last!.slice();
  changed[changed.length - 1]! ^= 1;
  const leaves = [...start, kept!, changed, kept!, recall!];
  const copy = join(root, 'copy');
  cpSync(dataDir, copy, { recursive: true, filter: (path) => !/(?:db|index|entries)$/.test(path) });
  const storage = await openLevelStorage(copy);
  await fill(storage, leaves, []);
  await storage.close();
  const { code, stdout } = await limmat('reindex', '--data', copy, '--json');
  const at = start.length;
  const lines = [`entry ${at + 2} is the same`, `entry ${at + 3} is not admitted by the log's rules: rule D23`];
  // A reindex takes signatures to hold: they were verified when the log took the entries.
  expect([code, JSON.parse(stdout)]).toMatchObject([
    4,
    { findingCount: 2, findings: lines.map((words) => expect.stringContaining(words)) },
  ]);
  const findings = new Findings();
  const check = new AdmissionCheck({ hasher: nodeHasher, verifyMany: (jobs) => nodeCrypto.verifyMany(jobs), findings });
  await check.push(
    leaves,
    leaves.map((leaf) => nodeHasher.leafHash(leaf)),
  );
  expect(findings.kept).toEqual([
    { code: 'bad-signature', message: expect.stringContaining(`entry ${at + 1}`) },
    { code: 'already-logged', message: expect.stringContaining(lines[0]!) },
    { code: 'not-admitted', message: expect.stringContaining(lines[1]!) },
  ]);
  expect(findings.exitCode).toBe(4);
});

test('an open log derives the index of leaf hashes alone', async () => {
  const open = await dataLog(temporaryDirectory(), 3);
  const { code, stdout } = await limmat('reindex', '--data', open);
  expect([code, stdout]).toEqual([0, expect.stringContaining('takes any bytes')]);
});
