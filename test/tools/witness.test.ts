// `limmat witness` as an operator runs it: made, started, asked by a real log, stopped, started again, and refused where
// it could sign backwards.

import { existsSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import * as v from 'valibot';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { nodeCrypto, nodeHasher } from '../../src/adapters/node-crypto.ts';
import { toHex, utf8 } from '../../src/bytes.ts';
import { keysFingerprint } from '../../src/note/fingerprint.ts';
import { openCheckpoint } from '../../src/note/open.ts';
import { checkpointVerifier } from '../../src/note/signer.ts';
import { parseTlogProof } from '../../src/note/tlog-proof.ts';
import { rfcTestTree } from '../support/rfc-tree.ts';
import { WitnessedTestLog } from '../support/witness-world.ts';
import { limmatHere, serveIn, witnessIn, workbench } from './workbench.ts';
import type { Served } from './workbench.ts';

const dir = workbench();
const limmat = limmatHere(dir);
const startWitness = witnessIn(dir);
const at = (name: string): string => join(dir, name);

const ORIGIN = 'tools.invalid/witnessed';
const NAME = 'witness.invalid/tools';
const QUIET = ['--log-level', 'error', '--per-log', '1000'] as const;
const START = v.object({
  event: v.literal('start'),
  name: v.string(),
  vkeys: v.array(v.string()),
  fingerprint: v.string(),
  url: v.string(),
  logs: v.number(),
});
const FOREIGN = new WitnessedTestLog('foreign.invalid/log', rfcTestTree(20));

let running: Served;
let vkeys: readonly string[];

/** The list: a limmat log by its trust file's two keys, and a log of one key. */
beforeAll(async () => {
  const made = await limmat('init', '--data', 'log', '--origin', ORIGIN, '--admission', 'open');
  expect(made.code).toBe(0);
  const keys = readFileSync(at('log/trust.txt'), 'utf8').match(/^log .*$/gm) ?? [];
  const foreign = FOREIGN.signers.map(({ vkey }) => `log ${vkey}`);
  writeFileSync(at('logs.txt'), `${[...keys, ...foreign].join('\n')}\n`);
});
afterAll(async () => {
  await running?.stop();
});

const witnessJson = (...args: readonly string[]): Promise<Served> =>
  startWitness('--data', 'w', '--json', ...QUIET, ...args);

async function addCheckpoint(body: Uint8Array): Promise<{ readonly status: number; readonly text: string }> {
  const answer = await fetch(`${running.url}/add-checkpoint`, { method: 'POST', body: new Uint8Array(body) });
  return { status: answer.status, text: await answer.text() };
}

test('nothing begins without --init, nor with a list that is not there', async () => {
  const absent = await limmat('witness', '--data', 'w');
  expect(absent).toMatchObject({ code: 2, stderr: expect.stringContaining('add --init to begin one') });
  const unlisted = await limmat('witness', '--data', 'w', '--init', '--log-list', 'gone.txt');
  expect(unlisted).toMatchObject({ code: 2, stderr: expect.stringContaining('gone.txt') });
  expect(existsSync(at('w'))).toBe(false);
});

test('--init makes keys and a guard, and says what a log needs of them', async () => {
  running = await witnessJson('--init', '--name', NAME, '--log-list', 'logs.txt', '--listen', '127.0.0.1:0');
  const start = v.parse(START, JSON.parse(running.stdout()));
  ({ vkeys } = start);
  expect(start).toMatchObject({ name: NAME, logs: 2, fingerprint: keysFingerprint(vkeys) });
  expect(vkeys.map((vkey) => Buffer.from(vkey.split('+')[2] ?? '', 'base64')[0])).toEqual([0x04, 0x06]);
  for (const key of ['w/witness.skey', 'w/witness.mldsa.skey']) {
    expect(statSync(at(key)).mode & 0o777).toBe(0o600);
    // What it printed is public.
    expect(running.stdout() + running.stderr()).not.toContain(readFileSync(at(key), 'utf8').trim());
  }
  for (const path of ['w', 'w.guard', 'w/store']) expect(statSync(at(path)).mode & 0o077).toBe(0);
});

test('it runs once', async () => {
  const second = await limmat('witness', '--data', 'w', '--listen', '127.0.0.1:0');
  expect(second).toMatchObject({ code: 3, stderr: expect.stringContaining('another process') });
});

test('a log that names it is cosigned with both keys, also after the witness was stopped and started again', async () => {
  const policy = vkeys.map((vkey, i) => `witness w${i} ${vkey} ${running.url}\n`).join('');
  writeFileSync(at('witnesses.policy'), `${policy}group both all w0 w1\nquorum both\n`);
  const args = ['--listen', '127.0.0.1:0', '--checkpoint-interval', '20ms', '--log-level', 'error'];
  const log = await serveIn(dir)('--data', 'log', '--witness-policy', 'witnesses.policy', ...args);
  try {
    const verifiers = vkeys.map((vkey) => checkpointVerifier(vkey, nodeCrypto));
    const add = async (entry: string): Promise<void> => {
      const answer = await fetch(`${log.url}/add?wait=witnessed`, { method: 'POST', body: entry });
      expect(answer.status).toBe(200);
      const { checkpoint } = parseTlogProof(new Uint8Array(await answer.arrayBuffer()));
      expect((await openCheckpoint(checkpoint, verifiers)).verified).toHaveLength(2);
    };
    await add('before');
    const listen = running.url.slice('http://'.length);
    expect(await running.stop()).toBe(0);
    expect(running.stderr()).toBe('');
    running = await witnessJson('--listen', listen);
    expect(v.parse(START, JSON.parse(running.stdout()))).toMatchObject({ name: NAME, vkeys, logs: 2 });
    await add('after');
    const hash = toHex(nodeHasher.sha256(utf8(ORIGIN)));
    const kept = await (await fetch(`${running.url}/${hash}/checkpoint`)).text();
    expect(kept.split('\n').slice(0, 2)).toEqual([ORIGIN, '2']);
  } finally {
    expect(await log.stop()).toBe(0);
  }
});

test('a log of one key is cosigned, refused and told where to go on over HTTP', async () => {
  expect(await addCheckpoint(await FOREIGN.request(0, 7))).toMatchObject({ status: 200 });
  expect(await addCheckpoint(await FOREIGN.request(0, 9))).toEqual({ status: 409, text: '7\n' });
  expect(await addCheckpoint(await FOREIGN.request(7, 9))).toMatchObject({ status: 200 });
  expect(await addCheckpoint(await FOREIGN.request(9, 9, { root: FOREIGN.root(8) }))).toMatchObject({ status: 422 });
  const status: unknown = await (await fetch(`${running.url}/api/v1/witness`)).json();
  expect(status).toMatchObject({
    name: NAME,
    logs: [
      { size: 2, refused: 0 },
      { size: 9, refused: 1 },
    ],
  });
});

const start = (...more: readonly string[]): ReturnType<typeof limmat> =>
  limmat('witness', '--data', 'w', '--listen', '127.0.0.1:0', ...QUIET, ...more);

test('what a signal stops ends with 0; after that a second --init and another name are refused', async () => {
  expect(await running.stop()).toBe(0);
  const again = await start('--init');
  expect(again).toMatchObject({ code: 2, stderr: expect.stringContaining('leave --init out') });
  const renamed = await start('--name', 'witness.invalid/other');
  expect(renamed).toMatchObject({ code: 2, stderr: expect.stringContaining('--name is for --init') });
});

test('it does not start without its guard, and no --init makes it another one', async () => {
  renameSync(at('w.guard'), at('away'));
  expect(await start()).toMatchObject({ code: 3, stderr: expect.stringContaining('put the guard directory back') });
  expect((await start('--init')).code).toBe(2);
  expect(existsSync(at('w.guard'))).toBe(false);
  expect(await start()).toMatchObject({ code: 3, stderr: expect.stringContaining('put the guard directory back') });
  renameSync(at('away'), at('w.guard'));
});

test('nor without its store, and no --init makes it begin anew', async () => {
  rmSync(at('w/store'), { recursive: true });
  expect(await start('--init')).toMatchObject({ code: 2, stderr: expect.stringContaining('leave --init out') });
  expect(await start()).toMatchObject({ code: 3, stderr: expect.stringContaining('its guard says that it had') });
});

test('--init takes keys that were there before only when it is told that they are new', async () => {
  expect(
    (await limmat('keygen', '--type', 'witness-ed25519', '--name', 'k.invalid', '--out', 'k/witness.skey')).code,
  ).toBe(0);
  const args = ['witness', '--data', 'k', '--init', '--log-list', 'logs.txt', '--listen', '127.0.0.1:0'];
  expect(await limmat(...args)).toMatchObject({ code: 3, stderr: expect.stringContaining('add --unused-keys') });
  expect(existsSync(at('k.guard'))).toBe(false);
  const noInit = await limmat('witness', '--data', 'k', '--unused-keys');
  expect(noInit.code).toBe(2);
  const taken = await startWitness('--data', 'k', '--json', ...QUIET, '--init', '--unused-keys', ...args.slice(4));
  expect(v.parse(START, JSON.parse(taken.stdout()))).toMatchObject({ name: 'k.invalid' });
  expect(await taken.stop()).toBe(0);
});
