// What HTTP says of a log with witnesses: to those who append and wait, to readers, to operations.

import { describe, expect, test } from 'vitest';

import { MetricsRegistry, cosigningMetrics, logMetrics } from '../../../src/adapters/http/index.ts';
import { opaqueEntries } from '../../support/test-log.ts';
import { world } from '../../support/witnessed-log.ts';
import type { World, WorldOptions } from '../../support/witnessed-log.ts';
import { appOf } from './support.ts';

interface Asked extends World {
  readonly ask: (path: string, init?: RequestInit) => Promise<Response>;
  readonly metrics: () => string;
}

async function served(options: WorldOptions = {}): Promise<Asked> {
  const one = await world(options);
  const app = appOf(one.log, { logOptions: { waitMillis: 3000 } });
  const registry = new MetricsRegistry();
  logMetrics(registry, one.log, () => one.clock.nowMillis());
  cosigningMetrics(registry, one.log);
  return {
    ...one,
    ask: (path, init) => Promise.resolve(app.request(`http://log.invalid${path}`, init)),
    metrics: () => registry.render(),
  };
}

function post(one: Asked, wait: string, entry = 'an entry'): Promise<Response> {
  return one.ask(`/add?wait=${wait}`, { method: 'POST', body: entry });
}

describe('a log whose quorum answers', () => {
  test('answers wait=witnessed with a proof file that has the lines', async () => {
    const one = await served();
    const waiting = post(one, 'witnessed');
    await one.clock.advance(1500);
    const answer = await waiting;
    expect(answer.status).toBe(200);
    expect(answer.headers.get('limmat-checkpoint')).toBeNull();
    const proof = await answer.text();
    for (const name of ['w1', 'w2']) expect(proof).toContain(`— ${name}.invalid/w `);
    const later = await one.ask('/api/v1/entries/0/proof?witnessed');
    expect(later.status).toBe(200);
    expect(later.headers.get('content-disposition')).toContain('"entry-0.tlog-proof"');
    expect((await one.ask('/api/v1/entries/0/proof?witnessed=yes')).status).toBe(400);
  });

  test('says who cosigns, in JSON, on the page and in the metrics', async () => {
    const one = await served();
    await one.log.append(opaqueEntries(0, 3));
    await one.clock.advance(2000);
    const { state, cosigning } = await (await one.ask('/api/v1/log')).json();
    expect({ state, cosigning }).toMatchObject({
      state: 'ready',
      cosigning: { quorum: '2 of w1, w2, w3', failOpen: false, checkpoint: 'cosigned' },
    });
    expect(cosigning.witnesses[2]).toEqual({ name: 'w3', size: 3, lastCosigned: expect.any(Number), failuresInRow: 0 });
    const page = await (await one.ask('/')).text();
    expect(page).toContain('2 of w1, w2, w3');
    expect(page).toContain('cosigned by the quorum');
    expect(page).not.toMatch(/uncosigned/i);
    expect(one.metrics()).toContain('limmat_witness_size{witness="w2"} 3\n');
    expect(one.metrics()).toContain('limmat_checkpoint_uncosigned 0\n');
    expect((await one.ask('/readyz')).status).toBe(200);
  });
});

test('a witness that has forgotten what it cosigned is told of on the page and in the metrics', async () => {
  const one = await served();
  await one.log.append(opaqueEntries(0, 3));
  await one.clock.advance(1000);
  const old = { ...one.witnesses[1]!.state! };
  await one.log.append(opaqueEntries(3, 4));
  await one.clock.advance(1000);
  expect(one.metrics()).toContain('limmat_witness_steps_back_total{witness="w2"} 0\n');
  expect(await (await one.ask('/')).text()).not.toContain('forgotten');
  one.witnesses[1]!.state = old;
  await one.log.append(opaqueEntries(4, 6));
  await one.clock.advance(2000);
  expect(one.metrics()).toContain('limmat_witness_steps_back_total{witness="w2"} 1\n');
  expect(one.metrics()).toContain('limmat_witness_steps_back_total{witness="w3"} 0\n');
  expect(await (await one.ask('/')).text()).toMatch(/has forgotten what it cosigned.*cosigned size 6 /);
  expect((await one.ask('/readyz')).status).toBe(200);
});

describe('a log without its quorum', () => {
  test('answers 202 to who waits, and says where the proof will be', async () => {
    const one = await served();
    for (const witness of one.witnesses) witness.manner = 'dead';
    const waiting = post(one, 'witnessed');
    await one.clock.advance(4000);
    const answer = await waiting;
    expect(answer.status).toBe(202);
    expect(answer.headers.get('location')).toBe('api/v1/entries/0/proof?witnessed');
    const early = await one.ask('/api/v1/entries/0/proof?witnessed');
    expect(await early.json()).toMatchObject({ code: 'not-published' });
    for (const witness of one.witnesses) witness.manner = 'honest';
    await one.clock.advance(60_000);
    expect((await one.ask('/api/v1/entries/0/proof?witnessed')).status).toBe(200);
  });

  test('is not ready, says why, and goes on serving the checkpoint it had', async () => {
    const one = await served();
    const before = await (await one.ask('/checkpoint')).text();
    for (const witness of one.witnesses) witness.manner = 'dead';
    await one.log.append(opaqueEntries(0, 2));
    await one.clock.advance(10_000);
    expect(await (await one.ask('/checkpoint')).text()).toBe(before);
    const ready = await one.ask('/readyz');
    expect([ready.status, await ready.json()]).toMatchObject([503, { code: 'not-witnessed' }]);
    expect(await (await one.ask('/api/v1/log')).json()).toMatchObject({ state: 'not-witnessed', size: 0 });
    const page = await (await one.ask('/')).text();
    expect(page).toContain('publishes no new checkpoints');
    expect(page).toContain('does not cosign');
    // Addresses and causes are the operator's.
    expect(page + (await (await one.ask('/api/v1/log')).text())).not.toMatch(/ECONNREFUSED|w1\.invalid/);
    expect(one.metrics()).toContain('limmat_ready 0\n');
    expect(one.metrics()).toMatch(/limmat_witness_failures_total\{witness="w1"\} [1-9]/);
  });

  test('that may fail open says "uncosigned" everywhere', async () => {
    const one = await served({ failOpen: true, manners: ['dead', 'dead', 'dead'] });
    const waiting = post(one, 'published');
    await one.clock.advance(1500);
    const added = await waiting;
    expect([added.status, added.headers.get('limmat-checkpoint')]).toEqual([200, 'uncosigned']);
    const proof = await one.ask('/api/v1/entries/0/proof');
    expect(proof.headers.get('limmat-checkpoint')).toBe('uncosigned');
    expect(proof.headers.get('content-disposition')).toContain('entry-0.uncosigned.tlog-proof');
    const witnessed = await one.ask('/api/v1/entries/0/proof?witnessed');
    expect([witnessed.status, await witnessed.json()]).toMatchObject([
      503,
      { code: 'not-witnessed', witnessedSize: 0 },
    ]);
    expect(witnessed.headers.get('retry-after')).toBe('1');
    expect((await one.ask('/checkpoint')).headers.get('limmat-checkpoint')).toBe('uncosigned');
    for (const path of ['/', '/log/0'])
      expect(await (await one.ask(path)).text()).toContain('<strong>Uncosigned</strong>');
    expect(await (await one.ask('/api/v1/log')).json()).toMatchObject({
      state: 'ready',
      cosigning: { failOpen: true, checkpoint: 'uncosigned' },
    });
    expect(one.metrics()).toContain('limmat_checkpoint_uncosigned 1\n');
    expect(one.metrics()).toContain('limmat_fail_open 1\n');
  });
});
