import { readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import * as v from 'valibot';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { Journal } from '../../tools/import/journal.ts';
import { readRows } from '../../tools/import/rows.ts';
import { answered, limmatHere, serveIn, workbench } from './workbench.ts';
import type { Served } from './workbench.ts';

const SAMPLE = fileURLToPath(new URL('../../tools/demo/sample.jsonl', import.meta.url));
const ROWS = readFileSync(SAMPLE, 'utf8').trimEnd().split('\n').length;
const DONE = v.object({
  rows: v.number(),
  appended: v.number(),
  duplicates: v.number(),
  skipped: v.record(v.string(), v.number()),
});

const dir = workbench();
const limmat = limmatHere(dir);
let served: Served;

const importSample = (...args: readonly string[]) =>
  limmat('import', SAMPLE, '--key', 'feeds.pem', '--issuer', 'feeds', '--batch', '10', '--url', served.url, ...args);

const importGappy = (...args: readonly string[]) =>
  limmat('import', 'gappy.jsonl', '--key', 'feeds.pem', '--issuer', 'feeds', '--url', served.url, ...args);

beforeAll(async () => {
  served = await serveIn(dir)('--init', '--data', 'data', '--listen', '127.0.0.1:0');
  await limmat('keygen', '--out', 'feeds.pem');
});
afterAll(() => served.stop());

test('the first record that is refused ends it, and the reason says what mends it', async () => {
  const { code, stderr } = await importSample();
  expect(code).toBe(4);
  expect(stderr).toMatch(/record 1 \(Build of bash .*\) was refused: .*debian.*run the import again/);
});

test('the next run goes on with what was signed, and everything arrives once', async () => {
  const root = join(dir, 'data', 'keys', 'root.pub.pem');
  const namespaces = [...new Set(readRows([SAMPLE]).records.map(({ namespace }) => namespace))];
  for (const name of namespaces) {
    await limmat('namespace', 'add', name, '--vendor', name, '--root', root, '--data', 'data');
  }
  const all = namespaces.flatMap((name) => ['--namespace', name]);
  const rootKey = ['--root-key', join(dir, 'data', 'keys', 'root.pem'), '--data', 'data'];
  expect(await limmat('submitter', 'add', 'feeds.pub.pem', '--issuer', 'feeds', ...all, ...rootKey)).toMatchObject({
    code: 0,
  });
  const done = answered(DONE, await importSample('--json'));
  expect(done).toEqual({ rows: ROWS, appended: ROWS, duplicates: 0, skipped: {} });
});

test('run again it appends nothing', async () => {
  expect(answered(DONE, await importSample('--json'))).toMatchObject({ appended: 0, duplicates: ROWS });
});

test('cut off in the middle of a statement it appends only what was lost', async () => {
  const journal = join(dir, 'sample.jsonl.journal');
  const whole = readFileSync(journal);
  truncateSync(journal, statSync(journal).size - 7);
  const answer = answered(DONE, await importSample('--json'));
  // The last one was signed again, later, so it is another statement.
  expect(answer.appended + answer.duplicates).toBe(ROWS);
  expect(answer.duplicates).toBeGreaterThanOrEqual(ROWS - 1);
  expect(readFileSync(journal).subarray(0, whole.length - 1_000)).toEqual(whole.subarray(0, whole.length - 1_000));
});

test('a release after a missing one is refused, and goes in with --gap when the import is run again', async () => {
  const rows = readFileSync(SAMPLE, 'utf8')
    .split('\n')
    .filter((line) => line.includes('"manifest_sha256"'));
  expect(rows.length).toBeGreaterThan(4);
  const elsewhere = rows.map((line) => line.replace(/"channel":"[^"]*"/, '"channel":"gappy"'));
  writeFileSync(join(dir, 'gappy.jsonl'), `${[...elsewhere.slice(0, 2), ...elsewhere.slice(3)].join('\n')}\n`);
  const refused = await importGappy();
  expect(refused.code).toBe(4);
  expect(refused.stderr).toMatch(
    /record 3 .* was refused: .*or a gap from \d+ to \d+ with a reason; mend that, or state what is missing with --gap/,
  );
  const count = rows.length - 1;
  const done = answered(DONE, await importGappy('--gap', 'not published', '--json'));
  expect(done).toMatchObject({ rows: count, appended: count - 2, duplicates: 2 });
  expect(answered(DONE, await importGappy('--json'))).toMatchObject({ appended: 0, duplicates: count });
});

test('the log holds it all, and every statement of it is valid', async () => {
  const { code, stdout } = await limmat('fsck', '--url', served.url);
  expect(stdout).toContain('every record');
  expect(code).toBe(0);
});

test('the journal of another import is not touched', async () => {
  const { code, stderr } = await importSample('--issuer', 'somebody');
  expect(stderr).toContain('sample.jsonl.journal is the journal of an import with another issuer');
  expect(code).toBe(2);
});

test('a row that cannot be read is named, and nothing is signed', () => {
  const file = join(dir, 'bad.jsonl');
  const good = readFileSync(SAMPLE, 'utf8').split('\n', 1)[0]!;
  writeFileSync(file, `${good}\n{"name": 1}\n`);
  expect(() => readRows([file])).toThrow(`${file}:2: `);
  writeFileSync(file, `${good}\nnot json\n`);
  expect(() => readRows([file])).toThrow(`${file}:2: `);
});

test('a journal gives back what was put in, and forgets what is truncated', () => {
  const path = join(dir, 'journal');
  const identity = { origin: 'o', kid: 'k', issuer: 'i', input: 'x' };
  const statements = [1, 2, 3].map((byte) => new Uint8Array(byte * 100).fill(byte));
  const first = Journal.open(path, identity);
  first.append(statements.slice(0, 2));
  first.append(statements.slice(2));
  first.close();
  const second = Journal.open(path, identity);
  expect(second.statements).toEqual(statements);
  second.truncate(1);
  second.append([statements[2]!]);
  second.close();
  const third = Journal.open(path, identity);
  expect(third.statements).toEqual([statements[0], statements[2]]);
  third.close();
  expect(() => Journal.open(path, { ...identity, origin: 'p' })).toThrow('with another origin');
});
