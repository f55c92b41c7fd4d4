import { describe, expect, it } from 'vitest';
import { parseEvidence } from '../../../src/monitor/evidence/file.ts';
import { verifyEvidence } from '../../../src/monitor/evidence/verify.ts';
import { SIGNATURE_TYPE } from '../../../src/note/key.ts';
import { chooseSeed } from '../../support/random.ts';
import { History } from '../evidence/support.ts';
import { Network } from './network.ts';
import { ROUND_SECONDS, SCENARIOS, runsOf, simulate, tableRow } from './simulation.ts';
import { toyKeys } from './toy-crypto.ts';

const MINUTES = 60_000;
/** `npm run test:long` runs each scenario ten times as often, and those of 50 monitors at all. */
const [TIMES, MOST_MONITORS] = process.env['LIMMAT_LONG'] === undefined ? [0.5, 20] : [5, 50];

describe('a log that lies to some', () => {
  const rows: string[][] = [];
  const seed = chooseSeed();

  for (const scenario of SCENARIOS.filter(({ monitors }) => monitors <= MOST_MONITORS)) {
    it(
      `shows its fork to ${scenario.name}`,
      async () => {
        const results = await runsOf({ ...scenario, runs: Math.ceil(TIMES * scenario.runs) }, seed);
        rows.push(tableRow(scenario, results));
        console.log(`seed ${seed}: ${rows.at(-1)!.join(' | ')}`);
        for (const [run, { provenSeconds, allSeconds, silentSeconds, early, ids }] of results.entries()) {
          const name = `seed ${seed + run}`;
          // Nothing is said about a log that has not lied yet.
          expect(early, name).toBe(0);
          if (scenario.cutUntil === Infinity) {
            // Nobody can tell what nobody can hear; but the silence is heard, in the five minutes that it takes.
            expect(provenSeconds, name).toBeUndefined();
            expect(silentSeconds, name).toBeLessThanOrEqual(400);
            continue;
          }
          expect(provenSeconds, name).toBeDefined();
          expect(allSeconds, name).toBeDefined();
          expect(Math.min(...ids.map((list) => list.length)), name).toBeGreaterThan(0);
          // Two monitors may make a file each; where nothing is lost everybody gets both.
          if (scenario.loss === 0 && scenario.callOnly !== true) expect(new Set(ids.map(String)).size, name).toBe(1);
          if (scenario.loss === 0 && scenario.cutUntil === undefined) {
            // One round after two monitors hold both sides; a client's head may first have to wait for the log to grow.
            expect(provenSeconds, name).toBeLessThanOrEqual(ROUND_SECONDS);
            expect(allSeconds! - provenSeconds!, name).toBeLessThanOrEqual(ROUND_SECONDS);
          }
          if (scenario.cutUntil !== undefined) {
            const healed = scenario.cutUntil - 120;
            expect(provenSeconds, name).toBeLessThanOrEqual(healed + ROUND_SECONDS);
          }
        }
      },
      5 * MINUTES,
    );
  }

  it('does the same with the same seed', async () => {
    const scenario = { ...SCENARIOS[0]!, loss: 0.3 };
    expect(await simulate(scenario, seed)).toEqual(await simulate(scenario, seed));
  });
});

describe('an honest log', () => {
  it(
    'is never accused, whatever is lost',
    async () => {
      const seed = chooseSeed();
      const scenario = { name: 'nobody', monitors: 8, shown: 0, honest: true, loss: 0.4, runs: 1, seconds: 1800 };
      const { ids, early } = await simulate(scenario, seed);
      expect([ids.flat(), early], `seed ${seed}`).toEqual([[], 0]);
    },
    2 * MINUTES,
  );
});

describe('a fork', () => {
  it('at every point of a small log is proven in one round and known to all', async () => {
    const keys = toyKeys('log.example/a', [SIGNATURE_TYPE.ed25519]);
    const SIZE = 24;
    const honest = { keys, history: History.of(SIZE) };
    for (let forkAt = 0; forkAt < SIZE; forkAt++) {
      const forked = { keys, history: History.of(SIZE, forkAt) };
      for (const [honestSize, forkedSize] of [
        [SIZE, SIZE],
        [SIZE, forkAt + 1],
        [forkAt + 1, SIZE],
      ] as const) {
        const network = new Network();
        network.add(3, (number) => [number === 0 ? forked : honest]);
        for (const [number, monitor] of network.monitors.entries()) {
          await monitor.look(number === 0 ? forkedSize : honestSize);
        }
        await network.round();
        const name = `fork at ${forkAt}, sizes ${honestSize} and ${forkedSize}`;
        const files = network.monitors.map((monitor) => [...monitor.files.values()]);
        expect(
          files.map((list) => list.length),
          name,
        ).toEqual([1, 1, 1]);
        await verifyEvidence(parseEvidence(files[0]![0]!), [keys.log]);
      }
    }
  });
});
