// What `limmat monitor` says: lines for people, JSON for programs, and the exit code that both come with.

import { join } from 'node:path';

import { monitorJson } from '../../src/adapters/http/index.ts';
import type { MonitorJson, MonitorView, PeerView } from '../../src/adapters/http/index.ts';
import { sortedAlerts } from '../../src/adapters/http/monitor-json.ts';
import type { Alert } from '../../src/monitor/alerts.ts';
import { adviceOn } from '../../src/monitor/checks.ts';
import type { Finding, FindingClass } from '../../src/monitor/finding.ts';
import { branchInWords } from '../../src/monitor/status.ts';
import type { RoundReport } from '../../src/monitor/round.ts';
import { commandWords, shellWord, shownPath } from '../support/command-name.ts';
import { EXIT } from '../support/exit.ts';
import type { ExitCode } from '../support/exit.ts';
import { style } from '../support/output.ts';
import { formatCount, formatSeconds } from '../support/progress.ts';

/** What a script may conclude from the worst class that was found. */
const EXIT_OF_CLASS: Readonly<Record<FindingClass, ExitCode>> = {
  proof: EXIT.proof,
  suspicion: EXIT.suspicion,
  record: EXIT.finding,
  operational: EXIT.operational,
  info: EXIT.clean,
};

/** The worst of these alerts that are open, and of what a round found; undefined when nothing is wrong. */
export function worstOf(alerts: readonly Alert[], round?: RoundReport): FindingClass | undefined {
  const open = alerts.filter(({ state }) => state === 'open').map((alert) => alert.class);
  const found = [...open, ...(round?.worst === undefined ? [] : [round.worst])];
  return found.toSorted((a, b) => EXIT_OF_CLASS[b] - EXIT_OF_CLASS[a])[0];
}

/**
 * The worst that is known, goes on and counts no more because somebody took note of it; undefined when that is nothing.
 * Evidence never passes, whatever became of the alert that told of it.
 */
export function acknowledgedOf({ alerts, logs }: Pick<Standing, 'alerts' | 'logs'>): FindingClass | undefined {
  if (logs.some(({ evidence }) => evidence.length > 0)) return 'proof';
  const taken = alerts.filter((alert) => alert.state === 'acknowledged').map((alert) => alert.class);
  return taken.toSorted((a, b) => EXIT_OF_CLASS[b] - EXIT_OF_CLASS[a]).find((kind) => kind !== 'info');
}

/** The exit code of what was found. */
export function exitOf(worst: FindingClass | undefined): ExitCode {
  return worst === undefined ? EXIT.clean : EXIT_OF_CLASS[worst];
}

/** The time of this machine's clock. */
export const nowSeconds = (): number => Math.floor(Date.now() / 1000);

/** A round as JSON. */
export function roundJson(report: RoundReport) {
  const { startedAtSeconds, seconds, backlog, worst, logs } = report;
  return {
    startedAtSeconds,
    seconds,
    backlog,
    ...(worst !== undefined && { worst }),
    logs: logs.map(({ origin, size, entries, backlog: left, skipped, findings }) => ({
      origin,
      ...(size !== undefined && { size }),
      entries,
      backlog: left,
      skipped,
      findings: findings.map(({ check, class: kind, key, summary }) => ({ check, class: kind, key, summary })),
    })),
  };
}

/** A whole run as one JSON document. */
export function runJson(view: MonitorView, evidence: readonly string[], round?: RoundReport) {
  const worst = worstOf(view.alerts, round);
  const acknowledged = acknowledgedOf(view);
  return {
    ...monitorJson(view, evidence),
    ...(round !== undefined && { round: roundJson(round) }),
    ...(acknowledged !== undefined && { acknowledged }),
    ...(worst !== undefined && { worst }),
  };
}

/** How a monitor stands, from its memory or from what it said of itself as JSON. */
type Standing = Pick<MonitorView | MonitorJson, 'logs' | 'peers' | 'alerts'>;

/**
 * How the logs and the peers stand, and what is wrong, as lines for people: alerts, and what this round found besides.
 * `dir` is the monitor's.
 */
export function statusLines(view: Standing, dir: string, round?: RoundReport): string[] {
  const now = nowSeconds();
  const alerts = sortedAlerts(view.alerts);
  const untold = (round?.findings ?? []).filter(({ key }) => !alerts.some((alert) => alert.key === key));
  const items = [...alerts.map((alert) => alertLines(alert, dir)), ...untold.map(findingLines)];
  const worst = worstOf(view.alerts, round);
  return [
    ...view.logs.flatMap((log) => logLines(log, now)),
    ...view.peers.map((peer) => peerLine(peer, now)),
    ...items.flatMap((lines) => ['', ...lines]),
    ...(items.length > 0 ? [''] : []),
    verdict(worst, acknowledgedOf(view)),
  ];
}

/** The last line: what the exit code says, and never "clean" beside something that somebody only took note of. */
function verdict(worst: FindingClass | undefined, acknowledged: FindingClass | undefined): string {
  if (worst !== undefined && worst !== 'info') return style(COLOUR[worst], `not clean: ${worst}`);
  if (acknowledged !== undefined) return style(COLOUR[acknowledged], `${acknowledged} acknowledged`);
  return style('green', 'clean');
}

/** One log in one line; one that forked has another. */
export function logLines(log: Standing['logs'][number], now: number): string[] {
  const branch = branchInWords(log);
  return [
    logLine(log, now),
    ...(branch === undefined ? [] : [`  ${style('red', branch)}`]),
    ...(log.records === undefined ? [] : [`  ${recordsLine(log.records)}`]),
  ];
}

function inWords(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([name, number]) => `${formatCount(number)} ${name}`)
    .join(', ');
}

/** What the records of a log with a genesis came to, in one line. */
function recordsLine({ types, findings, unreadable }: NonNullable<Standing['logs'][number]['records']>): string {
  const records = Object.values(types).reduce((sum, number) => sum + number, 0);
  const found = Object.keys(findings).length === 0 ? 'nothing found' : `found by rule: ${inWords(findings)}`;
  const hidden = unreadable === 0 ? '' : `; ${count(unreadable, 'entry', 'entries')} unreadable`;
  return `${count(records, 'record', 'records')} judged (${inWords(types)}): ${found}${hidden}`;
}

function logLine(
  { origin, head, verifiedSize, failures, unresolved, forked, elsewhere }: Standing['logs'][number],
  now: number,
): string {
  const name = style('bold', origin);
  if (head === undefined) return `${name}: no head was verified yet`;
  const branch = forked || elsewhere ? ' of one branch' : '';
  const parts = [
    verifiedSize === head.size
      ? `${count(head.size, 'entry', 'entries')}${branch}, ${head.size === 1 ? 'checked' : 'all checked'}`
      : `${formatCount(verifiedSize)} of ${count(head.size, 'entry', 'entries')}${branch} checked`,
  ];
  if (head.timestampSeconds !== 0) parts.push(`signed ${agoOf(head.timestampSeconds, now)}`);
  if (unresolved > 0) parts.push(`${count(unresolved, 'larger head', 'larger heads')} to be judged`);
  if (failures > 0) parts.push(`trouble for ${count(failures, 'round', 'rounds')}`);
  return `${name}: ${parts.join(', ')}`;
}

function count(value: number, one: string, many: string): string {
  return `${formatCount(value)} ${value === 1 ? one : many}`;
}

function peerLine({ id, operator, heardAtSeconds, trouble }: PeerView, now: number): string {
  const heard = heardAtSeconds === undefined ? 'not heard yet' : `heard ${agoOf(heardAtSeconds, now)}`;
  return `peer ${id}${operator === undefined ? '' : ` (${operator})`}: ${heard}${trouble === undefined ? '' : `; ${trouble}`}`;
}

function agoOf(seconds: number, now: number): string {
  return `${formatSeconds(Math.max(0, now - seconds))} ago`;
}

const COLOUR: Readonly<Record<FindingClass, 'red' | 'yellow' | 'dim'>> = {
  proof: 'red',
  suspicion: 'red',
  record: 'yellow',
  operational: 'yellow',
  info: 'dim',
};

/** An alert, what it means, what to do about it, and how to take note of it. */
export function alertLines(alert: Alert, dir: string): string[] {
  const { class: kind, summary, evidence, key, state } = alert;
  const { means, advice } = adviceOn(alert);
  return [
    `${style(COLOUR[kind], kind)}  ${summary}`,
    `  ${means}`,
    `  ${advice}`,
    ...evidence.map((id) => `  evidence  ${shownPath(join(dir, 'evidence', `${id}.json`))}`),
    ...(state === 'open' ? [`  take note  ${commandWords()} monitor ack ${shellWord(key)}${dataWords(dir)}`] : []),
    ...(state === 'acknowledged' ? ['  acknowledged'] : []),
  ];
}

/** What a round found and nobody is told of yet, because it has to last for that. */
function findingLines({ check, class: kind, summary }: Finding): string[] {
  const next = check === 'M10' ? 'Another history would go unnoticed.' : 'It becomes an alert if it lasts.';
  return [`${style(COLOUR[kind], kind)}  ${summary}`, `  ${next}`];
}

function dataWords(dir: string): string {
  const shown = shownPath(dir);
  return shown === 'monitor' ? '' : ` --data ${shellWord(shown)}`;
}
