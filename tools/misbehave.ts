// limmat misbehave: runs a log that tells one lie, to see whether whoever watches it notices.

import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';

import { parseListen } from '../src/node/units.ts';
import type { ListenAddress } from '../src/node/units.ts';
import { DEFAULT_SIZE, DEFAULT_VICTIM, startLyingLog } from './misbehave/lying-log.ts';
import type { LyingLog } from './misbehave/lying-log.ts';
import { LIE_NAMES, lieMode } from './misbehave/modes.ts';
import type { LieName } from './misbehave/modes.ts';
import { jsonOption, wholeNumber } from './support/config.ts';
import { createOutput, style } from './support/output.ts';
import type { Output } from './support/output.ts';

/** Enough for a monitor to be started by hand and to see the honest log first. */
const DEFAULT_AFTER_SECONDS = 15;
/** A port that is not the default log's. */
const DEFAULT_ADDRESS = '127.0.0.1:6963';

interface MisbehaveOptions {
  readonly mode: LieName;
  readonly listen: ListenAddress;
  readonly after: number;
  readonly size: number;
  readonly victim: string;
  readonly trustOut?: string;
  readonly json?: boolean;
}

export function register(program: Command): void {
  const width = Math.max(...LIE_NAMES.map((name) => name.length));
  const lies = LIE_NAMES.map((name) => `  ${name.padEnd(width)}  ${lieMode(name).lie}`);
  program
    .command('misbehave')
    .summary('run a log that lies on purpose')
    .description(
      'Runs a log in memory that is honest for a while and then tells one lie, with keys of its own that are gone with it. ' +
        'Point a monitor at it before the lie begins. Never run it where anybody may take it for a real log.',
    )
    .addOption(new Option('--mode <lie>', 'the lie, see below').choices(LIE_NAMES).makeOptionMandatory())
    .addOption(
      new Option('--listen <host:port>', 'where to listen')
        .argParser(address)
        .default(address(DEFAULT_ADDRESS), DEFAULT_ADDRESS),
    )
    .addOption(
      new Option('--after <seconds>', 'honest for so long').argParser(wholeNumber(0)).default(DEFAULT_AFTER_SECONDS),
    )
    .addOption(new Option('--size <entries>', 'entries at the start').argParser(wholeNumber(2)).default(DEFAULT_SIZE))
    .addOption(
      new Option(
        '--victim <name>',
        'targeted: lie to readers with this in their User-Agent, or below /for/<name>',
      ).default(DEFAULT_VICTIM),
    )
    .option('--trust-out <file>', 'write the trust file for it there, for "limmat monitor" and "limmat verify"')
    .addOption(jsonOption())
    .addHelpText('after', `\nLies:\n${lies.join('\n')}`)
    .action(misbehave);
}

function address(text: string): ListenAddress {
  try {
    return parseListen(text);
  } catch (error) {
    if (error instanceof RangeError) throw new InvalidArgumentError(`It ${error.message}.`);
    throw error;
  }
}

async function misbehave(options: MisbehaveOptions): Promise<void> {
  const output = createOutput(options);
  const { mode, size, victim, after } = options;
  const stop = stopSignal();
  const log = await startLyingLog({ mode, size, victim, address: options.listen });
  try {
    if (options.trustOut !== undefined) writeFileSync(options.trustOut, log.trustFile);
    announce(output, log, options);
    for (let second = 0; !stop.aborted; second++) {
      if (second === after) await lie(log, output);
      // There is always something new to fetch.
      await log.grow(1);
      // Rejects when it is told to stop, which the loop sees.
      await sleep(1_000, undefined, { signal: stop }).catch(() => {});
    }
  } finally {
    await log.close();
  }
}

function announce(output: Output, log: LyingLog, { mode, after, victim, trustOut }: MisbehaveOptions): void {
  const { url, origin, vkeys, trustFile } = log;
  const { lie: sentence } = lieMode(mode);
  output.value({
    event: 'honest',
    mode,
    lie: sentence,
    url,
    origin,
    vkeys,
    trustFile,
    lieAfterSeconds: after,
  });
  output.line(`${style('bold', origin)} is honest for ${after} s, then it ${sentence}`);
  output.line(`  log    ${style('underline', `${url}/`)}`);
  if (mode === 'targeted') output.line(`         ${style('underline', `${log.urlFor(victim)}/`)} for its victims`);
  if (trustOut !== undefined) output.line(`  trust  ${trustOut}`);
  output.line();
  for (const line of trustFile.trimEnd().split('\n')) output.line(style('dim', line));
  output.line();
}

async function lie(log: LyingLog, output: Output): Promise<void> {
  const { size } = log.head();
  await log.lie();
  output.value({ event: 'lying', mode: log.mode, size });
  output.line(`${style('red', 'It lies now')}: since entry ${size} it ${lieMode(log.mode).lie}`);
}

/** Aborts at the first signal that ends a process. */
function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, () => stop.abort());
  return stop.signal;
}
