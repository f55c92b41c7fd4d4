import { EventEmitter, once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { memoryMonitorStore, monitorMedium } from '../../src/adapters/memory/monitor-store.ts';
import { AlertBook } from '../../src/monitor/alerts.ts';
import type { Alert } from '../../src/monitor/alerts.ts';
import { plainFinding } from '../../src/monitor/checks.ts';
import type { Evidence } from '../../src/monitor/evidence/evidence.ts';
import type { Finding, PlainFinding } from '../../src/monitor/finding.ts';

const ORIGIN = 'log.example/x';
const T = 1_790_000_000;

function down(origin = ORIGIN): PlainFinding {
  return plainFinding('unreachable', origin, 'the log does not answer', { port: 80 });
}

function proof(id: string): Finding {
  const evidence: Evidence = {
    kind: 'fork-prefix',
    origin: ORIGIN,
    id,
    claim: { keys: [], checkpoints: [] },
    heads: [],
  };
  const { check, key, origin } = { check: 'M03' as const, key: `fork-prefix ${ORIGIN}`, origin: ORIGIN };
  return { class: 'proof', check, key, origin, summary: 'forked', details: {}, evidence };
}

/** A book on a medium, and on the same medium again. */
function shelf(): { open: () => Promise<AlertBook>; lines: string[] } {
  const medium = monitorMedium();
  return {
    open: async () => {
      medium.open = false;
      return AlertBook.open(memoryMonitorStore({ medium }).alerts);
    },
    lines: medium.alerts,
  };
}

describe('an alert', () => {
  test('is opened once, counted while it is open, and the same after a restart', async () => {
    const { open, lines } = shelf();
    const book = await open();
    const first = await book.raise(down(), T);
    expect(first).toEqual({
      id: `unreachable ${ORIGIN}#1`,
      key: `unreachable ${ORIGIN}`,
      occurrence: 1,
      check: 'M09',
      class: 'operational',
      origin: ORIGIN,
      summary: 'the log does not answer',
      details: { port: 80 },
      evidence: [],
      state: 'open',
      openedAtSeconds: T,
      seenAtSeconds: T,
      count: 1,
      notified: false,
    });
    await book.raise(down(), T + 60);
    expect(await book.raise(down(), T + 120)).toMatchObject({ occurrence: 1, count: 3, seenAtSeconds: T + 120 });
    expect(lines.length).toBe(1);
    const again = await open();
    expect(again.list()).toEqual([first]);
    expect(await again.raise(down(), T + 180)).toMatchObject({ occurrence: 1, count: 2 });
  });

  test('that was over comes again under another id', async () => {
    const { open } = shelf();
    const book = await open();
    await book.raise(down(), T);
    await book.end(down().key, T + 1);
    await book.end(down().key, T + 2);
    expect(book.get(down().key)).toMatchObject({ state: 'closed', endedAtSeconds: T + 1 });
    expect(book.open()).toEqual([]);
    expect(await book.raise(down(), T + 3)).toMatchObject({ id: `unreachable ${ORIGIN}#2`, state: 'open', count: 1 });
    expect((await open()).list()).toMatchObject([{ occurrence: 2, state: 'open' }]);
  });

  test('that asks for a person does not end by itself', async () => {
    const book = await shelf().open();
    const finding = plainFinding('bad-signature', ORIGIN, 'x');
    await book.raise(finding, T);
    await book.end(finding.key, T + 1);
    expect(book.open().length).toBe(1);
    expect(await book.acknowledge(finding.key, T + 2)).toMatchObject({ state: 'acknowledged', endedAtSeconds: T + 2 });
    expect(book.open()).toEqual([]);
    expect(await book.raise(finding, T + 3)).toMatchObject({ state: 'acknowledged', occurrence: 1, count: 2 });
    await expect(book.acknowledge(finding.key, T + 4)).rejects.toMatchObject({ code: 'not-found' });
    await expect(book.acknowledge('nothing', T + 4)).rejects.toMatchObject({ code: 'not-found' });
  });

  test('that was acknowledged and passes is closed, and opens again when it comes back', async () => {
    const book = await shelf().open();
    await book.raise(down(), T);
    await book.acknowledge(down().key, T + 1);
    await book.raise(down(), T + 2);
    expect(book.open()).toEqual([]);
    await book.end(down().key, T + 3);
    expect(await book.raise(down(), T + 4)).toMatchObject({ occurrence: 2, state: 'open' });
  });

  test('that gets another class is a new one', async () => {
    const book = await shelf().open();
    await book.raise(down(), T);
    expect(await book.raise({ ...down(), class: 'suspicion' }, T + 1)).toMatchObject({
      occurrence: 2,
      class: 'suspicion',
      notified: false,
    });
  });

  test('that is news is over at once, and is told of all the same', async () => {
    const book = await shelf().open();
    await book.raise(plainFinding('log-added', ORIGIN, 'x'), T);
    expect(book.open()).toEqual([]);
    const told: Alert[] = [];
    await book.deliver(async (alert) => void told.push(alert));
    expect(told).toMatchObject([{ key: `log-added ${ORIGIN}`, state: 'closed', class: 'info' }]);
  });

  test('of proof lists its evidence, and opens again with new evidence a day after it was acknowledged', async () => {
    const { open } = shelf();
    const book = await open();
    await book.raise(proof('a'), T);
    await book.raise(proof('a'), T + 1);
    await book.raise(proof('b'), T + 2);
    expect((await open()).get(proof('a').key)).toMatchObject({ evidence: ['a', 'b'], occurrence: 1 });
    await book.acknowledge(proof('a').key, T + 3);
    expect(await book.raise(proof('c'), T + 4)).toMatchObject({ state: 'acknowledged', evidence: ['a', 'b', 'c'] });
    expect(await book.raise(proof('c'), T + 3 + 86_400)).toMatchObject({ state: 'acknowledged' });
    expect(await book.raise(proof('d'), T + 3 + 86_400)).toMatchObject({
      state: 'open',
      occurrence: 2,
      evidence: ['a', 'b', 'c', 'd'],
    });
    await book.end(proof('d').key, T + 4 + 86_400);
    expect(book.open().length).toBe(1);
  });
});

describe('telling', () => {
  test('goes on until every alert was taken, and never twice over restarts', async () => {
    const { open } = shelf();
    let book = await open();
    for (const name of ['a', 'b', 'c']) await book.raise(down(name), T);
    const told: string[] = [];
    const errors = await book.deliver(async ({ key }) => {
      if (key.endsWith('b')) throw new Error('no');
      told.push(key);
    });
    expect(errors).toMatchObject([{ message: 'no' }]);
    expect(told).toEqual(['unreachable a', 'unreachable c']);
    book = await open();
    expect(await book.deliver(async ({ key }) => void told.push(key))).toEqual([]);
    expect(told).toEqual(['unreachable a', 'unreachable c', 'unreachable b']);
    book = await open();
    await book.deliver(async ({ key }) => void told.push(key));
    expect(told.length).toBe(3);
  });

  test('tells again, with the same id, what a crash left in between', async () => {
    const { open, lines } = shelf();
    const book = await open();
    await book.raise(down(), T);
    const told: string[] = [];
    await book.deliver(async ({ id }) => void told.push(id));
    // The crash: it was told, and the line that says so was not written.
    lines.pop();
    await (await open()).deliver(async ({ id }) => void told.push(id));
    expect(told).toEqual([`unreachable ${ORIGIN}#1`, `unreachable ${ORIGIN}#1`]);
  });

  test('does not keep others from changing alerts meanwhile', async () => {
    const book = await shelf().open();
    await book.raise(down('slow'), T);
    const gate = new EventEmitter();
    const opened = once(gate, 'open');
    const delivery = book.deliver(async () => void (await opened));
    await book.raise(down('other'), T);
    await book.end(down('slow').key, T + 1);
    await book.raise(down('slow'), T + 2);
    gate.emit('open');
    await delivery;
    // What was told of is the first occurrence; the second is still to be told of.
    expect(book.get('unreachable slow')).toMatchObject({ occurrence: 2, notified: false });
    expect(book.get('unreachable other')).toMatchObject({ notified: false });
    const told: string[] = [];
    await book.deliver(async ({ id }) => void told.push(id), 'unreachable slow');
    expect(told).toEqual(['unreachable slow#2']);
  });
});

describe('the journal of alerts', () => {
  test('is written anew before it grows without end, and closed alerts are forgotten from some number on', async () => {
    const { open, lines } = shelf();
    const book = await open();
    const notes = 'x'.repeat(5000);
    for (let i = 0; i < 2500; i++) {
      const finding = { ...down(`log ${i % 1250}`), summary: notes };
      await book.raise(finding, T + i);
      await book.deliver(async () => {}, finding.key);
      await book.end(finding.key, T + i);
    }
    await book.raise(down('open'), T);
    expect(lines.length).toBeLessThan(5000);
    expect(book.list().length).toBeLessThanOrEqual(1500);
    const again = await open();
    expect(again.list().length).toBe(1001);
    expect(again.get('unreachable open')?.state).toBe('open');
  });

  test.each(['not JSON', '[]', 'null', '{}', '{"id":1}'])('with the line %s is damaged', async (line) => {
    const { open, lines } = shelf();
    await (await open()).raise(down(), T);
    lines.push(line);
    await expect(open()).rejects.toMatchObject({ code: 'store-corrupt' });
  });
});
