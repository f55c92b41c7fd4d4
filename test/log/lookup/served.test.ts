// Lookups through a log: rows come with the commit of their entry, and answers end at the published tree.

import { expect, test } from 'vitest';
import { lookupApp } from '../../../src/adapters/http/index.ts';
import { memoryMedium } from '../../../src/adapters/memory.ts';
import { nodeHasher } from '../../../src/adapters/node-crypto.ts';
import { toHex } from '../../../src/bytes.ts';
import { rootKeys, sign, T0 } from '../../support/admission-world.ts';
import { appendAll, openRecordsLog } from '../../support/records-log.ts';

const DIGEST = new Uint8Array(32).fill(7);

async function build(version: string): Promise<Uint8Array> {
  const named = { product: 'av', version, channel: 'stable', platform: 'linux' };
  const fields = { ...named, artifacts: [{ digest: { sha256: DIGEST } }] };
  return sign('root', 'acme', 'build', fields, { issuer: 'acme.example', iat: T0 }, true);
}

test('a record is found once it is published, a rebuild of the same commit counts, and both outlive the log', async () => {
  const medium = memoryMedium();
  const { log, clock, first, chain, guard } = await openRecordsLog({ medium, checkpointIntervalMillis: 1000 });
  const app = lookupApp(log.lookups);
  const get = async (path: string, from = app): Promise<{ size: number; items: { index: number }[] }> => {
    const response = await from.request(path);
    expect(response.status).toBe(200);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- looked at below
    return (await response.json()) as { size: number; items: { index: number }[] };
  };
  const artifact = `/api/v1/artifacts/${toHex(DIGEST)}`;
  await clock.advance(2000);

  const join = await chain.link('membership', {
    action: 'admit',
    namespace: 'lab',
    vendor: 'Lab',
    root: rootKeys(1, 'lab-root'),
  });
  const builds = [await build('1'), await build('2')];
  const at = first.length + 1;
  const rebuild = { build: nodeHasher.leafHash(builds[0]!), result: 'match' as const };
  const match = await sign('lab-root', 'lab', 'rebuild', rebuild, { issuer: 'Lab', iat: T0 }, true);
  await appendAll(log, [join]);
  await clock.advance(2000);
  await appendAll(log, [...builds, match]);
  const published = log.status().published!.size;
  expect((await get(artifact)).items).toHaveLength(Math.max(0, published - at));
  await clock.advance(2000);
  expect(log.status().published!.size).toBe(at + 3);

  expect(await get(artifact)).toMatchObject({
    size: at + 3,
    items: [
      { index: at, rebuilds: [{ index: at + 2, verdict: 'match' }], channel: { newest: { index: at + 1 } } },
      { index: at + 1, rebuilds: [] },
    ],
  });
  expect((await get('/api/v1/builds?rebuilt=none')).items.map(({ index }) => index)).toEqual([at + 1]);
  await log.close();

  const again = await openRecordsLog({ medium, guard, clock });
  const reopened = await get(artifact, lookupApp(again.log.lookups));
  expect(reopened.items.map(({ index }) => index)).toEqual([at, at + 1]);
  await again.log.close();
});
