// The end of a log's signing, where the guard does not take it at once.

import { expect, test } from 'vitest';

import { formatCheckpoint } from '../../src/note/checkpoint.ts';
import { TEST_ORIGIN, fixedSeed, opaqueEntries, openTestLog, testSigners } from '../support/test-log.ts';
import { world } from '../support/witnessed-log.ts';
import type { World } from '../support/witnessed-log.ts';

const HOUR = 3_600_000;

/**
 * An idle log whose checkpoint of 3 entries is out, and whose next is due in an hour: after that w1 showed a note that the
 * log did not make, when the guard took nothing.
 */
async function stoppedUnwritten(): Promise<World> {
  const one = await world({ refreshIntervalMillis: HOUR });
  await one.log.append(opaqueEntries(0, 2));
  await one.clock.advance(1000);
  const text = formatCheckpoint({ origin: TEST_ORIGIN, size: 50, rootHash: fixedSeed(9) });
  const [w1] = one.witnesses;
  w1!.manner = 'refusing';
  w1!.shows = `${text}\n${await testSigners()[0]!.sign(text, 0)}`;
  w1!.delay = () => new Promise((resolve) => one.clock.after(200, resolve));
  await one.log.append(opaqueEntries(2, 3));
  await one.clock.advance(1100);
  expect(one.log.status()).toMatchObject({ state: 'ready', published: { size: 3 } });
  one.guard.fail = true;
  await one.clock.advance(1000);
  expect(one.log.status().state).toBe('stopped');
  expect(one.guard.stopped).toBeUndefined();
  return one;
}

test('a stop that the guard did not take is written as soon as it does, long before the next checkpoint is due', async () => {
  const one = await stoppedUnwritten();
  const signed = one.guard.written.length;
  await one.clock.advance(60_000);
  const failed = one.events.filter(({ kind }) => kind === 'stop-failed');
  // Less and less often, and never left alone.
  expect(failed.length).toBeGreaterThan(5);
  expect(failed.length).toBeLessThan(15);
  expect(failed[0]).toMatchObject({ reason: expect.stringContaining('the guard does not write') });
  one.guard.fail = false;
  await one.clock.advance(11_000);
  expect(one.guard.stopped).toBe(one.log.status().reason);
  expect(one.guard.written).toHaveLength(signed);
});

test('a stop that the guard never took is tried once more when the log closes, and then no more', async () => {
  const one = await stoppedUnwritten();
  one.guard.fail = false;
  await one.log.close();
  expect(one.guard.stopped).toMatch(/own signature, which this log did not make/);
  const two = await stoppedUnwritten();
  await two.log.close();
  const told = two.events.length;
  two.guard.fail = false;
  await two.clock.advance(HOUR);
  expect(two.guard.stopped).toBeUndefined();
  expect(two.events).toHaveLength(told);
});

test('a stop that was written late is remembered like any other', async () => {
  const one = await stoppedUnwritten();
  const signed = one.guard.written.length;
  one.guard.fail = false;
  await one.clock.advance(11_000);
  await one.log.close();
  const again = await openTestLog({ clock: one.clock, guard: one.guard, medium: one.medium });
  await one.clock.advance(HOUR);
  expect(again.log.status().state).toBe('stopped');
  expect(one.guard.written).toHaveLength(signed);
  await again.log.close();
});
