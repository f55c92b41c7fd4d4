// The crash lane: the log is killed 200 times (LIMMAT_KILLS to change that) under load, and must keep every promise.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CrashRig } from '../support/crash.ts';
import { chooseSeed, seededRandom } from '../support/random.ts';
import { Lane } from './report.ts';

/** Rounds on one data directory; then a new one, so that small trees are killed as often as larger ones. */
const ROUNDS_A_LOG = 25;

const kills = Number(process.env['LIMMAT_KILLS'] ?? 200);
const seed = chooseSeed();
console.log(`crash lane: ${kills} kills, LIMMAT_SEED=${seed}`);
const random = seededRandom(seed);
const lane = new Lane('crash');

for (let done = 0; done < kills; done += ROUNDS_A_LOG) {
  const rounds = Math.min(ROUNDS_A_LOG, kills - done);
  await lane.check(`kills ${done + 1} to ${done + rounds} lose nothing and fork nothing`, async () => {
    const dir = mkdtempSync(join(tmpdir(), 'limmat-crash-'));
    const rig = new CrashRig(join(dir, 'data'), random);
    try {
      for (let i = 0; i < rounds; i++) await rig.round();
      await rig.finish();
      console.log(`     ${JSON.stringify(rig.totals)}`);
      if (rig.totals.acknowledged === 0) throw new Error('nothing was acknowledged, so nothing was tested');
    } finally {
      rig.stop();
      rmSync(dir, { recursive: true, force: true });
    }
  });
}
lane.finish();
