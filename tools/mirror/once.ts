// `limmat mirror --once`: copies what is new of every log, and says how they stand.

import { openMirror } from '../../src/node/mirror/open.ts';
import type { MirrorSettings } from '../../src/node/mirror/open.ts';
import { catchUpProgress } from '../monitor/catch-up.ts';
import { DEFAULT_URL } from '../support/config.ts';
import { EXIT } from '../support/exit.ts';
import { createOutput } from '../support/output.ts';
import type { MirrorFlags } from './options.ts';
import { exitOf, report } from './report.ts';

/** Looks once, and sets the exit code. Errors: those of openMirror. */
export async function mirrorOnce(settings: MirrorSettings, flags: MirrorFlags): Promise<void> {
  const output = createOutput(flags);
  const progress = catchUpProgress(output.json);
  const stop = new AbortController();
  const mirror = await openMirror(settings, {
    defaultUrl: DEFAULT_URL,
    signal: stop.signal,
    onProgress: (origin, done, total) => progress.update(origin, done, total),
  });
  const onSignal = (): void => stop.abort();
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, onSignal);
  try {
    await mirror.round(stop.signal);
    progress.clear();
    const { json, lines } = report(mirror);
    output.result(json, lines);
    const code = exitOf(mirror);
    process.exitCode = code === EXIT.clean && stop.signal.aborted ? EXIT.operational : code;
  } finally {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.off(signal, onSignal);
    await mirror.close();
  }
}
