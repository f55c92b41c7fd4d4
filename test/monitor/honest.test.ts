// No false alert, and above all no false proof: honest logs in ten thousand random histories, and over thirty days.

import { expect, test } from 'vitest';
import { between, chooseSeed, seededRandom } from '../support/random.ts';
import type { Random } from '../support/random.ts';
import type { CheckpointVerifier } from '../../src/note/signer.ts';
import type { WatchedLog } from '../../src/monitor/watched-log.ts';
import { CheapLog, CheapTree, cheapKey } from './cheap-log.ts';
import type { CheapKey } from './cheap-log.ts';
import { Desk, T } from './support.ts';

const ORIGIN = 'honest.example/log';
const TREE = new CheapTree(1400);
/** How often the log may be out of reach before it is told of. */
const FAILURES = 3;

/** A key pair of a limmat log, or the one key of a foreign one. */
function keysOf(generation: number, isForeign: boolean): readonly CheapKey[] {
  const plain = cheapKey(ORIGIN, `plain ${generation}`, false);
  return isForeign ? [plain] : [plain, cheapKey(ORIGIN, `dated ${generation}`, true)];
}

/** Mostly small steps; sometimes to, or across, the ends of tiles and bundles. */
function nextSize(random: Random, size: number): number {
  const step = random() < 0.9 ? between(random, 0, 12) : between(random, 0, 700);
  const edge = Math.ceil((size + 1) / 256) * 256;
  const next = random() < 0.1 ? edge + between(random, -1, 2) : size + step;
  return Math.max(size, Math.min(TREE.size, next));
}

/** Plays one history; what was told apart from news. */
async function play(seed: number): Promise<readonly string[]> {
  const random = seededRandom(seed);
  const isForeign = random() < 0.3;
  const log = new CheapLog(ORIGIN, TREE, keysOf(0, isForeign));
  const desk = new Desk();
  let generation = 0;
  let retired: readonly CheckpointVerifier[] = [];
  let seconds = T;
  let failed = 0;
  const published: Uint8Array[] = [];
  const watched = (): WatchedLog => ({
    origin: ORIGIN,
    verifiers: log.verifiers,
    reader: log.reader,
    ...(random() < 0.5 && { retired }),
  });
  const publish = (): void => {
    published.push(log.note(log.size, seconds));
    log.checkpoint = published.at(-1)!;
  };
  log.size = [0, between(random, 0, 12), between(random, 0, 12), between(random, 0, 600)][between(random, 0, 4)]!;
  publish();
  await desk.open([watched()]);
  const rounds = between(random, 3, 9);
  for (let round = 0; round < rounds; round++) {
    seconds += between(random, 0, 300);
    const event = random();
    if (event < 0.55) log.size = nextSize(random, log.size);
    if (event < 0.7) publish();
    // A cache that is minutes behind, as long as its notes carry the keys in force.
    else if (event < 0.85) log.checkpoint = published[between(random, 0, published.length)]!;
    else if (event < 0.9) {
      generation++;
      retired = [...retired, ...log.verifiers];
      log.keys = keysOf(generation, isForeign);
      published.length = 0;
      publish();
      await desk.reopen([watched()]);
    } else if (event < 0.95 && failed < FAILURES - 1) {
      log.failing = between(random, 1, 4);
      failed++;
    }
    if (random() < 0.15) await desk.reopen([watched()]);
    if (random() < 0.3) {
      // A peer or a client has seen any of the heads, also one that this monitor was not shown yet.
      const note = published[between(random, 0, published.length)]!;
      await desk.monitor.offer(await log.head(note), random() < 0.5 ? 'peer' : 'client');
    }
    const report = await desk.round(seconds);
    if (log.failing === 0 && report.findings.length === 0) failed = 0;
    log.failing = 0;
  }
  // Whatever it was, a good look at the end shows all of it.
  publish();
  await desk.round(seconds);
  const [status] = desk.monitor.status().logs;
  if (status!.verifiedSize !== log.size) return [`verified ${status!.verifiedSize} of ${log.size}`];
  if (desk.medium.evidence.size > 0) return ['evidence'];
  await desk.close();
  return desk.keys();
}

/** `npm run test:long` plays 10,000, and 30 days. */
const [HISTORIES, DAYS] = process.env['LIMMAT_LONG'] === undefined ? [150, 7] : [10_000, 30];

test(`a good log raises nothing in ${HISTORIES} random honest histories`, { timeout: 300_000 }, async () => {
  const seed = chooseSeed();
  for (let i = 0; i < HISTORIES; i++) {
    const told = await play(seed + i);
    if (told.length > 0) expect(told, `LIMMAT_SEED=${seed + i}`).toEqual([]);
  }
});

test(`${DAYS} days of an honest log bring no alert`, { timeout: 120_000 }, async () => {
  const seed = chooseSeed();
  const random = seededRandom(seed);
  const tree = new CheapTree(DAYS * 24 * 12);
  const log = new CheapLog(ORIGIN, tree, keysOf(0, false));
  const desk = new Desk();
  const watched: WatchedLog = { origin: ORIGIN, verifiers: log.verifiers, reader: log.reader };
  const recent = [log.note(0, T)];
  log.checkpoint = recent[0]!;
  await desk.open([watched]);
  let signed = T;
  let downUntil = 0;
  let wasLost = false;
  // Every five minutes the log signs, and the monitor looks.
  for (let step = 1; step <= DAYS * 24 * 12; step++) {
    const now = T + 300 * step;
    const isNight = step % 288 < 100;
    if (random() < (isNight ? 0.1 : 0.7)) log.size = Math.min(tree.size, log.size + between(random, 0, 3));
    // Its clock is up to a minute off, and never goes back.
    signed = Math.max(signed, now + between(random, -60, 61));
    const isDown = now < downUntil;
    if (!isDown) recent.push(log.note(log.size, signed));
    if (recent.length > 4) recent.shift();
    // One look in ten goes to a cache that is up to a quarter of an hour behind.
    log.checkpoint = random() < 0.1 ? recent[between(random, 0, recent.length)]! : recent.at(-1)!;
    // Ten minutes of maintenance a day, and a request that is lost now and then: three rounds in a row would be news.
    if (step % 288 === 200) downUntil = now + 600;
    wasLost = isDown || (!wasLost && random() < 0.02);
    if (wasLost) log.failing = 1000;
    if (step % 288 === 0) await desk.reopen([watched]);
    await desk.round(now);
    log.failing = 0;
  }
  await desk.round(T + 300 * DAYS * 288);
  expect(desk.keys(), `LIMMAT_SEED=${seed}`).toEqual([]);
  expect(desk.monitor.status().logs).toMatchObject([{ verifiedSize: log.size, unresolved: 0 }]);
});
