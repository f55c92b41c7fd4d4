// `limmat monitor --once`: one round over all logs, one call of every peer, one report.

import type { LimmatError } from '../../src/errors.ts';
import type { PlainFinding } from '../../src/monitor/finding.ts';
import type { CallResult } from '../../src/monitor/gossip/protocol.ts';
import type { RoundReport } from '../../src/monitor/round.ts';
import { createNotifier } from '../../src/node/monitor/notify.ts';
import { NodeMonitor } from '../../src/node/monitor/open.ts';
import { pause } from '../../src/node/monitor/pause.ts';
import { hooksOf, silenceRuleOf } from '../../src/node/monitor/settings.ts';
import type { MonitorSettings } from '../../src/node/monitor/settings.ts';
import { DEFAULT_URL } from '../support/config.ts';
import { EXIT } from '../support/exit.ts';
import { createOutput, styleError } from '../support/output.ts';
import { catchUpProgress } from './catch-up.ts';
import type { MonitorFlags } from './options.ts';
import { exitOf, runJson, statusLines, worstOf } from './report.ts';

/** Looks once, and sets the exit code. Errors: those of NodeMonitor.open. */
export async function watchOnce(settings: MonitorSettings, flags: MonitorFlags): Promise<void> {
  const output = createOutput(flags);
  const progress = catchUpProgress(output.json);
  const failed: LimmatError[] = [];
  const notifier = createNotifier({
    hooks: hooksOf(settings),
    sleep: pause,
    onFailed: (_, error) => failed.push(error),
  });
  const monitor = await NodeMonitor.open(settings, {
    notifier,
    defaultUrl: DEFAULT_URL,
    init: flags.init === true,
    onProgress: (origin, done, total) => progress.update(origin, done, total),
  });
  const onSignal = (): void => monitor.stop();
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, onSignal);
  try {
    const looked = await wholeRound(monitor);
    const calls = await monitor.node.round();
    await monitor.node.idle();
    const report = withSilence(looked, calls, silenceRuleOf(settings.config)?.needed ?? 0);
    progress.clear();
    const view = monitor.view();
    output.result(runJson(view, await monitor.evidenceIds(), report), statusLines(view, settings.paths.root, report));
    for (const error of failed) output.note(`${styleError('red', 'limmat:')} ${error.message}`);
    const code = exitOf(worstOf(view.alerts, report));
    const isCutShort = monitor.stopping.aborted || failed.length > 0;
    process.exitCode = code === EXIT.clean && isCutShort ? EXIT.operational : code;
  } finally {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.off(signal, onSignal);
    await monitor.close();
  }
}

/**
 * The report, with the finding that fewer peers answered than are needed. A run does not know how long they have been
 * silent, so this is no suspicion yet; but heads were compared with too few, and that is not clean.
 */
function withSilence(report: RoundReport, calls: readonly CallResult[], neededPeers: number): RoundReport {
  // Who only calls in cannot be heard by a run.
  const needed = Math.min(neededPeers, calls.length);
  const heard = calls.filter(({ ok }) => ok).length;
  if (heard >= needed) return report;
  const finding: PlainFinding = {
    check: 'M10',
    class: 'operational',
    origin: '',
    key: 'peers-unheard',
    summary: `${heard} of ${calls.length} peers answered, fewer than the ${needed} that are needed: heads were compared with too few`,
    details: { heard, needed, peers: calls.length },
  };
  const { worst } = report;
  const isWorst = worst === undefined || worst === 'info';
  return { ...report, findings: [...report.findings, finding], worst: isWorst ? finding.class : worst };
}

/** Rounds until everything that the heads promise was checked, or what is left cannot be had now. */
async function wholeRound(monitor: NodeMonitor): Promise<RoundReport> {
  for (;;) {
    const report = await monitor.round();
    const checked = report.logs.reduce((sum, { entries }) => sum + entries, 0);
    if (report.backlog === 0 || checked === 0 || monitor.stopping.aborted) return report;
  }
}
