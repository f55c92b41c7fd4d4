// A log with witnesses, all of them in memory, under a clock that only moves when told.

import { onTestFinished } from 'vitest';

import { nodeCrypto, nodeHasher } from '../../src/adapters/node-crypto.ts';
import { Witnesses } from '../../src/client/cosign.ts';
import type { LogOptions } from '../../src/log/index.ts';
import { FakeWitness, fetchOf, policyOf } from './fake-witness.ts';
import type { Manner } from './fake-witness.ts';
import { TestClock, openTestLog, testSigners } from './test-log.ts';
import type { TestGuard, TestLog } from './test-log.ts';

/** How long a witness gets, and how long others are waited for after the quorum. */
export const DEADLINE = 5000;
export const GRACE = 500;
/** The public keys of the test log. */
export const LOG_VKEYS = testSigners().map(({ vkey }) => vkey);

export interface World extends TestLog {
  readonly witnesses: readonly FakeWitness[];
  /** Those of the log, and those of its witnesses' coordinator. */
  readonly allEvents: () => TestLog['events'];
}

export interface WorldOptions extends Partial<LogOptions> {
  readonly of?: number;
  readonly threshold?: number;
  readonly manners?: readonly Manner[];
  readonly witnesses?: readonly FakeWitness[];
  readonly clock?: TestClock;
  readonly guard?: TestGuard;
  readonly medium?: TestLog['medium'];
}

/** So many, which know the test log and are called w1, w2, … */
export function makeWitnesses(count: number, clock: TestClock): FakeWitness[] {
  return Array.from(
    { length: count },
    (_, i) =>
      new FakeWitness({
        name: `w${i + 1}`,
        logVkeys: LOG_VKEYS,
        nowSeconds: () => Math.floor(clock.nowMillis() / 1000),
      }),
  );
}

/** The log, opened and closed again after the test, and its first checkpoint on its way. */
export async function world(options: WorldOptions = {}): Promise<World> {
  const {
    of = 3,
    threshold = 2,
    manners = [],
    clock = new TestClock(),
    witnesses = makeWitnesses(of, clock),
    ...rest
  } = options;
  for (const [i, manner] of manners.entries()) witnesses[i]!.manner = manner;
  const events: TestLog['events'] = [];
  const cosigner = new Witnesses({
    policy: policyOf(witnesses, threshold),
    crypto: nodeCrypto,
    hasher: nodeHasher,
    fetch: fetchOf(witnesses),
    clock,
    deadlineMillis: DEADLINE,
    graceMillis: GRACE,
    onTrouble: ({ witness, reason, isAlarm }) =>
      events.push({ kind: isAlarm ? 'witness-alarm' : 'witness-failed', witness, reason }),
  });
  const opened = await openTestLog({ ...rest, clock, cosigner });
  onTestFinished(async () => {
    for (const witness of witnesses) if (witness.manner === 'hanging') witness.manner = 'dead';
    await Promise.all([opened.log.close(), clock.advance(20_000)]);
  });
  await clock.advance(0);
  return { ...opened, witnesses, allEvents: () => [...opened.events, ...events] };
}
