// limmat demo: what limmat does, told in under a minute with real parts over HTTP on loopback.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { Command } from 'commander';

import { tellLog } from './demo/log.ts';
import { EXIT } from './support/exit.ts';

// From tools/ in a checkout and from dist/ in a package the way is the same.
const SAMPLE = fileURLToPath(new URL('../tools/demo/sample.jsonl', import.meta.url));

export function register(program: Command): void {
  program
    .command('demo')
    .summary('watch it work, in under a minute')
    .description(
      'Makes a log in a temporary directory, signs and appends a small real sample, and checks a file against its proof\n' +
        'with the log switched off. Then changes one byte. Needs no network and leaves nothing behind.',
    )
    .action(demo);
}

async function demo(): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'limmat-demo-'));
  // However it ends: at its end, by a reader that has gone ("| head"), or by Ctrl-C.
  process.once('exit', () => rmSync(dir, { recursive: true, force: true }));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(EXIT.operational));
  await tellLog(dir, SAMPLE);
}
