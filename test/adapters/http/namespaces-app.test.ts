import { expect, test } from 'vitest';

import { namespacesApp, serverApp } from '../../../src/adapters/http/index.ts';
import { toBase64, toHex } from '../../../src/bytes.ts';
import { nodeHasher } from '../../../src/adapters/node-crypto.ts';
import type { LimmatRecord } from '../../../src/record/index.ts';
import { kid, rootKeys } from '../../support/admission-world.ts';
import { AdmittedLog, signed } from '../../support/admitted-log.ts';
import { jsonOf, refusal, serve } from './support.ts';

const T = 1_800_000_000;

/** A log to which these namespaces were admitted, and the last of them left. */
async function served(...names: readonly string[]) {
  const log = await AdmittedLog.open();
  const links: { readonly action: 'admit' | 'leave'; readonly name: string }[] = names.map((name) => ({
    action: 'admit',
    name,
  }));
  if (names.length > 0) links.push({ action: 'leave', name: names.at(-1)! });
  for (const [i, { action, name }] of links.entries()) {
    const joining = action === 'leave' ? {} : { vendor: name, root: rootKeys(1, name) };
    const prev = nodeHasher.leafHash(log.leaves.at(-1)!);
    const record: LimmatRecord = {
      type: 'membership',
      namespace: 'acme',
      fields: { sequence: i + 3, prev, action, namespace: name, ...joining },
    };
    for (const result of await log.append([await signed(record, 'root', T)])) if (!result.ok) throw result.error;
  }
  const app = serverApp({ mounts: [{ prefix: '/at', app: namespacesApp(log) }] });
  return { log, ask: (path: string) => Promise.resolve(app.request(`/at/api/v1/namespaces${path}`)) };
}

const id = (name: string) => ({ kid: toHex(kid(name)), known: true });

test('the namespaces are listed page by page, shorter names first', async () => {
  const { ask } = await served('zeta', 'b', 'longer.example');
  const first = await jsonOf(await ask('?limit=3'));
  expect(first).toEqual({
    size: 6,
    items: [
      { namespace: 'b', sequence: 0, roles: [] },
      { namespace: 'acme', sequence: 6, roles: ['submitter'] },
      { namespace: 'zeta', sequence: 0, roles: [] },
    ],
    next: 'zeta',
  });
  expect(await jsonOf(await ask('?limit=3&after=zeta'))).toEqual({
    size: 6,
    items: [{ namespace: 'longer.example', sequence: 0, roles: [], leftAt: 5 }],
  });
  expect(await refusal(ask('?limit=101'))).toBe('400 bad-parameter');
  expect(await refusal(ask('?limit=0'))).toBe('400 bad-parameter');
  expect(await refusal(ask('?after=A'))).toBe('400 bad-parameter');
  expect(await refusal(ask('?page=2'))).toBe('400 bad-parameter');
});

test('what is in force in one is said, with the entries that made it so', async () => {
  const { ask, log } = await served('zeta');
  const place = (sequence: number, index: number) => ({
    sequence,
    index,
    leafHash: toBase64(nodeHasher.leafHash(log.leaves[index]!)),
    proof: `/api/v1/entries/${index}/proof`,
  });
  expect(await jsonOf(await ask('/acme'))).toEqual({
    namespace: 'acme',
    isLogs: true,
    chain: place(4, 3),
    policy: place(1, 0),
    root: { threshold: 1, keys: [id('root')] },
    logKeys: [id('log')],
    roles: [
      {
        role: 'submitter',
        types: expect.arrayContaining(['build', 'site']) as unknown,
        threshold: 1,
        issuers: ['acme.example'],
        keys: [id('submitter')],
      },
    ],
    require: [],
    deadKeys: [],
  });
  expect(await jsonOf(await ask('/zeta'))).toMatchObject({
    isLogs: false,
    leftAt: 3,
    root: { threshold: 1, keys: [id('zeta')] },
    roles: [],
  });
  expect(await refusal(ask('/nobody'))).toBe('404 not-found');
  expect(await refusal(ask('/No%20namespace'))).toBe('404 not-found');
});

test('a log that takes any bytes has none', async () => {
  const { ask } = await serve();
  expect(await refusal(ask('/api/v1/namespaces'))).toBe('404 not-found');
  expect(await refusal(ask('/api/v1/namespaces/acme'))).toBe('404 not-found');
});
