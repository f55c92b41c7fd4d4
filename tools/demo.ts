// limmat demo: what limmat does, told in under a minute with real parts over HTTP on loopback.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { Argument } from 'commander';
import type { Command } from 'commander';

import { tellFork } from './demo/fork.ts';
import { tellLog } from './demo/log.ts';
import { tellRecords } from './demo/records.ts';
import { tellWitnesses } from './demo/witnesses.ts';
import { EXIT } from './support/exit.ts';

// From tools/ in a checkout and from dist/ in a package the way is the same.
const SAMPLE = fileURLToPath(new URL('../tools/demo/sample.jsonl', import.meta.url));

const STORIES = [
  ['log', 'sign, append, prove, verify with the log switched off; then change one byte'],
  ['fork', 'a log shows one customer another history, and three monitors prove it'],
  ['records', 'what a log refuses, a monitor reports, a laboratory rebuilds and a customer checks'],
  ['witnesses', 'a log publishes only what two of three witnesses cosign; two die, it forks, a proof grows old'],
] as const;

interface DemoOptions {
  readonly out?: string;
}

export function register(program: Command): void {
  program
    .command('demo')
    .summary('watch it work, in under a minute')
    .description(
      'Tells a story with real parts, over HTTP on loopback. Needs no network, and leaves nothing behind but evidence.',
    )
    .addArgument(new Argument('[story]', 'see below').choices(STORIES.map(([name]) => name)).default('log'))
    .option('--out <dir>', 'fork, records, witnesses: where the files go (default: a new temporary directory)')
    .addHelpText('after', `\nStories:\n${STORIES.map(([name, about]) => `  ${name.padEnd(9)}  ${about}`).join('\n')}`)
    .action(demo);
}

async function demo(story: string, { out }: DemoOptions): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'limmat-demo-'));
  // However it ends: at its end, by a reader that has gone ("| head"), or by Ctrl-C.
  process.once('exit', () => rmSync(dir, { recursive: true, force: true }));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(EXIT.operational));
  if (story === 'log') {
    await tellLog(dir, SAMPLE);
    return;
  }
  if (out !== undefined) mkdirSync(out, { recursive: true });
  const kept = out !== undefined ? resolve(out) : mkdtempSync(join(tmpdir(), `limmat-${story}-`));
  const tellStory = { fork: tellFork, records: tellRecords, witnesses: tellWitnesses }[story];
  await tellStory!(dir, kept);
}
