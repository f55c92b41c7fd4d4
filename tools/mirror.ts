// limmat mirror: keeps verified copies of logs, serves them, and says with its own keys that they are complete.

import type { Command } from 'commander';

import { LimmatError } from '../src/errors.ts';
import { assertMirror } from '../src/node/mirror/data.ts';
import { openMirror, readMirrorSettings } from '../src/node/mirror/open.ts';
import type { MirrorSettings } from '../src/node/mirror/open.ts';
import { checkMirror } from './mirror/check.ts';
import { initMirror } from './mirror/init.ts';
import { mirrorOnce } from './mirror/once.ts';
import { mirrorOptions } from './mirror/options.ts';
import type { MirrorFlags } from './mirror/options.ts';
import { registerPush } from './mirror/push.ts';
import { logLines } from './mirror/report.ts';
import { serve } from './mirror/serve.ts';
import { DEFAULT_URL } from './support/config.ts';
import { createOutput } from './support/output.ts';
import { settingsOf } from './support/watch-options.ts';

export function register(program: Command): void {
  const command = program
    .command('mirror')
    .summary('keep verified copies of logs and serve them')
    .description(
      'Copies logs byte for byte: every checkpoint is proven to extend the last, every entry is hashed again and found in ' +
        'the tree, and once all of it is on the disk the mirror cosigns the checkpoint with keys of its own. Serves the ' +
        'copies as tlog-tiles under /<origin hash>/. A log that contradicts itself is followed no more, and its note is ' +
        'kept. Runs until it is told to stop, or once. Exit code 6: a log contradicts itself; 4: what it serves is not what ' +
        'it signed, or a copy is damaged; 3: it could not be read; 0: clean. Flags override mirror.toml in --data.',
    );
  for (const option of mirrorOptions()) command.addOption(option);
  command.action(mirror);
  registerPush(command);
}

async function mirror(flags: MirrorFlags): Promise<void> {
  checkFlags(flags);
  if (flags.init === true) initMirror(flags);
  else assertMirror(flags.data);
  const settings = readMirrorSettings(flags.data, settingsOf(flags));
  if (flags.check === true) await checkMirror(settings, flags);
  else if (flags.resume !== undefined) await resume(settings, flags, flags.resume);
  else if (flags.once === true) await mirrorOnce(settings, flags);
  else await serve(settings, flags);
}

/** Fails with `usage` for flags that mean nothing beside the others. */
function checkFlags({ init, once, check, resume: origin, key, name, listen, metricsListen }: MirrorFlags): void {
  if (init !== true && (key !== undefined || name !== undefined)) {
    throw new LimmatError(
      'usage',
      '--key and --name are for --init: keys of more logs go into a list of the mirror, and its name stays',
    );
  }
  const ending = [once === true, check === true, origin !== undefined].filter(Boolean).length;
  if (ending > 1) throw new LimmatError('usage', 'give one of --once, --check and --resume');
  if (ending === 1 && (listen !== undefined || metricsListen !== undefined)) {
    throw new LimmatError('usage', 'nothing listens then: leave --listen and --metrics-listen out');
  }
}

/** Lifts what a contradiction has stopped. */
async function resume(settings: MirrorSettings, flags: MirrorFlags, origin: string): Promise<void> {
  const output = createOutput(flags);
  const opened = await openMirror(settings, { defaultUrl: DEFAULT_URL, signal: new AbortController().signal });
  try {
    const log = opened.log(origin);
    if (log === undefined) throw new LimmatError('usage', `no log ${JSON.stringify(origin)} is mirrored here`);
    const copy = log.copy ?? (await log.open());
    if (copy.stopped === undefined) throw new LimmatError('usage', `${origin} is followed: there is nothing to resume`);
    await copy.resume();
    output.result(log.view(), logLines(log.view()));
  } finally {
    await opened.close();
  }
}
