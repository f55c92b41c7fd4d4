// The random tests of the monitor with many more runs than `npm test` has time for: 10,000 honest histories, five
// times as many simulated forks, every byte of evidence changed; every hash of every proof changed; four times as many
// kills; and the real data in full, where it is. Arguments go on to vitest.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const vitest = fileURLToPath(new URL('../../node_modules/vitest/vitest.mjs', import.meta.url));
const files = [
  'honest',
  'two-histories',
  'evidence/file',
  'evidence/honest',
  'evidence/admission',
  'gossip/simulation',
  'gossip/flood',
  'kill',
].map((name) => `test/monitor/${name}.test.ts`);
files.push(
  'test/record/every-type.test.ts',
  'test/real-data.test.ts',
  'test/merkle/proof.test.ts',
  'test/log/admission-replay.test.ts',
);
files.push('test/tools/mirror.test.ts', 'test/tools/spool.test.ts', 'test/client/verify.test.ts');
const { status } = spawnSync(process.execPath, [vitest, 'run', ...files, ...process.argv.slice(2)], {
  env: { ...process.env, LIMMAT_LONG: '1' },
  stdio: 'inherit',
});
process.exitCode = status ?? 1;
