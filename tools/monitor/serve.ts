// `limmat monitor` as a service: announces where it is, and says what is wrong as soon as it knows.

import { monitorJson } from '../../src/adapters/http/index.ts';
import type { AlertMessage } from '../../src/node/monitor/notifying.ts';
import type { Hook } from '../../src/node/monitor/hook.ts';
import { serveMonitor } from '../../src/node/monitor/serve.ts';
import type { ServedNodeMonitor } from '../../src/node/monitor/serve.ts';
import type { MonitorSettings } from '../../src/node/monitor/settings.ts';
import { startAdmin } from '../support/admin.ts';
import { shownPath } from '../support/command-name.ts';
import { DEFAULT_URL } from '../support/config.ts';
import { createOutput, style } from '../support/output.ts';
import type { Output } from '../support/output.ts';
import { quietOnTerminal, stopSignal } from '../support/service.ts';
import { acknowledgeOpen } from './ack.ts';
import { catchUpProgress } from './catch-up.ts';
import type { CatchUp } from './catch-up.ts';
import type { MonitorFlags } from './options.ts';
import { alertLines, logLines, nowSeconds, roundJson } from './report.ts';

/** Runs the monitor until a signal. Errors: those of serveMonitor. */
export async function serve(settings: MonitorSettings, flags: MonitorFlags): Promise<void> {
  const output = createOutput(flags);
  const { root } = settings.paths;
  // On a terminal a line that is rewritten; elsewhere the operator's log says it.
  const progress = process.stderr.isTTY && !output.json ? catchUpProgress(false) : undefined;
  let isFirst = true;
  const served = await serveMonitor(
    { ...settings, config: quietOnTerminal(settings.config) },
    {
      defaultUrl: DEFAULT_URL,
      init: flags.init === true,
      hooks: [reportHook(output, root, progress)],
      ...(progress !== undefined && { onProgress: (origin, done, total) => progress.update(origin, done, total) }),
      onRound: (round, monitor) => {
        output.value({ event: 'round', ...roundJson(round) });
        if (round.backlog > 0) return;
        progress?.clear();
        if (isFirst)
          for (const line of monitor.view().logs.flatMap((log) => logLines(log, nowSeconds()))) output.line(line);
        isFirst = false;
      },
    },
  );
  try {
    const { monitor } = served.monitor;
    const admin = await startAdmin(root, {
      url: served.url,
      acknowledge: (key) => acknowledgeOpen(monitor.status().alerts, (found) => monitor.acknowledge(found), key),
      status: async () => monitorJson(served.monitor.view(), await served.monitor.evidenceIds()),
    });
    try {
      announce(output, served, root);
      await stopSignal(served.logger, 'ending what is under way');
      output.line('stopping');
    } finally {
      await admin.close();
    }
  } finally {
    await served.close();
  }
  served.logger.info('stopped');
}

/** Says every alert on standard output. */
function reportHook(output: Output, dir: string, progress: CatchUp | undefined): Hook {
  return {
    name: 'standard output',
    deliver: (message) => {
      const alert: AlertMessage = JSON.parse(message);
      progress?.clear();
      output.value({ event: 'alert', ...alert });
      for (const line of alertLines({ ...alert, notified: false }, dir)) output.line(line);
      return Promise.resolve();
    },
  };
}

function announce(output: Output, { monitor, url, metricsUrl }: ServedNodeMonitor, dir: string): void {
  const { name, vkey, logs } = monitor.view();
  output.value({
    event: 'start',
    name,
    vkey,
    url,
    metricsUrl,
    data: dir,
    logs: logs.map((log) => ({ origin: log.origin, url: log.url })),
  });
  output.line(`${style('bold', 'limmat monitor')} ${style('bold', name)} watches`);
  for (const log of logs) output.line(`  ${log.origin}  ${log.url}`);
  output.line(`  page     ${style('underline', `${url}/`)}`);
  if (metricsUrl !== undefined) output.line(`  metrics  ${metricsUrl}`);
  output.line(`  key      ${vkey}`);
  output.line(`  data     ${shownPath(dir)}`);
}
