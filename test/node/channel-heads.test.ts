// Channel heads of a real log, from the data directory to the client: the key that init made, the trust file beside it,
// and a restart.

import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { nodeCrypto, nodeHasher } from '../../src/adapters/node-crypto.ts';
import { readSettings, serveNode } from '../../src/node.ts';
import type { ServedNodeLog } from '../../src/node/serve.ts';
import { dataPaths } from '../../src/node/meta.ts';
import { makeChannelKey } from '../../src/node/channel-key.ts';
import { loadStatementSigner } from '../../src/node/statement-key.ts';
import { createStatement } from '../../src/record/statement.ts';
import type { LimmatRecord } from '../../src/record/types.ts';
import { makeLog } from '../../tools/support/new-log.ts';
import { temporaryDirectory } from '../support/data-log.ts';
import { limmat } from '../support/run-limmat.ts';

const ORIGIN = 'test.invalid/channels';
const CHANNEL = 'demo/Shield 2%2Fx/build:linux/stable';

interface Answer {
  readonly code: number;
  readonly newest: { readonly index: number; readonly sequence: number };
  readonly minimumSequence: number;
}

const serve = (dir: string): Promise<ServedNodeLog> =>
  serveNode(
    readSettings(dir, { listen: { host: '127.0.0.1', port: 0 }, 'log-level': 'silent', 'checkpoint-interval': 0 }),
  );

/** Signs and appends, and waits until it is published. */
async function add({ log }: ServedNodeLog, dir: string, record: LimmatRecord): Promise<Uint8Array> {
  const signer = loadStatementSigner(dataPaths(dir).submitterKey);
  const iatSeconds = Math.floor(Date.now() / 1000);
  const leaf = await createStatement({ ...record, issuer: 'demo', iatSeconds }, signer);
  const [result] = await log.append([leaf]);
  if (!result!.ok) throw result!.error;
  await log.waitPublished(result!.index, 5000);
  return nodeHasher.leafHash(leaf);
}

const build = (version: string): LimmatRecord => ({
  type: 'build',
  namespace: 'demo',
  fields: {
    product: 'Shield 2/x',
    version,
    channel: 'stable',
    platform: 'linux',
    artifacts: [{ digest: { sha256: new Uint8Array(32).fill(Number(version)) } }],
  },
});

test('a log serves the heads of its channels to who has its trust file, before and after a restart', async () => {
  const root = temporaryDirectory();
  const dir = join(root, 'data');
  await makeLog({ dir, origin: ORIGIN });
  const paths = dataPaths(dir);
  const fetchHead = async (served: ServedNodeLog): Promise<Answer> => {
    const state = ['--state', join(root, 'seen')];
    const ran = await limmat('channel-head', CHANNEL, '--url', served.url, '--trust', paths.trust, ...state, '--json');
    const answer: Omit<Answer, 'code'> = JSON.parse(ran.stdout);
    return { code: ran.code, ...answer };
  };
  let served = await serve(dir);
  expect(await fetchHead(served)).toMatchObject({ code: 3, error: { code: 'not-found' } });
  const first = await add(served, dir, build('1'));
  const { newest } = await fetchHead(served);
  await add(served, dir, { type: 'retraction', namespace: 'demo', fields: { target: first, kind: 'recall' } });
  const recalled = await fetchHead(served);
  expect(recalled).toMatchObject({ code: 0, origin: ORIGIN, newest });
  const { sequence } = recalled.newest;
  expect(recalled.minimumSequence).toBe(sequence + 1);
  const described = await (await fetch(`${served.url}/api/v1/log`)).text();
  const { channelKey } = JSON.parse(described);
  expect(readFileSync(paths.trust, 'utf8')).toContain(`channel-key ${channelKey}\n`);
  await served.close();

  served = await serve(dir);
  await add(served, dir, build('2'));
  const after = await fetchHead(served);
  expect(after).toMatchObject({ code: 0, minimumSequence: sequence + 1 });
  expect(after.newest.sequence).toBeGreaterThan(sequence);
  const list = await (await fetch(`${served.url}/api/v1/channels`)).text();
  expect(JSON.parse(list)).toMatchObject({ items: [{ channel: CHANNEL, newest: after.newest }] });
  await served.close();

  // With a key that its genesis does not name it does not start.
  rmSync(paths.channelKey);
  makeChannelKey(paths, ORIGIN, nodeCrypto);
  await expect(serve(dir)).rejects.toMatchObject({ code: 'bad-key' });
});
