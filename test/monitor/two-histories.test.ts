// A log with two histories that shows heads of both, in any order, to the monitor and to others. Whatever contradicts what
// the monitor holds is proven as soon as it holds enough, and nothing else is.

import { expect, test } from 'vitest';
import { parseEvidence } from '../../src/monitor/evidence/file.ts';
import { verifyEvidence } from '../../src/monitor/evidence/verify.ts';
import type { WatchedLog } from '../../src/monitor/watched-log.ts';
import { between, chooseSeed, seededRandom } from '../support/random.ts';
import { CheapLog, CheapTree, cheapKey } from './cheap-log.ts';
import { Desk, T } from './support.ts';

const ORIGIN = 'forked.example/log';
const SIZE = 40;
const HONEST = new CheapTree(SIZE);
const FORKED = Array.from({ length: SIZE }, (_, at) => new CheapTree(SIZE, at));

interface Shown {
  readonly isFork: boolean;
  readonly size: number;
  /** What the log signed as the time; 0 where it signs none. */
  readonly seconds: number;
}

/** True when a log that signed this went back: a smaller tree as of a later time. */
function wentBack(shown: readonly Pick<Shown, 'size' | 'seconds'>[]): boolean {
  return shown.some((one) =>
    shown.some((other) => one.seconds !== 0 && one.seconds < other.seconds && one.size > other.size),
  );
}

/** Plays one log; gives what was wrong with what the monitor made of it. */
async function play(seed: number): Promise<string | undefined> {
  const random = seededRandom(seed);
  const forkAt = between(random, 0, SIZE);
  const fork = FORKED[forkAt]!;
  const isDated = random() < 0.4;
  const log = new CheapLog(ORIGIN, HONEST, [cheapKey(ORIGIN, 'key', isDated)]);
  const watched: WatchedLog = { origin: ORIGIN, verifiers: log.verifiers, reader: log.reader };
  const desk = new Desk();
  await desk.open([watched]);
  const shown: Shown[] = [];
  const steps = between(random, 2, 10);
  for (let step = 0; step < steps; step++) {
    const isFork = random() < 0.4;
    const size = between(random, 0, SIZE + 1);
    const tree = isFork ? fork : HONEST;
    // Mostly later for more entries, as on an honest log, so that only the trees contradict each other.
    const seconds = isDated ? T + (random() < 0.9 ? size : between(random, 0, SIZE)) : 0;
    const note = log.note(size, seconds, tree);
    if (random() < 0.6 || step === 0) {
      // The log shows it, with the tiles of that history.
      log.tree = tree;
      log.size = SIZE;
      log.checkpoint = note;
      await desk.round(T + step);
    } else {
      await desk.monitor.offer(await log.head(note), random() < 0.5 ? 'peer' : 'client');
    }
    shown.push({ isFork, size, seconds });
    if (random() < 0.2) await desk.reopen([watched]);
  }
  await desk.round(T + steps);
  const own = desk.monitor.watch(ORIGIN)!.state.head!;
  const others = shown.filter(({ isFork, size }) => size > forkAt && isFork !== isForkOf(own));
  function isForkOf(head: typeof own): boolean {
    return head.size > forkAt && Buffer.compare(head.rootHash, fork.rootHash(head.size)) === 0;
  }
  for (const file of desk.medium.evidence.values()) {
    const { heads, kind } = await verifyEvidence(parseEvidence(file), [watched]);
    if (kind === 'rollback') {
      const times = heads.map(({ size, signatures }) => ({ size, seconds: signatures[0]!.timestampSeconds }));
      if (!wentBack(times)) return `false evidence: ${JSON.stringify(times)}`;
      continue;
    }
    const roots = heads.map(({ size, rootHash }) => Buffer.compare(rootHash, fork.rootHash(size)) === 0);
    const isTrue = heads.every(({ size }) => size > forkAt) && roots[0] !== roots[1];
    if (!isTrue) return `false evidence: ${heads.map(({ size }) => size).join(', ')} with a fork at ${forkAt}`;
  }
  if (desk.classes().some((one) => one !== 'proof' && one !== 'operational' && one !== 'suspicion')) return 'class';
  const hasProof = desk.classes().includes('proof');
  // What is mirrored reaches beyond the fork, and another head that does too is no larger.
  const mirrored = desk.monitor.watch(ORIGIN)!.tree()?.own.size ?? 0;
  const isDue = mirrored > forkAt && others.some(({ size }) => size <= mirrored);
  if (isDue && !hasProof)
    return `unproven: own ${own.size}, mirrored ${mirrored}, fork at ${forkAt}, ${JSON.stringify(shown)}`;
  const hasFork = shown.some(({ isFork, size }) => isFork && size > forkAt);
  if (hasProof && !hasFork && !wentBack(shown)) return 'proof of nothing';
  if (wentBack(shown) && !hasProof) return `way back unproven: ${JSON.stringify(shown)}`;
  await desk.close();
  return undefined;
}

/** `npm run test:long` plays 2,000. */
const LOGS = process.env['LIMMAT_LONG'] === undefined ? 150 : 2000;

test(`${LOGS} logs with two histories: what can be proven is, and nothing else`, { timeout: 300_000 }, async () => {
  const seed = chooseSeed();
  for (let i = 0; i < LOGS; i++) {
    const wrong = await play(seed + i);
    if (wrong !== undefined) expect.fail(`${wrong} (LIMMAT_SEED=${seed + i})`);
  }
});
