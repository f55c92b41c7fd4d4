import { describe, expect, test } from 'vitest';
import { toHex } from '../../src/bytes.ts';
import { Desk, T, grow, servedLog, watched } from './support.ts';

describe('the watch over an honest log', () => {
  test.each([0, 1, 2, 255, 256, 257, 600, 1024])('checks and mirrors every entry of a log of size %i', async (size) => {
    const log = await servedLog(size);
    const desk = new Desk();
    await desk.open([watched(log)]);
    const report = await desk.round();
    expect(report).toMatchObject({ backlog: 0, findings: [], worst: undefined });
    expect(report.logs).toMatchObject([{ size, entries: size, backlog: 0 }]);
    const watch = desk.monitor.watch(log.origin)!;
    expect(toHex(await watch.tree()!.ownProver.rootHashAt(size))).toBe(toHex(log.rootHash(size)));
    expect(desk.monitor.status().logs).toMatchObject([
      { origin: log.origin, verifiedSize: size, counts: { unknown: size, statements: 0 }, unresolved: 0 },
    ]);
    expect(desk.keys()).toEqual([]);
  });

  test('grows with the log, and through restarts', async () => {
    const log = await servedLog(10);
    const desk = new Desk();
    await desk.open([watched(log)]);
    await desk.round();
    for (const [i, count] of [1, 245, 1, 255, 300].entries()) {
      await grow(log, count, T + i + 1);
      if (i % 2 === 0) await desk.reopen([watched(log)]);
      const report = await desk.round(T + i + 1);
      expect(report.logs).toMatchObject([{ size: log.entries.length, entries: count, findings: [] }]);
    }
    expect(desk.keys()).toEqual([]);
  });
});
