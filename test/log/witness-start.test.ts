// What a log asks its witnesses at its start, before it signs anything new: whether somebody else signs with its keys.

import { describe, expect, test } from 'vitest';

import { utf8 } from '../../src/bytes.ts';
import { isLimmatError } from '../../src/errors.ts';
import type { FakeWitness } from '../support/fake-witness.ts';
import { chooseSeed, seededRandom } from '../support/random.ts';
import { TestClock, TestGuard, opaqueEntries } from '../support/test-log.ts';
import type { TestLog } from '../support/test-log.ts';
import { DEADLINE, makeWitnesses, world } from '../support/witnessed-log.ts';
import type { World, WorldOptions } from '../support/witnessed-log.ts';

/** What a copy of the directory and of the guard holds, taken from a log whose last signed head has 6 entries. */
interface Copied {
  readonly clock: TestClock;
  readonly witnesses: readonly FakeWitness[];
  readonly copy: () => Pick<WorldOptions, 'medium' | 'guard' | 'clock' | 'witnesses'> & {
    readonly medium: TestLog['medium'];
    readonly guard: TestGuard;
  };
}

function copierOf({ medium, guard, clock, witnesses }: World): Copied {
  const [kept, state] = [structuredClone({ ...medium, open: false }), guard.state];
  return {
    clock,
    witnesses,
    copy: () => {
      const copiedGuard = new TestGuard();
      copiedGuard.state = state;
      return { clock, witnesses, medium: structuredClone(kept), guard: copiedGuard };
    },
  };
}

async function signedSix(options: WorldOptions = {}): Promise<World> {
  const first = await world(options);
  await first.log.append(opaqueEntries(0, 6));
  await first.clock.advance(1000);
  return first;
}

/** Nobody hears of what it has cosigned any more: that request is taken, and not answered. */
function hangReads(witness: FakeWitness): void {
  const answer = witness.answer.bind(witness);
  witness.answer = (url, init) =>
    init.method === 'GET'
      ? new Promise((_, reject) => init.signal?.addEventListener('abort', () => reject(init.signal!.reason)))
      : answer(url, init);
}

test('a witness that forgot what it cosigned while the log was away is found out by its line on the last checkpoint', async () => {
  const first = await signedSix();
  const [w1, w2] = first.witnesses;
  const old = { ...w1!.state! };
  w2!.manner = 'dead';
  await first.log.append(opaqueEntries(6, 9));
  await first.clock.advance(1000);
  await first.log.close();
  w1!.state = old;
  w2!.manner = 'honest';
  const { clock, guard, medium, witnesses } = first;
  const second = await world({ clock, guard, medium, witnesses });
  expect(second.log.status()).toMatchObject({ state: 'ready', published: { size: 9, isCosigned: true } });
  const reason = 'it has cosigned size 9, and says now that 6 was the last: it has forgotten what it signed';
  // The second one stands at 6 too, and has no line there.
  expect(second.allEvents().filter(({ kind }) => kind === 'witness-alarm')).toEqual([
    { kind: 'witness-alarm', witness: 'w1', reason },
  ]);
  expect(second.log.status().cosigning!.witnesses).toMatchObject([
    { stepsBack: 1 },
    { stepsBack: 0 },
    { stepsBack: 0 },
  ]);
});

describe('a witness that hangs at the start', () => {
  test('only where it shows its checkpoint cosigns all the same', async () => {
    const first = await signedSix();
    await first.log.close();
    for (const witness of first.witnesses) hangReads(witness);
    first.witnesses[2]!.manner = 'dead';
    const { clock, guard, medium, witnesses } = first;
    const second = await world({ clock, guard, medium, witnesses });
    await second.log.append(opaqueEntries(6, 8));
    await clock.advance(DEADLINE);
    expect(second.log.status()).toMatchObject({ state: 'ready', published: { size: 8, isCosigned: true } });
  });

  test('altogether delays nothing beyond its own deadline', async () => {
    const first = await signedSix();
    await first.log.close();
    first.witnesses[0]!.manner = 'hanging';
    const { clock, guard, medium, witnesses } = first;
    const second = await world({ clock, guard, medium, witnesses });
    await second.log.append(opaqueEntries(6, 8));
    await clock.advance(DEADLINE + 100);
    expect(second.log.status()).toMatchObject({ state: 'ready', published: { size: 8, isCosigned: true } });
  });
});

describe('a log that fails open', () => {
  test('asks again what it could not ask at its start, and finds out that it is not alone', async () => {
    const first = await signedSix({ refreshIntervalMillis: 600_000 });
    const { copy, clock, witnesses } = copierOf(first);
    for (const witness of witnesses) witness.manner = 'dead';
    const second = await world({ ...copy(), failOpen: true, refreshIntervalMillis: 600_000 });
    expect(second.log.status()).toMatchObject({ state: 'ready', published: { size: 6, isCosigned: false } });
    // The other one goes on with the same tree, which only the later time of its heads tells.
    await clock.advance(1000);
    await first.log.close();
    for (const witness of witnesses) witness.manner = 'honest';
    const { guard, medium } = first;
    const third = await world({ clock, witnesses, guard, medium, refreshIntervalMillis: 600_000 });
    expect(third.log.status()).toMatchObject({ state: 'ready', published: { size: 6 } });
    await clock.advance(601_000);
    expect(second.log.status().state).toBe('stopped');
    expect(third.log.status().state).toBe('ready');
  });

  test('has asked once a quorum has answered', async () => {
    const first = await signedSix();
    await first.log.close();
    const { clock, guard, medium, witnesses } = first;
    const looks = (): number => witnesses.reduce((sum, one) => sum + one.looks, 0);
    const before = looks();
    for (const witness of witnesses) witness.manner = 'dead';
    const second = await world({ clock, guard, medium, witnesses, failOpen: true });
    for (let i = 6; i < 9; i++) {
      await second.log.append(opaqueEntries(i, i + 1));
      await clock.advance(2000);
    }
    expect(second.log.status()).toMatchObject({ state: 'ready', published: { size: 9, isCosigned: false } });
    expect(looks()).toBe(before);
    for (const witness of witnesses) {
      witness.manner = 'honest';
      witness.requests.length = 0;
    }
    await second.log.append(opaqueEntries(9, 10));
    await clock.advance(60_000);
    await second.log.append(opaqueEntries(10, 11));
    await clock.advance(2000);
    expect(second.log.status()).toMatchObject({ state: 'ready', published: { size: 11, isCosigned: true } });
    const asked = looks();
    // First what was signed last, then what is new.
    expect(witnesses[0]!.requests.map(({ size }) => size)).toEqual([10, 10, 11]);
    expect(asked).toBeGreaterThanOrEqual(before + 2);
    await second.log.append(opaqueEntries(11, 12));
    await clock.advance(2000);
    expect(looks()).toBe(asked);
  });
});

test.each([
  ['a quorum of two of three', 2, false],
  ['quorums that share no witness', 1, false],
  ['witnesses that it can do without', 2, true],
])(
  'of two logs that start at once from one signed state at most one publishes, with %s',
  async (_, threshold, failOpen) => {
    const seed = chooseSeed();
    const random = seededRandom(seed);
    let both = 0;
    for (let round = 0; round < 15; round++) {
      const message = `seed ${seed}, round ${round}`;
      const clock = new TestClock();
      const first = await signedSix({ clock, witnesses: makeWitnesses(3, clock), threshold });
      const { copy, witnesses } = copierOf(first);
      await first.log.close();
      for (const witness of witnesses) {
        witness.delay = () => new Promise((resolve) => clock.after(Math.floor(random() * 900), resolve));
      }
      const logs = [await world({ ...copy(), threshold, failOpen }), await world({ ...copy(), threshold, failOpen })];
      await clock.advance(Math.floor(random() * 1500));
      for (const [i, { log }] of logs.entries()) {
        // The second may have heard of the first by now.
        await log.append([utf8(`history ${i}, round ${round}`)]).catch((error: unknown) => {
          if (!isLimmatError(error, 'signed-elsewhere')) throw error;
        });
        await clock.advance(Math.floor(random() * 1000));
      }
      await clock.advance(60_000);
      const grown = logs.filter(({ log }) => (log.status().published?.size ?? 0) > 6);
      const signed = logs.filter(({ guard }) => guard.written.some(({ size }) => size > 6));
      expect(grown.length, message).toBeLessThanOrEqual(1);
      for (const { log } of grown) expect(log.status().published).toMatchObject({ size: 7 });
      // Whoever has signed and is not alone has noticed.
      if (signed.length === 2) expect(states(logs), message).toContain('stopped');
      both += Number(signed.length === 2);
    }
    // The course of things does bring them together.
    expect(both, `seed ${seed}`).toBeGreaterThan(0);
  },
);

function states(logs: readonly World[]): string[] {
  return logs.map(({ log }) => log.status().state);
}
