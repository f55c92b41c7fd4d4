import { describe, expect, it } from 'vitest';
import { checkLog } from '../support/check-log.ts';
import { opaqueEntries, openTestLog } from '../support/test-log.ts';

const MINUTE = 60_000;

describe('the time bracket of an entry', () => {
  it('is the last archived checkpoint without it and the first one with it', async () => {
    const { log, clock } = await openTestLog();
    const startSeconds = log.status().published!.timestampSeconds;
    for (let i = 0; i < 5; i++) {
      await clock.advance(2 * MINUTE);
      await log.append(opaqueEntries(10 * i, 10 * i + 10));
      await clock.advance(1000);
    }
    const bracket = await log.timeBracket(25);
    expect(bracket.before!.size).toBe(20);
    expect(bracket.after.size).toBe(30);
    expect(bracket.after.timestampSeconds - bracket.before!.timestampSeconds).toBe(120 + 1);
    expect((await log.timeBracket(0)).before).toMatchObject({ size: 0, timestampSeconds: startSeconds });
    await expect(log.timeBracket(50)).rejects.toMatchObject({ code: 'not-found' });
    await checkLog(log, opaqueEntries(0, 50));
  });

  it('ends at the published checkpoint where no archived one has the entry yet', async () => {
    const { log, clock } = await openTestLog();
    await log.append(opaqueEntries(0, 1));
    await clock.advance(1000);
    const { after } = await log.timeBracket(0);
    expect(after).toMatchObject({ size: 1, note: log.checkpoint() });
  });
});

describe('the archive', () => {
  it('keeps one checkpoint a minute', async () => {
    const { log, clock } = await openTestLog();
    for (let i = 0; i < 40; i++) {
      await log.append(opaqueEntries(i, i + 1));
      await clock.advance(15_000);
    }
    const times = (await log.archive(undefined, 100)).map(({ timestampSeconds }) => timestampSeconds);
    expect(times).toHaveLength(10);
    for (const [i, time] of times.entries()) if (i > 0) expect(time - times[i - 1]!).toBeGreaterThanOrEqual(60);
  });

  it('is served in pages, oldest first', async () => {
    const { log, clock } = await openTestLog();
    for (let i = 0; i < 10; i++) {
      await log.append(opaqueEntries(i, i + 1));
      await clock.advance(MINUTE);
    }
    const all = await log.archive(undefined, 100);
    const first = await log.archive(undefined, 4);
    const rest = await log.archive(first.at(-1), 100);
    expect([...first, ...rest]).toEqual(all);
  });

  it('thins what is older than a week to one an hour', async () => {
    const { log, clock } = await openTestLog({ refreshIntervalMillis: 20 * MINUTE });
    await log.append(opaqueEntries(0, 1));
    await clock.advance(5 * 3600 * 1000);
    const young = await log.archive(undefined, 1000);
    expect(young.length).toBeGreaterThanOrEqual(15);
    await clock.advance(8 * 86_400 * 1000);
    const startSeconds = young[0]!.timestampSeconds;
    const old = (await log.archive(undefined, 1000)).filter(
      ({ timestampSeconds }) => timestampSeconds < startSeconds + 5 * 3600,
    );
    expect(old.length).toBeLessThanOrEqual(6);
    expect(old.length).toBeGreaterThanOrEqual(5);
  });
});
