// A monitor's view as JSON: the body of /api/v1/monitor and of `limmat monitor status --json`. Hashes are standard
// base64, times Unix seconds; what is not known is left out.

import { toBase64 } from '../../bytes.ts';
import type { Alert } from '../../monitor/alerts.ts';
import { adviceOn } from '../../monitor/checks.ts';
import type { FindingClass } from '../../monitor/finding.ts';
import type { LogStatus } from '../../monitor/status.ts';
import type { LogView, MonitorView, PeerView } from './served-monitor.ts';

export interface LogJson extends Omit<LogStatus, 'head'> {
  readonly originHash: string;
  readonly vkeys: readonly string[];
  readonly head?: { readonly size: number; readonly rootHash: string; readonly timestampSeconds: number };
}

/** An alert, what it means and what to do about it. */
export type AlertJson = Alert & { readonly means: string; readonly advice: string };

export interface MonitorJson {
  readonly name: string;
  readonly vkey: string;
  readonly sinceSeconds: number;
  readonly roundAtSeconds?: number;
  readonly logs: readonly LogJson[];
  readonly peers: readonly PeerView[];
  /** Open and acknowledged ones, the gravest first. */
  readonly alerts: readonly AlertJson[];
  /** Ids of the evidence that is held. */
  readonly evidence: readonly string[];
}

export function monitorJson(view: MonitorView, evidence: readonly string[]): MonitorJson {
  const { name, vkey, sinceSeconds, roundAtSeconds, logs, peers, alerts } = view;
  return {
    name,
    vkey,
    sinceSeconds,
    ...(roundAtSeconds !== undefined && { roundAtSeconds }),
    logs: logs.map(logJson),
    peers,
    alerts: sortedAlerts(alerts).map(alertJson),
    evidence,
  };
}

function logJson(view: LogView): LogJson {
  const { verifiers, head, ...rest } = view;
  const {
    retired: _past,
    channelVerifiers: _channels,
    witnesses: _witnesses,
    iatWindowSeconds: _promise,
    ...log
  } = rest;
  return {
    ...log,
    vkeys: verifiers.map(({ vkey }) => vkey),
    ...(head !== undefined && {
      head: { size: head.size, rootHash: toBase64(head.rootHash), timestampSeconds: head.timestampSeconds },
    }),
  };
}

/** The alert as hooks, pages and reports show it. */
export function alertJson(alert: Alert): AlertJson {
  return { ...alert, ...adviceOn(alert) };
}

/** The classes from the gravest on. */
export const CLASS_ORDER: readonly FindingClass[] = ['proof', 'suspicion', 'record', 'operational', 'info'];

/** Open ones before acknowledged ones, graver before lighter, newer before older. */
export function sortedAlerts(alerts: readonly Alert[]): readonly Alert[] {
  return alerts.toSorted((a, b) => rank(a) - rank(b) || b.openedAtSeconds - a.openedAtSeconds);
}

function rank({ state, class: kind }: Alert): number {
  return (state === 'open' ? 0 : CLASS_ORDER.length) + CLASS_ORDER.indexOf(kind);
}
