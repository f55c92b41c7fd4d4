import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { CrashRig } from './support/crash.ts';
import { chooseSeed, seededRandom } from './support/random.ts';

const KILLS = 10;

it(`keeps every promise through ${KILLS} kills under load`, async () => {
  const seed = chooseSeed();
  console.log(`crash test seed: LIMMAT_SEED=${seed}`);
  const dir = mkdtempSync(join(tmpdir(), 'limmat-crash-'));
  const rig = new CrashRig(join(dir, 'data'), seededRandom(seed));
  try {
    for (let i = 0; i < KILLS; i++) await rig.round();
    await rig.finish();
  } finally {
    rig.stop();
    rmSync(dir, { recursive: true, force: true });
  }
  expect(rig.totals.kills).toBe(KILLS);
  expect(rig.totals.acknowledged).toBeGreaterThan(KILLS);
  expect(rig.totals.checkpoints).toBeGreaterThan(KILLS);
}, 120_000);
