// A log over HTTP with witnesses of this project over HTTP: the settings that name them, and what happens when they die.

import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, onTestFinished, test } from 'vitest';

import { nodeCrypto } from '../../src/adapters/node-crypto.ts';
import { openNodeLog, readSettings, serveNode } from '../../src/node.ts';
import { parseConfig } from '../../src/node/config.ts';
import { createWitness } from '../../src/node/witness/data.ts';
import { readWitnessSettings } from '../../src/node/witness/open.ts';
import { serveWitness } from '../../src/node/witness/serve.ts';
import type { ServedNodeWitness } from '../../src/node/witness/serve.ts';
import { parseTlogProof } from '../../src/note/tlog-proof.ts';
import { dataLog, temporaryDirectory } from '../support/data-log.ts';
import { signersOf } from '../support/fake-witness.ts';

const ANYWHERE = { host: '127.0.0.1', port: 0 };

async function startWitnesses(dir: string, count: number): Promise<ServedNodeWitness[]> {
  const witnesses: ServedNodeWitness[] = [];
  for (let i = 1; i <= count; i++) {
    const home = join(dir, `witness-${i}`);
    createWitness({ dir: home, name: `w${i}.invalid`, list: join(dir, 'data', 'trust.txt') }, nodeCrypto);
    const settings = readWitnessSettings(home, { listen: ANYWHERE, 'log-level': 'silent', 'per-log': 1000 });
    const witness = await serveWitness(settings, { init: true });
    witnesses.push(witness);
    onTestFinished(() => witness.close());
  }
  return witnesses;
}

/** Two of them have to sign, each with both keys. */
function policyOf(witnesses: readonly ServedNodeWitness[]): string {
  const lines = witnesses.flatMap(({ witness: { vkeys }, url }, i) => [
    ...vkeys.map((vkey, k) => `witness w${i}-${k} ${vkey} ${url}`),
    `group w${i} all ${vkeys.map((_, k) => `w${i}-${k}`).join(' ')}`,
  ]);
  return `${lines.join('\n')}\ngroup enough 2 ${witnesses.map((_, i) => `w${i}`).join(' ')}\nquorum enough\n`;
}

test('a log publishes with two of three, stops with one, and goes on when another is back', async () => {
  const root = temporaryDirectory();
  const dir = await dataLog(root, 0);
  const witnesses = await startWitnesses(root, 3);
  writeFileSync(join(dir, 'witnesses.policy'), policyOf(witnesses));
  appendFileSync(join(dir, 'limmat.toml'), '\nwitness-policy = "witnesses.policy"\nwitness-deadline = "2s"\n');
  const settings = { listen: ANYWHERE, 'log-level': 'silent', 'checkpoint-interval': 20 } as const;
  const served = await serveNode(readSettings(dir, settings));
  onTestFinished(() => served.close());
  const add = (entry: string): Promise<Response> =>
    fetch(`${served.url}/add?wait=witnessed`, { method: 'POST', body: entry });

  const first = await add('first');
  expect(first.status).toBe(200);
  const { checkpoint } = parseTlogProof(new Uint8Array(await first.arrayBuffer()));
  expect(new Set(signersOf(checkpoint)).size).toBeGreaterThanOrEqual(3);

  await witnesses[0]!.close();
  expect((await add('second')).status).toBe(200);

  await witnesses[1]!.close();
  const index = await (await fetch(`${served.url}/add`, { method: 'POST', body: 'third' })).text();
  await expect.poll(async () => (await fetch(`${served.url}/readyz`)).status, { timeout: 10_000 }).toBe(503);
  expect(await (await fetch(`${served.url}/api/v1/entries/${index}/proof`)).json()).toMatchObject({
    code: 'not-published',
  });
  expect((await fetch(`${served.url}/checkpoint`)).status).toBe(200);

  const port = Number(new URL(witnesses[1]!.url).port);
  const again = await serveWitness(
    readWitnessSettings(join(root, 'witness-2'), {
      listen: { host: '127.0.0.1', port },
      'log-level': 'silent',
      'per-log': 1000,
    }),
  );
  onTestFinished(() => again.close());
  const proof = `${served.url}/api/v1/entries/${index}/proof?witnessed`;
  await expect.poll(async () => (await fetch(proof)).status, { timeout: 25_000 }).toBe(200);
  expect(await (await fetch(`${served.url}/readyz`)).text()).toBe('ready\n');
  expect(await (await fetch(`${served.url}/api/v1/log`)).json()).toMatchObject({
    state: 'ready',
    cosigning: { checkpoint: 'cosigned', failOpen: false },
  });
});

/** Opens a log with these settings; HEAD in the policy is its ML-DSA-44 key. */
async function open(policy: string | undefined, more = ''): Promise<void> {
  const dir = await dataLog(temporaryDirectory(), 0);
  const head = /^log (\S+\+B[g-v]\S+)$/m.exec(readFileSync(join(dir, 'trust.txt'), 'utf8'))?.[1] ?? '';
  if (policy !== undefined) writeFileSync(join(dir, 'p'), policy.replaceAll('HEAD', head));
  appendFileSync(join(dir, 'limmat.toml'), `\n${policy === undefined ? '' : 'witness-policy = "p"\n'}${more}`);
  await (await openNodeLog(readSettings(dir))).close();
}

describe('settings', () => {
  test.each([
    ['a policy without an address', 'quorum none\n', '', /no witness has an address/],
    ['a line that is none', 'witnesses a b\n', '', /line 1/],
    ['the log as its own witness', 'witness self HEAD http://127.0.0.1:1\nquorum self\n', '', /cannot witness itself/],
    ['fail-open without a policy', undefined, 'fail-open = true\n', /fail-open means nothing/],
  ])('%s is refused with a sentence', async (_, policy, more, words) => {
    await expect(open(policy, more)).rejects.toMatchObject({
      code: 'bad-config',
      message: expect.stringMatching(words),
    });
  });

  test('a file that is not there is named', async () => {
    const dir = await dataLog(temporaryDirectory(), 0);
    appendFileSync(join(dir, 'limmat.toml'), '\nwitness-policy = "gone"\n');
    await expect(openNodeLog(readSettings(dir))).rejects.toMatchObject({
      code: 'bad-config',
      message: expect.stringContaining('gone'),
    });
  });

  test('a key that is spelled wrong is told what was meant', () => {
    expect(() => parseConfig('failOpen = true')).toThrow(/"failOpen".*fail-open/);
    expect(() => parseConfig('witness-polcy = "p"')).toThrow(/witness-policy/);
    expect(() => parseConfig('fail-open = "yes"')).toThrow(/must be true or false/);
  });
});
