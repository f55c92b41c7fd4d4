import { describe, expect, test } from 'vitest';
import { utf8 } from '../../src/bytes.ts';
import type { LogHead } from '../../src/client/state.ts';
import { asHash } from '../../src/merkle/hash.ts';
import { lookAtEntries, marksFrom } from '../../src/monitor/entries.ts';
import { parseEvidence } from '../../src/monitor/evidence/file.ts';
import { verifyEvidence } from '../../src/monitor/evidence/verify.ts';
import type { WatchedLog } from '../../src/monitor/watched-log.ts';
import { ServedLog } from '../support/served-log.ts';
import { statementOf } from './evidence/samples.ts';
import { Desk, T, watched } from './support.ts';

const DAY = 86_400;
const PROMISE = { iatWindowSeconds: DAY } as const satisfies Partial<WatchedLog>;

/** A log of one statement signed at T, which a monitor has seen, and to which one more of that time is added. */
async function stageOf(iatSeconds: number, promise: Partial<WatchedLog>): Promise<{ log: ServedLog; desk: Desk }> {
  const log = new ServedLog([await statementOf(T)]);
  await log.publish(T);
  const desk = new Desk();
  await desk.open([watched(log, promise)]);
  await desk.round();
  log.entries.push(await statementOf(iatSeconds));
  await log.publish(T + 60);
  await desk.round(T + 60);
  return { log, desk };
}

describe('the times of entries', () => {
  test.each([
    { what: 'from the far future', iat: T + 60 + 2 * DAY + 1, kind: 'future' },
    { what: 'from long before the head without it', iat: T - 2 * DAY - 1, kind: 'backdated' },
  ] as const)('$what prove that a log which promised a window took them', async ({ iat, kind }) => {
    const { log, desk } = await stageOf(iat, PROMISE);
    expect(desk.keys()).toEqual([`${kind} ${log.origin}`]);
    const [file] = desk.medium.evidence.values();
    const { origin, verifiers } = log;
    const evidence = await verifyEvidence(parseEvidence(file!), [{ origin, verifiers, ...PROMISE }]);
    expect(evidence).toMatchObject({ kind, claim: { entries: [{ index: 1 }] } });
    // They are entries all the same: the rest of the log is checked.
    expect(desk.monitor.status().logs).toMatchObject([{ verifiedSize: 2, counts: { statements: 2 } }]);
    await desk.reopen([watched(log, PROMISE)]);
    await desk.round(T + 120);
    expect(desk.keys().length).toBe(1);
  });

  test.each([T + 60 + 2 * DAY, T - 2 * DAY, T, T + 60, T + DAY, T - DAY])(
    'by at most the window and a day prove nothing (%i)',
    async (iat) => {
      const { desk } = await stageOf(iat, PROMISE);
      expect(desk.keys()).toEqual([]);
    },
  );

  test.each([0, T + 1000 * DAY])('say nothing about a log that promised nothing (%i)', async (iat) => {
    const { desk } = await stageOf(iat, {});
    expect(desk.keys()).toEqual([]);
    expect(desk.medium.evidence.size).toBe(0);
  });

  test('of a log that was never seen smaller can only be from the future', async () => {
    const log = new ServedLog([await statementOf(T - 1000 * DAY), await statementOf(T + 3 * DAY)]);
    await log.publish(T);
    const desk = new Desk();
    await desk.open([watched(log, PROMISE)]);
    await desk.round();
    expect(desk.keys()).toEqual([`future ${log.origin}`]);
  });
});

describe('entries that are no statements', () => {
  test('are counted in any log', async () => {
    const log = new ServedLog([utf8('x'), new Uint8Array(0), Uint8Array.of(0xd2, 0x84), await statementOf(T)]);
    await log.publish(T);
    const desk = new Desk();
    await desk.open([watched(log)]);
    expect((await desk.round()).findings).toEqual([]);
    expect(desk.monitor.status().logs).toMatchObject([{ counts: { statements: 1, unknown: 3, withheld: 0 } }]);
  });

  test('are a finding about records where the log takes statements only', async () => {
    const log = new ServedLog([await statementOf(T), utf8('x'), Uint8Array.of(0xd2, 0x84)]);
    await log.publish(T);
    const desk = new Desk();
    await desk.open([watched(log, PROMISE)]);
    expect(await desk.round()).toMatchObject({ worst: 'record', backlog: 0 });
    expect(desk.told.at(-1)).toMatchObject({
      key: `not-a-statement ${log.origin}`,
      class: 'record',
      check: 'M05',
      details: { index: 1 },
    });
  });
});

/** A head of which only size and time matter. */
function mark(size: number, timestampSeconds: number): LogHead {
  return { origin: 'log', size, timestampSeconds, note: new Uint8Array(0), rootHash: asHash(new Uint8Array(32)) };
}

describe('marks', () => {
  test('are the dated heads from the cursor on, and the latest one below', () => {
    const marks = [mark(10, 100), mark(20, 200), mark(30, 300), mark(30, 0), mark(40, 400)];
    const sizes = (cursor: number): readonly number[] => marksFrom(cursor, marks).map(({ size }) => size);
    expect(sizes(0)).toEqual([10, 20, 30, 40]);
    expect(sizes(10)).toEqual([10, 20, 30, 40]);
    expect(sizes(29)).toEqual([20, 30, 40]);
    expect(sizes(1000)).toEqual([40]);
  });

  test('stay few, and keep the first and the last', () => {
    const marks = Array.from({ length: 100 }, (_, i) => mark(i + 1, 1000 + i));
    const kept = marksFrom(0, marks);
    expect(kept.length).toBe(16);
    expect(kept[0]!.size).toBe(1);
    expect(kept.at(-1)!.size).toBe(100);
  });

  test('are looked up for each entry: the latest head without it', async () => {
    const log = { origin: 'log', verifiers: [], ...PROMISE };
    const head = mark(50, T);
    const marks = [mark(10, T - 10 * DAY), mark(20, T - 3 * DAY), head];
    const entries = [await statementOf(T - 6 * DAY), await statementOf(T - 6 * DAY)];
    const before = lookAtEntries(log, entries, 18, { head, marks });
    expect(before.issues).toEqual([]);
    const across = lookAtEntries(log, entries, 19, { head, marks });
    expect(across.issues).toMatchObject([{ issue: 'backdated', index: 20, before: { size: 20 } }]);
  });
});
