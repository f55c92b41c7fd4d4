// `limmat mirror` as a service: announces where it is, and says how the logs stand.

import { mirrorJson } from '../../src/adapters/http/index.ts';
import type { MirrorSettings } from '../../src/node/mirror/open.ts';
import { serveMirror } from '../../src/node/mirror/serve.ts';
import { shownPath } from '../support/command-name.ts';
import { DEFAULT_URL } from '../support/config.ts';
import { createOutput, style } from '../support/output.ts';
import { quietOnTerminal, stopSignal } from '../support/service.ts';
import type { MirrorFlags } from './options.ts';
import { logLines } from './report.ts';

/** Runs the mirror until a signal. Errors: those of serveMirror. */
export async function serve(settings: MirrorSettings, flags: MirrorFlags): Promise<void> {
  const output = createOutput(flags);
  const { root } = settings.paths;
  const said = new Map<string, string>();
  const served = await serveMirror(
    { ...settings, config: quietOnTerminal(settings.config) },
    {
      defaultUrl: DEFAULT_URL,
      onRound: ({ entries, failed }, mirror) => {
        const { logs } = mirrorJson(mirror);
        output.value({ event: 'round', entries, failed: [...failed.keys()], logs });
        for (const log of logs) {
          // A log that grows all the time is not worth a line each time; a change of what is wrong is.
          const state = `${log.size === undefined} ${log.trouble?.code} ${log.stopped}`;
          if (said.get(log.origin) === state) continue;
          said.set(log.origin, state);
          for (const line of logLines(log)) output.line(line);
        }
      },
    },
  );
  try {
    const { name, vkeys, fingerprint } = mirrorJson(served.mirror);
    const logs = served.mirror.logs.map(({ origin, originHash, source }) => ({
      origin,
      url: source.reader.url,
      copy: `${served.url}/${originHash}/`,
    }));
    output.value({
      event: 'start',
      name,
      vkeys,
      fingerprint,
      url: served.url,
      metricsUrl: served.metricsUrl,
      data: root,
      logs,
    });
    output.line(`${style('bold', 'limmat mirror')} ${style('bold', name)} copies`);
    for (const { origin, url, copy } of logs) output.line(`  ${origin}  ${url}  ->  ${copy}`);
    output.line(`  page     ${style('underline', `${served.url}/`)}`);
    if (served.metricsUrl !== undefined) output.line(`  metrics  ${served.metricsUrl}`);
    for (const vkey of vkeys) output.line(`  key      ${vkey}`);
    output.line(`  keys     fingerprint ${fingerprint}`);
    output.line(`  data     ${shownPath(root)}`);
    await stopSignal(served.logger, 'ending what is under way');
    output.line('stopping');
  } finally {
    await served.close();
  }
  served.logger.info('stopped');
}
