import { describe, expect, test } from 'vitest';
import type { LogHead } from '../../src/client/state.ts';
import type { Alert } from '../../src/monitor/alerts.ts';
import { parseEvidence } from '../../src/monitor/evidence/file.ts';
import { verifyEvidence } from '../../src/monitor/evidence/verify.ts';
import type { Evidence } from '../../src/monitor/evidence/evidence.ts';
import { fixedSigner } from '../support/served-log.ts';
import type { ServedLog } from '../support/served-log.ts';
import { Desk, Stage, T, forkOf, grow, servedLog, watched } from './support.ts';

/** The evidence that a monitor keeps, verified with nothing but the log's keys. */
async function evidenceOf(desk: Desk, log: ServedLog): Promise<readonly Evidence[]> {
  const found: Evidence[] = [];
  for (const file of desk.medium.evidence.values()) {
    found.push(await verifyEvidence(parseEvidence(file), [{ origin: log.origin, verifiers: log.verifiers }]));
  }
  return found;
}

async function stageOf(size: number): Promise<{ log: ServedLog; stage: Stage; desk: Desk }> {
  const log = await servedLog(size);
  const stage = new Stage(log);
  const desk = new Desk();
  await desk.open([stage.watched()]);
  await desk.round();
  return { log, stage, desk };
}

/** A head of a history that is another one from its first entry on, of no later time than the log's own. */
async function otherHead(log: ServedLog, size: number): Promise<LogHead> {
  const other = forkOf(log, 0, size);
  const note = await other.note(T - 1);
  return { origin: log.origin, size, rootHash: other.rootHash(), timestampSeconds: T - 1, note };
}

describe('a log that shows another history', () => {
  test.each([
    { what: 'of the same size', from: 600, to: 600, kind: 'fork-same-size' },
    { what: 'of a larger size', from: 600, to: 900, kind: 'fork-prefix' },
    { what: 'of a smaller size', from: 600, to: 500, kind: 'fork-prefix' },
  ] as const)('$what is proven, once, and its entries are not taken', async ({ from, to, kind }) => {
    const { log, stage, desk } = await stageOf(from);
    const other = forkOf(log, 300, to);
    // No later than the own head where it is smaller: that it went back would be the proof then.
    await other.publish(to < from ? T - 1 : T + 1);
    stage.shown = other;
    const report = await desk.round(T + 1);
    expect(report.worst).toBe('proof');
    expect(report.findings.map((finding) => finding.class)).toEqual(['proof']);
    expect(desk.told.filter((alert) => alert.class === 'proof')).toMatchObject([
      { key: `${kind} ${log.origin}`, origin: log.origin, state: 'open', notified: false },
    ]);
    const [evidence] = await evidenceOf(desk, log);
    expect(evidence).toMatchObject({ kind, origin: log.origin });
    expect(desk.monitor.status().logs).toMatchObject([{ head: { size: from, rootHash: log.rootHash(from) } }]);

    for (let i = 2; i < 8; i++) {
      await desk.round(T + i);
      if (i === 5) await desk.reopen([stage.watched()]);
    }
    expect(desk.keys()).toEqual([`${kind} ${log.origin}`]);
    expect((await evidenceOf(desk, log)).length).toBe(1);
  });

  test('goes on being watched on the branch that was there first', async () => {
    const { log, stage, desk } = await stageOf(300);
    const other = forkOf(log, 100, 400);
    await other.publish(T + 1);
    stage.shown = other;
    await desk.round(T + 1);
    stage.shown = log;
    await grow(log, 400, T + 2);
    const report = await desk.round(T + 2);
    expect(report.logs).toMatchObject([{ size: 700, entries: 400, backlog: 0 }]);
    await desk.reopen([stage.watched()]);
    await grow(log, 1, T + 3);
    expect((await desk.round(T + 3)).logs).toMatchObject([{ size: 701, entries: 1, backlog: 0 }]);
    expect(desk.keys()).toEqual([`fork-prefix ${log.origin}`]);
  });

  test('brings one file and one alert, however long the fork grows', async () => {
    const { log, stage, desk } = await stageOf(40);
    stage.shown = forkOf(log, 20, 41);
    for (let i = 1; i <= 20; i++) await desk.round(T + i).then(() => grow(stage.shown, 1, T + i));
    expect(desk.keys()).toEqual([`fork-prefix ${log.origin}`]);
    expect((await evidenceOf(desk, log)).map(({ kind }) => kind)).toEqual(['fork-prefix']);
  });

  test('brings another file for an earlier fork, still one alert, and a bounded number of files', async () => {
    const { log, stage, desk } = await stageOf(90);
    for (let size = 89; size > 9; size--) await desk.monitor.offer(await otherHead(log, size), 'client');
    expect(desk.keys()).toEqual([`fork-prefix ${log.origin}`]);
    expect(desk.medium.evidence.size).toBe(64);
    expect((await evidenceOf(desk, log)).every(({ kind }) => kind === 'fork-prefix')).toBe(true);
    const again = await desk.reopen([stage.watched()]);
    expect(again.status().logs[0]!.evidence.length).toBe(64);
    await desk.monitor.offer(await otherHead(log, 5), 'client');
    expect(desk.medium.evidence.size).toBe(64);
  });

  test('is told of again, at most once a day, when it was acknowledged and there is more evidence', async () => {
    const { log, desk } = await stageOf(40);
    const key = `fork-prefix ${log.origin}`;
    const next = async (size: number, seconds: number): Promise<void> => {
      desk.seconds = seconds;
      await desk.monitor.offer(await otherHead(log, size), 'client');
    };
    await next(39, T + 1);
    expect((await desk.monitor.acknowledge(key)).state).toBe('acknowledged');
    await expect(desk.monitor.acknowledge(key)).rejects.toMatchObject({ code: 'not-found' });
    await next(38, T + 2);
    expect((await desk.round(T + 3)).worst).toBeUndefined();
    await next(37, T + 86_000);
    expect(desk.keys()).toEqual([key]);
    await next(36, T + 86_402);
    await next(35, T + 86_403);
    expect(desk.keys()).toEqual([key, key]);
    expect(desk.told.map(({ id }: Alert) => id)).toEqual([`log-added ${log.origin}#1`, `${key}#1`, `${key}#2`]);
  });

  test('is proven at every point of a small tree, whichever side is larger', { timeout: 120_000 }, async () => {
    for (const [own, theirs] of [
      [9, 9],
      [9, 14],
      [14, 9],
      [8, 16],
      [16, 8],
    ] as const) {
      for (let at = 0; at < Math.min(own, theirs); at++) {
        const { log, stage, desk } = await stageOf(own);
        stage.shown = forkOf(log, at, theirs);
        await stage.shown.publish(theirs < own ? T - 1 : T + 1);
        await desk.round(T + 1);
        expect(desk.classes(), `${own} against ${theirs}, from ${at} on`).toEqual(['proof']);
        expect((await evidenceOf(desk, log)).length).toBe(1);
      }
    }
  });

  test('is not accused where both trees are one', async () => {
    const { log, stage, desk } = await stageOf(9);
    for (const size of [9, 14, 4, 1, 0]) {
      stage.shown = forkOf(log, 14, Math.max(size, 9));
      await stage.shown.publish(T + size - 9, { size });
      await desk.round(T + 1);
    }
    expect(desk.keys()).toEqual([]);
    expect(desk.medium.evidence.size).toBe(0);
  });
});

describe('a log that goes back', () => {
  test('and signs a smaller tree of a later time is proven to', async () => {
    const { log, desk } = await stageOf(600);
    await log.publish(T + 10, { size: 400 });
    expect((await desk.round(T + 10)).worst).toBe('proof');
    expect(desk.keys()).toEqual([`rollback ${log.origin}`]);
    const [evidence] = await evidenceOf(desk, log);
    expect(evidence).toMatchObject({ kind: 'rollback' });
    await desk.round(T + 20);
    expect(desk.keys()).toEqual([`rollback ${log.origin}`]);
  });

  test('and signs a larger tree of an earlier time is proven to', async () => {
    const { log, desk } = await stageOf(300);
    await grow(log, 100, T - 50);
    await desk.round(T + 10);
    expect(desk.keys()).toEqual([`rollback ${log.origin}`]);
    // It grew all the same, on the same branch.
    expect(desk.monitor.status().logs).toMatchObject([{ verifiedSize: 400 }]);
  });

  test('without a signed time is not', async () => {
    const log = await servedLog(600);
    const signers = [fixedSigner(log.origin, 0x01)];
    await log.publish(T, { signers });
    const desk = new Desk();
    await desk.open([watched(log, { verifiers: log.verifiers.slice(0, 1) })]);
    await desk.round();
    await log.publish(T + 10, { signers, size: 400 });
    const report = await desk.round(T + 10);
    expect(report.findings).toEqual([]);
    expect(desk.keys()).toEqual([]);
  });
});
