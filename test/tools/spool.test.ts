// limmat add --spool against a real log behind an address that fails: nothing is lost, nothing is doubled, the order holds.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import * as v from 'valibot';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { nodeHasher } from '../../src/adapters/node-crypto.ts';
import { toHex } from '../../src/bytes.ts';
import { openSpool } from '../../tools/support/spool.ts';
import { startServe } from '../../tools/support/serve-process.ts';
import type { ServeProcess } from '../../tools/support/serve-process.ts';
import { between, chooseSeed, seededRandom } from '../support/random.ts';
import { limmat } from '../support/run-limmat.ts';
import type { Ran } from '../support/run-limmat.ts';
import { flakyProxy } from './flaky-proxy.ts';
import type { FlakyProxy } from './flaky-proxy.ts';
import { answered, workbench } from './workbench.ts';

const LAUNCHER = fileURLToPath(new URL('../../tools/limmat.mjs', import.meta.url));
const dir = workbench();
const at = (...names: readonly string[]): string => join(dir, ...names);
let log: ServeProcess;
let proxy: FlakyProxy;
let spool = '';
let product = 0;

const ENTRY = v.looseObject({
  number: v.number(),
  state: v.string(),
  leafHash: v.string(),
  index: v.optional(v.number()),
  proofFiles: v.array(v.string()),
});
const ANSWER = v.looseObject({
  spool: v.string(),
  origin: v.optional(v.string()),
  entries: v.array(ENTRY),
  waiting: v.number(),
  sequenced: v.number(),
  proven: v.number(),
  error: v.optional(v.looseObject({ code: v.string(), message: v.string() })),
});
const STATUS = v.looseObject({ size: v.number() });

beforeAll(async () => {
  log = await startServe({
    dataDir: at('data'),
    args: ['--init', '--log-level', 'error', '--checkpoint-interval', '50ms'],
  });
  proxy = await flakyProxy(log.url);
});
afterAll(async () => {
  await proxy.close();
  await log.stop();
});
beforeEach(() => {
  proxy.fate = () => 'pass';
  spool = at(`spool-${++product}`);
});

const KEY = (): string => at('data', 'keys', 'submitter.pem');
const ask = (...args: readonly string[]): Promise<Ran> => limmat('add', ...args, '--url', proxy.url);
const add = (...args: readonly string[]): Promise<Ran> => ask('--spool', spool, '--retry-for', '0', ...args);
const json = async (...args: readonly string[]): Promise<v.InferOutput<typeof ANSWER>> =>
  answered(ANSWER, await add(...args, '--json'));
/** Once what the log has taken is published, which happens every 50 ms. */
async function sizeOfLog(): Promise<number> {
  await sleep(200);
  return v.parse(STATUS, await (await fetch(`${log.url}/api/v1/log`)).json()).size;
}

/** Signs a build of its own, offline; its statement's file. */
async function statementFile(name: string): Promise<string> {
  const file = at(`${name}-${product}.bin`);
  writeFileSync(file, `${name} ${product}`);
  const what = ['--product', `${name} ${product}`, '--version', '1', '--namespace', 'demo', '--key', KEY()];
  expect(await limmat('sign', 'build', '--artifact', file, ...what)).toMatchObject({ code: 0 });
  return `${file}.statement`;
}

const leafHashOf = (file: string): string => toHex(nodeHasher.leafHash(new Uint8Array(readFileSync(file))));
const verify = (artifact: string, proof: string): Promise<Ran> =>
  limmat('verify', artifact, '--proof', proof, '--trust', at('data', 'trust.txt'));

describe('a spool', () => {
  test('sends what it is given, and keeps the proofs in it and beside the files', async () => {
    const files = [await statementFile('a'), await statementFile('b')];
    const { entries, origin, ...rest } = await json(...files);
    expect(rest).toMatchObject({ spool, waiting: 0, sequenced: 0, proven: 2 });
    expect(origin).toMatch(/^limmat\.invalid\//);
    expect(entries.map(({ number, state, leafHash }) => [number, state, leafHash])).toEqual(
      files.map((file, i) => [i + 1, 'proven', leafHashOf(file)]),
    );
    expect(entries[1]!.index).toBe(entries[0]!.index! + 1);
    for (const [i, file] of files.entries()) {
      const artifact = file.replace(/\.statement$/, '');
      const proofs = [join(spool, `00000000${i + 1}.tlog-proof`), `${artifact}.tlog-proof`];
      expect(entries[i]!.proofFiles).toEqual(proofs);
      for (const proof of proofs) expect(await verify(artifact, proof)).toMatchObject({ code: 0 });
    }
    expect(JSON.parse(readFileSync(join(spool, 'spool.json'), 'utf8'))).toEqual({ format: 'limmat-spool/v1', origin });
  });

  test('keeps what it is given while the log is away, and sends it in order once it is back', async () => {
    proxy.fate = () => 'unheard';
    const before = await sizeOfLog();
    const files = [await statementFile('a'), await statementFile('b'), await statementFile('c')];
    for (const file of files) {
      const { code, stderr, stdout } = await add(file);
      expect([code, stdout]).toEqual([3, expect.stringContaining('waits')]);
      expect(stderr).toContain(`stay in ${spool}: "limmat add --spool ${spool}" goes on`);
    }
    const status = answered(ANSWER, await limmat('add', '--spool', spool, '--spool-status', '--json'));
    expect(status).toMatchObject({ waiting: 3, proven: 0 });
    expect(status.entries.map(({ leafHash }) => leafHash)).toEqual(files.map(leafHashOf));
    expect(await sizeOfLog()).toBe(before);
    proxy.fate = () => 'pass';
    const { entries, proven } = await json();
    expect(proven).toBe(3);
    expect(entries.map(({ index }) => index)).toEqual([before, before + 1, before + 2]);
    // Nothing is left to do, and nothing is asked of the log.
    const asked = proxy.asked.length;
    expect(await json()).toMatchObject({ entries: [], waiting: 0, proven: 3 });
    expect(proxy.asked).toHaveLength(asked);
  });

  test('does not double what the log took without its answer arriving', async () => {
    const before = await sizeOfLog();
    const file = await statementFile('a');
    proxy.fate = (request) => (request.startsWith('POST') ? 'unanswered' : 'pass');
    expect(await json(file)).toMatchObject({ waiting: 1, error: { code: 'network' } });
    expect(await sizeOfLog()).toBe(before + 1);
    proxy.fate = () => 'pass';
    expect(await json()).toMatchObject({ proven: 1, entries: [{ index: before }] });
    expect(await sizeOfLog()).toBe(before + 1);
  });

  test('waits out what passes within its time', async () => {
    const file = await statementFile('a');
    let left = 3;
    proxy.fate = () => (left-- > 0 ? (left === 1 ? 'busy' : 'unheard') : 'pass');
    const { code, stderr } = await ask('--spool', spool, file);
    expect([code, stderr.match(/trying again in/g)]).toEqual([
      0,
      ['trying again in', 'trying again in', 'trying again in'],
    ]);
    expect(stderr).toContain('answered with status 502');
  });

  test('takes the same file, and the same build, once', async () => {
    const file = await statementFile('a');
    const artifact = file.replace(/\.statement$/, '');
    const build = [artifact, '--key', KEY(), '--product', 'twice', '--version', '1', '--namespace', 'demo'];
    proxy.fate = () => 'unheard';
    for (let i = 0; i < 2; i++) {
      await add(file);
      await add(...build);
    }
    proxy.fate = () => 'pass';
    const before = await sizeOfLog();
    expect(await json(...build)).toMatchObject({ proven: 2 });
    expect(await json(...build)).toMatchObject({ proven: 2, entries: [{ number: 2, state: 'proven' }] });
    expect(await sizeOfLog()).toBe(before + 2);
    expect(await verify(artifact, `${artifact}.tlog-proof`)).toMatchObject({ code: 0 });
  });

  test('only for the index, proofs come with a later run', async () => {
    const file = await statementFile('a');
    expect(await json(file, '--wait', 'sequenced')).toMatchObject({ sequenced: 1, entries: [{ proofFiles: [] }] });
    expect(readdirSync(spool).toSorted()).toEqual(['000000001.index', '000000001.statement', 'lock', 'spool.json']);
    expect(await json()).toMatchObject({ proven: 1, entries: [{ state: 'proven' }] });
  });
});

describe('an entry that the log refuses', () => {
  test('stops the spool until somebody decides, and keeps its place or is set aside', async () => {
    const bad = at('bad.statement');
    writeFileSync(bad, 'no statement');
    const good = await statementFile('a');
    const before = await sizeOfLog();
    const { code, stderr } = await add(bad, good);
    expect(code).toBe(4);
    expect(stderr).toContain('the log refuses entry 1 of the spool: ');
    expect(stderr).toContain('--set-aside 1; 2 to send and 0 to prove stay in');
    expect(await json()).toMatchObject({
      waiting: 2,
      error: { code: 'malformed', details: { number: 1, status: 400 } },
    });
    expect(await sizeOfLog()).toBe(before);
    expect(await json('--set-aside', '1')).toMatchObject({
      waiting: 0,
      proven: 1,
      setAside: 1,
      entries: [{ number: 2 }],
    });
    expect(readFileSync(join(spool, '000000001.set-aside'), 'utf8')).toBe('no statement');
    const again = await add('--set-aside', '2');
    expect([again.code, again.stderr]).toEqual([2, expect.stringContaining(`no entry 2 waits in ${spool}`)]);
  });
});

describe('is refused', () => {
  test('another log than the one that the spool is for', async () => {
    await add(await statementFile('a'));
    writeFileSync(join(spool, 'spool.json'), '{"format":"limmat-spool/v1","origin":"log.example/other"}\n');
    const { code, stderr } = await add(await statementFile('b'));
    expect([code, stderr]).toEqual([
      2,
      expect.stringContaining('is for the log log.example/other, and the one at --url is'),
    ]);
    expect(existsSync(join(spool, '000000002.statement'))).toBe(true);
  });

  test('a second process, while the first one has the spool', async () => {
    const held = await openSpool(spool, 0);
    const file = await statementFile('a');
    const { code, stderr } = await add(file);
    expect([code, stderr]).toEqual([3, expect.stringContaining('another process sends from the spool')]);
    expect(await limmat('add', '--spool', spool, '--spool-status')).toMatchObject({ code: 0 });
    setTimeout(() => void held.close(), 300);
    expect(await ask('--spool', spool, file)).toMatchObject({ code: 0 });
  });

  test.each([
    [['--spool-status'], '--spool-status is about a spool: --spool DIR'],
    [['--retry-for', '1s', 'x'], '--retry-for is about a spool'],
    [['--set-aside', '1'], '--set-aside is about a spool'],
    [[], 'name the files to append'],
    [['--spool', 'SPOOL'], 'there is no spool in'],
    [['--spool', 'SPOOL', '--spool-status'], 'there is no spool in'],
    [['--spool', 'SPOOL', '--spool-status', 'x'], '--spool-status only looks'],
    [['--spool', 'SPOOL', '--key', 'k'], 'name the files to sign'],
    [['--spool', 'SPOOL', '--sbom', 'x', 'y'], '--sbom describes a record to sign'],
    [['--spool', 'SPOOL', 'no-such-file'], 'no-such-file: no such file or directory'],
  ])('%j', async (args, message) => {
    const { code, stderr } = await ask(...args.map((arg) => (arg === 'SPOOL' ? spool : arg)));
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
    expect(existsSync(spool)).toBe(false);
  });

  test('a spool whose files are not what was written', async () => {
    proxy.fate = () => 'unheard';
    await add(await statementFile('a'));
    writeFileSync(join(spool, '000000001.index'), 'seven');
    expect((await add()).stderr).toContain('000000001.index is not an index');
    writeFileSync(join(spool, '000000001.index'), '7');
    writeFileSync(join(spool, '000000001.statement'), '');
    expect((await add()).stderr).toContain('000000001.statement is no entry: 0 bytes');
    writeFileSync(join(spool, 'spool.json'), '{}');
    const { code, stderr } = await add();
    expect([code, stderr]).toEqual([
      4,
      expect.stringContaining('spool.json is not of a spool that this version knows'),
    ]);
  });
});

const RUNS = process.env['LIMMAT_LONG'] === undefined ? 4 : 20;
test(
  `killed in ${RUNS} runs, a spool loses nothing, doubles nothing and keeps the order`,
  { timeout: 120_000 },
  async () => {
    const seed = chooseSeed();
    const random = seededRandom(seed);
    const artifact = at('killed.bin');
    writeFileSync(artifact, 'killed');
    const build = [artifact, '--key', KEY(), '--product', `killed ${seed}`, '--version', '1', '--namespace', 'demo'];
    const files: string[] = [];
    const before = await sizeOfLog();
    let killed = 0;
    try {
      for (let run = 0; run < RUNS; run++) {
        // Every other run has one more entry to send, the others the same build again.
        if (run % 2 === 0) files.push(await statementFile(`k${run}`));
        const what = run % 2 === 0 ? files : build;
        const args = [LAUNCHER, 'add', ...what, '--spool', spool, '--url', proxy.url, '--retry-for', '10s'];
        const child = spawn(process.execPath, args, { stdio: 'ignore' });
        const exited = once(child, 'exit');
        // Either at a request, before or after the log heard it, or at a time from before the spool is there on.
        const atRequest = random() < 0.7 ? between(random, 1, 4) : 0;
        const fates = ['unheard', 'unanswered', 'pass'] as const;
        let requests = 0;
        proxy.fate = () => {
          if (++requests !== atRequest) return fates[between(random, 0, 6)] ?? 'pass';
          if (random() < 0.5) child.kill('SIGKILL');
          else setTimeout(() => child.kill('SIGKILL'), between(random, 0, 20));
          return fates[between(random, 0, 3)]!;
        };
        const timer = setTimeout(() => child.kill('SIGKILL'), atRequest > 0 ? 5_000 : between(random, 300, 1_500));
        await exited;
        clearTimeout(timer);
        if (child.signalCode === 'SIGKILL') killed++;
      }
      expect(killed).toBeGreaterThan(0);
      proxy.fate = () => 'pass';
      await add(...files);
      const count = files.length + 1;
      expect(await json(...build)).toMatchObject({ proven: count, waiting: 0, sequenced: 0 });
      const numbers = Array.from({ length: count }, (_, i) => String(i + 1).padStart(9, '0'));
      // No file has been left half-written or under another name.
      const kinds = ['index', 'statement', 'tlog-proof'];
      const names = numbers.flatMap((number) => kinds.map((kind) => `${number}.${kind}`));
      expect(readdirSync(spool).toSorted()).toEqual([...names, 'lock', 'spool.json'].toSorted());
      const indexes = numbers.map((number) => Number(readFileSync(join(spool, `${number}.index`), 'utf8')));
      expect(indexes).toEqual(numbers.map((_, i) => before + i));
      expect(await sizeOfLog()).toBe(before + count);
      const sent = numbers.map((number) => leafHashOf(join(spool, `${number}.statement`)));
      const given = files.map(leafHashOf);
      expect(sent.filter((hash) => given.includes(hash))).toEqual(given);
      expect(await verify(artifact, `${artifact}.tlog-proof`)).toMatchObject({ code: 0 });
    } catch (error) {
      throw new Error(`with LIMMAT_SEED=${seed}`, { cause: error });
    }
  },
);
