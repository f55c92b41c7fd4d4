// A log with witnesses, under a clock that moves when told: what is published, what is not, and who is waited for.

import { describe, expect, onTestFinished, test } from 'vitest';

import { memoryMedium } from '../../src/adapters/memory.ts';
import { utf8, utf8Text } from '../../src/bytes.ts';
import { formatCheckpoint } from '../../src/note/checkpoint.ts';
import { FakeWitness, signersOf } from '../support/fake-witness.ts';
import type { Manner } from '../support/fake-witness.ts';
import {
  TEST_ORIGIN,
  TestClock,
  TestGuard,
  fixedSeed,
  opaqueEntries,
  openTestLog,
  settle,
  testSigners,
} from '../support/test-log.ts';
import type { TestLog } from '../support/test-log.ts';
import { DEADLINE, GRACE, LOG_VKEYS, makeWitnesses, world } from '../support/witnessed-log.ts';
import type { World } from '../support/witnessed-log.ts';

/** What a copy of the directory holds. */
function copyOf(medium: TestLog['medium']): TestLog['medium'] {
  return { ...structuredClone(medium), open: false };
}

function publishedSize({ log }: World): number | undefined {
  return log.status().published?.size;
}

describe('a log whose quorum answers', () => {
  test('publishes with its lines, and shows them in every proof file', async () => {
    const one = await world();
    await one.log.append(opaqueEntries(0, 5));
    await one.clock.advance(1000);
    expect(publishedSize(one)).toBe(5);
    expect(signersOf(one.log.checkpoint())).toEqual([
      TEST_ORIGIN,
      TEST_ORIGIN,
      'w1.invalid/w',
      'w2.invalid/w',
      'w3.invalid/w',
    ]);
    expect(one.log.status()).toMatchObject({ state: 'ready', published: { isCosigned: true } });
    const proof = utf8Text(await one.log.proofFile(3, 'witnessed'))!;
    expect(proof).toContain('— w2.invalid/w ');
    for (const witness of one.witnesses) expect(witness.holds(5, one.log.status().head.rootHash)).toBe(true);
  });

  test('sends each witness the proof from the size that it cosigned last, and nobody two requests at once', async () => {
    const one = await world();
    for (const [start, end] of [
      [0, 3],
      [3, 300],
      [300, 301],
    ] as const) {
      await one.log.append(opaqueEntries(start, end));
      await one.clock.advance(1000);
    }
    for (const { requests, mostAtOnce } of one.witnesses) {
      expect(requests.map(({ oldSize, size }) => [oldSize, size])).toEqual([
        [0, 0],
        [0, 3],
        [3, 300],
        [300, 301],
      ]);
      expect(mostAtOnce).toBe(1);
    }
  });

  test('asks a witness that knows another size once more, with the proof from there', async () => {
    const clock = new TestClock();
    const witnesses = makeWitnesses(3, clock);
    const one = await world({ clock, witnesses });
    await one.log.append(opaqueEntries(0, 7));
    await one.clock.advance(1000);
    const old = { ...witnesses[0]!.state! };
    await one.log.append(opaqueEntries(7, 20));
    await one.clock.advance(1000);
    witnesses[0]!.state = old;
    await one.log.append(opaqueEntries(20, 30));
    await one.clock.advance(1000);
    expect(witnesses[0]!.requests.slice(-2).map(({ oldSize, size }) => [oldSize, size])).toEqual([
      [20, 30],
      [7, 30],
    ]);
    expect(witnesses[0]!.requests.at(-1)!.proof).toBeGreaterThan(0);
    expect(witnesses[0]!.state?.size).toBe(30);
  });

  test('raises an alarm about a witness that has forgotten what it cosigned, and takes its line all the same', async () => {
    const one = await world();
    const [w1] = one.witnesses;
    await one.log.append(opaqueEntries(0, 20));
    await one.clock.advance(1000);
    const old = { ...w1!.state! };
    await one.log.append(opaqueEntries(20, 25));
    await one.clock.advance(1000);
    const alarms = (): unknown[] => one.allEvents().filter(({ kind }) => kind === 'witness-alarm');
    expect([alarms(), one.log.status().cosigning!.witnesses[0]!.stepsBack]).toEqual([[], 0]);
    // Restored from a backup: it would cosign another history from there.
    w1!.state = old;
    await one.log.append(opaqueEntries(25, 30));
    await one.clock.advance(1000);
    const reason = 'it has cosigned size 25, and says now that 20 was the last: it has forgotten what it signed';
    expect(alarms()).toEqual([{ kind: 'witness-alarm', witness: 'w1', reason }]);
    expect(signersOf(one.log.checkpoint())).toContain('w1.invalid/w');
    await one.log.append(opaqueEntries(30, 31));
    await one.clock.advance(1000);
    expect(alarms()).toHaveLength(1);
    // It stays said, however well it goes on.
    expect(one.log.status().cosigning!.witnesses).toMatchObject([
      { stepsBack: 1, isAlarming: false, failures: 0, size: 31 },
      { stepsBack: 0 },
      { stepsBack: 0 },
    ]);
  });

  test('raises none about one that has missed something', async () => {
    const one = await world();
    for (let i = 0; i < 4; i++) {
      one.witnesses[0]!.manner = i === 1 || i === 2 ? 'dead' : 'honest';
      await one.log.append(opaqueEntries(i, i + 1));
      await one.clock.advance(20_000);
    }
    expect(one.witnesses[0]!.state?.size).toBe(4);
    expect(one.allEvents().filter(({ kind }) => kind === 'witness-alarm')).toEqual([]);
    expect(one.log.status().cosigning!.witnesses[0]!.stepsBack).toBe(0);
  });

  test('signs again and asks again on the timer while it is idle', async () => {
    const one = await world({ refreshIntervalMillis: 60_000 });
    const before = one.log.status().published!.timestampSeconds;
    await one.clock.advance(61_000);
    expect(one.log.status().published!.timestampSeconds).toBe(before + 60);
    expect(signersOf(one.log.checkpoint())).toHaveLength(5);
  });

  test('takes both lines of a witness with two keys from one request', async () => {
    const clock = new TestClock();
    const nowSeconds = (): number => Math.floor(clock.nowMillis() / 1000);
    const both = new FakeWitness({ name: 'both', logVkeys: LOG_VKEYS, nowSeconds, types: [0x04, 0x06] });
    const one = await world({ clock, witnesses: [both], threshold: 2 });
    expect(publishedSize(one)).toBe(0);
    expect(signersOf(one.log.checkpoint()).filter((name) => name === 'both.invalid/w')).toHaveLength(2);
    expect(both.requests).toHaveLength(1);
  });
});

describe('without the quorum', () => {
  test('nothing new is published, entries are taken, and reads go on', async () => {
    const one = await world();
    await one.log.append(opaqueEntries(0, 4));
    await one.clock.advance(1000);
    const before = one.log.checkpoint();
    one.witnesses[0]!.manner = 'dead';
    one.witnesses[1]!.manner = 'failing';
    const [result] = await one.log.append(opaqueEntries(4, 5));
    await one.clock.advance(10_000);
    expect(result).toMatchObject({ ok: true, index: 4 });
    expect(one.log.checkpoint()).toBe(before);
    expect(one.log.status().state).toBe('not-witnessed');
    expect(one.log.status().reason).toMatch(
      /of 3 witnesses cosigned size 5 \(w1: cannot read .*ECONNREFUSED; w2: .* status 500/,
    );
    await expect(one.log.entry(3)).resolves.toEqual(opaqueEntries(3, 4)[0]);
    await expect(one.log.entry(4)).rejects.toMatchObject({ code: 'not-published' });
    one.witnesses[0]!.manner = 'honest';
    await one.clock.advance(30_000);
    expect(publishedSize(one)).toBe(5);
    expect(one.log.status().state).toBe('ready');
  });

  test('a new log serves no checkpoint at all', async () => {
    const one = await world({ manners: ['dead', 'dead', 'dead'] });
    expect(one.log.checkpoint()).toBeUndefined();
    expect(one.log.status().state).toBe('not-witnessed');
  });

  test('fail open publishes, says that it is uncosigned, and still proves nothing as witnessed', async () => {
    const one = await world({ failOpen: true, manners: ['dead', 'dead', 'honest'] });
    await one.log.append(opaqueEntries(0, 2));
    await one.clock.advance(1000);
    expect(one.log.status()).toMatchObject({ state: 'ready', published: { size: 2, isCosigned: false } });
    expect(one.log.status().cosigning).toMatchObject({ failOpen: true, quorum: '2 of w1, w2, w3' });
    await expect(one.log.proofFile(1, 'witnessed')).rejects.toMatchObject({ code: 'not-witnessed' });
    await expect(one.log.waitPublished(1, 1000)).resolves.toBeDefined();
    const waited = one.log.waitPublished(1, 60_000, 'witnessed');
    one.witnesses[0]!.manner = 'honest';
    await one.log.append(opaqueEntries(2, 3));
    await one.clock.advance(2000);
    expect(utf8Text((await waited)!)).toContain('— w1.invalid/w ');
    expect(one.log.status().published?.isCosigned).toBe(true);
  });
});

describe('witnesses that misbehave', () => {
  const manners: readonly [Manner, alarm: boolean, reason: RegExp][] = [
    ['dead', false, /ECONNREFUSED/],
    ['hanging', false, /did not answer within 5000 ms/],
    ['failing', false, /status 500/],
    ['ahead', true, /has cosigned size 1002, above our 2/],
    ['wandering', true, /answers 409 with size/],
    ['wrong-key', true, /no signature of its known keys/],
    ['other-root', true, /signature does not hold/],
    ['rubbish', true, /no list of signatures/],
    ['other-text', true, /no list of signatures/],
    ['huge', false, /more than the 65536 bytes/],
    ['redirecting', false, /redirects/],
    ['late-clock', false, /3600 s behind our clock/],
    ['early-clock', false, /3600 s ahead of our clock/],
    ['refusing', true, /inconsistent/],
    ['stranger', false, /does not know this log/],
  ];

  test.each(manners)(
    'one that is %s delays nothing, is not believed, and is told of',
    async (manner, isAlarm, reason) => {
      const one = await world();
      one.witnesses[0]!.manner = manner;
      await one.log.append(opaqueEntries(0, 2));
      await one.clock.advance(1000);
      expect(publishedSize(one)).toBe(2);
      expect(one.log.status().state).toBe('ready');
      await one.clock.advance(DEADLINE + 1500);
      expect(signersOf(one.log.checkpoint()).slice(2)).toEqual(['w2.invalid/w', 'w3.invalid/w']);
      const kind = isAlarm ? 'witness-alarm' : 'witness-failed';
      const told = one.allEvents().find((event) => event.kind === 'witness-alarm' || event.kind === 'witness-failed');
      expect(told).toMatchObject({ kind, witness: 'w1', reason: expect.stringMatching(reason) });
      const [status] = one.log.status().cosigning!.witnesses;
      expect(status).toMatchObject({ name: 'w1', failuresInRow: 1, isAlarming: isAlarm });
    },
  );

  test.each(manners)('two of three that are %s stop publishing, and nothing else', async (manner) => {
    const one = await world();
    await one.log.append(opaqueEntries(0, 2));
    await one.clock.advance(1000);
    for (const witness of one.witnesses.slice(1)) witness.manner = manner;
    await one.log.append(opaqueEntries(2, 4));
    await one.clock.advance(20_000);
    expect(publishedSize(one)).toBe(2);
    expect(one.log.status()).toMatchObject({ state: 'not-witnessed', head: { size: 4 } });
  });

  test('a hanging one is not asked again before its deadline, and then after a pause', async () => {
    const one = await world();
    let asked = 0;
    one.witnesses[0]!.manner = 'hanging';
    const answer = one.witnesses[0]!.answer.bind(one.witnesses[0]);
    one.witnesses[0]!.answer = (...args) => {
      asked++;
      return answer(...args);
    };
    for (let i = 0; i < 5; i++) {
      await one.log.append(opaqueEntries(i, i + 1));
      await one.clock.advance(1000);
      expect(publishedSize(one)).toBe(i + 1);
    }
    expect(asked).toBe(1);
    await one.clock.advance(5000);
    await one.log.append(opaqueEntries(5, 6));
    await one.clock.advance(1000);
    expect(asked).toBe(2);
    expect(one.witnesses[0]!.mostAtOnce).toBe(1);
  });

  test('one that fails all the time is asked less and less', async () => {
    const one = await world({ threshold: 1, manners: ['dead', 'honest', 'honest'] });
    const failures = (): number => one.log.status().cosigning!.witnesses[0]!.failures;
    for (let i = 0; i < 60; i++) {
      await one.log.append(opaqueEntries(i, i + 1));
      await one.clock.advance(1000);
    }
    expect(failures()).toBeGreaterThan(4);
    expect(failures()).toBeLessThan(12);
  });

  test('the line of a slow one is added to the checkpoint that is already out, and archived with it', async () => {
    const one = await world();
    one.witnesses[2]!.delay = () => new Promise((resolve) => one.clock.after(GRACE - 100, resolve));
    await one.clock.advance(120_000);
    await one.log.append(opaqueEntries(0, 1));
    await one.clock.advance(1000);
    await one.log.append(opaqueEntries(1, 2));
    await one.clock.advance(1000);
    await settle();
    expect(signersOf(one.log.checkpoint())).toHaveLength(5);
    const archived = await one.log.archive(undefined, 10);
    expect(archived.every(({ note }) => signersOf(note).length === 5)).toBe(true);
  });

  test('one that is slower than the grace is not waited for', async () => {
    const one = await world();
    one.witnesses[2]!.delay = () => new Promise((resolve) => one.clock.after(GRACE + 100, resolve));
    await one.log.append(opaqueEntries(0, 1));
    await one.clock.advance(3000);
    expect(signersOf(one.log.checkpoint())).toHaveLength(4);
    expect(one.log.status().cosigning!.witnesses[2]).toMatchObject({ size: 1, failures: 0 });
  });
});

/** Stopped by a note that w1 shows, with w1 away afterwards. */
async function stoppedWorld(): Promise<World> {
  const one = await world();
  await one.log.append(opaqueEntries(0, 2));
  await one.clock.advance(1000);
  one.witnesses[0]!.manner = 'refusing';
  const text = formatCheckpoint({ origin: TEST_ORIGIN, size: 50, rootHash: fixedSeed(9) });
  one.witnesses[0]!.shows = `${text}\n${await testSigners()[0]!.sign(text, 0)}`;
  await one.log.append(opaqueEntries(2, 3));
  await one.clock.advance(2000);
  expect(one.log.status().state).toBe('stopped');
  return one;
}

describe('the guard, completed', () => {
  test('at the start the last signed head is sent again, and nothing new is signed before a quorum has answered', async () => {
    const first = await world();
    await first.log.append(opaqueEntries(0, 6));
    await first.clock.advance(1000);
    await first.log.close();
    const { clock, guard, medium, witnesses } = first;
    for (const witness of witnesses) witness.manner = 'dead';
    const before = guard.written.length;
    const second = await world({ clock, guard, medium, witnesses });
    await second.log.append(opaqueEntries(6, 8));
    await clock.advance(20_000);
    expect(guard.written).toHaveLength(before);
    expect(second.log.status()).toMatchObject({ state: 'not-witnessed', published: { size: 6, isCosigned: true } });
    for (const witness of witnesses) {
      witness.requests.length = 0;
      witness.manner = 'honest';
    }
    await clock.advance(60_000);
    expect(witnesses[0]!.requests.slice(0, 2)).toMatchObject([
      { oldSize: 6, size: 6 },
      { oldSize: 6, size: 8 },
    ]);
    expect(publishedSize(second)).toBe(8);
  });

  test('of two logs on copies of one directory and guard, the second cannot sign', async () => {
    const first = await world();
    await first.log.append(opaqueEntries(0, 6));
    await first.clock.advance(1000);
    const { clock, witnesses } = first;
    const medium = copyOf(first.medium);
    const guard = new TestGuard();
    guard.state = first.guard.state;
    await first.log.append(opaqueEntries(6, 9));
    await clock.advance(1000);
    const second = await world({ clock, guard, medium, witnesses });
    await second.log.append([utf8('another history')]).catch(() => undefined);
    await clock.advance(60_000);
    expect(guard.written).toHaveLength(0);
    expect(second.log.status()).toMatchObject({ state: 'stopped', published: { size: 6 } });
    await expect(second.log.append([utf8('more')])).rejects.toMatchObject({ code: 'signed-elsewhere' });
    await first.log.append(opaqueEntries(9, 10));
    await clock.advance(2000);
    expect(publishedSize(first)).toBe(10);
    expect(first.log.status().state).toBe('ready');
  });

  test('a copy of an idle log is found out by the time that the other one signed', async () => {
    const first = await world({ refreshIntervalMillis: 60_000 });
    await first.log.append(opaqueEntries(0, 6));
    await first.clock.advance(1000);
    const medium = copyOf(first.medium);
    const guard = new TestGuard();
    guard.state = first.guard.state;
    await first.clock.advance(61_000);
    const second = await world({ clock: first.clock, guard, medium, witnesses: first.witnesses });
    expect(second.log.status().state).toBe('stopped');
    expect(guard.written).toHaveLength(0);
  });

  test('a bare larger size does not stop the log, and neither does a note that it did not sign', async () => {
    const one = await world();
    await one.log.append(opaqueEntries(0, 2));
    await one.clock.advance(1000);
    one.witnesses[0]!.manner = 'ahead';
    const text = formatCheckpoint({ origin: TEST_ORIGIN, size: 5000, rootHash: fixedSeed(9) });
    const strangers = testSigners(TEST_ORIGIN).map(() => `— ${TEST_ORIGIN} ${'A'.repeat(96)}\n`);
    one.witnesses[0]!.shows = `${text}\n${strangers.join('')}`;
    await one.log.append(opaqueEntries(2, 3));
    await one.clock.advance(5000);
    expect(one.witnesses[0]!.looks).toBeGreaterThan(0);
    expect(one.log.status()).toMatchObject({ state: 'ready', published: { size: 3 } });
  });

  test.each([
    ['a larger tree', 50, /has signed no more than 3 entries/],
    ['another tree', 3, /its own root there is/],
  ])("a note with the log's own signature over %s stops it for good", async (_, size, words) => {
    const one = await world();
    await one.log.append(opaqueEntries(0, 2));
    await one.clock.advance(1000);
    one.witnesses[0]!.manner = 'refusing';
    const text = formatCheckpoint({ origin: TEST_ORIGIN, size, rootHash: fixedSeed(9) });
    const [ed25519] = testSigners();
    const line = await ed25519!.sign(text, 0);
    one.witnesses[0]!.shows = `${text}\n${line}`;
    await one.log.append(opaqueEntries(2, 3));
    await one.clock.advance(2000);
    expect(one.log.status()).toMatchObject({ state: 'stopped', reason: expect.stringMatching(words) });
    expect(one.allEvents().find(({ kind }) => kind === 'stopped')).toMatchObject({
      witness: 'w1',
      checkpoint: `${text}\n${line}`,
    });
    const signed = one.guard.written.length;
    await expect(one.log.append(opaqueEntries(3, 4))).rejects.toMatchObject({ code: 'signed-elsewhere' });
    await one.clock.advance(60_000);
    expect(one.guard.written).toHaveLength(signed);
    await expect(one.log.entry(1)).resolves.toBeDefined();
  });

  test.each([
    ['with its witnesses, of which the one that showed it is away', true],
    ['without any witness', false],
  ])('a log that was stopped stays so over a restart %s', async (_, hasWitnesses) => {
    const { log, clock, guard, medium, witnesses } = await stoppedWorld();
    const { reason } = log.status();
    await log.close();
    witnesses[0]!.manner = 'dead';
    const [signed, asked] = [guard.written.length, witnesses[1]!.requests.length];
    const again = hasWitnesses
      ? await world({ clock, guard, medium, witnesses })
      : await openTestLog({ clock, guard, medium });
    await clock.advance(60_000);
    expect(again.log.status()).toMatchObject({ state: 'stopped', reason, published: { size: 3 } });
    await expect(again.log.append([utf8('more')])).rejects.toMatchObject({ code: 'signed-elsewhere' });
    expect(() => again.log.assertNotStopped()).toThrow(expect.objectContaining({ code: 'signed-elsewhere' }));
    await expect(again.log.entry(1)).resolves.toBeDefined();
    expect(guard.written).toHaveLength(signed);
    expect(witnesses[1]!.requests).toHaveLength(asked);
    await again.log.close();
  });

  test('what is published follows the guard, the signature and the quorum, in this order', async () => {
    const order: string[] = [];
    const clock = new TestClock();
    const witnesses = makeWitnesses(1, clock);
    const guard = new TestGuard();
    const signers = testSigners().map((signer) => ({
      ...signer,
      sign: (text: string, time: number) => {
        order.push('sign');
        return signer.sign(text, time);
      },
    }));
    const write = guard.write.bind(guard);
    guard.write = (state) => {
      order.push('guard');
      return write(state);
    };
    const one = await world({ clock, guard, signers, witnesses, threshold: 1, medium: memoryMedium() });
    witnesses[0]!.delay = async () => {
      order.push(`asked while ${publishedSize(one)} is published`);
    };
    order.length = 0;
    await one.log.append(opaqueEntries(0, 1));
    await clock.advance(1000);
    expect(order).toEqual(['guard', 'sign', 'sign', 'asked while 0 is published']);
    expect(publishedSize(one)).toBe(1);
  });
});

test('a log without witnesses is as it was: no quorum to wait for, nothing to show', async () => {
  const { log, clock } = await openTestLog();
  onTestFinished(() => log.close());
  await log.append(opaqueEntries(0, 1));
  await clock.advance(1000);
  expect(() => log.assertWaitLevel('witnessed')).toThrow(expect.objectContaining({ code: 'no-witnesses' }));
  await expect(log.proofFile(0, 'witnessed')).rejects.toMatchObject({ code: 'no-witnesses' });
  expect(log.status().cosigning).toBeUndefined();
  expect(log.status().published?.isCosigned).toBeUndefined();
});

test('lines that come while the checkpoint is being stored are added to it', async () => {
  const one = await world();
  let answer: (() => void) | undefined;
  one.witnesses[2]!.delay = () => new Promise((resolve) => (answer = resolve));
  one.faults.current = (step) => {
    if (step === 'publish') answer?.();
  };
  await one.log.append(opaqueEntries(0, 1));
  await one.clock.advance(1000);
  await settle();
  expect(signersOf(one.log.checkpoint())).toHaveLength(5);
});
