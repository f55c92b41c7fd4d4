import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/interop/**', 'test/lanes/**'],
    // On two cores one worker is the default, and much of what is tested waits for processes and timers.
    maxWorkers: Math.max(3, availableParallelism() - 1),
    // No module holds state, so files of tests share them: a fifth less time.
    isolate: false,
    // Commands that the tests run start in half of the time when their sources are compiled once.
    env: { NODE_COMPILE_CACHE: join(tmpdir(), 'limmat-tests-compiled') },
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
