import { describe, expect, it } from 'vitest';
import { memoryMedium, memoryStorage } from '../../src/adapters/memory.ts';
import { equalBytes, utf8 } from '../../src/bytes.ts';
import { checkLog } from '../support/check-log.ts';
import type { LogStorage } from '../../src/storage.ts';
import { TestClock, TestGuard, opaqueEntries, openTestLog, testSigners } from '../support/test-log.ts';
import type { TestLog } from '../support/test-log.ts';

/** Lets the next write of that step fail, before or after it took effect. */
function failOnce({ faults }: TestLog, step: 'commit' | 'publish', moment: 'before' | 'after'): void {
  faults.current = (atStep, atMoment) => {
    if (atStep !== step || atMoment !== moment) return;
    faults.current = undefined;
    throw new Error('the disk is full');
  };
}

describe.each(['before', 'after'] as const)('a commit that fails %s it took effect', (moment) => {
  it('has an unknown outcome, and the log goes on from what the store holds', async () => {
    const test = await openTestLog();
    const { log, clock } = test;
    await log.append(opaqueEntries(0, 10));
    failOnce(test, 'commit', moment);
    const results = await log.append(opaqueEntries(10, 20));
    expect(results.every((result) => !result.ok && result.error.code === 'outcome-unknown')).toBe(true);
    expect(log.status()).toMatchObject({ state: 'read-only', reason: expect.stringContaining('failed') });
    await expect(log.append(opaqueEntries(20, 21))).rejects.toMatchObject({ code: 'read-only' });
    await clock.advance(2000);
    expect(log.status()).toMatchObject({ state: 'ready', head: { size: moment === 'before' ? 10 : 20 } });
    // A retry is idempotent whether or not the first attempt arrived.
    const retried = await log.append(opaqueEntries(10, 20));
    expect(retried.map((result) => result.ok && result.index)).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
    expect(retried.every((result) => result.ok && result.duplicate === (moment === 'after'))).toBe(true);
    await clock.advance(2000);
    await checkLog(log, opaqueEntries(0, 20));
  });

  it('answers what was waiting behind it, and reads go on', async () => {
    const test = await openTestLog({ limits: { commitEntries: 5 } });
    const { log, clock } = test;
    await log.append(opaqueEntries(0, 5));
    await clock.advance(1000);
    failOnce(test, 'commit', moment);
    const results = await log.append(opaqueEntries(5, 20));
    expect(results.map((result) => !result.ok && result.error.code)).toEqual([
      ...Array.from({ length: 5 }, () => 'outcome-unknown'),
      ...Array.from({ length: 10 }, () => 'read-only'),
    ]);
    await checkLog(log, opaqueEntries(0, 5));
    expect(await log.proofFile(3)).toBeDefined();
    await clock.advance(2000);
    expect(log.status().state).toBe('ready');
  });
});

describe.each(['before', 'after'] as const)('a publish that fails %s it took effect', (moment) => {
  it('leaves readers the old checkpoint until the next one extends it', async () => {
    const test = await openTestLog();
    const { log, clock } = test;
    await log.append(opaqueEntries(0, 10));
    failOnce(test, 'publish', moment);
    const old = log.checkpoint()!;
    await clock.advance(1001);
    expect(log.checkpoint()).toEqual(old);
    await clock.advance(30_000);
    expect(log.status().state).toBe('ready');
    await checkLog(log, opaqueEntries(0, 10));
  });
});

it('intake resumes when the space returns, however long that takes', async () => {
  const test = await openTestLog({
    probeStorage: () => (test.faults.current === undefined ? Promise.resolve() : Promise.reject(new Error('ENOSPC'))),
  });
  const { log, clock } = test;
  await log.append(opaqueEntries(0, 10));
  await clock.advance(1000);
  test.faults.current = () => {
    throw new Error('ENOSPC');
  };
  await log.append(opaqueEntries(10, 11));
  await clock.advance(600_000);
  expect(log.status().state).toBe('read-only');
  await checkLog(log, opaqueEntries(0, 10));
  test.faults.current = undefined;
  await clock.advance(10_000);
  expect(await log.append(opaqueEntries(10, 11))).toMatchObject([{ index: 10 }]);
});

it('a log whose first checkpoint cannot be stored does not start, and leaves nothing behind', async () => {
  const medium = memoryMedium();
  const clock = new TestClock();
  let opened = 0;
  const openStorage = async (): Promise<LogStorage> => {
    opened++;
    return memoryStorage({
      medium,
      faults: (step) => {
        if (step === 'publish') throw new Error('ENOSPC');
      },
    });
  };
  await expect(openTestLog({ medium, clock, openStorage })).rejects.toThrow('publish');
  await clock.advance(60_000);
  expect({ opened, open: medium.open }).toEqual({ opened: 1, open: false });
});

it('a listener that throws stops nothing', async () => {
  const { log, clock } = await openTestLog({
    onEvent: () => {
      throw new Error('the listener is broken');
    },
  });
  await log.append(opaqueEntries(0, 3));
  await log.append(opaqueEntries(3, 5));
  await clock.advance(1000);
  await checkLog(log, opaqueEntries(0, 5));
});

describe('the guard', () => {
  it('is durable before the signature, and holds the signed head and time', async () => {
    const order: string[] = [];
    const guard = new TestGuard();
    const write = guard.write.bind(guard);
    guard.write = (state) => {
      order.push(`guard ${state.size}`);
      return write(state);
    };
    const signers = testSigners().map((signer) => ({
      ...signer,
      sign: (text: string, timestampSeconds: number) => {
        order.push(`sign ${text.split('\n')[1]}`);
        return signer.sign(text, timestampSeconds);
      },
    }));
    const { log, clock } = await openTestLog({ guard, signers });
    await log.append(opaqueEntries(0, 3));
    await clock.advance(1000);
    expect(order).toEqual(['guard 0', 'guard 0', 'sign 0', 'sign 0', 'guard 3', 'sign 3', 'sign 3']);
    expect(guard.state).toMatchObject({ size: 3, timestampSeconds: log.status().published!.timestampSeconds });
  });

  it('that cannot be written stops signing; entries still become durable', async () => {
    const { log, guard, clock, events } = await openTestLog();
    guard.fail = true;
    await log.append(opaqueEntries(0, 3));
    await clock.advance(60_000);
    expect(log.status()).toMatchObject({ head: { size: 3 }, published: { size: 0 } });
    expect(events).toContainEqual({ kind: 'publish-failed', reason: 'the guard does not write' });
    guard.fail = false;
    await clock.advance(10_000);
    await checkLog(log, opaqueEntries(0, 3));
  });

  it('that is missing keeps a log from starting', async () => {
    const { log, medium } = await openTestLog();
    await log.close();
    await expect(openTestLog({ medium, guard: new TestGuard(), create: false })).rejects.toMatchObject({
      code: 'guard-missing',
    });
    await log.close();
  });

  it('refuses a store that is an older copy', async () => {
    const { log, guard, clock } = await openTestLog();
    await log.append(opaqueEntries(0, 5));
    await clock.advance(1000);
    await log.close();
    const older = memoryMedium();
    const other = await openTestLog({ medium: older });
    await other.log.append(opaqueEntries(0, 4));
    await other.log.close();
    await expect(openTestLog({ medium: older, guard, create: false })).rejects.toMatchObject({
      code: 'guard-mismatch',
      details: { storeSize: 4, guardSize: 5 },
      message: expect.stringContaining('limmat recover'),
    });
  });

  it('refuses a store with another history, and another log', async () => {
    const { log, guard, clock, medium } = await openTestLog();
    await log.append(opaqueEntries(0, 5));
    await clock.advance(1000);
    await log.close();
    const forked = memoryMedium();
    const other = await openTestLog({ medium: forked });
    await other.log.append(opaqueEntries(100, 110));
    await other.log.close();
    await expect(openTestLog({ medium: forked, guard })).rejects.toMatchObject({ code: 'guard-mismatch' });
    await expect(openTestLog({ medium, guard, origin: 'limmat.invalid/other' })).rejects.toMatchObject({
      code: 'wrong-log',
    });
  });

  it('lets a store that is ahead of it go on: the ordinary crash', async () => {
    const { log, guard, medium } = await openTestLog();
    await log.append(opaqueEntries(0, 5));
    const atCrash = guard.state!;
    expect(atCrash.size).toBe(0);
    await log.close();
    guard.state = atCrash;
    const again = await openTestLog({ guard, medium });
    await checkLog(again.log, opaqueEntries(0, 5));
  });

  it('is never used twice for a new log', async () => {
    const { log, guard } = await openTestLog();
    await log.close();
    await expect(openTestLog({ guard, create: true })).rejects.toMatchObject({ code: 'guard-mismatch' });
  });
});

describe('a clock', () => {
  it('that falls back a little does not take signed time back', async () => {
    const { log, clock } = await openTestLog();
    const first = log.status().published!.timestampSeconds;
    clock.wallMillis -= 30_000;
    await log.append(opaqueEntries(0, 1));
    await clock.advance(1000);
    expect(log.status().published).toMatchObject({ size: 1, timestampSeconds: first });
  });

  it.each([-90_000, 90_000])('that jumps by %s ms stops signing until it is back', async (jumpMillis) => {
    const { log, clock, events } = await openTestLog();
    clock.wallMillis += jumpMillis;
    await log.append(opaqueEntries(0, 1));
    await clock.advance(5000);
    expect(log.status()).toMatchObject({ state: 'not-signing', head: { size: 1 }, published: { size: 0 } });
    expect(events.some((event) => event.kind === 'signing-refused')).toBe(true);
    clock.wallMillis -= jumpMillis;
    await clock.advance(20_000);
    expect(log.status()).toMatchObject({ state: 'ready', published: { size: 1 } });
  });

  it.each([-90_000, 90_000])(
    'that jumps by %s ms takes no statement, whose time it would judge',
    async (jumpMillis) => {
      const { log, clock } = await openTestLog({ admission: 'records' });
      clock.wallMillis += jumpMillis;
      await expect(log.append([utf8('no statement')])).rejects.toMatchObject({
        code: 'clock-behind',
        retryAfterSeconds: 60,
      });
      clock.wallMillis -= jumpMillis;
      expect(await log.append([utf8('no statement')])).toMatchObject([{ ok: false, error: { code: 'malformed' } }]);
    },
  );

  it('that is behind the last signed time at start: the log serves and does not sign', async () => {
    const { log, guard, medium, clock } = await openTestLog();
    await log.append(opaqueEntries(0, 1));
    await clock.advance(1000);
    await log.close();
    clock.wallMillis -= 3_600_000;
    const late = await openTestLog({ guard, medium, clock });
    expect(late.log.status()).toMatchObject({ state: 'not-signing', published: { size: 1 } });
    expect(
      guard.written.every((state, i) => i === 0 || state.timestampSeconds >= guard.written[i - 1]!.timestampSeconds),
    ).toBe(true);
  });
});

it('a signer that answers nonsense publishes nothing', async () => {
  let broken = false;
  const signers = testSigners().map((signer) => ({
    ...signer,
    sign: async (text: string, timestampSeconds: number) => {
      const line = await signer.sign(text, timestampSeconds);
      return broken ? line.replace(/.(?=[^ ]{8}\n$)/, (char) => (char === 'A' ? 'B' : 'A')) : line;
    },
  }));
  const { log, clock } = await openTestLog({ signers });
  broken = true;
  const old = log.checkpoint();
  await log.append(opaqueEntries(0, 1));
  await clock.advance(1000);
  expect(log.checkpoint()).toBe(old);
  broken = false;
  await clock.advance(30_000);
  await checkLog(log, opaqueEntries(0, 1));
});

it('an idle log signs its head again, so that its age is always a statement', async () => {
  const { log, clock } = await openTestLog({ refreshIntervalMillis: 60_000 });
  await log.append(opaqueEntries(0, 1));
  await clock.advance(1000);
  const first = log.status().published!;
  await clock.advance(60_000);
  const second = log.status().published!;
  expect(second.timestampSeconds - first.timestampSeconds).toBe(60);
  expect(equalBytes(second.head.rootHash, first.head.rootHash)).toBe(true);
});

it('never signs a tree that its own tiles do not lead to', async () => {
  const { log, clock, medium, events } = await openTestLog();
  await log.append(opaqueEntries(0, 300));
  await clock.advance(1000);
  await log.append(opaqueEntries(300, 310));
  const tile = medium.tiles.get('0/1')!.slice();
  tile[0]! ^= 1;
  medium.tiles.set('0/1', tile);
  await clock.advance(1000);
  expect(log.status().published!.size).toBe(300);
  expect(events.some((event) => event.kind === 'publish-failed')).toBe(true);
});
